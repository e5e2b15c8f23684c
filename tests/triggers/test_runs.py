"""A run from its turn to its end: whose turn it is, what is called, and what came of every answer."""

import base64
import json
import socket
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from apps.core import clock
from apps.functions.calling import NotReached
from apps.functions.models import Function
from apps.gateways.models import FunctionGateway
from apps.triggers.firing import runs as running
from apps.triggers.firing.due import database_now
from apps.triggers.firing.runs import Ready, finish_run, take_runs
from apps.triggers.firing.ticker import _call
from apps.triggers.models import TriggerRun
from tests.functions.peer import OK, peer, says
from tests.triggers.world import answers_at, make_function, make_run, make_serving, make_trigger

Outcome = TriggerRun.Outcome
SECOND = timedelta(seconds=1)


def take(**values: Any) -> list[Ready]:
    return take_runs(database_now(), **{"most": 100, **values})


def payload_of(request: bytes) -> dict[str, Any]:
    [token] = [line for line in request.decode().split("\r\n") if line.startswith("imp-run: ")]
    sent = token.removeprefix("imp-run: ").partition(".")[0]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(sent + "=" * (-len(sent) % 4)))
    return found


def problem(status: int, slug: str, *, by_runtime: bool = False) -> Callable[[socket.socket], None]:
    body = json.dumps({"type": f"https://console.example/errors/{slug}", "status": status}).encode()
    ours = "x-imp-gateway: gw_1\n" if by_runtime else ""
    return says(
        f"HTTP/1.1 {status} No\n{ours}content-type: application/problem+json\ncontent-length: {len(body)}", body
    )


def test_the_function_is_called_as_the_trigger_says(gateway: FunctionGateway, asked: list[bytes]) -> None:
    make_function(gateway, "sweep/:day", timeout_ms=3000)
    trigger = make_trigger(
        gateway, base_name="sweep/:day", path="/sweep/7", method="PUT", query="a=1", payload={"이름": [1, None]}
    )
    run = make_run(trigger)
    [ready] = take()
    run.refresh_from_db()
    assert (run.outcome, run.attempts, run.request_id) == ("running", 1, ready.request_id)
    assert run.leased_until is not None
    assert run.leased_until > clock.now() + timedelta(seconds=10)
    assert finish_run(ready, _call(ready))
    run.refresh_from_db()
    assert (run.outcome, run.status, run.error) == ("succeeded", 200, "")
    head, _, body = asked[0].partition(b"\r\n\r\n")
    assert head.startswith(b"PUT /_imp/run/sweep/7?a=1 HTTP/1.1\r\nHost: parcel-tracking.dev.localhost\r\n")
    assert json.loads(body) == {"이름": [1, None]}
    assert f"imp-trigger: {trigger.pk}".encode() in head
    assert run.due_at.strftime("imp-due-at: %Y-%m-%dT%H:%M:%SZ").encode() in head
    payload = payload_of(asked[0])
    wanted = {"function": "dev/sweep/:day", "kind": "trigger", "nonce": run.pk, "request_id": run.request_id}
    assert {name: payload[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    ("answer", "outcome", "status"),
    [
        (OK, "succeeded", 200),
        (says("HTTP/1.1 204 No Content\nx-imp-gateway: g"), "succeeded", 204),
        (says("HTTP/1.1 302 Found\nx-imp-gateway: g\nlocation: /\ncontent-length: 0"), "succeeded", 302),
        (says("HTTP/1.1 500 Oh\nx-imp-gateway: g\ncontent-length: 0"), "failed", 500),
        (problem(504, "function-timeout", by_runtime=True), "failed", 504),
        (problem(404, "no-such-host", by_runtime=True), "failed", 404),
        (problem(503, "runtime-ended"), "failed", 503),
        (problem(503, "stage-inactive"), "missed", None),
        (problem(404, "no-such-host"), "waiting", None),
        (problem(503, "runtime-away"), "waiting", None),
        (lambda line: None, "failed", None),
    ],
)
def test_what_comes_of_an_answer(gateway: FunctionGateway, answer: Any, outcome: str, status: int | None) -> None:
    make_function(gateway)
    run = make_run(make_trigger(gateway))
    with peer(answer) as (port, _):
        answers_at(gateway, port)
        [ready] = take()
        finish_run(ready, _call(ready))
    run.refresh_from_db()
    assert (run.outcome, run.status) == (outcome, status)
    assert bool(run.error) == (outcome in ("failed", "missed"))


def test_a_hanging_function_ends_with_its_limit(gateway: FunctionGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """The runtime ends it; the platform waits a little longer than that, and no longer."""
    monkeypatch.setattr(running, "MARGIN", 0.1)
    make_function(gateway, timeout_ms=100)
    run = make_run(make_trigger(gateway))

    def hang(line: socket.socket) -> None:
        line.recv(1)

    with peer(hang) as (port, _):
        answers_at(gateway, port)
        [ready] = take()
        finish_run(ready, _call(ready))
    run.refresh_from_db()
    assert (run.outcome, run.error) == ("failed", running.NO_ANSWER)


def test_a_gateway_out_of_reach_is_tried_again_for_a_minute(gateway: FunctionGateway) -> None:
    make_function(gateway)
    run = make_run(make_trigger(gateway))
    answers_at(gateway, 9)
    [ready] = take()
    finish_run(ready, NotReached())
    run.refresh_from_db()
    assert (run.outcome, take()) == ("waiting", [])
    TriggerRun.objects.update(not_before=clock.now())
    [again] = take()
    assert (again.attempt, again.request_id) == (2, ready.request_id)
    TriggerRun.objects.update(due_at=clock.now() - timedelta(seconds=61))
    finish_run(again, NotReached())
    run.refresh_from_db()
    assert (run.outcome, run.error) == ("failed", running.NOT_REACHED)


def left_behind(gateway: FunctionGateway) -> TriggerRun:
    """Its process was killed while it ran, and its lease is over."""
    make_function(gateway)
    run = make_run(make_trigger(gateway))
    assert take()
    assert not take()
    TriggerRun.objects.update(leased_until=clock.now() - SECOND)
    return run


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (problem(409, "run-used", by_runtime=True), "lost"),
        (problem(404, "no-such-function", by_runtime=True), "failed"),
        (OK, "succeeded"),
    ],
)
def test_after_a_crash_the_runtime_says_whether_it_had_begun(
    gateway: FunctionGateway, answer: Any, outcome: str
) -> None:
    with peer(answer) as (port, asked):
        answers_at(gateway, port)
        run = left_behind(gateway)
        [ready] = take()
        finish_run(ready, _call(ready))
    run.refresh_from_db()
    assert (run.outcome, run.attempts) == (outcome, 2)
    assert payload_of(asked[0])["nonce"] == run.pk
    assert run.started_at is not None
    assert payload_of(asked[0])["since"] == run.started_at.timestamp()


def test_what_may_have_been_begun_stays_so_however_often_it_is_tried(gateway: FunctionGateway) -> None:
    """A runtime that is new since then wouldn't know."""
    with peer(problem(409, "run-used", by_runtime=True)) as (port, _asked):
        answers_at(gateway, port)
        run = left_behind(gateway)
        [ready] = take()
        assert ready.since is not None
        finish_run(ready, NotReached())
        TriggerRun.objects.update(not_before=clock.now())
        [again] = take()
        assert (again.attempt, again.since) == (3, ready.since)
        finish_run(again, _call(again))
    run.refresh_from_db()
    assert run.outcome == "lost"


def test_what_may_have_been_begun_isnt_said_to_have_been_missed(gateway: FunctionGateway) -> None:
    answers_at(gateway, 9)
    run = left_behind(gateway)
    Function.objects.update(deleted_at=clock.now())
    assert not take()
    run.refresh_from_db()
    assert (run.outcome, run.error) == ("lost", running.INTERRUPTED)


def test_a_first_attempt_is_known_to_be_one(gateway: FunctionGateway, asked: list[bytes]) -> None:
    make_function(gateway)
    make_run(make_trigger(gateway))
    [ready] = take()
    finish_run(ready, NotReached())
    TriggerRun.objects.update(not_before=clock.now())
    [again] = take()
    assert again.since is None
    _call(again)
    assert "since" not in payload_of(asked[0])


def test_whoever_lost_a_run_writes_nothing(gateway: FunctionGateway) -> None:
    make_function(gateway)
    answers_at(gateway, 9)
    run = make_run(make_trigger(gateway))
    [slow] = take()
    TriggerRun.objects.update(leased_until=clock.now() - SECOND)
    assert take()
    assert not finish_run(slow, NotReached())
    run.refresh_from_db()
    assert (run.outcome, run.attempts) == ("running", 2)


def test_a_trigger_that_is_deleted_while_it_runs_harms_nobody(gateway: FunctionGateway, asked: list[bytes]) -> None:
    make_function(gateway)
    trigger = make_trigger(gateway)
    make_run(trigger)
    [ready] = take()
    trigger.delete()
    assert not finish_run(ready, _call(ready))


def test_runs_of_a_queue_come_one_after_the_other(gateway: FunctionGateway, asked: list[bytes]) -> None:
    make_function(gateway)
    trigger = make_trigger(gateway, overlap="queue")
    now = clock.now()
    order = [make_run(trigger, now - n * SECOND).pk for n in (3, 2, 1)]
    for pk in order:
        [ready] = take()
        assert ready.run_id == pk
        assert not take()
        finish_run(ready, _call(ready))


def test_runs_beside_one_another_are_taken_at_once(gateway: FunctionGateway, asked: list[bytes]) -> None:
    make_function(gateway)
    trigger = make_trigger(gateway, overlap="parallel")
    for n in (3, 2, 1):
        make_run(trigger, clock.now() - n * SECOND)
    assert len(take()) == 3


def test_a_gateway_that_has_its_part_leaves_room_for_others(gateway: FunctionGateway, asked: list[bytes]) -> None:
    other = make_serving(gateway.tenant, name="billing-hooks")
    for each in (gateway, other):
        make_function(each)
    make_run(make_trigger(gateway))
    run = make_run(make_trigger(other))
    assert [ready.run_id for ready in take(without=frozenset({gateway.pk}))] == [run.pk]


def test_a_stopped_gateway_s_waiting_runs_are_missed(gateway: FunctionGateway, asked: list[bytes]) -> None:
    make_function(gateway)
    run = make_run(make_trigger(gateway))
    FunctionGateway.objects.update(state="stopped")
    assert not take()
    run.refresh_from_db()
    assert run.outcome == "missed"
    assert not asked


def test_a_run_whose_function_is_gone_fails(gateway: FunctionGateway, asked: list[bytes]) -> None:
    function = make_function(gateway)
    run = make_run(make_trigger(gateway))
    Function.objects.filter(pk=function.pk).update(deleted_at=clock.now())
    assert not take()
    run.refresh_from_db()
    assert (run.outcome, bool(run.error)) == ("failed", True)
