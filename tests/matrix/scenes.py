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


FUNCTIONS = "/t/{tenant}/gateways/{gateway_id}/functions"
FUNCTION = f"{FUNCTIONS}/{{function_id}}"
API_FUNCTIONS = "/v1/api-gateways/{gateway_id}/functions"


_TRIGGER = {"expression": "0 9 * * *", "zone": "UTC", "method": "POST", "overlap": "skip", "missed": "skip"}


def _stage_of(actor: Actor) -> str:
    """In which somebody writes who writes in one only."""
    return "staging" if actor.name.endswith(Role.QA) else "dev"


_WRITTEN = {"files": {"handler.ts": "export default () => 2;\n"}, "entrypoint": "handler.ts", "base_version": 2}

DATA, API_DATA = "/t/{tenant}/gateways/{gateway_id}/data", "/v1/api-gateways/{gateway_id}/collections"
COLLECTION, API_COLLECTION = f"{DATA}/collections/{{collection}}", f"{API_DATA}/{{collection}}"

#: What the editor's script sends as JSON
SENT_BY_SCRIPT = {f"POST {FUNCTION}/{name}" for name in ("save", "draft", "run")}

#: `METHOD /path` → the body
BODIES: dict[str, Scene] = {
    f"POST {DATA}/new": lambda actor: {"name": "notes"},
    f"POST {COLLECTION}/drop": lambda actor: {"typed": "deliveries"},
    f"POST {COLLECTION}/insert": lambda actor: {"document": "{}"},
    f"POST {COLLECTION}/change": lambda actor: {"document": "{}", "version": "1"},
    f"POST {COLLECTION}/delete": lambda actor: {"version": "1"},
    f"POST {COLLECTION}/indexes/new": lambda actor: {"keys": '{"status": 1}'},
    f"POST {API_DATA}": lambda actor: {"name": "notes"},
    f"POST {API_COLLECTION}/documents": lambda actor: {"document": {"status": "open"}},
    f"PUT {API_COLLECTION}/documents/{{id}}": lambda actor: {"document": {"status": "open"}},
    f"POST {API_COLLECTION}/indexes": lambda actor: {"keys": {"status": 1}},
    f"POST {FUNCTIONS}/{{stage}}/{{base_name}}": lambda actor: {
        "file:handler.ts": "export default () => 2;\n",
        "entrypoint": "handler.ts",
        "base_version": "2",
    },
    f"POST {FUNCTION}/save": lambda actor: _WRITTEN,
    f"POST {FUNCTION}/draft": lambda actor: _WRITTEN,
    f"POST {FUNCTION}/run": lambda actor: {"path": "/user/me"},
    f"POST {FUNCTION}/conflict": lambda actor: {"how": "theirs", "head": "2"},
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
    "POST /t/{tenant}/gateways/{gateway_id}/settings/egress": lambda actor: {
        "version": actor.things.gateway.version,
        "egress_mode": "none",
    },
    "POST /t/{tenant}/gateways/{gateway_id}/settings/bundle": lambda actor: {
        "size": "large",
        "layout": "shared",
        "version": actor.things.gateway.version,
    },
    "POST /t/{tenant}/gateways/{gateway_id}/settings/transfer": lambda actor: {"owner": actor.owner.own.person.pk},
    "POST /t/{tenant}/gateways/{gateway_id}/stages/{stage}/off": lambda actor: {"reason": "Moving house."},
    "POST /t/{tenant}/gateways/{gateway_id}/domains/{stage}/add": lambda actor: {"host": "another.example"},
    "POST /t/{tenant}/gateways/{gateway_id}/logs/retention": lambda actor: {"days": 3, "megabytes": 64, "version": 1},
    "POST /t/{tenant}/gateways/{gateway_id}/dependencies/add": lambda actor: {"packages": "nanoid@5"},
    "POST /t/{tenant}/gateways/{gateway_id}/dependencies/update/{name}": lambda actor: {"version": "3"},
    f"POST {FUNCTIONS}/new": lambda actor: {"name": "another", "stage": "dev", "template": "hello"},
    f"POST {FUNCTION}/settings": lambda actor: {"base_version": 2, "timeout_ms": 500},
    f"POST {FUNCTION}/rename": lambda actor: {"name": "user/you"},
    f"POST {FUNCTION}/copy": lambda actor: {"name": "user/you", "stage": _stage_of(actor)},
    "POST /t/{tenant}/gateways/{gateway_id}/recycle-bin/{function_id}/restore": lambda actor: {"name": "user/back"},
    "POST /t/{tenant}/gateways/{gateway_id}/triggers/new": lambda actor: {**_TRIGGER, "function": "dev/user/me"},
    "POST /t/{tenant}/gateways/{gateway_id}/triggers/{trigger_id}/change": lambda actor: {**_TRIGGER, "version": 1},
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
    "PUT /v1/api-gateways/{pk}/egress": lambda actor: {"egress_mode": "none"},
    "PUT /v1/api-gateways/{pk}/variables": lambda actor: {"variables": [{"name": "ZONE", "value": "KR"}]},
    "PATCH /v1/api-gateways/{pk}/variables": lambda actor: {"variables": [{"name": "ZONE", "value": "KR"}]},
    "PATCH /v1/api-gateways/{pk}/stages/{stage}": lambda actor: {"state": "inactive", "reason": "Moving house."},
    "PUT /v1/api-gateways/{pk}/stages/{stage}/domain": lambda actor: {"host": "another.example"},
    "PATCH /v1/api-gateways/{gateway_id}/logs/retention": lambda actor: {"days": 3},
    "PUT /v1/api-gateways/{gateway_id}/dependencies": lambda actor: {"wanted": {"nanoid": "5"}},
    "POST /v1/api-gateways/{gateway_id}/triggers": lambda actor: {"function": "dev/user/me", "expression": "0 9 * * *"},
    "PATCH /v1/api-gateways/{gateway_id}/triggers/{pk}": lambda actor: {"note": "Another note"},
    f"POST {API_FUNCTIONS}": lambda actor: {"name": "another", "template": "hello"},
    f"PATCH {API_FUNCTIONS}/{{pk}}": lambda actor: {"base_version": 2, "timeout_ms": 500},
    f"POST {API_FUNCTIONS}/{{pk}}/rename": lambda actor: {"name": "user/you"},
    f"POST {API_FUNCTIONS}/{{pk}}/copy": lambda actor: {"name": f"{_stage_of(actor)}/user/you"},
    f"PUT {API_FUNCTIONS}/{{pk}}/draft": lambda actor: {
        "files": {"handler.ts": {"content": "export default 1;"}},
        "entrypoint": "handler.ts",
        "base_version": 2,
    },
    f"POST {API_FUNCTIONS}/{{function}}/history/{{number}}/pin": lambda actor: {"is_pinned": True},
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
    **{
        f"{method} {COLLECTION}/{name}": "name=d1"
        for method in ("GET", "POST")
        for name in ("change", "delete", "indexes/drop")
    },
    "GET /t/{tenant}/gateways/several/{wish}": lambda actor: f"selected={actor.things.gateway.pk}",
    "POST /t/{tenant}/gateways/several/{wish}": lambda actor: f"selected={actor.things.gateway.pk}",
    "GET /v1/audit-events/export": "format=jsonl",
    "GET /v1/me/audit-events/export": "format=csv",
    # Reading takes the gateway's own database, which is another test's matter; who may is asked before
    "GET /v1/api-gateways/{gateway_id}/logs": "follow=1",
    "GET /v1/api-gateways/{gateway_id}/functions/{function}/logs": "follow=1",
}

#: What no part of a page asks for: afterwards nobody is signed in who could stay on it
WHOLE_PAGES = {"POST /sign-out"}

#: Lists on which nothing can be done to several rows at once, and say so to everybody
NOTHING_TO_DO = {
    "POST /t/{tenant}/gateways",
    "POST /t/{tenant}/gateways/{gateway_id}/history",
    f"POST {FUNCTIONS}",
    f"POST {FUNCTION}/versions",
    "POST /t/{tenant}/gateways/{gateway_id}/recycle-bin",
    "POST /t/{tenant}/triggers",
    "POST /t/{tenant}/gateways/{gateway_id}/triggers",
    "POST /t/{tenant}/gateways/{gateway_id}/triggers/{trigger_id}",
    "POST /t/{tenant}/audit",
    "POST /audit",
}

#: What only a running gateway answers, and none runs here: whoever is told that it's away may do it
ASKED_OF_RUNTIMES = (
    f"{DATA}/new",
    f"{DATA}/collections/",
    API_DATA,
    f"{FUNCTION}/run",
    f"{API_FUNCTIONS}/{{pk}}/run",
)

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
    ("/t/{tenant}/gateways/{gateway_id}/dependencies/update/{name}", "name"): lambda actor: "zod",
    ("/t/{tenant}/gateways/{gateway_id}/dependencies/remove/{name}", "name"): lambda actor: "zod",
    ("/t/{tenant}/gateways/{gateway_id}/stages/{stage}/off", "stage"): lambda actor: "dev",
    ("/t/{tenant}/gateways/{gateway_id}/stages/{stage}/on", "stage"): lambda actor: "dev",
    (f"{FUNCTIONS}/{{stage}}/{{base_name}}", "stage"): lambda actor: "dev",
    (f"{FUNCTIONS}/{{stage}}/{{base_name}}", "base_name"): lambda actor: "user/me",
    (f"{FUNCTION}/versions/{{number}}/pin", "number"): lambda actor: 1,
    (f"{FUNCTION}/versions/{{number}}/restore", "number"): lambda actor: 1,
    ("/t/{tenant}/gateways/{gateway_id}/recycle-bin/{function_id}/restore", "function_id"): (
        lambda actor: actor.things.deleted_function.pk
    ),
    (f"{API_FUNCTIONS}/{{pk}}/restore", "pk"): lambda actor: actor.things.deleted_function.pk,
    (f"{API_FUNCTIONS}/{{function}}/history/{{number}}", "number"): lambda actor: 1,
    (f"{API_FUNCTIONS}/{{function}}/history/{{number}}/source", "number"): lambda actor: 1,
    (f"{API_FUNCTIONS}/{{function}}/history/{{number}}/pin", "number"): lambda actor: 1,
    (f"{API_FUNCTIONS}/{{function}}/history/{{number}}/restore", "number"): lambda actor: 1,
    (f"{API_COLLECTION}/documents/{{id}}", "id"): lambda actor: "d1",
    (f"{API_COLLECTION}/indexes/{{name}}", "name"): lambda actor: "status_1",
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
    "logs:<tenant's>": lambda actor: f"logs:{actor.things.gateway.pk}",
    "mails": lambda actor: "mails",
    "tenant:<tenant>": lambda actor: f"tenant:{actor.tenant.pk}",
    "tokens:<own>": lambda actor: f"tokens:{actor.own.person.pk}",
    "tokens:<tenant's-person>": lambda actor: f"tokens:{actor.things.membership.person_id}",
}
