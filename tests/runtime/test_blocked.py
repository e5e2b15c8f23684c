"""Functions that never end, in one way or another: the rest of their stage goes on, and other stages notice nothing."""

import json
import threading
import time
from http.client import HTTPResponse

import pytest

from tests.runtime.house import House
from tests.runtime.processes import Process, wait_until

OK = "export default () => ({ said: imp.stage })"
COUNT = "let n = 0; export default () => { n++; return { n } };"


class Call(threading.Thread):
    """In a thread of its own; its answer is there once it's joined."""

    def __init__(self, process: Process, path: str) -> None:
        super().__init__()
        self.answer: tuple[HTTPResponse, bytes] | None = None
        self._asked = (process, path)
        self.begun = time.monotonic()
        self.took = 0.0
        self.start()

    def run(self) -> None:
        process, path = self._asked
        self.answer = process.ask(path)
        self.took = time.monotonic() - self.begun

    def result(self) -> tuple[int, dict[str, object]]:
        self.join()
        assert self.answer
        return self.answer[0].status, json.loads(self.answer[1])


def health(process: Process) -> dict[str, object]:
    found: dict[str, object] = json.loads(process.ask("/_imp/health")[1])
    return found


def test_what_never_answers_is_answered_for_at_its_limit(house: House, inhabited: Process) -> None:
    house.live("dev/never", "export default () => new Promise(() => {})", timeout_ms=300)
    status, problem = Call(inhabited, "/dev/never").result()
    assert (status, problem["type"], problem["stage"]) == (504, "/errors/function-timeout", "dev")
    assert health(inhabited)["in_flight"] == 0
    assert inhabited.events("zombie") == []


def test_an_endless_loop_takes_nobody_with_it(house: House, inhabited: Process) -> None:
    house.publish("dev/loop", "export default () => { console.log('round and round'); for (;;); }", timeout_ms=4000)
    house.publish("staging/ok", OK)
    house.live("dev/ok", OK)
    loop = Call(inhabited, "/dev/loop")
    wait_until(lambda: health(inhabited)["in_flight"] == 1)
    # They came while the worker was blocked already: it never began them
    waiting = [Call(inhabited, "/dev/ok") for _ in range(20)]
    assert [json.loads(inhabited.ask("/staging/ok")[1])["said"] for _ in range(20)] == ["staging"] * 20
    assert [each.result() for each in waiting] == [(200, {"said": "dev"})] * 20
    assert loop.is_alive()
    status, problem = loop.result()
    assert (status, problem["type"]) == (504, "/errors/function-timeout")
    inhabited.until("zombie")
    assert health(inhabited)["zombies"] == 1
    assert inhabited.ask("/dev/ok")[0].status == 200
    assert house.await_line("round and round")["function"] == "loop"


def test_what_is_replayed_ran_once(house: House, inhabited: Process) -> None:
    """Each call that waited behind the blocked one is run once, by one of the two workers."""
    house.publish(
        "dev/busy", "export default () => { const end = Date.now() + 1500; while (Date.now() < end); return {} }"
    )
    house.live(
        "dev/count",
        """
        export default async (req: ImpRequest) => {
          await imp.sql`INSERT INTO ran VALUES (${req.query.n})`;
          return {};
        };
        """,
    )
    house.ask_data("CREATE TABLE data.ran (n text)")
    busy = Call(inhabited, "/dev/busy")
    wait_until(lambda: health(inhabited)["in_flight"] == 1)
    waiting = [Call(inhabited, f"/dev/count?n={number}") for number in range(30)]
    assert [each.result()[0] for each in waiting] == [200] * 30
    # What took long, but within its limit, is answered too
    assert busy.result() == (200, {})
    assert house.ask_data("SELECT count(*), count(DISTINCT n) FROM data.ran") == [(30, 30)]
    wait_until(lambda: bool(inhabited.events("worker-back")))
    assert health(inhabited)["zombies"] == 0


def test_an_expression_that_never_ends_is_like_a_loop(house: House, inhabited: Process) -> None:
    house.publish("dev/regex", "export default () => ({ a: /^(a+)+$/.test('a'.repeat(60) + '!') })", timeout_ms=1500)
    house.live("dev/ok", OK)
    loop = Call(inhabited, "/dev/regex")
    wait_until(lambda: health(inhabited)["in_flight"] == 1)
    assert Call(inhabited, "/dev/ok").result()[0] == 200
    assert loop.result()[0] == 504


def test_code_that_never_finishes_loading_leaves_the_old_code(house: House, inhabited: Process) -> None:
    house.live("dev/ok", OK)
    revision = house.publish("dev/ok", "for (;;);\nexport default () => 1")
    assert "finish loading" in house.await_ack("dev/ok", revision)["message"]
    assert inhabited.ask("/dev/ok")[0].status == 200
    house.live("dev/ok", "export default () => ({ said: 'new' })")
    assert json.loads(inhabited.ask("/dev/ok")[1]) == {"said": "new"}


def test_many_promises_that_never_settle_harm_nobody(house: House, inhabited: Process) -> None:
    house.publish(
        "dev/many", "export default () => { for (let n = 0; n < 10_000; n++) void new Promise(() => {}); return {} }"
    )
    house.live("dev/ok", OK)
    for _ in range(5):
        assert inhabited.ask("/dev/many")[0].status == 200
    assert inhabited.ask("/dev/ok")[0].status == 200


@pytest.mark.parametrize(
    "how", ["setTimeout(() => { throw new Error('later') }, 1)", "Promise.reject(new Error('later'))"]
)
def test_what_nobody_caught_is_logged_and_harms_nobody(house: House, inhabited: Process, how: str) -> None:
    house.live("dev/late", f"export default async () => {{\n  {how};\n  return {{}};\n}};\n")
    for _ in range(3):
        assert inhabited.ask("/dev/late")[0].status == 200
    line = house.await_line("Error: later")
    assert (line["function"], line["level"], line["source"]) == ("late", "error", "system")
    assert "handler.ts:2:" in line["fields"]["stack"]
    assert inhabited.events("worker-died") == []


def test_a_worker_is_replaced_after_many_saves_and_no_call_is_lost(house: House, inhabited: Process) -> None:
    house.live("dev/steady", OK)
    stop = threading.Event()
    statuses: list[int] = []

    def go() -> None:
        while not stop.is_set():
            statuses.append(inhabited.ask("/dev/steady")[0].status)

    callers = [threading.Thread(target=go) for _ in range(4)]
    for each in callers:
        each.start()
    try:
        for number in range(230):
            # One at a time: of what is published meanwhile, only the last is loaded
            revision = house.publish_code("dev/changing", f"exports.default = () => ({{ n: {number} }})")
            house.await_ack("dev/changing", revision)
        wait_until(lambda: any(each["why"] == "after many saves" for each in inhabited.events("worker")))
        assert json.loads(inhabited.ask("/dev/changing")[1]) == {"n": 229}
    finally:
        stop.set()
        for each in callers:
            each.join()
    assert set(statuses) == {200}
    assert len(statuses) > 100


def test_only_so_many_calls_at_once(house: House, inhabited: Process) -> None:
    """Seats are given back, however calls end: more calls than there are seats, a few at a time."""
    house.publish("dev/never", "export default () => new Promise(() => {})", timeout_ms=100)
    house.live("dev/count", COUNT)
    for _ in range(30):
        calls = [Call(inhabited, "/dev/never") for _ in range(20)]
        assert {each.result()[0] for each in calls} == {504}
    connection = inhabited.connect()
    for _ in range(2500):
        connection.request("GET", "/dev/count")
        response = connection.getresponse()
        response.read()
        assert response.status == 200
    connection.close()
