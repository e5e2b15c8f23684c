"""Every verb of the audit log, in one place: the object, a dot, what happened to it.

The text says what was done, for people; `%(target)s` is the object's name at that time. A verb that isn't here
can't be recorded, and one that was recorded once is never renamed: the log keeps it for good.
"""

from collections.abc import Mapping
from types import MappingProxyType

from django.utils.translation import gettext_lazy as _

from apps.core.errors import Text

_texts: dict[str, Text] = {
    # Signing in
    "account.signed_in": _("Signed in"),
    "account.sign_in_failed": _("Sign-in refused for %(target)s"),
    "account.signed_out": _("Signed out"),
    # Signing up, and links that are mailed
    "account.sign_up_started": _("Asked for an account for %(target)s"),
    "account.signed_up": _("Signed up as %(target)s"),
    "account.link_sent_again": _("Asked for another link for %(target)s"),
    "account.password_forgotten": _("Asked for a new password for %(target)s"),
    "account.password_reset": _("Chose a new password for %(target)s by a mailed link"),
    "account.email_change_asked": _("Asked to change the address of %(target)s"),
    "account.email_change_cancelled": _("Kept the address of %(target)s"),
    "account.email_changed": _("Changed the address of %(target)s"),
    # One's own account
    "account.preferences_changed": _("Changed the preferences of %(target)s"),
    "account.password_changed": _("Changed the password of %(target)s"),
    "account.second_factor_enabled": _("Turned on the second factor of %(target)s"),
    "account.second_factor_disabled": _("Turned off the second factor of %(target)s"),
    "account.recovery_codes_made": _("Made new recovery codes for %(target)s"),
    "account.recovery_code_used": _("Signed in with a recovery code"),
    "account.browser_trusted": _("Chose not to be asked for codes in a browser"),
    "identity.linked": _("Linked an identity provider to %(target)s"),
    "identity.unlinked": _("Unlinked an identity provider from %(target)s"),
    "account.session_revoked": _("Revoked the session %(target)s"),
    "account.other_sessions_revoked": _("Signed out all other sessions of %(target)s"),
    "account.session_refused": _("Ended a session of %(target)s whose cookie turned up elsewhere"),
    "account.data_taken": _("Took the data of %(target)s along"),
    "account.deleted": _("Deleted the account of %(target)s"),
    # People, by an operator
    "person.created": _("Created the account of %(target)s"),
    "person.changed": _("Changed the account of %(target)s"),
    "person.deactivated": _("Deactivated the account of %(target)s"),
    "person.reactivated": _("Reactivated the account of %(target)s"),
    "person.second_factor_reset": _("Reset the second factor of %(target)s"),
    # Workspaces
    "tenant.created": _("Created the workspace %(target)s"),
    "tenant.changed": _("Changed the workspace %(target)s"),
    "tenant.handed_over": _("Handed the workspace over to %(target)s"),
    "tenant.suspended": _("Suspended the workspace %(target)s"),
    "tenant.resumed": _("Resumed the workspace %(target)s"),
    "tenant.deleted": _("Deleted the workspace %(target)s"),
    # Their people
    "member.invited": _("Invited %(target)s"),
    "member.joined": _("%(target)s joined the workspace"),
    "member.role_changed": _("Changed the role of %(target)s"),
    "member.removed": _("Removed %(target)s from the workspace"),
    "member.left": _("%(target)s left the workspace"),
    "invitation.resent": _("Sent the invitation of %(target)s again"),
    "invitation.address_changed": _("Sent an invitation to %(target)s instead"),
    "invitation.revoked": _("Revoked the invitation of %(target)s"),
    "invitation.declined": _("Declined the invitation of %(target)s"),
    # Access tokens
    "token.created": _("Made the access token %(target)s"),
    "token.revoked": _("Revoked the access token %(target)s"),
    "token.removed": _("Put away the access token %(target)s, which had ended"),
    # Identity providers, by an operator
    "sso.provider_created": _("Set up the identity provider %(target)s"),
    "sso.provider_changed": _("Changed the identity provider %(target)s"),
    "sso.group_role_set": _("Gave a role to a group: %(target)s"),
    "sso.group_role_removed": _("Took the role of a group away: %(target)s"),
    # Looking into workspaces, by an operator
    "view_as.started": _("Began to look at the console as %(target)s"),
    "view_as.ended": _("Ended looking at the console as %(target)s"),
    # Tasks, by an operator
    "task.retried": _("Retried the task %(target)s"),
    "task.dropped": _("Dropped the task %(target)s"),
    "task.hastened": _("Started the task %(target)s before its time"),
    # Function gateways
    "gateway.created": _("Created the gateway %(target)s"),
    "gateway.changed": _("Changed the gateway %(target)s"),
    "gateway.started": _("Started the gateway %(target)s"),
    "gateway.stopped": _("Stopped the gateway %(target)s"),
    "gateway.restarted": _("Restarted the gateway %(target)s"),
    "gateway.deleted": _("Deleted the gateway %(target)s"),
    "gateway.transferred": _("Gave the gateway %(target)s another owner"),
    "gateway.variables_set": _("Set variables of the gateway %(target)s"),
    "gateway.egress_set": _("Set where functions of the gateway %(target)s may connect to"),
    "gateway.stage_switched": _("Switched a stage of the gateway %(target)s"),
    "gateway.log_retention_changed": _("Changed how long the log of the gateway %(target)s is kept"),
    "gateway.domain_set": _("Gave a stage of the gateway %(target)s a domain of its own"),
    "gateway.domain_removed": _("Removed a custom domain of the gateway %(target)s"),
    "gateway.domain_checked": _("Had a custom domain of the gateway %(target)s checked"),
    "gateway.domain_proven": _("Proved a custom domain of the gateway %(target)s"),
    "gateway.domain_missing": _("Missed the record of a custom domain of the gateway %(target)s"),
    "gateway.domain_cut": _("Stopped serving a custom domain of the gateway %(target)s"),
    # Functions
    "dependencies.asked": _("Asked for other npm packages in the gateway %(target)s"),
    "dependencies.changed": _("Changed the npm packages of the gateway %(target)s"),
    "dependencies.discarded": _("Discarded a change of the npm packages of the gateway %(target)s"),
    "function.created": _("Created the function %(target)s"),
    "function.saved": _("Saved the function %(target)s"),
    "function.renamed": _("Renamed the function %(target)s"),
    "function.copied": _("Copied a function to %(target)s"),
    "function.deleted": _("Deleted the function %(target)s"),
    "function.restored": _("Restored the function %(target)s"),
    "function.ended": _("Emptied the function %(target)s from the recycle bin"),
    "function.version_restored": _("Went back to an earlier version of the function %(target)s"),
    "function.version_pinned": _("Pinned or unpinned a version of the function %(target)s"),
    # Gateways that don't move, by an operator
    "gateway.finished": _("Had the gateway %(target)s finish what was wanted of it"),
    "gateway.started_again": _("Had the gateway %(target)s start again"),
    "gateway.retried": _("Had the gateway %(target)s tried again"),
    "gateway.lease_released": _("Released the lease on the gateway %(target)s"),
    "gateway.phase_forced": _("Forced a phase on the gateway %(target)s"),
    # Calls of functions from the console, and their triggers
    "function.called": _("Called the function %(target)s"),
    "trigger.created": _("Made the trigger %(target)s"),
    "trigger.changed": _("Changed the trigger %(target)s"),
    "trigger.paused": _("Paused the trigger %(target)s"),
    "trigger.resumed": _("Resumed the trigger %(target)s"),
    "trigger.run": _("Ran the trigger %(target)s at once"),
    "trigger.deleted": _("Deleted the trigger %(target)s"),
    # What functions keep, changed from the console
    "data.change_begun": _("Began a change of the data of the gateway %(target)s"),
    "data.change_refused": _("Tried a change of the data of the gateway %(target)s, which was refused"),
    "data.collection_created": _("Made a collection in the data of the gateway %(target)s"),
    "data.collection_dropped": _("Dropped a collection from the data of the gateway %(target)s"),
    "data.document_inserted": _("Inserted a document into the data of the gateway %(target)s"),
    "data.document_changed": _("Changed a document in the data of the gateway %(target)s"),
    "data.document_deleted": _("Deleted a document from the data of the gateway %(target)s"),
    "data.index_created": _("Made an index in the data of the gateway %(target)s"),
    "data.index_dropped": _("Dropped an index from the data of the gateway %(target)s"),
    # By the platform itself
    "gateway.leftover_removed": _("Removed what was left in a cluster of the gateway %(target)s"),
    # Clusters and their agents
    "cluster.created": _("Set up the cluster %(target)s"),
    "cluster.changed": _("Changed the cluster %(target)s"),
    "cluster.deleted": _("Deleted the cluster %(target)s"),
    "cluster.maintenance_began": _("Began maintenance of the cluster %(target)s"),
    "cluster.maintenance_ended": _("Ended maintenance of the cluster %(target)s"),
    "cluster.resynced": _("Had everything sent anew to the cluster %(target)s"),
    "agent.token_made": _("Made a registration token: %(target)s"),
    "agent.token_revoked": _("Revoked a registration token: %(target)s"),
    "agent.token_used_again": _("Refused a used registration token of %(target)s"),
    "agent.admitted": _("Let the agent of this machine into %(target)s"),
    "agent.registered": _("%(target)s registered"),
    "agent.revoked": _("Revoked %(target)s"),
    "agent.token_reused": _("Ended %(target)s, as its refresh token came a second time"),
}

VERBS: Mapping[str, Text] = MappingProxyType(_texts)


def declare(verbs: Mapping[str, Text]) -> None:
    """Add the verbs of an app that isn't part of the product, such as the tests' sample app."""
    _texts.update(verbs)


def text_of(verb: str) -> Text:
    """What to show for a verb; one that a later version recorded is shown as it is."""
    return _texts.get(verb, verb)
