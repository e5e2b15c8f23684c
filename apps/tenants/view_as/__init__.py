"""An operator sees the console as somebody else sees it: for a while, with a reason, and without changing anything.

What is open to them is a list, and everything else is closed: pages of workspaces are open; the account, its tokens
and sessions, the admin and the API aren't. Nothing but the end can be asked for by POST, and whatever a page does
for a GET runs in a transaction that PostgreSQL lets read only. Beginning and end stand in the audit logs of the
person's workspaces, whose owners are told by mail.
"""
