"""Calls that the platform makes to functions: what is sent, what is refused before, and what comes of every answer."""

import base64
import hashlib
import hmac
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core.errors import InvalidInput, NotAllowed, NotFound
from apps.fleet.models import Cluster
from apps.functions.calling import Answered, Asked, begin_call, finish_call, invoke, list_calls
from apps.functions.calling.asked import LARGEST_BODY, check_asked, target_of
from apps.functions.calling.history import KEPT, shown_body
from apps.functions.calling.limits import CALLS_AT_ONCE
from apps.functions.calling.problems import (
    GatewayNotReady,
    GatewayOutOfReach,
    GatewayStopped,
    NoAnswer,
    NotReached,
    TookTooLong,
    TooManyRuns,
)
from apps.functions.calling.services import _places
from apps.functions.calling.tokens import make_run_token
from apps.functions.calling.wire import LARGEST_ANSWER, Place, send
from apps.functions.models import Call, Function
from apps.gateways.call_problems import StageInactive
from apps.gateways.models import FunctionGateway, GatewayDatabase, Stage
from apps.gateways.sizes import StageName
from apps.tenants.member import Member
from apps.tenants.models import Tenant
from tests.functions.peer import OK, peer, says
from tests.gateways.world import make_cluster, make_gateway
from tests.tenants.contract import WorkspaceServiceContract
from tests.tenants.world import member

KEY = "YS1rZXktb2YtdGhpcy10ZXN0"
SECRET = b"a-key-of-this-test"


@pytest.fixture
def cluster(db: None) -> Cluster:
    return make_cluster(facts={"gateway_port": "9"})


@pytest.fixture
def gateway(tidewater: Tenant, cluster: Cluster) -> FunctionGateway:
    made = make_gateway(tidewater, cluster)
    for name in StageName:
        Stage.objects.create(tenant=tidewater, gateway=made, name=name)
    GatewayDatabase.objects.create(tenant=tidewater, gateway=made, name="gw_db_calls", password="-", run_key=KEY)
    return made


@pytest.fixture
def function(gateway: FunctionGateway) -> Function:
    return make_function(gateway)


def make_function(gateway: FunctionGateway, base_name: str = "user/me", **values: Any) -> Function:
    values = {"stage": "dev", **values}
    made: Function = Function.objects.create(tenant=gateway.tenant, gateway=gateway, base_name=base_name, **values)
    return made


def at(gateway: FunctionGateway, port: int) -> None:
    gateway.cluster.facts = {"gateway_port": str(port)}
    gateway.cluster.save()


# --- Tokens ---


def test_a_token_says_whose_call_it_is_and_is_signed_as_it_is_sent() -> None:
    token = make_run_token(KEY, function="dev/user/:id", request_id="req_1", kind="call", expires_at=99, nonce="n")
    sent, _, mac = token.partition(".")
    payload = json.loads(base64.urlsafe_b64decode(sent + "=" * (-len(sent) % 4)))
    assert payload == {"function": "dev/user/:id", "request_id": "req_1", "kind": "call", "exp": 99, "nonce": "n"}
    wanted = hmac.new(SECRET, sent.encode(), hashlib.sha256).digest()
    assert base64.urlsafe_b64decode(mac + "=" * (-len(mac) % 4)) == wanted


def test_each_token_has_a_nonce_of_its_own() -> None:
    made = {make_run_token(KEY, function="", request_id="", kind="call", expires_at=1) for _ in range(100)}
    assert len(made) == 100


def test_the_body_of_a_data_call_is_signed_too() -> None:
    token = make_run_token(KEY, function="", request_id="r", kind="data", expires_at=1, body=b"{}")
    sent = token.partition(".")[0]
    payload = json.loads(base64.urlsafe_b64decode(sent + "=" * (-len(sent) % 4)))
    assert payload["body_sha256"] == hashlib.sha256(b"{}").hexdigest()


# --- What may be asked ---


@pytest.mark.parametrize(
    ("field", "asked"),
    [
        ("method", Asked(method="")),
        ("method", Asked(method="GET / HTTP/1.1\r\nx: y")),
        ("method", Asked(method="TRACE")),
        ("path", Asked(path="user")),
        ("path", Asked(path="/a\r\nx-imp-run: y")),
        ("path", Asked(path="/a?b=1")),
        ("path", Asked(path="/a/../b")),
        ("path", Asked(path="/a/%2E%2e/b")),
        ("path", Asked(path="/a//b")),
        ("path", Asked(path="/" + "a" * 2001)),
        ("path", Asked(path="/\ud800")),
        ("query", Asked(query="a#b")),
        ("query", Asked(query="a\nb")),
        ("query", Asked(query="a" * 8001)),
        ("headers", Asked(headers=(("Host", "elsewhere"),))),
        ("headers", Asked(headers=(("imp-run", "x"),))),
        ("headers", Asked(headers=(("X-Imp-Probe", "x"),))),
        ("headers", Asked(headers=(("Content-Length", "0"),))),
        ("headers", Asked(headers=(("Transfer-Encoding", "chunked"),))),
        ("headers", Asked(headers=(("a b", "x"),))),
        ("headers", Asked(headers=(("a", "x\r\ny: z"),))),
        ("headers", Asked(headers=(("a", "x"),) * 51)),
        ("headers", Asked(headers=(("a", "x" * 16_001),))),
        ("body", Asked(method="POST", body=b"x" * (LARGEST_BODY + 1))),
        ("body", Asked(method="GET", body=b"x")),
    ],
)
def test_what_can_not_be_sent_is_refused_at_its_field(field: str, asked: Asked) -> None:
    with pytest.raises(InvalidInput) as refusal:
        check_asked(asked)
    assert list(refusal.value.fields) == [field]


def test_what_can_be_sent_is_sent_encoded_once() -> None:
    asked = check_asked(Asked(path="/소포/a b/%2F:id", query="q=é&r=[1]&s=%20"))
    assert target_of(asked) == "/%EC%86%8C%ED%8F%AC/a%20b/%2F:id?q=%C3%A9&r=[1]&s=%20"


# --- On the wire ---


def ask(port: int, within: float = 30.0, **values: Any) -> Any:
    place = Place("127.0.0.1", port, "parcels.dev.localhost")
    return send(place, "POST", "/a", headers=(("x-a", "é"),), body=values.get("body", b""), within=within)


def test_a_call_names_its_host_and_brings_its_body_as_it_is() -> None:
    content = bytes(range(256)) * 1000
    with peer(OK) as (port, asked):
        received = ask(port, body=content)
    head, _, body = asked[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /a HTTP/1.1\r\nHost: parcels.dev.localhost\r\n")
    assert (b"x-a: \xc3\xa9" in head, body == content) == (True, True)
    assert (received.status, received.body, received.is_cut) == (200, b'{"sum": 42}', False)


def test_headers_that_come_twice_stay_two() -> None:
    with peer(says("HTTP/1.1 200 OK\nset-cookie: a=1\nset-cookie: b=2\ncontent-length: 0")) as (port, _):
        assert [value for name, value in ask(port).headers if name == "set-cookie"] == ["a=1", "b=2"]


def test_more_than_is_wanted_is_cut() -> None:
    size = LARGEST_ANSWER + 1
    with peer(says(f"HTTP/1.1 200 OK\ncontent-length: {size}", b"x" * size)) as (port, _):
        received = ask(port)
    assert (len(received.body), received.is_cut) == (LARGEST_ANSWER, True)


def test_a_stream_that_goes_on_gives_what_came_in_time() -> None:
    def trickle(line: socket.socket) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        # It ends when nobody listens any more
        while True:
            line.sendall(b"5\r\ntick\n\r\n")
            time.sleep(0.02)

    with peer(trickle) as (port, _):
        received = ask(port, within=1)
    assert received.is_cut
    assert b"tick\ntick\n" in received.body


def test_an_answer_that_breaks_off_is_cut() -> None:
    with peer(says("HTTP/1.1 200 OK\ncontent-length: 100", b"half")) as (port, _):
        received = ask(port)
    assert (received.body, received.is_cut) == (b"half", True)


def test_no_answer_in_time_is_told_apart_from_a_broken_connection() -> None:
    def wait(line: socket.socket) -> None:
        line.recv(1)

    with peer(wait) as (port, _), pytest.raises(TookTooLong):
        ask(port, within=0.2)
    with peer(lambda line: None) as (port, _), pytest.raises(NoAnswer) as raised:
        ask(port)
    assert not isinstance(raised.value, TookTooLong)


def test_where_nobody_listens_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(NotReached):
        ask(port)


# --- As somebody ---


def make_call(request: Asked, *, actor: Member, function: Function) -> Answered:
    """As the page and the API do it, which answer between the two where it takes long."""
    return finish_call(begin_call(request, actor=actor, function=function)).answered


class CallContract(WorkspaceServiceContract):
    """Operators look into workspaces; they call nothing there."""

    watched = (Call,)
    verb = "function.called"

    @pytest.fixture(autouse=True)
    def _answered(self, gateway: FunctionGateway) -> Iterator[None]:
        with peer(OK) as (port, _):
            at(gateway, port)
            yield

    def make(self, alice: User, bob: User) -> Function:
        gateway = FunctionGateway.objects.get(tenant=self.tidewater)
        return make_function(gateway, f"number/{Function.objects.count()}")


class TestCall(CallContract):
    def act(self, actor: Member, row: Function) -> Any:
        return make_call(Asked(), actor=actor, function=row)


def test_a_call_is_made_with_a_token_and_written_down(alice: User, tidewater: Tenant, function: Function) -> None:
    with peer(OK) as (port, asked):
        at(function.gateway, port)
        request = Asked("POST", "/user/me", "a=1", (("x-b", "2"), ("Authorization", "Bearer secret")), b'{"n": 1}')
        answered = make_call(request, actor=member(alice, tidewater), function=function)
    head = asked[0].partition(b"\r\n\r\n")[0].decode()
    assert head.startswith("POST /_imp/run/user/me?a=1 HTTP/1.1\r\nHost: parcel-tracking.dev.localhost\r\n")
    [token] = [line.partition(": ")[2] for line in head.split("\r\n") if line.startswith("imp-run: ")]
    sent, _, mac = token.partition(".")
    payload = json.loads(base64.urlsafe_b64decode(sent + "=" * (-len(sent) % 4)))
    assert (payload["function"], payload["kind"], payload["request_id"]) == ("dev/user/me", "call", answered.request_id)
    assert time.time() + 15 < payload["exp"] <= time.time() + 900
    assert base64.urlsafe_b64decode(mac + "==") == hmac.digest(SECRET, sent.encode(), "sha256")
    assert (answered.status, answered.body, answered.is_of_runtime) == (200, b'{"sum": 42}', True)
    [call] = list_calls(actor=member(alice, tidewater), function=function)
    assert call.request["headers"] == [["x-b", "2"], ["Authorization", "•••"]]
    assert (call.answer["status"], call.answer["body"], call.request_id) == (200, '{"sum": 42}', answered.request_id)
    event = AuditEvent.objects.get(verb="function.called")
    assert (event.actor_id, event.target_id, event.after["status"]) == (alice.pk, function.pk, 200)
    assert "secret" not in str(event.after)


def test_whoever_may_not_calls_nothing(bob: User, charlie: User, hanbit: Tenant, function: Function) -> None:
    with peer(OK) as (port, asked):
        at(function.gateway, port)
        for actor, refusal in ((member(bob, function.tenant), NotAllowed), (member(charlie, hanbit), NotFound)):
            with pytest.raises(refusal):
                make_call(Asked(), actor=actor, function=function)
    assert not asked
    assert not Call.objects.exists()
    assert not AuditEvent.objects.filter(verb="function.called").exists()


def test_what_keeps_a_gateway_from_being_called_is_said(alice: User, tidewater: Tenant, function: Function) -> None:
    gateway, actor = function.gateway, member(alice, tidewater)

    def refused(kind: type[Exception]) -> None:
        row = Function.objects.get(pk=function.pk)
        with pytest.raises(kind):
            make_call(Asked(), actor=actor, function=row)

    refused(GatewayOutOfReach)
    gateway.cluster.facts = {}
    gateway.cluster.save()
    refused(GatewayOutOfReach)
    Stage.objects.filter(gateway=gateway, name="dev").update(state="inactive", inactive_because="Until noon.")
    refused(StageInactive)
    Stage.objects.filter(gateway=gateway).delete()
    refused(GatewayNotReady)
    FunctionGateway.objects.filter(pk=gateway.pk).update(state="stopped")
    refused(GatewayStopped)
    assert not Call.objects.exists()


def test_a_call_without_an_answer_is_kept_with_the_reason(alice: User, tidewater: Tenant, function: Function) -> None:
    with peer(lambda line: None) as (port, _):
        at(function.gateway, port)
        answered = make_call(Asked(), actor=member(alice, tidewater), function=function)
    assert (answered.status, answered.error) == (0, "no-answer")
    call = Call.objects.get()
    assert call.answer is None
    assert call.error == answered.detail


def test_the_newest_calls_stay_of_each_person(alice: User, bob: User, tidewater: Tenant, function: Function) -> None:
    Call.objects.create(tenant=tidewater, function=function, person=bob, request_id="bobs")
    with peer(OK) as (port, _):
        at(function.gateway, port)
        for n in range(KEPT + 3):
            make_call(Asked(query=f"n={n}"), actor=member(alice, tidewater), function=function)
    queries = [call.request["query"] for call in list_calls(actor=member(alice, tidewater), function=function)]
    assert queries == [f"n={n}" for n in reversed(range(3, KEPT + 3))]
    assert [call.request_id for call in list_calls(actor=member(bob, tidewater), function=function)] == ["bobs"]


def test_calls_leave_room_for_everybody_else(alice: User, tidewater: Tenant, function: Function) -> None:
    for _ in range(CALLS_AT_ONCE):
        assert _places.acquire(blocking=False)
    try:
        with pytest.raises(TooManyRuns):
            make_call(Asked(), actor=member(alice, tidewater), function=function)
    finally:
        for _ in range(CALLS_AT_ONCE):
            _places.release()


def test_the_platform_itself_calls_on_nobody_s_behalf(gateway: FunctionGateway) -> None:
    with peer(OK) as (port, asked):
        at(gateway, port)
        answered = invoke(gateway, name="prod/sweep", kind="trigger", method="POST", path="/sweep", within=30)
    assert b"Host: parcel-tracking.prod.localhost" in asked[0]
    assert answered.status == 200


@pytest.mark.parametrize(
    ("content", "limit", "wanted"),
    [
        (b"caf\xc3\xa9", None, {"body": "café", "is_binary": False, "is_cut": False}),
        (b"\xff\x00", None, {"body": "/wA=", "is_binary": True, "is_cut": False}),
        (b"a\x00", None, {"body": "YQA=", "is_binary": True, "is_cut": False}),
        (b"caf\xc3\xa9!", 4, {"body": "caf", "is_binary": False, "is_cut": True}),
        (b"", 4, {"body": "", "is_binary": False, "is_cut": False}),
    ],
)
def test_a_body_is_kept_as_text_where_it_is_text(content: bytes, limit: int | None, wanted: dict[str, Any]) -> None:
    assert shown_body(content, limit=limit) == wanted
