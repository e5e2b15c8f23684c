"""A route asked by somebody: every way in which it's asked, and what came of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

import orjson
from django.apps import apps
from django.db import transaction
from django.http.response import HttpResponseBase
from django.urls import reverse

from apps.core.events.listeners import Claim, judge
from tests.matrix.actors import Actor
from tests.matrix.routes import STREAM, Route
from tests.matrix.scenes import BODIES, PATHS, QUERIES, SENT_BY_SCRIPT, TOPICS, WHOLE_PAGES
from tests.matrix.things import by_collection, by_name

OK, SIGN_IN, CONFIRM = "ok", "sign-in", "confirm"
NOTHING = "nothing-there"
PARTIAL = {"HX-Request": "true", "HX-Target": "table"}


class UnknownParameter(AssertionError):
    """A route has a place in its address that nothing is known for."""


def answers(actor: Actor, route: Route, *, keep: bool = False) -> dict[str, str]:
    """The outcome of each way to ask, by its name. What happens meanwhile is undone, unless it's to be looked at."""
    found = {}
    for name, ask in _ways(actor, route):
        with nullcontext() if keep else undone():
            found[name] = ask()
    return found


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _ways(actor: Actor, route: Route) -> Iterator[tuple[str, Callable[[], str]]]:
    if route.method == STREAM:
        yield "stream", lambda: listening(actor, route)
        return
    for name, ask in requests(actor, route):
        yield name, lambda ask=ask: outcome(actor, ask())  # type: ignore[misc]


def requests(actor: Actor, route: Route, query: str = "") -> Iterator[tuple[str, Callable[[], HttpResponseBase]]]:
    """Every way to ask for a route, by its name: whole or in part, and as a file."""
    path = path_of(actor, route)
    query = "&".join(part for part in (_query_of(actor, route), query) if part)
    if route.is_api:
        yield "endpoint", lambda: _ask_api(actor, route, path, query)
        return
    yield "page", lambda: _ask_page(actor, route, path, query)
    if route.is_page and str(route) not in WHOLE_PAGES:
        yield "partial", lambda: _ask_page(actor, route, path, query, PARTIAL)
    for kind in route.exports:
        asked = "&".join(part for part in (f"format={kind}", query) if part)
        yield kind, lambda asked=asked: _ask_page(actor, route, path, asked)  # type: ignore[misc]


def _query_of(actor: Actor, route: Route) -> str:
    known = QUERIES.get(str(route), "")
    return known if isinstance(known, str) else str(known(actor))


def listening(actor: Actor, route: Route) -> str:
    topic = TOPICS[route.path](actor)
    # The live process tidies its connections up first; this one is in the midst of a transaction
    with patch("apps.core.events.listeners.close_old_connections"):
        (verdict,) = judge([Claim(actor.session_key, frozenset({topic}))])
    if not verdict.person_id:
        return SIGN_IN
    return "403" if verdict.refused else OK


def _ask_page(
    actor: Actor, route: Route, path: str, query: str, headers: dict[str, str] | None = None
) -> HttpResponseBase:
    body = _body(actor, route) if route.method != "GET" else None
    if f"{route.method} {route.path}" in SENT_BY_SCRIPT:
        sent = orjson.dumps(body)
        return send(
            actor, route.method, _with(path, query), body=sent, headers=headers, content_type="application/json"
        )
    return send(actor, route.method, _with(path, query), body=body, headers=headers)


def _ask_api(actor: Actor, route: Route, path: str, query: str) -> HttpResponseBase:
    headers = {"Imp-Tenant": actor.tenant.slug}
    if route.needs_version:
        headers["If-Match"] = _etag(actor, path)
    body = orjson.dumps(_body(actor, route)) if route.method != "GET" else None
    return send(actor, route.method, _with(path, query), body=body, headers=headers, content_type="application/json")


def _with(path: str, query: str) -> str:
    return f"{path}?{query}" if query else path


def send(
    actor: Actor,
    method: str,
    path: str,
    *,
    body: Any = None,
    headers: dict[str, str] | None = None,
    content_type: str = "",
) -> HttpResponseBase:
    """One request, answered to its end."""
    client, headers = actor.client(), dict(headers or {})
    if actor.token:
        headers["Authorization"] = f"Bearer {actor.token}"
    content: dict[str, Any] = {} if body is None else {"data": body}
    if body is not None and content_type:
        content["content_type"] = content_type
    response: HttpResponseBase = getattr(client, method.lower())(path, headers=headers, **content)
    if getattr(response, "streaming", False):
        response.received = b"".join(response.streaming_content)  # type: ignore[attr-defined]
    return response


def path_of(actor: Actor, route: Route) -> str:
    path = route.path
    for name in route.parameters:
        path = path.replace(f"{{{name}}}", str(parameter(actor, route, name)), 1)
    return path


def parameter(actor: Actor, route: Route, name: str) -> Any:
    """A real object's id wherever there is one: what isn't there would be refused to everybody alike."""
    if scene := PATHS.get((route.path, name)):
        return scene(actor)
    if name == "tenant":
        return actor.tenant.slug
    before = route.path.partition(f"/{{{name}}}")[0].split("/")
    if route.is_admin:
        return _admin_object(before) if name == "object_id" and "{" not in before[-1] else NOTHING
    things, fleet = actor.things, actor.world.fleet
    known = by_name(things, fleet).get(name) or by_collection(things, actor.own, fleet).get(before[-1])
    if known is None:
        raise UnknownParameter(
            f"Nobody knows what {{{name}}} of {route} is. Add it to `by_name` or `by_collection` in "
            f"tests/matrix/things.py, or to PATHS in tests/matrix/scenes.py."
        )
    return known


def _admin_object(before: list[str]) -> str:
    """The first of its kind. The admin asks for permission before it looks for the object, so there may be none."""
    found = apps.get_model(before[-2], before[-1])._base_manager.first()
    return str(found.pk) if found else NOTHING


def _body(actor: Actor, route: Route) -> Any:
    scene = BODIES.get(f"{route.method} {route.path}")
    return scene(actor) if scene else {}


def _etag(actor: Actor, path: str) -> str:
    """The current version, as whoever may reads it; the verbs of an object stand behind its address."""
    for reader in (actor, actor.owner):
        for address in (path, path.rpartition("/")[0], path.rsplit("/", 2)[0]):
            response = send(reader, "GET", address, headers={"Imp-Tenant": reader.tenant.slug})
            if "ETag" in response:
                return response["ETag"]
    return '"unknown"'


def outcome(actor: Actor, response: HttpResponseBase) -> str:
    """`ok`, the way to the sign-in, the demand to prove who one is, or the refusal's status."""
    status = response.status_code
    if status == 401:
        return SIGN_IN
    target = urlsplit(response.get("HX-Redirect") or response.get("Location", ""))
    if status < 400 and target.path == reverse("account_login"):
        # Whoever signs out is led there too, but not back
        return SIGN_IN if "next" in parse_qs(target.query) or not actor.session_key else OK
    if status < 400 and target.path == reverse("account_reauthenticate"):
        return CONFIRM
    return OK if status < 400 else str(status)
