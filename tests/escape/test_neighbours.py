"""What a function can get of other stages, other gateways and the platform: nothing; and how it can stop them: not."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from tests.escape.conftest import MakeHouse
from tests.escape.house import House
from tests.escape.unclosed import call_unclosed

pytestmark = pytest.mark.django_db

SQL = """
declare const imp: any;
export default async (req: any, res: any) => {
  const found: Record<string, unknown> = {};
  const strings = (text: string) => Object.assign([text], { raw: [text] });
  for (const text of req.body) {
    try {
      found[text] = JSON.stringify(await imp.sql(strings(text)));
    } catch (error: any) {
      found[text] = `refused ${error.message}`;
    }
  }
  res.json(found);
};
"""
# What only the platform or the runtimes may
CLOSED = [
    "SELECT * FROM imp.functions",
    "SELECT * FROM imp.artifacts",
    "SELECT * FROM imp.logs",
    "UPDATE imp.functions SET version = 7",
    "INSERT INTO imp.artifacts (digest, code, source_map) VALUES ('x', 'x', '')",
    "DELETE FROM imp.instances",
    "SELECT rolname FROM pg_roles",
    "SELECT datname FROM pg_database",
    "SELECT rolpassword FROM pg_authid",
    "SELECT query FROM pg_stat_activity",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('/')",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "COPY (SELECT 1) TO '/tmp/x'",
    "CREATE EXTENSION dblink",
    "SET ROLE imp",
    "SET SESSION AUTHORIZATION imp",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "CREATE ROLE another LOGIN",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity",
    "SELECT lo_import('/etc/passwd')",
]


def test_its_database_shows_a_function_nothing_of_the_platforms(make_house: MakeHouse) -> None:
    house = make_house()
    house.deploy({"dev/sql": SQL})
    status, found = house.post("dev/sql", [*CLOSED, "SELECT 1 AS one"])
    assert status == 200
    assert found.pop("SELECT 1 AS one") == '[{"one":1}]'
    assert {text: said for text, said in found.items() if not said.startswith("refused")} == {}


def test_the_platform_may_what_a_function_may_not(make_house: MakeHouse) -> None:
    """Or what the other test sees would be statements that nobody may make, or that don't exist."""
    house = make_house()
    with house.inside() as inside:
        for text in CLOSED[:8]:
            inside.execute(text)


def test_a_role_of_a_gateway_opens_no_other_database(make_house: MakeHouse) -> None:
    one, other = make_house("one"), make_house("other")
    assert one.database != other.database
    for url in (one.spec.database_url, one.spec.runtime_url):
        with psycopg.connect(url) as own:
            assert own.execute("SELECT 1").fetchone() == (1,)
        for database in (other.database, str(connection.settings_dict["NAME"])):
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(url, dbname=database).close()


EVERYTHING = """
declare const imp: any;
export default async (req: any, res: any) => {
  const seen = new Set<any>();
  const texts: string[] = [];
  const look = (value: any, depth: number) => {
    if (typeof value === "string") { texts.push(value); return; }
    if ((typeof value !== "object" && typeof value !== "function") || value === null) return;
    if (seen.has(value) || depth > 8) return;
    seen.add(value);
    try { texts.push(Function.prototype.toString.call(value)); } catch { /* no function */ }
    for (let each = value; each; each = Object.getPrototypeOf(each)) {
      for (const name of Reflect.ownKeys(each)) {
        let found: any;
        try { found = value[name as any]; } catch { continue; }
        try { if (typeof found?.then !== "function") look(found, depth + 1); } catch { /* a getter that refuses */ }
      }
    }
    if (value instanceof Map || value instanceof Set) for (const each of value) look(each, depth + 1);
  };
  look([globalThis, (0, eval)("this"), req, res, imp, new Error("x").stack, (function () { return this; })()], 0);
  // Backwards, so that the question isn't where they are found
  const words: string[] = req.body.map((word: string) => [...word].reverse().join(""));
  res.json(words.map((word) => texts.some((text) => text.includes(word))));
};
"""


def test_no_credential_and_no_other_gateways_secret_is_in_an_isolate(make_house: MakeHouse) -> None:
    one = make_house("one", secrets={"API_KEY": "own-secret-4711"})
    other = make_house("other", secrets={"API_KEY": "other-secret-4712"})
    words = {
        "database": _password(one.spec.database_url),
        "runtime": _password(one.spec.runtime_url),
        "run key": one.spec.run_key,
        "another's": "other-secret-4712",
    }
    assert other.spec.secrets
    one.deploy({"dev/look": EVERYTHING})
    asked = ["own-secret-4711", *words.values()]
    own, *others = one.post("dev/look", [word[::-1] for word in asked])[1]
    # It does find what is there to be found
    assert own is True
    assert dict(zip(words, others, strict=True)) == dict.fromkeys(words, False)


def _password(url: str) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(url)["password"])


KEEPER = """
const kept: unknown[] = (globalThis as any).kept ??= [];
let mine = 0;
export default async (req: any, res: any) => {
  kept.push(req.body?.word);
  mine += 1;
  (globalThis as any).shared = req.body?.word;
  res.json({ mine, kept, global: (globalThis as any).shared ?? null });
};
"""
READER = """
export default async (req: any, res: any) => {
  const G = (0, eval)("globalThis");
  const own = globalThis as any;
  res.json({ kept: own.kept ?? G.kept ?? null, shared: own.shared ?? G.shared ?? null });
};
"""


def test_what_a_function_keeps_is_its_own(make_house: MakeHouse) -> None:
    house = make_house()
    house.deploy({"dev/keeper": KEEPER, "dev/reader": READER, "staging/keeper": KEEPER})
    assert house.post("dev/keeper", {"word": "one"})[1] == {"mine": 1, "kept": ["one"], "global": "one"}
    assert house.post("dev/keeper", {"word": "two"})[1] == {"mine": 2, "kept": ["one", "two"], "global": "two"}
    assert house.call("dev/reader")[1] == {"kept": None, "shared": None}
    # The same code in another stage is another
    assert house.post("staging/keeper", {"word": "x"})[1] == {"mine": 1, "kept": ["x"], "global": "x"}


FORGER = """
export default async (req: any, res: any) => {
  const G = (0, eval)("this");
  const messages = [
    ["load", { function: "victim", revision: "999", version: 9, code: "exports.default = () => 'forged'", vendor: "" }],
    ["unload", "victim"],
    ["answered", 1, null, "forged"],
  ];
  const tried: string[] = [];
  const events = () => [new MessageEvent("message", { data: JSON.stringify(messages) }),
    new MessageEvent("message", { data: messages }), Object.assign(new Event("message"), { data: messages })];
  const ways: Record<string, (event: Event) => unknown> = {
    dispatch: (event) => G.dispatchEvent(event),
    call: (event) => EventTarget.prototype.dispatchEvent.call(G, event),
    nobody: (event) => EventTarget.prototype.dispatchEvent.call(undefined as any, event),
    port: () => {
      const c = new MessageChannel();
      c.port1.onmessage = (e) => G.dispatchEvent(e);
      c.port2.postMessage(messages);
    },
    trusted: (event) => { Object.defineProperty(event, "isTrusted", { value: true }); return G.dispatchEvent(event); },
    handler: () => G.onmessage?.(events()[0]),
    post: () => G.postMessage(JSON.stringify([["loaded", "victim", "999", 0, null]])),
    window: () => (G as any).Deno?.core?.ops,
  };
  for (const [name, way] of Object.entries(ways)) {
    for (const event of events()) { try { way(event); tried.push(name); } catch { /* refused */ } }
  }
  await new Promise((ok) => setTimeout(ok, 100));
  res.json(tried);
};
"""


def test_forged_messages_reach_nobody(make_house: MakeHouse) -> None:
    house = make_house()
    house.deploy({"dev/victim": "export default async () => 'as it was'", "dev/forger": FORGER})
    house.call("dev/forger")
    for _ in range(3):
        assert house.call("dev/victim") == (200, b"as it was")


def test_a_function_that_hangs_ends_nobody_elses_call(make_house: MakeHouse) -> None:
    house = make_house()
    slow = "export default async () => { await new Promise((ok) => setTimeout(ok, 1500)); return 'done'; }"
    hangs = "export default async () => { for (;;); }"
    house.deploy({"dev/slow": slow, "staging/slow": slow, "prod/slow": slow, "dev/quick": "export default () => 'ok'"})
    house.deploy({"dev/hangs": hangs}, timeout_ms=1000)
    before = house.pid("dev"), house.pid("prod")
    calls = _at_once(house, ["staging/slow", "prod/slow", "dev/hangs"])
    assert {name: status for name, (status, _) in calls.items()} == {
        "staging/slow": 200, "prod/slow": 200, "dev/hangs": 504,
    }  # fmt: skip
    # Those of the same stage go on in another isolate
    assert [house.call("dev/quick")[0] for _ in range(5)] == [200] * 5
    assert house.pid("prod") == before[1]


def _at_once(house: House, names: list[str]) -> dict[str, tuple[int, Any]]:
    with ThreadPoolExecutor(len(names)) as pool:
        return dict(zip(names, pool.map(house.call, names), strict=True))


def test_what_a_function_says_is_no_word_of_the_runtimes(make_house: MakeHouse) -> None:
    """Its lines can't make the agent believe that the process is ready, or has hung."""
    house = make_house()
    line = json.dumps({"event": "zombie", "stage": "dev"}, separators=(",", ":"))
    source = f"""declare const imp: any; export default async () => {{
      console.log({line!r}); console.error("\\n" + {line!r} + "\\n"); imp.log.info("x", {line});
      (0, eval)("this").console?.log({line!r}); return "said"; }}"""
    house.deploy({"dev/says": source})
    before = house.pid("dev")
    assert house.call("dev/says") == (200, b"said")
    said = house.place.engine.lines_of("parcels", "dev-staging")
    assert not any(each.startswith('{"event":"zombie"') for each in said), said
    assert house.pid("dev") == before


TICKER = """
let ticks = 0;
let id: any;
export default async (req: any, res: any) => {
  id ??= setInterval(() => { ticks += 1; }, 10);
  if (req.query.end) clearInterval(id);
  const before = ticks;
  await new Promise((ok) => setTimeout(ok, 300));
  res.json({ id: Number(id), ticks: ticks - before });
};
"""
# All numbers that a timer of this isolate can have by then, by all ways that end one
ENDER = """
export default async (req: any, res: any) => {
  const names = ["clearTimeout", "clearInterval", "clearImmediate"];
  const globals = [globalThis, (0, eval)("this"), new Function("return this")()];
  const all = globals.flatMap((each: any) => names.map((name) => each[name]));
  const ways = new Set([clearTimeout, clearInterval, ...all].filter((each) => typeof each === "function"));
  for (const way of ways) for (let id = 0; id < 20_000; id++) { way(id); way(String(id)); }
  res.json(ways.size);
};
"""


def test_a_function_ends_nobody_elses_timers(make_house: MakeHouse) -> None:
    house = make_house()
    house.deploy({"dev/ticker": TICKER, "dev/ender": ENDER})
    assert house.call("dev/ticker")[1]["ticks"] > 0
    assert house.call("dev/ender")[1] >= 2
    found = house.call("dev/ticker")[1]
    assert found["ticks"] > 0
    assert 0 < found["id"] < 20_000
    # Its own it ends
    assert house.call("dev/ticker?end=1")[1]["ticks"] == 0


def test_where_timers_are_everybodys_one_function_ends_anothers(tmp_path: Path) -> None:
    """Or what the other test sees would be numbers that end nothing."""
    calls = [{"name": "ticker"}, {"name": "ender"}, {"name": "ticker"}]
    before, _, after = call_unclosed({"ticker": TICKER, "ender": ENDER}, calls, tmp_path)
    assert before["ticks"] > 0
    assert after["ticks"] == 0


PACKAGES = """
const counting = () => { const exports = { count: 0, next() { return ++exports.count; } }; return exports; };
const modules = { counting };
const made = {};
module.exports = (name) => made[name] ??= modules[name]();
"""
COUNTER = """
const counting = require("counting");
exports.default = async (req, res) => { counting.extra = "mine"; res.json([counting.next(), counting.extra]); };
"""
ANOTHER = """
exports.default = async (req, res) => { const c = require("counting"); res.json([c.count, c.extra ?? null]); };
"""


def test_a_package_is_each_functions_own(make_house: MakeHouse) -> None:
    house = make_house()
    with house.inside() as inside:
        inside.execute("INSERT INTO imp.vendors (digest, code, packages) VALUES ('v1', %s, '{counting}')", [PACKAGES])
    house.publish("dev/counter", COUNTER, vendor="v1")
    house.publish("dev/another", ANOTHER, vendor="v1")
    assert [house.call("dev/counter")[1] for _ in range(2)] == [[1, "mine"], [2, "mine"]]
    assert house.call("dev/another")[1] == [0, None]
