"""What the portal runs: by a token that nobody else can make, for the function that it names."""

import base64
import hashlib
import json
import time
from typing import Any

import pytest

from tests.runtime.house import House, token
from tests.runtime.processes import Process

ECHO = """
export default (req: ImpRequest) => ({
  path: req.url, params: req.params, by: req.method, id: req.requestId, headers: Object.keys(req.headers),
  function: imp.function,
});
"""
DRAFT = "dev/~drf_1/user/:id"


def run(process: Process, path: str, value: str, **more: Any) -> tuple[int, Any]:
    response, body = process.ask(f"/dev/_imp/run{path}", Imp_Run=value, **more)
    return response.status, json.loads(body)


def test_a_function_is_run_as_it_is_called(house: House, inhabited: Process) -> None:
    house.live("dev/user/:id", ECHO)
    status, found = run(inhabited, "/user/5?a=1", token("dev/user/:id", request_id="req_1"), method="PUT")
    assert status == 200
    assert (found["path"], found["params"], found["by"]) == ("/user/5?a=1", {"id": "5"}, "PUT")
    assert found["id"] == "req_1"
    assert "imp-run" not in found["headers"]


def test_a_draft_is_reached_by_a_run_alone(house: House, inhabited: Process) -> None:
    house.live(DRAFT, ECHO, version=0)
    for path in ("/dev/~drf_1/user/5", "/dev/user/5"):
        assert inhabited.ask(path)[0].status == 404
    status, found = run(inhabited, "/user/5", token(DRAFT, kind="draft"))
    assert (status, found["params"], found["function"]) == (200, {"id": "5"}, "user/:id")
    assert run(inhabited, "/another/path", token(DRAFT, kind="draft"))[0] == 404


def test_what_a_draft_logs_is_its_functions_and_of_no_version(house: House, inhabited: Process) -> None:
    house.live(DRAFT, 'console.log("loaded"); export default () => { console.log("called"); throw new Error("no"); };',
               version=0)  # fmt: skip
    assert run(inhabited, "/user/5", token(DRAFT, kind="draft", request_id="req_2"))[0] == 500
    assert {(each["function"], each["version"]) for each in house.lines(request_id="req_2")} == {("user/:id", 0)}
    assert house.await_line("loaded")["function"] == "user/:id"


def test_a_draft_that_has_expired_is_not_run(house: House, inhabited: Process) -> None:
    house.live(DRAFT, ECHO, expires_at="2020-01-01T00:00:00Z")
    assert run(inhabited, "/user/5", token(DRAFT, kind="draft"))[0] == 404


def spoiled(value: str) -> list[str]:
    payload, mac = value.split(".")
    text = base64.urlsafe_b64decode(payload + "==").replace(b"dev/one", b"dev/two")
    other = base64.urlsafe_b64encode(text).decode().rstrip("=")
    return ["", ".", payload, f"{payload}.", f"{other}.{mac}", f"{payload}.{mac[:-2]}AA", f"{payload}.{mac}.x", "!.!"]


def test_nobody_else_can_run_anything(house: House, inhabited: Process) -> None:
    house.publish("dev/one", ECHO)
    house.live("dev/two", ECHO)
    for value in [
        *spoiled(token("dev/one")),
        token("dev/one", key=b"another key"),
        token("dev/one", exp=time.time() - 1),
        token("dev/one", exp=time.time() + 3600),
        token("dev/one", kind="data"),
        token("dev/one", kind="other"),
        token("dev/one", nonce=""),
        token("dev/three"),
        token("staging/one"),
    ]:
        status, problem = run(inhabited, "/one", value)
        assert (status, problem["type"]) == (404, "/errors/no-such-function"), value
    assert inhabited.ask("/dev/_imp/run/one")[0].status == 404
    assert run(inhabited, "/two", token("dev/one"))[0] == 404
    assert run(inhabited, "/one", token("dev/one"))[0] == 200


def test_a_token_counts_once(house: House, inhabited: Process) -> None:
    house.live("dev/one", ECHO)
    value = token("dev/one")
    assert run(inhabited, "/one", value)[0] == 200
    status, problem = run(inhabited, "/one", value)
    assert (status, problem["type"]) == (409, "/errors/run-used")


def test_what_was_not_begun_is_not_used(house: House, inhabited: Process) -> None:
    value = token("dev/one")
    assert run(inhabited, "/one", value)[0] == 404
    house.live("dev/one", ECHO)
    assert run(inhabited, "/one", value)[0] == 200


def test_problems_say_what_the_function_saw(house: House, inhabited: Process) -> None:
    house.live("dev/user/:id", "export default (req) => { console.log(req.path); throw new Error('on purpose'); }")
    for value, path, kind in [
        (token("dev/user/:id", request_id="req_own"), "/user/5", "function-failed"),
        (token("dev/user/:id", request_id="req_own"), "/other", "no-such-function"),
    ]:
        _, problem = run(inhabited, f"{path}?a=1", value, X_Request_Id="of-envoy")
        assert problem["type"] == f"/errors/{kind}"
        assert (problem["request_id"], problem["path"]) == ("req_own", path)
    assert [line["text"] for line in house.lines(request_id="req_own", source="console")] == ["/user/5"]
    assert house.lines(request_id="of-envoy") == []


def ask_data(process: Process, asked: Any, *, digest_of: bytes | None = None, kind: str = "data") -> tuple[int, Any]:
    body = json.dumps(asked).encode()
    digest = hashlib.sha256(body if digest_of is None else digest_of).hexdigest()
    response, content = process.ask(
        "/dev/_imp/data",
        "POST",
        body,
        Imp_Run=token("", kind=kind, body_sha256=digest),
        Content_Type="application/json",
    )
    return response.status, json.loads(content)


def test_data_is_asked_for_by_what_was_signed(house: House, inhabited: Process) -> None:
    house.live(
        "dev/keep", "export default async () => { await imp.db('notes').insertOne({ _id: 'a', n: 1 }); return {} }"
    )
    assert inhabited.ask("/dev/keep")[0].status == 200
    asked = {"op": "find", "collection": "notes", "args": [{}, {}]}
    status, found = ask_data(inhabited, asked)
    assert status == 200
    assert json.dumps(found).count('"n": 1') == 1
    assert ask_data(inhabited, asked, digest_of=b"another")[0] == 404
    assert ask_data(inhabited, asked, kind="call")[0] == 404
    status, refused = ask_data(inhabited, {"op": "sql.run", "collection": "", "args": [["SELECT 1"], []]})
    assert (status, set(refused["error"])) == (400, {"code", "message", "field"})


@pytest.mark.parametrize("path", ["/dev/_imp/run/one", "/dev/_imp/data", "/dev/_imp/other"])
def test_without_a_token_there_is_nothing(inhabited: Process, path: str) -> None:
    response, body = inhabited.ask(path, "POST", "{}")
    assert (response.status, json.loads(body)["type"]) == (404, "/errors/no-such-function")
