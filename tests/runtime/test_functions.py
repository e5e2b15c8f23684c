"""Functions in a process: published in a gateway's own database, called over its socket."""

import json
import time

import pytest

from tests.runtime.conftest import Start
from tests.runtime.house import House
from tests.runtime.processes import Process, wait_until
from tests.runtime.test_blocked import Call, health

SAY = "export default async () => ({ said: %s })"


def said(process: Process, path: str, method: str = "GET") -> object:
    response, body = process.ask(path, method)
    assert response.status == 200, body
    return json.loads(body)["said"]


def test_a_function_is_live_once_it_is_acknowledged(house: House, inhabited: Process) -> None:
    house.live("dev/hello", "export default async (req, res) => ({ hello: req.query.name })")
    response, body = inhabited.ask("/dev/hello?name=Kim")
    assert (response.status, json.loads(body)) == (200, {"hello": "Kim"})
    assert response.headers["content-type"] == "application/json; charset=utf-8"


def test_each_save_is_answered_by_the_new_code_from_its_acknowledgement_on(house: House, inhabited: Process) -> None:
    for number in range(20):
        house.live("dev/count", SAY % number)
        assert said(inhabited, "/dev/count") == number


def test_what_is_published_before_its_start_is_there_with_the_first_call(house: House, start: Start) -> None:
    for number in range(30):
        house.publish(f"dev/f{number}", SAY % number)
    last = house.publish("dev/f0", SAY % 0)
    house.publish("prod/elsewhere", SAY % 0)
    process = start(**house.spec)
    process.until("ready")
    assert said(process, "/dev/f29") == 29
    assert len(house.ask("SELECT FROM imp.acks")) == 30
    found = house.ask("SELECT is_ready, revision, stages FROM imp.instances")
    assert found == [(True, last, ["dev", "staging"])]


TICKING = """
setInterval(() => console.log("tick of VERSION"), 20);
export default async (req: ImpRequest) => {
  await new Promise((done) => setTimeout(done, Number(req.query.ms)));
  return { said: VERSION };
};
"""


def test_timers_end_with_the_last_call_of_their_version(house: House, inhabited: Process) -> None:
    def ticks_of(version: int) -> int:
        return sum(f"tick of {version}" in line["text"] for line in house.lines(function="ticking"))

    house.live("dev/ticking", TICKING.replace("VERSION", "1"))
    house.await_line("tick of 1")
    slow = Call(inhabited, "/dev/ticking?ms=6000")
    wait_until(lambda: health(inhabited)["in_flight"] == 1)
    house.live("dev/ticking", TICKING.replace("VERSION", "2"))
    during = ticks_of(1)
    wait_until(lambda: ticks_of(1) > during)
    assert slow.result() == (200, {"said": 1})
    # What it logged until then may be on its way
    time.sleep(0.5)
    after, meanwhile = ticks_of(1), ticks_of(2)
    wait_until(lambda: ticks_of(2) > meanwhile + 10)
    assert ticks_of(1) == after
    house.await_ack("dev/ticking", house.delete("dev/ticking"))
    time.sleep(0.5)
    gone = ticks_of(2)
    time.sleep(0.5)
    assert ticks_of(2) == gone


def test_stages_are_apart(house: House, inhabited: Process) -> None:
    house.live("dev/where", "globalThis.mark = 'dev'; export default () => ({ said: imp.stage })")
    house.live("staging/where", "export default () => ({ said: [imp.stage, typeof globalThis.mark] })")
    assert said(inhabited, "/dev/where") == "dev"
    assert said(inhabited, "/staging/where") == ["staging", "undefined"]


def test_what_is_deleted_is_gone_and_what_is_expired_too(house: House, inhabited: Process) -> None:
    house.live("dev/gone", SAY % 1)
    house.await_ack("dev/gone", house.delete("dev/gone"))
    assert inhabited.ask("/dev/gone")[0].status == 404


def test_what_cannot_be_loaded_leaves_the_old_code_and_says_why(house: House, inhabited: Process) -> None:
    house.live("dev/steady", SAY % 1)
    revision = house.publish("dev/steady", "const a = 1;\nthrow new Error(`no ${a}`);\nexport default () => 2;\n")
    error = house.await_ack("dev/steady", revision)
    assert error["message"] == "no 1"
    assert "handler.ts:2:7" in error["stack"]
    assert said(inhabited, "/dev/steady") == 1
    line = house.await_line("It can't be loaded: no 1")
    assert (line["level"], line["source"], line["function"]) == ("error", "system", "steady")


def test_what_never_loaded_is_a_clear_answer(house: House, inhabited: Process) -> None:
    house.await_ack("dev/broken", house.publish_code("dev/broken", "exports.other = 1;"))
    response, body = inhabited.ask("/dev/broken")
    assert (response.status, json.loads(body)["type"]) == (503, "/errors/function-not-loaded")


def test_calls_in_flight_finish_on_the_code_they_began_with(house: House, inhabited: Process) -> None:
    source = """
        const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
        export default async (req: ImpRequest) => { await wait(Number(req.query.ms)); return { said: %s } };
    """
    house.live("dev/slow", source % 1)
    connection = inhabited.connect()
    connection.request("GET", "/dev/slow?ms=1500")
    wait_until(lambda: json.loads(inhabited.ask("/_imp/health")[1])["in_flight"] == 1)
    house.live("dev/slow", source % 2)
    assert said(inhabited, "/dev/slow?ms=0") == 2
    assert json.loads(connection.getresponse().read()) == {"said": 1}
    connection.close()


@pytest.mark.parametrize(
    "signature", ["export default { fetch: (request) => %s }", "export const fetch = async (request) => %s"]
)
def test_a_handler_of_the_webs_standards(house: House, inhabited: Process, signature: str) -> None:
    house.live(
        "dev/web",
        signature
        % "new Response(`${request.method} ${new URL(request.url).pathname}`, {status: 201, headers: {a: 'b'}})",
    )
    response, body = inhabited.ask("/dev/web", "POST", body="x")
    assert (response.status, response.headers["a"], body) == (201, "b", b"POST /web")


def test_packages_are_there_for_what_was_built_with_them(house: House, inhabited: Process) -> None:
    house.put_vendor(
        "v" * 64, "module.exports = (name) => { if (name === 'left') return { pad: 7 }; throw new Error(name) }"
    )
    house.live(
        "dev/padded",
        "import { pad } from 'left'; export default () => ({ said: pad })",
        packages=["left"],
        vendor="v" * 64,
    )
    assert said(inhabited, "/dev/padded") == 7
    house.live("dev/plain", "export default () => ({ said: typeof require })")


def test_environment_variables_and_secrets_are_in_imp(house: House, inhabited: Process) -> None:
    house.live(
        "dev/env", "export default () => ({ said: [imp.env.REGION, imp.env.API_KEY, imp.function, imp.gateway.name] })"
    )
    assert said(inhabited, "/dev/env") == ["eu", "s3cr3t-of-a-test", "env", "parcel-tracking"]


def test_two_functions_share_no_globals(house: House, inhabited: Process) -> None:
    house.live("dev/a", "export default () => { globalThis.secret = 1; return { said: globalThis.secret } }")
    house.live("dev/b", "export default () => ({ said: String(globalThis.secret) })")
    assert said(inhabited, "/dev/a") == 1
    assert said(inhabited, "/dev/b") == "undefined"


def test_a_process_that_ends_signs_off(house: House, inhabited: Process) -> None:
    house.live("dev/hello", SAY % 1)
    inhabited.terminate()
    assert inhabited.ended() == 0
    assert house.ask("SELECT FROM imp.instances") == []
    assert house.ask("SELECT FROM imp.acks") == []


def test_it_goes_on_when_its_connections_are_lost(house: House, inhabited: Process) -> None:
    house.live("dev/hello", SAY % 1)
    before = house.ask("SELECT backend_pid FROM imp.instances")
    role = house.spec["runtime_url"].split("//")[1].split(":")[0]
    house.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", role)
    assert said(inhabited, "/dev/hello") == 1
    house.live("dev/hello", SAY % 2)
    assert said(inhabited, "/dev/hello") == 2
    assert house.ask("SELECT backend_pid FROM imp.instances") != before


@pytest.mark.parametrize(
    "thrown",
    [
        r'new Error("zero \0, half \ud800")',
        "Object.create(null)",
        'Object.defineProperty(new Error(), "message", { get() { throw 1; } })',
        "Object.assign(new Error(), { message: 7n, stack: {} })",
        'new Error("x".repeat(1e6))',
        "new Proxy({}, { getPrototypeOf() { throw 1; } })",
    ],
)
def test_whatever_a_module_throws_others_go_live(house: House, inhabited: Process, thrown: str) -> None:
    """What can't be loaded is acknowledged as that, and holds up nothing that is published after it."""
    error = house.await_ack("dev/throws", house.publish("dev/throws", f"throw {thrown};\nexport default () => 1;\n"))
    assert 0 < len(error["message"]) < 10_000
    house.live("staging/after", SAY % 2)
    assert said(inhabited, "/staging/after") == 2
