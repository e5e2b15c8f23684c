"""Calls by the platform itself, on nobody's behalf: who may is asked before."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.core import context
from apps.fleet.models import Reach
from apps.functions.calling.asked import Answered, Asked, Headers, target_of
from apps.functions.calling.limits import DATA_PLACES
from apps.functions.calling.problems import (
    GatewayNotReady,
    GatewayOutOfReach,
    GatewayStopped,
    NotReached,
    Unanswered,
)
from apps.functions.calling.tokens import HEADER, make_run_token
from apps.functions.calling.wire import Place, send
from apps.gateways.call_problems import StageInactive
from apps.gateways.lifecycle.table import State
from apps.gateways.models import FunctionGateway, Stage
from apps.gateways.selectors import hosts_of

RUN, DATA = "/_imp/run", "/_imp/data"
# Beyond the function's own limit, which the runtime keeps: it says so better
MARGIN = 5.0
# A token outlives its call, so that one that is sent again can be known
TOKEN_SECONDS = 60
DATA_WITHIN = 20.0
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Line:
    """All that a call to a gateway takes; made with the database, used without."""

    place: Place
    run_key: str


def line_to(gateway: FunctionGateway, stage: str) -> Line:
    """Raises what keeps the gateway from being called."""
    if gateway.wanted in (State.STOPPED, State.DELETED):
        raise GatewayStopped
    row = next((each for each in gateway.stages.all() if each.name == stage), None)
    if row is not None and row.state == Stage.State.INACTIVE:
        words = {"stage": stage, "reason": row.inactive_because}
        raise StageInactive(_("%(stage)s is switched off: %(reason)s") % words)
    database, port = getattr(gateway, "database", None), str(gateway.cluster.facts.get("gateway_port", ""))
    if row is None or database is None or database.run_key is None:
        raise GatewayNotReady(_("%(gateway)s is still being made.") % {"gateway": gateway})
    if not port.isdecimal():
        raise GatewayOutOfReach(_("No agent of %(cluster)s has said where it listens.") % {"cluster": gateway.cluster})
    [host] = hosts_of(gateway, stage)
    address = LOOPBACK if gateway.cluster.reach == Reach.LOCAL else host
    return Line(Place(address, int(port), host), database.run_key.reveal())


def ring(
    line: Line,
    asked: Asked,
    *,
    name: str,
    kind: str,
    within: float,
    request_id: str = "",
    nonce: str = "",
    since: float | None = None,
) -> Answered:
    """Call the function of that name, `dev/user/:id`; raises Unanswered. Asks no database.

    `since`: it may have been begun by then.
    """
    request_id = request_id or context.new_request_id()
    token = make_run_token(
        line.run_key,
        function=name,
        request_id=request_id,
        kind=kind,
        expires_at=int(time.time() + within + TOKEN_SECONDS),
        nonce=nonce,
        since=since,
    )
    return _send(line, asked, f"{RUN}{target_of(asked)}", token=token, within=within, request_id=request_id)


def invoke(
    gateway: FunctionGateway,
    *,
    name: str,
    kind: str,
    method: str,
    path: str,
    headers: Sequence[tuple[str, str]] = (),
    body: bytes = b"",
    within: float,
    query: str = "",
    request_id: str = "",
) -> Answered:
    """An answer in any case: without one, it says why there is none."""
    asked = Asked(method, path, query, tuple(headers), body)
    request_id, began = request_id or context.new_request_id(), time.monotonic()
    line = line_to(gateway, name.partition("/")[0])
    try:
        return ring(line, asked, name=name, kind=kind, within=within, request_id=request_id)
    except Unanswered as error:
        ms = (time.monotonic() - began) * 1000
        return Answered(request_id, ms, error=error.slug, detail=str(error.detail))


def ask_data(
    gateway: FunctionGateway, op: str, collection: str, args: Sequence[Any], *, stage: str = "dev"
) -> Answered:
    """An operation on the documents of a gateway's functions, made by its runtime as they'd make it."""
    body = json.dumps({"op": op, "collection": collection, "args": list(args)}).encode()
    asked = Asked("POST", DATA, headers=(("content-type", "application/json"),), body=body)
    line, request_id = line_to(gateway, stage), context.new_request_id()
    token = make_run_token(
        line.run_key,
        function="",
        request_id=request_id,
        kind="data",
        expires_at=int(time.time() + DATA_WITHIN + TOKEN_SECONDS),
        body=body,
    )
    try:
        with DATA_PLACES.taken(gateway.pk):
            return _send(line, asked, DATA, token=token, within=DATA_WITHIN, request_id=request_id)
    except NotReached as error:
        raise GatewayOutOfReach from error
    except Unanswered as error:
        return Answered(request_id, 0, error=error.slug, detail=str(error.detail))


def _send(line: Line, asked: Asked, target: str, *, token: str, within: float, request_id: str) -> Answered:
    headers: Headers = (*_with_type(asked), ("x-request-id", request_id), (HEADER, token))
    began = time.monotonic()
    received = send(line.place, asked.method, target, headers=headers, body=asked.body, within=within)
    ms = (time.monotonic() - began) * 1000
    return Answered(request_id, ms, received.status, received.headers, received.body, received.is_cut)


def _with_type(asked: Asked) -> Headers:
    """A body without a type is taken for JSON, as it is in the console."""
    if not asked.body or any(name.lower() == "content-type" for name, _value in asked.headers):
        return asked.headers
    return (*asked.headers, ("content-type", "application/json"))
