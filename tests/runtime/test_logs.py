"""What functions log: in the gateway's database, each line with its own call, and never too much of it."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.runtime.conftest import Start
from tests.runtime.house import House, token
from tests.runtime.processes import Process, wait_until


def test_each_of_200_calls_at_once_has_its_own_lines(house: House, inhabited: Process) -> None:
    house.live(
        "dev/talk",
        """
        const wait = () => new Promise((resolve) => setTimeout(resolve, Math.random() * 30));
        async function deep(n: string) { await wait(); console.log("deep", n); await Promise.all([wait(), wait()]); }
        export default async (req: ImpRequest) => {
          console.log("begun", req.query.n);
          await deep(req.query.n);
          setTimeout(() => console.log("later", req.query.n), 5);
          for await (const _ of [wait(), wait()]) imp.log.info("loop", { n: req.query.n });
          return { id: imp.requestId };
        };
        """,
    )

    def call(number: int) -> str:
        response, body = inhabited.ask(f"/dev/talk?n={number}", X_Request_Id=f"id-{number}")
        assert response.status == 200
        return str(json.loads(body)["id"])

    with ThreadPoolExecutor(200) as pool:
        assert list(pool.map(call, range(200))) == [f"id-{number}" for number in range(200)]
    wait_until(
        lambda: house.ask("SELECT count(*) FROM imp.logs") == [(1000,)], house.ask("SELECT count(*) FROM imp.logs")
    )
    for line in house.lines():
        number = line["fields"]["n"] if line["fields"] else line["text"].split(" ")[1]
        assert line["request_id"] == f"id-{number}"
        assert (line["stage"], line["function"], line["version"], line["source"]) == ("dev", "talk", 1, "console")


def test_a_stack_names_the_lines_of_the_sources(house: House, inhabited: Process) -> None:
    house.live(
        "dev/fails",
        {
            "handler.ts": 'import { check } from "./lib/check";\n\nexport default async (req: ImpRequest) => {\n'
            "  await null;\n  return check(req.query.n as string);\n};\n",
            "lib/check.ts": "interface Box {\n  n: number;\n}\n\nexport function check(n: string): Box {\n"
            "  throw new RangeError(`not ${n}`);\n}\n",
        },
        version=7,
    )
    response, body = inhabited.ask("/dev/fails?n=5", X_Request_Id="id-1")
    problem = json.loads(body)
    assert (response.status, problem["type"], problem["request_id"]) == (500, "/errors/function-failed", "id-1")
    assert "not 5" not in body.decode()
    line = house.await_line("RangeError: not 5")
    assert (line["level"], line["source"], line["request_id"], line["version"]) == ("error", "call", "id-1", 7)
    stack = line["fields"]["stack"].splitlines()
    assert "lib/check.ts:6:9" in stack[1]
    assert "handler.ts:5:10" in stack[2]


def test_what_is_logged_looks_as_it_does_on_consoles(house: House, inhabited: Process) -> None:
    house.live(
        "dev/shapes",
        """
        export default () => {
          console.log("%s is %d", "a", 5, { b: [1] });
          console.warn(new Map([["k", 1]]));
          console.assert(1 > 2, "no");
          imp.log.debug("fields", { n: 1n, at: new Date(0), e: new Error("inner") });
          imp.log.error(new Error("an error"));
          const loop: Record<string, unknown> = {}; loop.self = loop;
          console.log(loop, "\\u0000");
          console.log("x".repeat(10_000));
          return {};
        };
        """,
    )
    assert inhabited.ask("/dev/shapes")[0].status == 200
    house.await_line("characters)")
    lines = house.lines(source="console")
    assert [each["level"] for each in lines] == ["info", "warn", "error", "debug", "error", "info", "info"]
    texts = [each["text"] for each in lines]
    assert texts[:4] == ["a is 5 { b: [ 1 ] }", 'Map(1) { "k" => 1 }', "Assertion failed: no", "fields"]
    assert lines[3]["fields"]["n"] == "1"
    assert lines[3]["fields"]["at"] == "1970-01-01T00:00:00.000Z"
    assert "handler.ts:6:" in lines[3]["fields"]["e"]
    assert texts[4].startswith("Error: an error\n    at ")
    assert "handler.ts:7:25" in texts[4]
    assert texts[5].startswith("<ref *1>")
    assert texts[6].endswith("(10,000 characters)")


def test_a_flood_is_cut_and_says_what_was_left_out(house: House, inhabited: Process) -> None:
    house.live(
        "dev/flood", "export default () => { for (let n = 0; n < 5000; n++) console.log(`line ${n}`); return {} }"
    )
    assert inhabited.ask("/dev/flood", X_Request_Id="id-1")[0].status == 200
    line = house.await_line("left out")
    assert line["text"] == "4,000 lines of this call were left out: it logged too much."
    assert (line["source"], line["level"], line["request_id"]) == ("system", "warn", "id-1")
    assert line["fields"] == {"left_out": 4000}
    assert len(house.lines(source="console")) == 1000


def test_a_stage_that_floods_is_cut_too(house: House, inhabited: Process) -> None:
    house.live(
        "dev/flood", "export default () => { for (let n = 0; n < 900; n++) console.log(`line ${n}`); return {} }"
    )
    with ThreadPoolExecutor(8) as pool:
        assert {each[0].status for each in pool.map(lambda _: inhabited.ask("/dev/flood"), range(16))} == {200}
    line = house.await_line("of this stage were left out")
    kept = len(house.lines(source="console"))
    assert 2000 <= kept < 16 * 900
    wait_until(lambda: kept + sum(each["fields"]["left_out"] for each in house.lines(source="system")) == 16 * 900)
    assert line["function"] == ""


def test_lines_wait_while_the_database_is_away(house: House, inhabited: Process) -> None:
    house.live("dev/talk", "export default (req: ImpRequest) => { console.log(req.query.n); return {} }")
    house.connection.execute("ALTER TABLE imp.logs RENAME TO logs_away")
    try:
        assert inhabited.ask("/dev/talk?n=kept")[0].status == 200
        wait_until(lambda: bool(inhabited.events("logs-waiting")))
    finally:
        house.connection.execute("ALTER TABLE imp.logs_away RENAME TO logs")
    assert house.await_line("kept")["function"] == "talk"


def test_lines_can_go_to_standard_output(house: House, start: Start) -> None:
    process = start(**{**house.spec, "logs": "stdout"})
    process.until("ready")
    house.live("dev/talk", "export default () => { console.log('out loud'); return {} }")
    assert process.ask("/dev/talk", X_Request_Id="id-1")[0].status == 200
    line = process.until("function-log")
    assert (line["text"], line["function"], line["stage"], line["requestId"]) == ("out loud", "talk", "dev", "id-1")
    assert house.lines() == []


def test_a_run_ends_once_its_lines_are_there(house: House, inhabited: Process, tmp_path: Path) -> None:
    house.live(
        "dev/run",
        """
        const wait = () => new Promise((resolve) => setTimeout(resolve, 50));
        export default async (req: ImpRequest, res: ImpResponse) => {
          res.json({ first: true });
          await wait();
          console.log("after its answer");
        };
        """,
    )
    response, _ = inhabited.ask("/dev/_imp/run/run", Imp_Run=token("dev/run"))
    assert response.status == 200
    assert [each["text"] for each in house.lines(request_id="req_of_run")] == ["after its answer"]


def test_a_text_that_the_database_refuses_holds_up_no_other_line(house: House, inhabited: Process) -> None:
    house.live(
        "dev/odd",
        r"""
        export default async () => {
          console.log("half \ud800, zero \0");
          console.log("x".repeat(8191) + "😀");
          imp.log.info("written", { "name \ud800\0": "\udfff", escaped: "\\u0000" });
          return 1;
        };
        """,
    )
    assert inhabited.ask("/dev/odd")[0].status == 200
    assert house.await_line("half")["text"] == "half \ufffd, zero \ufffd"
    assert house.await_line("x" * 8191 + "\ufffd…")
    assert house.await_line("written")["fields"] == {"name \ufffd\ufffd": "\ufffd", "escaped": "\\u0000"}
