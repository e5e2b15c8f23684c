"""What a request needs beside its address so that whoever may do it succeeds. Without it, everybody would be refused.

A body is sent as a form to pages and as JSON to the API. What isn't here is sent empty.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from apps.core import clock
from apps.tenants.roles import Role
from tests.matrix.actors import Actor
from tests.people import PASSWORD

Scene = Callable[[Actor], Any]


#: `METHOD /path` → the body
BODIES: dict[str, Scene] = {
    "POST /fleet/register": lambda actor: {"name": "seoul-a", "region": "ap-northeast-2", "domain": "seoul.example"},
    "POST /fleet/clusters/{cluster_id}/maintenance": lambda actor: {"reason": "New disks"},
    "POST /fleet/clusters/{cluster_id}/delete": lambda actor: {"typed": actor.world.fleet.resting.name},
    "POST /fleet/stuck/{gateway_id}": lambda actor: {"cure": "retry"},
    "POST /t/{tenant}/members/invite": lambda actor: {"emails": "new@example.com", "role": Role.VIEWER},
    "POST /t/{tenant}/members/{membership_id}/role": lambda actor: {
        "role": Role.ADMIN,
        "version": actor.things.membership.version,
    },
    "POST /t/{tenant}/members": lambda actor: {"action": "remove", "selected": [actor.things.membership.pk]},
    "POST /t/{tenant}/members/invitations": lambda actor: {
        "action": "revoke",
        "selected": [actor.things.invitation.pk],
    },
    "POST /t/{tenant}/members/invitations/{invitation_id}/address": lambda actor: {"email": "elsewhere@example.com"},
    "POST /t/{tenant}/gateways/new": lambda actor: {
        "title": "Another gateway",
        "name": "another-gateway",
        "cluster": actor.world.fleet.cluster.pk,
        "size": "small",
        "layout": "shared",
    },
    "POST /t/{tenant}/gateways/{gateway_id}/delete": lambda actor: {"typed": actor.things.gateway.name},
    "POST /t/{tenant}/gateways/{gateway_id}/environment/set": lambda actor: {"variable": "COUNTRY", "value": "KR"},
    "POST /t/{tenant}/gateways/{gateway_id}/environment/{variable_id}/replace": lambda actor: {"value": "DE"},
    "POST /t/{tenant}/gateways/{gateway_id}/settings/rename": lambda actor: {
        "title": "Another title",
        "version": actor.things.gateway.version,
    },
    "POST /t/{tenant}/gateways/{gateway_id}/settings/bundle": lambda actor: {
        "size": "large",
        "layout": "shared",
        "version": actor.things.gateway.version,
    },
    "POST /t/{tenant}/gateways/{gateway_id}/settings/transfer": lambda actor: {"owner": actor.owner.own.person.pk},
    "POST /t/{tenant}/gateways/{gateway_id}/stages/{stage}/off": lambda actor: {"reason": "Moving house."},
    "POST /t/{tenant}/gateways/{gateway_id}/domains/{stage}/add": lambda actor: {"host": "another.example"},
    "POST /t/{tenant}/settings": lambda actor: {
        "name": "Another name",
        "slug": "another-name",
        "version": actor.tenant.version,
    },
    "POST /t/{tenant}/settings/delete": lambda actor: {"typed": actor.tenant.slug},
    "POST /v1/access-tokens": lambda actor: {
        "name": "ci",
        "scopes": ["account:read"],
        "expires_at": (clock.now() + timedelta(days=30)).isoformat(),
    },
    "POST /v1/tenants": lambda actor: {"name": "Another workspace"},
    "PATCH /v1/tenants/{pk}": lambda actor: {"name": "Another name"},
    "POST /v1/tenants/{pk}/suspend": lambda actor: {"reason": "The invoice of May is open."},
    "PATCH /v1/members/{pk}": lambda actor: {"role": Role.ADMIN},
    "POST /v1/invitations": lambda actor: {"email": "new@example.com", "role": Role.VIEWER},
    "PATCH /v1/invitations/{pk}": lambda actor: {"email": "elsewhere@example.com"},
    "POST /v1/clusters": lambda actor: {"name": "seoul-b", "region": "ap-northeast-2", "domain": "seoul-b.example"},
    "PATCH /v1/clusters/{pk}": lambda actor: {"title": "Another title"},
    "POST /v1/clusters/{pk}/begin-maintenance": lambda actor: {"reason": "New disks"},
    "POST /v1/registration-tokens": lambda actor: {"cluster": actor.world.fleet.cluster.pk},
    "POST /v1/api-gateways": lambda actor: {"name": "another-gateway", "cluster": "local"},
    "PATCH /v1/api-gateways/{pk}": lambda actor: {"title": "Another title"},
    "PUT /v1/api-gateways/{pk}/variables": lambda actor: {"variables": [{"name": "ZONE", "value": "KR"}]},
    "PATCH /v1/api-gateways/{pk}/variables": lambda actor: {"variables": [{"name": "ZONE", "value": "KR"}]},
    "PATCH /v1/api-gateways/{pk}/stages/{stage}": lambda actor: {"state": "inactive", "reason": "Moving house."},
    "PUT /v1/api-gateways/{pk}/stages/{stage}/domain": lambda actor: {"host": "another.example"},
    "POST /v1/me/email": lambda actor: {"email": "elsewhere@example.com"},
    "PATCH /v1/me": lambda actor: {"name": "Another name"},
    "POST /account/password": lambda actor: {
        "oldpassword": PASSWORD,
        "password1": "another-long-password-1",
        "password2": "another-long-password-1",
    },
}

#: `METHOD /path` → the query
QUERIES: dict[str, str | Scene] = {
    "GET /t/{tenant}/gateways/several/{wish}": lambda actor: f"selected={actor.things.gateway.pk}",
    "POST /t/{tenant}/gateways/several/{wish}": lambda actor: f"selected={actor.things.gateway.pk}",
    "GET /v1/audit-events/export": "format=jsonl",
    "GET /v1/me/audit-events/export": "format=csv",
}

#: What no part of a page asks for: afterwards nobody is signed in who could stay on it
WHOLE_PAGES = {"POST /sign-out"}

#: Lists on which nothing can be done to several rows at once, and say so to everybody
NOTHING_TO_DO = {
    "POST /t/{tenant}/gateways",
    "POST /t/{tenant}/gateways/{gateway_id}/history",
    "POST /t/{tenant}/audit",
    "POST /audit",
}

#: (path, parameter) → its value, where its name and the collection before it don't say it
PATHS: dict[tuple[str, str], Scene] = {
    ("/errors/{slug}", "slug"): lambda actor: "not-found",
    ("/v1/reference/{group}", "group"): lambda actor: "me",
    ("/components/toast/{tone}", "tone"): lambda actor: "ok",
    ("/link/{token}", "token"): lambda actor: "no-such-link",
    ("/mails/{mail_id}", "mail_id"): lambda actor: "mail_none",
    ("/audit/{event_id}", "event_id"): lambda actor: actor.own.event.pk,
    ("/v1/me/audit-events/{pk}", "pk"): lambda actor: actor.own.event.pk,
    ("/account/tokens/{pk}/remove", "pk"): lambda actor: actor.own.revoked_token.pk,
    # Only one that has ended can be put away
    ("/v1/access-tokens/{pk}", "pk"): lambda actor: actor.own.revoked_token.pk,
    ("/v1/me/invitations/{pk}", "pk"): lambda actor: actor.own.invitation.pk,
    ("/v1/me/invitations/{pk}/accept", "pk"): lambda actor: actor.own.invitation.pk,
    ("/v1/me/invitations/{pk}/decline", "pk"): lambda actor: actor.own.invitation.pk,
    ("/v1/api-gateways/{pk}/stages/{stage}", "stage"): lambda actor: "dev",
    # Which has a domain of its own
    ("/v1/api-gateways/{pk}/stages/{stage}/domain", "stage"): lambda actor: "prod",
    ("/v1/api-gateways/{pk}/stages/{stage}/domain/check", "stage"): lambda actor: "prod",
    ("/t/{tenant}/gateways/{gateway_id}/domains/{stage}/add", "stage"): lambda actor: "dev",
    ("/t/{tenant}/gateways/{gateway_id}/domains/{stage}/check", "stage"): lambda actor: "prod",
    ("/t/{tenant}/gateways/{gateway_id}/domains/{stage}/remove", "stage"): lambda actor: "prod",
    ("/t/{tenant}/gateways/several/{wish}", "wish"): lambda actor: "stop",
    ("/t/{tenant}/gateways/{gateway_id}/stages/{stage}/off", "stage"): lambda actor: "dev",
    ("/t/{tenant}/gateways/{gateway_id}/stages/{stage}/on", "stage"): lambda actor: "dev",
    ("/v1/tenants/{pk}/resume", "pk"): lambda actor: actor.world.closed.pk,
    ("/workspaces/invitations/{invitation_id}", "invitation_id"): lambda actor: actor.own.invitation.pk,
    # In which nothing is
    ("/v1/clusters/{pk}", "pk"): lambda actor: actor.world.fleet.resting.pk,
    ("/fleet/clusters/{cluster_id}/delete", "cluster_id"): lambda actor: actor.world.fleet.resting.pk,
    ("/fleet/clusters/{cluster_id}/maintenance/end", "cluster_id"): lambda actor: actor.world.fleet.resting.pk,
    ("/v1/clusters/{pk}/end-maintenance", "pk"): lambda actor: actor.world.fleet.resting.pk,
    ("/admin/{app_label}/", "app_label"): lambda actor: "accounts",
}

#: Rows of the streams' table → the topic
TOPICS: dict[str, Scene] = {
    "account:<own>": lambda actor: f"account:{actor.own.person.pk}",
    "account:<tenant's-person>": lambda actor: f"account:{actor.things.membership.person_id}",
    "audit": lambda actor: "audit",
    "audit:<own>": lambda actor: f"audit:{actor.own.person.pk}",
    "audit:<tenant's-person>": lambda actor: f"audit:{actor.things.membership.person_id}",
    "audit:<tenant>": lambda actor: f"audit:{actor.tenant.pk}",
    "fleet": lambda actor: "fleet",
    "gateway:<tenant's>": lambda actor: f"gateway:{actor.things.gateway.pk}",
    "mails": lambda actor: "mails",
    "tenant:<tenant>": lambda actor: f"tenant:{actor.tenant.pk}",
    "tokens:<own>": lambda actor: f"tokens:{actor.own.person.pk}",
    "tokens:<tenant's-person>": lambda actor: f"tokens:{actor.things.membership.person_id}",
}
