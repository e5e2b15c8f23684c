"""Handlers as people write them who come from Express, from Workers, or from neither: each does what it says."""

import json
import socket
from functools import partial
from typing import Any

import pytest

from tests.runtime.house import House
from tests.runtime.processes import Process, wait_until


def handler(body: str) -> str:
    return f"export default async (req: ImpRequest, res: ImpResponse) => {{ {body} }};"


JSON = "application/json; charset=utf-8"
TEXT = "text/plain; charset=utf-8"

ORDINARY = {
    "url": ("return new URL('../b?x=1#y', 'https://a.example/c/d').href", TEXT, b"https://a.example/b?x=1#y"),
    "search": (
        "const query = new URLSearchParams(req.url.split('?')[1]); query.append('a', '2'); return query.toString()",
        TEXT, b"n=1&a=2",
    ),
    "digest": (
        "const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode('imp'));"
        "return [...new Uint8Array(digest)].map((each) => each.toString(16).padStart(2, '0')).join('').slice(0, 8)",
        TEXT, b"9bd65b64",
    ),
    "hmac": (
        "const key = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, true, ['sign', 'verify']);"
        "const text = new TextEncoder().encode('a');"
        "return crypto.subtle.verify('HMAC', key, await crypto.subtle.sign('HMAC', key, text), text)",
        JSON, b"true",
    ),
    "uuid": ("return /^[0-9a-f-]{36}$/.test(crypto.randomUUID())", JSON, b"true"),
    "decoded": ("return new TextDecoder().decode(new TextEncoder().encode('gr\\u00fcezi'))", TEXT, "grüezi".encode()),
    "base64": ("return atob(btoa('imp'))", TEXT, b"imp"),
    "cloned": (
        "const at = new Date(0); const copy = structuredClone({ at, map: new Map([[1, { b: 2 }]]) });"
        "return [copy.at === at, copy.at, copy.map.get(1)]",
        JSON, b'[false,"1970-01-01T00:00:00.000Z",{"b":2}]',
    ),
    "dates": ("return { at: new Date(0), none: undefined, no: NaN, all: Infinity }", JSON,
              b'{"at":"1970-01-01T00:00:00.000Z","no":null,"all":null}'),
    "number": ("return 0", JSON, b"0"),
    "false": ("return false", JSON, b"false"),
    "empty": ("return ''", TEXT, b""),
    "thenable": ("return { then: (resolve: (value: string) => void) => resolve('later') }", TEXT, b"later"),
    "after": ("res.json({ first: 1 }); await new Promise((resolve) => setTimeout(resolve, 20)); return 'late'",
              JSON, b'{"first":1}'),
    "iterated": (
        "const seen = []; for await (const each of (async function* () { yield 1; yield 2; })()) seen.push(each);"
        "return seen", JSON, b"[1,2]",
    ),
    "blob": ("return new Blob(['<svg/>'], { type: 'image/svg+xml' })", "image/svg+xml", b"<svg/>"),
    "sent-blob": ("res.send(new Blob(['<svg/>'], { type: 'image/svg+xml' }))", "image/svg+xml", b"<svg/>"),
    "stream": ("return ReadableStream.from(['a', 'b'])", "application/octet-stream", b"ab"),
    "typed-stream": ("res.type('text'); return new Response('abc').body", TEXT, b"abc"),
    "generated": ("return (async function* () { yield 'a'; yield new Uint8Array([98]); })()",
                  "application/octet-stream", b"ab"),
}  # fmt: skip


def test_what_is_ordinary_works(house: House, inhabited: Process) -> None:
    for name, (body, _, _) in ORDINARY.items():
        house.publish(f"dev/{name}", handler(body))
    house.live("dev/last", handler(""))
    found = {name: inhabited.ask(f"/dev/{name}?n=1") for name in ORDINARY}
    said = {name: (each.status, each.headers["content-type"], body) for name, (each, body) in found.items()}
    assert said == {name: (200, kind, content) for name, (_, kind, content) in ORDINARY.items()}


UNSENDABLE = {
    "return 1n": "TypeError: Do not know how to serialize a BigInt",
    "res.json({ n: 1n })": "TypeError: Do not know how to serialize a BigInt",
    "const loop: any = {}; loop.loop = loop; return loop": "TypeError: Converting circular structure to JSON",
    "res.json(undefined)": "TypeError: undefined can't be sent as JSON",
    "return () => 1": "TypeError: function can't be sent as JSON",
    "return Symbol('s')": "TypeError: symbol can't be sent as JSON",
    "throw 'a text'": 'Thrown: "a text"',
    "throw null": "Thrown: null",
    "throw Object.assign(new Error('gone'), { status: 410 })": "Error: gone",
    "await Promise.reject(new RangeError('later'))": "RangeError: later",
    "return Response.error()": "RangeError: 0 is no status of an answer",
}


def test_what_cannot_be_answered_is_500_and_the_log_says_why(house: House, inhabited: Process) -> None:
    for at, body in enumerate(UNSENDABLE):
        house.publish(f"dev/u{at}", handler(body))
    house.live("dev/last", handler(""))
    for at, (body, said) in enumerate(UNSENDABLE.items()):
        response, content = inhabited.ask(f"/dev/u{at}", X_Request_Id=f"id-{at}")
        assert (response.status, json.loads(content)["type"]) == (500, "/errors/function-failed"), body
        wait_until(partial(_is_logged, house, f"id-{at}"), body)
        [line] = house.lines(request_id=f"id-{at}")
        assert (line["level"], line["text"][: len(said)]) == ("error", said)


def _is_logged(house: House, request_id: str) -> bool:
    return bool(house.lines(request_id=request_id))


@pytest.mark.parametrize("kind", ["application/json", "text/json+json"])
@pytest.mark.parametrize("size", [10, 100_000])
def test_json_may_begin_with_a_mark(house: House, inhabited: Process, kind: str, size: int) -> None:
    """As programs of Windows write it; however long it is."""
    house.live("dev/length", handler("return req.body.text.length"))
    body = b"\xef\xbb\xbf" + json.dumps({"text": "x" * size}).encode()
    assert inhabited.ask("/dev/length", "POST", body, Content_Type=kind)[1] == str(size).encode()


def test_a_text_is_read_in_the_characters_that_it_says(house: House, inhabited: Process) -> None:
    house.live("dev/text", handler("return req.body"))
    for charset, encoding in (("iso-8859-1", "latin-1"), ('"UTF-16LE"', "utf-16-le"), ("none", "utf-8")):
        kind = f"text/plain; charset={charset}"
        answer = inhabited.ask("/dev/text", "POST", "für".encode(encoding), Content_Type=kind)[1]
        assert answer.decode() == "für", charset


def test_redirects_go_where_they_say(house: House, inhabited: Process) -> None:
    for path in ("/a?b=[c]&d=%5B%25", "http://[::1]:8000/über", "https://x.example/a b|c^d"):
        house.live("dev/to", handler(f"res.redirect({json.dumps(path)})"))
        location = inhabited.ask("/dev/to")[0].headers["location"]
        assert location.replace("%20", " ").replace("%7C", "|").replace("%5E", "^").replace("%C3%BC", "ü") == path


def test_a_cleared_cookie_is_gone_whatever_age_it_had(house: House, inhabited: Process) -> None:
    house.live("dev/out", handler("res.clearCookie('sid', { maxAge: 60, path: '/a', expires: new Date() }).end()"))
    [cookie] = inhabited.ask("/dev/out")[0].headers.get_all("set-cookie") or []
    assert cookie == "sid=; Path=/a; Expires=Thu, 01 Jan 1970 00:00:00 GMT"


WORKERS = """
export default {
  async fetch(request: Request, env: Record<string, string>, context: any) {
    context.waitUntil(new Promise<void>((resolve) => setTimeout(resolve, 20)).then(() => console.log("afterwards")));
    return Response.json({ path: new URL(request.url).pathname, region: env.REGION });
  },
};
"""


def test_a_worker_of_the_web_has_its_environment_and_goes_on_after_its_answer(house: House, inhabited: Process) -> None:
    house.live("dev/worker", WORKERS)
    assert json.loads(inhabited.ask("/dev/worker", X_Request_Id="id-1")[1]) == {"path": "/worker", "region": "eu"}
    assert house.await_line("afterwards")["request_id"] == "id-1"


def test_a_large_part_is_sent_whole(house: House, inhabited: Process) -> None:
    house.live("dev/large", handler("await res.write('x'.repeat(20 * 2 ** 20)); res.end('y')"))
    assert inhabited.ask("/dev/large")[1] == b"x" * 20 * 2**20 + b"y"


def test_who_writes_faster_than_anybody_reads_is_cut_off_and_told(house: House, inhabited: Process) -> None:
    """Not a whole answer that lacks its end."""
    house.live("dev/fast", handler("for (let n = 0; n < 400; n++) res.write('x'.repeat(100_000)); res.end('last')"))
    answer = inhabited.raw(b"GET /dev/fast HTTP/1.1\r\nhost: gw\r\nconnection: close\r\n\r\n")
    assert not answer.endswith(b"0\r\n\r\n")
    house.await_line("AnswerTooLarge: The caller is slower than what is written: await res.write(…)")


STREAMS = """
let cancelled = 0;
export const fetch = (request: Request) => {
  if (request.url.includes("ask")) return Response.json({ cancelled });
  const body = new ReadableStream({ cancel: () => void cancelled++ });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
};
"""


def test_a_stream_that_has_nothing_yet_has_its_head(house: House, inhabited: Process) -> None:
    """A page's EventSource is open before the first event; and what nobody hears any more is cancelled."""
    house.live("dev/events", STREAMS, timeout_ms=20_000)
    connection = inhabited.connect()
    connection.connect()
    # Before the function's own limit
    connection.sock.settimeout(5)
    connection.request("GET", "/dev/events")
    response = connection.getresponse()
    assert (response.status, response.headers["content-type"]) == (200, "text/event-stream")
    connection.sock.shutdown(socket.SHUT_RDWR)
    connection.close()
    wait_until(lambda: json.loads(inhabited.ask("/dev/events?ask=1")[1]) == {"cancelled": 1})


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 304), ("GET", 204)])
def test_a_stream_that_nobody_may_read_is_over(house: House, inhabited: Process, method: str, status: int) -> None:
    house.live(
        "dev/unread",
        f"""
        export default async (req: ImpRequest, res: ImpResponse) => {{
          res.status({status});
          for (let n = 0; n < 100; n++) await res.write("x".repeat(10_000));
        }};
        """,
    )
    response, body = inhabited.ask("/dev/unread", method)
    assert (response.status, body) == (status, b"")
    wait_until(lambda: health(inhabited)["in_flight"] == 0)
    assert house.lines() == []


def test_a_caller_that_leaves_while_sending_is_no_error_of_ours(house: House, inhabited: Process) -> None:
    house.live("dev/take", handler("return req.rawBody.length"))
    wire = socket.socket(socket.AF_UNIX)
    wire.connect(str(inhabited.socket))
    wire.sendall(b"POST /dev/take HTTP/1.1\r\nhost: gw\r\ncontent-length: 1000\r\n\r\nhalf")
    wait_until(lambda: health(inhabited)["in_flight"] == 1)
    wire.close()
    wait_until(lambda: health(inhabited)["in_flight"] == 0)
    assert inhabited.events("error") == []


def health(process: Process) -> Any:
    return json.loads(process.ask("/_imp/health")[1])


def test_fields_count_as_what_a_call_may_log(house: House, inhabited: Process) -> None:
    house.live("dev/wide", handler("for (let n = 0; n < 100; n++) imp.log.info('wide', { all: 'x'.repeat(15_000) })"))
    assert inhabited.ask("/dev/wide")[0].status == 204
    assert "of this call were left out" in house.await_line("left out")["text"]
    assert len(house.lines(source="console")) < 20


PLACES = """
export default async () => {
  const [, revision] = /@(\\\\w+)\\\\.js/.exec(new Error().stack!)!;
  console.log(`imp:///odd@${revision}.js:5:0 and imp:///odd@${revision}.js:0:0`);
  return 1;
};
""".replace("\\\\", "\\")


def test_a_place_that_is_none_harms_nothing(house: House, inhabited: Process) -> None:
    house.live("dev/odd", PLACES)
    assert inhabited.ask("/dev/odd")[0].status == 200
    assert ".js:5:0" in house.await_line("js:5:0")["text"]
    assert inhabited.ask("/dev/odd")[0].status == 200


def test_a_module_that_throws_a_place_that_is_none_holds_up_no_other(house: House, inhabited: Process) -> None:
    odd = PLACES.split("\n")[2] + "throw Object.assign(new Error('x'), { stack: `imp:///bad@${revision}.js:5:0` });"
    house.publish("dev/bad", odd + handler(""))
    house.live("dev/good", handler("return 1"))
    assert inhabited.ask("/dev/good")[1] == b"1"


def test_fields_too_deep_for_the_database_hold_up_no_other_line(house: House, inhabited: Process) -> None:
    house.live(
        "dev/deep",
        handler(
            "let list: unknown = []; for (let n = 0; n < 8100; n++) list = [list]; imp.log.info('deep', { list });"
            "console.log('not deep')"
        ),
    )
    assert inhabited.ask("/dev/deep")[0].status == 204
    house.await_line("not deep")


def test_a_console_never_throws(house: House, inhabited: Process) -> None:
    house.live(
        "dev/console",
        handler(
            "const loop: any = {}; loop.loop = loop; console.log('%j', loop); console.log('%d', Symbol('s'));"
            "console.log('%i %f', 5.5, 1n); console.clear(); console.log('%j', 1n); return 1"
        ),
    )
    assert inhabited.ask("/dev/console")[0].status == 200
