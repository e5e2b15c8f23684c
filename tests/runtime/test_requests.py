"""What comes in as `req`, and what goes out by `res`."""

import http.client
import json
import socket
from functools import partial
from typing import Any

import pytest

from tests.runtime.house import House
from tests.runtime.processes import Process, wait_until

ECHO = """
export default async (req: ImpRequest) => ({
  method: req.method, path: req.path, url: req.url, params: req.params, query: req.query, body: req.body ?? null,
  raw: req.rawBody.length, cookies: req.cookies, agent: req.get("User-Agent"), ip: req.ip, id: req.requestId,
});
"""


def echoed(process: Process, path: str, method: str = "GET", body: Any = None, **headers: str) -> Any:
    response, content = process.ask(path, method, body, **headers)
    assert response.status == 200, content
    return json.loads(content)


def test_a_request_is_all_there(house: House, inhabited: Process) -> None:
    house.live("dev/user/:id/*rest", ECHO)
    found = echoed(
        inhabited, "/dev/user/a%20b/c/d%2Fe/?x=1&y=2&y=3&z=%C3%A4", User_Agent="test", Cookie='a=1; b="c%3D"',
        X_Forwarded_For="203.0.113.7", X_Request_Id="0af7-1",
    )  # fmt: skip
    assert found == {
        "method": "GET",
        "path": "/user/a%20b/c/d%2Fe/",
        "url": "/user/a%20b/c/d%2Fe/?x=1&y=2&y=3&z=%C3%A4",
        "params": {"id": "a b", "rest": "c/d/e"},
        "query": {"x": "1", "y": ["2", "3"], "z": "ä"},
        "body": None,
        "raw": 0,
        "cookies": {"a": "1", "b": "c="},
        "agent": "test",
        "ip": "203.0.113.7",
        "id": "0af7-1",
    }


BODIES = [
    ("application/json", b'{"a": [1, "\xc3\xa4"]}', {"a": [1, "ä"]}),
    ("application/vnd.api+json; charset=utf-8", b"null", None),
    ("application/x-www-form-urlencoded", b"a=1&a=2&b=c+d", {"a": ["1", "2"], "b": "c d"}),
    ("text/plain", "grüezi".encode(), "grüezi"),
]


@pytest.mark.parametrize(("kind", "body", "read"), BODIES, ids=[each[0] for each in BODIES])
def test_a_body_is_read_by_its_type(house: House, inhabited: Process, kind: str, body: bytes, read: Any) -> None:
    house.live("dev/echo", ECHO)
    found = echoed(inhabited, "/dev/echo", "POST", body, Content_Type=kind)
    assert (found["body"], found["raw"]) == (read, len(body))


def test_json_that_is_none_is_the_callers_fault(house: House, inhabited: Process) -> None:
    house.live("dev/echo", ECHO)
    response, body = inhabited.ask("/dev/echo", "POST", "{", Content_Type="application/json")
    problem = json.loads(body)
    assert (response.status, problem["type"]) == (400, "/errors/malformed-body")
    assert problem["detail"].startswith("The body is no JSON: ")
    assert house.lines(level="error") == []


def test_a_form_with_files(house: House, inhabited: Process) -> None:
    house.live(
        "dev/upload",
        """
        export default async ({ body: { file, tag } }: ImpRequest) => {
          const bytes = new Uint8Array(await file.arrayBuffer());
          return { name: file.name, type: file.type, bytes: [...bytes], tags: tag };
        };
        """,
    )
    parts = [
        b'--edge\r\nContent-Disposition: form-data; name="tag"\r\n\r\none\r\n',
        b'--edge\r\nContent-Disposition: form-data; name="tag"\r\n\r\ntwo\r\n',
        b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n'
        b"Content-Type: image/x\r\n\r\n\x00\xff\r\n\r\n--edge--\r\n",
    ]
    found = echoed(inhabited, "/dev/upload", "POST", b"".join(parts), Content_Type="multipart/form-data; boundary=edge")
    assert found == {"name": "a.bin", "type": "image/x", "bytes": [0, 255, 13, 10], "tags": ["one", "two"]}


def test_bytes_come_and_go_as_they_are(house: House, inhabited: Process) -> None:
    house.live(
        "dev/mirror", "export default (req: ImpRequest, res: ImpResponse) => res.type('image/png').send(req.rawBody)"
    )
    for kind in ("application/octet-stream", "text/plain", "application/json"):
        sent = bytes(range(256)) * 1000
        response, body = inhabited.ask("/dev/mirror", "POST", sent, Content_Type=kind)
        assert (body, response.headers["content-type"]) == (sent, "image/png")


def test_methods_and_what_follows_from_them(house: House, inhabited: Process) -> None:
    house.live("dev/only", "export default (req) => ({ by: req.method })", methods=["GET", "POST"])
    house.live("dev/all", "export default (req) => ({ by: req.method })")
    response, body = inhabited.ask("/dev/only", "DELETE")
    assert (response.status, json.loads(body)["type"]) == (405, "/errors/method-not-allowed")
    assert response.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    response, body = inhabited.ask("/dev/only", "OPTIONS")
    assert (response.status, response.headers["allow"], body) == (204, "GET, HEAD, OPTIONS, POST", b"")
    response, body = inhabited.ask("/dev/only", "HEAD")
    assert (response.status, response.headers["content-type"], body) == (200, "application/json; charset=utf-8", b"")
    for method in ("OPTIONS", "PUT", "PATCH", "DELETE", "PROPFIND"):
        assert echoed(inhabited, "/dev/all", method) == {"by": method}


def test_the_nearest_name_answers(house: House, inhabited: Process) -> None:
    for name in ("user/me", "user/:id", "*any", "user/:id/*rest", ":kind/me/x"):
        house.publish(f"dev/{name}", "export default () => imp.function")
    house.live("dev/last", "export default () => imp.function")
    for path, name in {
        "/user/me": "user/me", "/user/you": "user/:id", "/user/me/": "user/me", "/user/a/b": "user/:id/*rest",
        "/user/me/x": "user/:id/*rest", "/group/me/x": ":kind/me/x", "/elsewhere": "*any", "/user/%6de": "user/me",
    }.items():  # fmt: skip
        assert inhabited.ask(f"/dev{path}")[1].decode() == name, path
    assert inhabited.ask("/dev/")[0].status == 404
    assert inhabited.ask("/dev/user/%zz")[0].status == 400


ANSWERS = [
    ("({ a: 1 })", 200, "application/json; charset=utf-8", b'{"a":1}'),
    ("[1]", 200, "application/json; charset=utf-8", b"[1]"),
    ("null", 200, "application/json; charset=utf-8", b"null"),
    ("'text'", 200, "text/plain; charset=utf-8", b"text"),
    ("undefined", 204, None, b""),
    ("new Uint8Array([1, 2])", 200, "application/octet-stream", b"\x01\x02"),
    ("new Response('r', { status: 418, headers: { 'content-type': 'a/b' } })", 418, "a/b", b"r"),
    ("Response.json([2])", 200, "application/json", b"[2]"),
    ("new Response(null, { status: 204 })", 204, None, b""),
    ("res.status(201).json({ b: 2 })", 201, "application/json; charset=utf-8", b'{"b":2}'),
    ("res.send('<p>')", 200, "text/html; charset=utf-8", b"<p>"),
    ("res.sendStatus(202)", 202, "text/plain; charset=utf-8", b"202"),
    ("res.status(404)", 404, None, b""),
    ("res.type('csv').send('a,b')", 200, "text/csv; charset=utf-8", b"a,b"),
    ("res.end(new Uint8Array([7]))", 200, None, b"\x07"),
]


def test_each_way_to_answer(house: House, inhabited: Process) -> None:
    for at, (value, *_) in enumerate(ANSWERS):
        house.publish(f"dev/a{at}", f"export default async (req: ImpRequest, res: ImpResponse) => {value}")
    house.live("dev/last", "export default () => 1")
    for at, (value, status, kind, content) in enumerate(ANSWERS):
        response, body = inhabited.ask(f"/dev/a{at}")
        assert (response.status, response.headers["content-type"], body) == (status, kind, content), value


def test_headers_cookies_and_redirects(house: House, inhabited: Process) -> None:
    house.live(
        "dev/set",
        """
        export default (req: ImpRequest, res: ImpResponse) => {
          res.set({ "X-One": "1", "x-two": "2" }).append("x-two", "3").cookie("a", "b c", { httpOnly: true, maxAge: 5 })
          res.clearCookie("old").set("connection", "upgrade").set("content-length", "3");
          res.redirect(303, "/dev/über?x=%20");
        }
        """,
    )
    response, _ = inhabited.ask("/dev/set")
    assert (response.status, response.headers["location"]) == (303, "/dev/%C3%BCber?x=%20")
    assert (response.headers["x-one"], response.headers.get_all("x-two")) == ("1", ["2", "3"])
    assert response.headers.get_all("set-cookie") == [
        "a=b%20c; Path=/; Max-Age=5; HttpOnly",
        "old=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    ]


WRONG = {
    "res.set('a b', 'c')": "\"a b\" can't be a header's name",
    "res.set('a', 'b\\r\\nset-cookie: c')": "The header a can't be",
    "res.status(99)": "99 is no status of an answer",
    "res.cookie('a;b', 'c')": "\"a;b\" can't be a cookie's name",
    "(res.json(1), res.json(2))": "The answer was sent before",
    "res.redirect(200, '/')": "200 is no status of a redirect",
}


def test_what_cannot_be_answered_is_an_error_of_the_function(house: House, inhabited: Process) -> None:
    for at, value in enumerate(WRONG):
        house.publish(f"dev/w{at}", f"export default (req: ImpRequest, res: ImpResponse) => {{ {value} }}")
    house.live("dev/last", "export default () => 1")
    for at, (value, said) in enumerate(WRONG.items()):
        response, _ = inhabited.ask(f"/dev/w{at}")
        assert response.status == (200 if "json(1)" in value else 500), value
        assert said in house.await_line(said)["text"]


STREAM = """
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
export default async (req: ImpRequest, res: ImpResponse) => {
  res.type("events");
  for (let n = 0; n < 3; n++) { await res.write(`data: ${n}\\n\\n`); await wait(50); }
  res.end("last");
};
"""


def test_events_come_one_by_one(house: House, inhabited: Process) -> None:
    house.live("dev/events", STREAM)
    connection = inhabited.connect()
    connection.request("GET", "/dev/events")
    response = connection.getresponse()
    assert response.headers["content-type"] == "text/event-stream"
    assert response.read1() == b"data: 0\n\n"
    assert response.read() == b"data: 1\n\ndata: 2\n\nlast"
    connection.close()


def test_a_stream_waits_for_who_reads_it(house: House, inhabited: Process) -> None:
    house.live(
        "dev/much",
        """
        let written = 0;
        async function* parts() { for (; written < 200;) { written++; yield new Uint8Array(100_000).fill(written); } }
        export default (req: ImpRequest, res: ImpResponse) => req.query.ask ? { written } : res.stream(parts());
        """,
    )
    connection = inhabited.connect()
    connection.request("GET", "/dev/much")
    response = connection.getresponse()
    assert response.read(1) == b"\x01"
    before = json.loads(inhabited.ask("/dev/much?ask=1")[1])["written"]
    assert before < 100
    assert len(response.read()) == 200 * 100_000 - 1
    connection.close()


def test_a_response_that_is_a_stream_goes_as_one(house: House, inhabited: Process) -> None:
    house.live(
        "dev/web",
        """
        const parts = [1, 2, 3].map((n) => new TextEncoder().encode(`${n};`));
        export const fetch = () => new Response(ReadableStream.from(parts));
        """,
    )
    assert inhabited.ask("/dev/web")[1] == b"1;2;3;"


def was_told(process: Process, times: int) -> bool:
    return bool(json.loads(process.ask("/dev/left?ask=1")[1])["aborted"] == times)


def test_who_goes_away_is_told_to_the_function(house: House, inhabited: Process) -> None:
    house.live(
        "dev/left",
        """
        let aborted = 0;
        export default async (req: ImpRequest, res: ImpResponse) => {
          if (req.query.ask) return { aborted };
          req.signal.addEventListener("abort", () => aborted++);
          if (req.query.stream) await res.write("begun");
          await new Promise((resolve) => req.signal.addEventListener("abort", resolve));
        };
        """,
    )
    for count, path in enumerate(("/dev/left", "/dev/left?stream=1"), start=1):
        connection = inhabited.connect()
        connection.request("GET", path)
        wait_until(lambda: json.loads(inhabited.ask("/_imp/health")[1])["in_flight"] == 1)
        if "stream" in path:
            assert connection.getresponse().read1() == b"begun"
        connection.sock.shutdown(socket.SHUT_RDWR)
        connection.close()
        wait_until(partial(was_told, inhabited, count))


def test_what_breaks_in_the_middle_is_cut_off(house: House, inhabited: Process) -> None:
    house.live(
        "dev/cut",
        """
        export default async (req: ImpRequest, res: ImpResponse) => {
          await res.write("begun");
          throw new Error("cut here");
        };
        """,
    )
    connection = inhabited.connect()
    connection.request("GET", "/dev/cut")
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        connection.getresponse().read()
    connection.close()
    assert house.await_line("cut here")["level"] == "error"


def test_sizes_are_limited_both_ways(house: House, inhabited: Process) -> None:
    house.live("dev/size", "export default (req: ImpRequest) => req.rawBody.length || 'x'.repeat(Number(req.query.n))")
    most = 10 * 1024 * 1024
    assert inhabited.ask("/dev/size", "POST", b"x" * most)[1] == str(most).encode()
    response, body = inhabited.ask("/dev/size", "POST", b"x" * (most + 1))
    assert (response.status, json.loads(body)["type"]) == (413, "/errors/too-large")
    assert len(inhabited.ask(f"/dev/size?n={most}")[1]) == most
    response, body = inhabited.ask(f"/dev/size?n={most + 1}")
    assert (response.status, json.loads(body)["type"]) == (500, "/errors/answer-too-large")
    assert "res.stream" in house.await_line("AnswerTooLarge")["text"]


def test_a_status_that_is_none_is_the_functions_error(house: House, inhabited: Process) -> None:
    """Assigned, and not by res.status(): also what can't even be told."""
    house.live(
        "dev/odd",
        """
        const odd = [10n, "abc", 99, 600, 204.5, { toJSON() { return 1; } }];
        export default async (req: ImpRequest, res: ImpResponse) => {
          (res as any).statusCode = odd[Number(req.query.n)];
          res.send("never");
        };
        """,
    )
    for number in range(6):
        response, body = inhabited.ask(f"/dev/odd?n={number}", X_Request_Id=f"id-{number}")
        assert (response.status, json.loads(body)["type"]) == (500, "/errors/function-failed")
    house.await_line("RangeError: abc is no status of an answer")
    wait_until(lambda: {each["request_id"] for each in house.lines()} == {f"id-{n}" for n in range(6)}, house.lines())


@pytest.mark.parametrize("headers", ["91, 'short'", "1, 'long'.repeat(20_000)"])
def test_more_headers_than_envoy_takes_are_the_functions_error(house: House, inhabited: Process, headers: str) -> None:
    house.live(
        "dev/headers",
        f"""
        const [count, value] = [{headers}];
        export default async (req: ImpRequest, res: ImpResponse) => {{
          for (let number = 0; number < count; number++) res.set(`x-${{number}}`, value);
          res.send("never");
        }};
        """,
    )
    response, body = inhabited.ask("/dev/headers")
    assert (response.status, json.loads(body)["type"]) == (500, "/errors/function-failed")
    house.await_line("RangeError: An answer has 90 headers and 48 KiB of them at most")


def test_whatever_a_function_throws_is_its_error(house: House, inhabited: Process) -> None:
    """Also what throws again when it's looked at; nobody waits until the time limit."""
    house.live(
        "dev/throws",
        """
        const again = () => { throw 1; };
        const odd = [null, {}, Object.create(null), new Proxy({}, { getPrototypeOf: again, get: again }),
          Object.defineProperty(new Error(), "message", { get: again })];
        export default async (req: ImpRequest) => { throw odd[Number(req.query.n)]; };
        """,
        timeout_ms=20_000,
    )
    for number in range(5):
        response, body = inhabited.ask(f"/dev/throws?n={number}")
        assert (response.status, json.loads(body)["type"]) == (500, "/errors/function-failed"), number
