"""Events that reach open pages.

A service calls `publish(topic, kind, ref)` inside its transaction: the event exists if and only if the transaction
commits. A page names topics in `data-live="gateway:gw_01… audit"`; the element gets the DOM event `live` (and
`live:<kind>`) and refetches itself. An event says *that* something changed, never what: the refetch asks the view,
and the view decides who may see it.

An app declares its topics when it gets ready: `register_topic("gateway", can_listen)`, with
`can_listen(person, ref) -> bool`. What nobody declared can be neither published nor heard.

Tenants have two walls here as well. The topic's rule is the first. The second doesn't know topics: an event that was
published inside a tenant's wall is told to nobody who isn't in that tenant.
"""

from apps.core.events.listeners import register_tenants
from apps.core.events.publishing import publish
from apps.core.events.topics import register_topic

__all__ = ["publish", "register_tenants", "register_topic"]
