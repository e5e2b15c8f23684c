"""Where functions can connect to: the internet, and nothing that is the platform's own, however it's asked for."""

import os
import signal
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from tests.egress.ways import LOOPBACK, DualStack, Elsewhere, elsewhere
from tests.escape.conftest import MakeHouse
from tests.fleet.processes import wait_until

pytestmark = pytest.mark.django_db

FETCHES = """
export default async (req: any, res: any) => {
  const found: Record<string, unknown> = {};
  for (const url of req.body.urls) {
    try {
      const response = await (req.body.imp ? imp.fetch : fetch)(url, req.body.init);
      found[url] = [response.status, (await response.text()).slice(0, 80)];
    } catch (error: any) {
      found[url] = [error.name, error.code ?? "", error.message];
    }
  }
  res.json(found);
};
declare const imp: any;
"""
HOSTS = [
    "127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "localhost", "0.0.0.0", "0", "[::1]", "[::]",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "%6cocalhost", "①②⑦.0.0.1", "127。0。0。1",
]  # fmt: skip
METADATA = ["http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/", "http://2852039166/",
            "http://100.100.100.200/", "http://metadata.google.internal/"]  # fmt: skip


@pytest.fixture
def server() -> Iterator[DualStack]:
    with elsewhere() as found:
        yield found


def urls_of(server: DualStack) -> list[str]:
    database = f"http://127.0.0.1:{connection.settings_dict['PORT']}/"
    return [*(f"http://{host}:{server.server_port}/" for host in HOSTS), database]


def test_the_platforms_own_network_is_out_of_reach(make_house: MakeHouse, server: DualStack) -> None:
    house = make_house()
    house.deploy({"dev/out": FETCHES}, timeout_ms=60_000)
    for is_imps in (False, True):
        urls = [*urls_of(server), *METADATA]
        status, found = house.post("dev/out", {"urls": urls, "imp": is_imps})
        assert status == 200
        assert {said[0] for said in found.values()} == {"TypeError"}, found
        assert {said[1] for said in found.values()} <= {"EGRESS_ADDRESS", "EGRESS_NAME"}, found


def test_the_same_is_reached_where_it_is_opened(make_house: MakeHouse, server: DualStack) -> None:
    """Or what the other test sees would be servers that nobody can reach."""
    house = make_house(opened=LOOPBACK)
    house.deploy({"dev/out": FETCHES}, timeout_ms=60_000)
    *urls, database = urls_of(server)
    found = house.post("dev/out", {"urls": [*urls, database]})[1]
    assert {url: said for url, said in found.items() if said[0] != 200 and url != database} == {}
    # PostgreSQL is there, and speaks no HTTP
    assert found[database][1] == "EGRESS_FAILED"


class Redirecting(Elsewhere):
    """Leads on to the address that it's asked for."""

    def do_GET(self) -> None:
        if not self.path.startswith("/to/"):
            super().do_GET()
            return
        code, _, target = self.path.removeprefix("/to/").partition("/")
        self.send_response(int(code))
        self.send_header("location", target)
        self.send_header("content-length", "0")
        self.end_headers()


def test_no_redirect_leads_to_where_a_call_could_not_go(make_house: MakeHouse) -> None:
    with elsewhere(Redirecting) as server:
        port = server.server_port
        # One address of this machine is open, and another isn't
        house = make_house(opened=("127.0.0.1/32",))
        house.deploy({"dev/out": FETCHES}, timeout_ms=60_000)
        closed = f"http://127.0.0.2:{port}/here"
        ways = [f"http://127.0.0.1:{port}/to/{code}/{closed}" for code in (301, 302, 303, 307, 308)]
        ways += [f"http://127.0.0.1:{port}/to/302/http://127.0.0.1:{port}/to/302/{closed}"]
        ways += [f"http://127.0.0.1:{port}/to/302/file:///etc/passwd", f"http://127.0.0.1:{port}/to/302/http://a@b/"]
        found = house.post("dev/out", {"urls": ways})[1]
        assert {said[0] for said in found.values()} == {"TypeError"}, found
        assert {said[1] for said in found.values()} <= {"EGRESS_ADDRESS", "EGRESS_SCHEME"}, found
        # What a redirect may lead to it does lead to
        open_one = f"http://127.0.0.1:{port}/to/302/http://127.0.0.1:{port}/there"
        assert house.post("dev/out", {"urls": [open_one]})[1][open_one][0] == 200


def test_headers_for_one_server_do_not_go_to_another(make_house: MakeHouse) -> None:
    with elsewhere(Redirecting) as one, elsewhere() as other:
        house = make_house(opened=LOOPBACK)
        source = """export default async (req: any, res: any) => {
          const headers = { authorization: "Bearer t", cookie: "a=b", "x-a": "1" };
          const response = await fetch(req.body.url, { headers });
          res.json({ url: response.url, redirected: response.redirected, asked: await response.json() });
        };"""
        house.deploy({"dev/out": source})
        target = f"http://127.0.0.1:{other.server_port}/x"
        found = house.post("dev/out", {"url": f"http://127.0.0.1:{one.server_port}/to/302/{target}"})[1]
        assert (found["url"], found["redirected"]) == (target, True)
        assert found["asked"]["headers"]["x-a"] == "1"
        assert not {"authorization", "cookie"} & found["asked"]["headers"].keys()
        same = f"http://127.0.0.1:{one.server_port}/there"
        kept = house.post("dev/out", {"url": f"http://127.0.0.1:{one.server_port}/to/302/{same}"})[1]
        assert kept["asked"]["headers"]["authorization"] == "Bearer t"


def test_rules_of_a_gateway_hold(make_house: MakeHouse, server: DualStack) -> None:
    house = make_house(opened=LOOPBACK, egress=("listed", ("localhost",)))
    house.deploy({"dev/out": FETCHES})
    listed, other = (f"http://{host}:{server.server_port}/" for host in ("localhost", "127.0.0.1"))
    found = house.post("dev/out", {"urls": [listed, other]})[1]
    assert (found[listed][0], found[other][1]) == (200, "EGRESS_HOST")
    house.change(egress_mode="none", egress_hosts=())
    assert house.post("dev/out", {"urls": [listed]})[1][listed][:2] == ["TypeError", "EGRESS_HOST"]


STREAMS = """
export default async (req: any, res: any) => {
  const { url, kind } = req.body;
  if (kind === "both ways") {
    const parts = ["one", "two", "three"];
    const heard: string[] = [];
    let told: any;
    const body = new ReadableStream({
      async pull(c) {
        const part = parts.shift();
        if (part === undefined) return c.close();
        c.enqueue(new TextEncoder().encode(part));
        // Not before the last one has come back
        await new Promise((ok) => (told = ok));
      },
    }, { highWaterMark: 0 });
    const response = await fetch(url, { method: "POST", body, duplex: "half" } as any);
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) { heard.push(chunk); told?.(); }
    return res.json(heard);
  }
  if (kind === "abort") {
    const stop = new AbortController();
    const response = await fetch(url, { method: "POST", body: new ReadableStream({ start(c) {
      c.enqueue(new TextEncoder().encode("one")); } }), duplex: "half", signal: stop.signal } as any);
    const reader = response.body!.getReader();
    await reader.read();
    stop.abort();
    try { await reader.read(); return res.json("went on"); } catch (error: any) { return res.json(error.name); }
  }
  if (kind === "timeout") {
    try { await fetch(url, { method: "POST", body: new ReadableStream({}), duplex: "half",
      signal: AbortSignal.timeout(200) } as any); } catch (error: any) { return res.json(error.name); }
  }
  if (kind === "many") {
    const stop = new AbortController();
    let refused = 0;
    const all = Promise.allSettled(Array.from({ length: 130 }, () => fetch(url, { method: "POST",
      body: new ReadableStream({}), duplex: "half", signal: stop.signal } as any)
      .catch((error: any) => { if (error.code === "EGRESS_BUSY") refused++; throw error; })));
    const pause = () => new Promise((ok) => setTimeout(ok, 200));
    // All of them are open until as many are refused as have to be, and a little longer, should more be
    for (let n = 0; n < 75 && refused < 30; n++) await pause();
    await pause();
    stop.abort();
    const codes: Record<string, number> = {};
    for (const each of await all) {
      const code = (each as any).reason?.code ?? "open";
      codes[code] = (codes[code] ?? 0) + 1;
    }
    return res.json(codes);
  }
};
"""


@pytest.mark.parametrize(("kind", "answer"), [("both ways", ["ONE", "TWO", "THREE"]), ("abort", "AbortError")])
def test_bodies_are_streams_that_can_be_given_up(
    make_house: MakeHouse, server: DualStack, kind: str, answer: Any
) -> None:
    house = make_house(opened=LOOPBACK)
    house.deploy({"dev/out": STREAMS})
    url = f"http://127.0.0.1:{server.server_port}/"
    assert house.post("dev/out", {"url": url, "kind": kind}) == (200, answer)


def test_who_does_not_answer_is_given_up(make_house: MakeHouse) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        house = make_house(opened=LOOPBACK)
        house.deploy({"dev/out": STREAMS})
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        assert house.post("dev/out", {"url": url, "kind": "timeout"}) == (200, "TimeoutError")


def test_too_many_at_once_are_refused(make_house: MakeHouse, server: DualStack) -> None:
    house = make_house(opened=LOOPBACK)
    house.deploy({"dev/out": STREAMS}, timeout_ms=30_000)
    found = house.post("dev/out", {"url": f"http://127.0.0.1:{server.server_port}/", "kind": "many"})[1]
    assert found["EGRESS_BUSY"] == 30


def test_the_way_out_comes_back_with_its_rules(make_house: MakeHouse, server: DualStack) -> None:
    house = make_house(opened=LOOPBACK, egress=("listed", ("localhost",)))
    house.deploy({"dev/out": FETCHES})
    listed, other = (f"http://{host}:{server.server_port}/" for host in ("localhost", "127.0.0.1"))
    child = house.place.engine.ways_out.child
    assert child
    os.kill(child.pid, signal.SIGKILL)

    def is_back() -> bool:
        said = house.post("dev/out", {"urls": [listed]})[1][listed]
        assert said[0] == 200 or said[1] in ("EGRESS_AWAY", "EGRESS_FAILED"), said
        return bool(said[0] == 200)

    wait_until(is_back, what="the way out")
    assert house.post("dev/out", {"urls": [other]})[1][other][1] == "EGRESS_HOST"
