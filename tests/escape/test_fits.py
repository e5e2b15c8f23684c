"""What libraries do every day works in an isolate where all that is shared is frozen."""

import pytest

from tests.escape.conftest import MakeHouse

pytestmark = pytest.mark.django_db

# Each answers true where it works
HABITS = {
    "an error with a name and a message of its own": "(() => { const e = new Error('x'); e.name = 'N'; e.message = 'm';"
    " return String(e) === 'N: m'; })()",
    "a class of errors, as of old": "(() => { function F(this: any) { this.message = 'm'; }"
    " F.prototype = Object.create(Error.prototype); F.prototype.constructor = F; F.prototype.name = 'F';"
    " F.prototype.toString = function () { return 'text'; };"
    " const f = new (F as any)(); return String(f) === 'text' && f.name === 'F' && f.constructor === F; })()",
    "an object with a text of its own": "(() => { const o: any = {}; o.toString = () => 't'; o.valueOf = () => 4;"
    " o.hasOwnProperty = 1; return `${o}` === 't' && o * 2 === 8 && o.hasOwnProperty === 1; })()",
    "a class that inherits from a class of the language": "(() => {"
    " class A extends Array { last() { return this.at(-1); } }"
    " class M extends Map {} class P extends Promise<any> {}"
    " return new A(1, 2, 3).map((n) => n).last() === 3 && new M([[1, 2]]).get(1) === 2"
    " && P.resolve(1) instanceof P; })()",
    "something on globalThis": "(() => { (globalThis as any).own = 1; (globalThis as any).fetch = 2;"
    " return (globalThis as any).own + (globalThis as any).fetch === 3; })()",
    "code of a text": "new Function('a', 'b', 'return a + b')(1, 2) === 3 && (0, eval)('1 + 1') === 2",
    "a function is a function": "(() => {}) instanceof Function && Object.getPrototypeOf(async () => {}).constructor"
    " !== Function && typeof Function.prototype.call === 'function'",
    "streams": "new Response(new Blob(['abc']).stream().pipeThrough(new CompressionStream('gzip'))"
    ".pipeThrough(new DecompressionStream('gzip'))).text().then((t) => t === 'abc')",
    "texts and bytes": "new TextDecoder().decode(new TextEncoder().encode('é')) === 'é' && atob(btoa('a')) === 'a'"
    " && Buffer.from('abc').toString('base64') === 'YWJj'",
    "digests and random numbers": "crypto.subtle.digest('SHA-256', new Uint8Array(3)).then((d) => d.byteLength === 32)",
    "events of its own": "(() => { const t = new EventTarget(); let n = 0; t.addEventListener('x', () => n++);"
    " t.dispatchEvent(new Event('x')); return n === 1; })()",
    "giving up": "(() => { const a = new AbortController(); let n = 0; a.signal.addEventListener('abort', () => n++);"
    " a.abort(); return n === 1 && a.signal.aborted; })()",
    "a channel of its own": "new Promise((ok) => { const c = new MessageChannel(); c.port1.onmessage = (e) => {"
    " c.port1.close(); ok(e.data === 'x'); }; c.port2.postMessage('x'); })",
    "timers": "new Promise((ok) => setTimeout((v: string) => ok(v === 'x'), 1, 'x'))",
    "dates, numbers and languages": "new Intl.NumberFormat('en').format(1234.5) === '1,234.5'"
    " && JSON.stringify(new Date(0)) === '\"1970-01-01T00:00:00.000Z\"'",
    "forms": "(() => { const f = new FormData(); f.set('a', 'b');"
    " return new Response(f).formData().then((g) => g.get('a') === 'b'); })()",
    "addresses": "new URL('/b?c=d', 'http://a').searchParams.get('c') === 'd'"
    " && new URLPattern({ pathname: '/a/:b' }).test('http://x/a/c')",
    "copies": "structuredClone(new Map([[1, { a: 2 }]])).get(1)!.a === 2",
    "regular expressions": "'a-b'.replace(/(\\w)-(\\w)/, '$2$1') === 'ba' && [...'aa'.matchAll(/a/g)].length === 2",
}


def test_habits_of_libraries_work(make_house: MakeHouse) -> None:
    house = make_house()
    lines = "\n".join(f"  {name!r}: () => {code}," for name, code in HABITS.items())
    source = f"""const habits: Record<string, () => unknown> = {{
{lines}
}};
export default async (req: any, res: any) => {{
  const found: Record<string, unknown> = {{}};
  for (const [name, habit] of Object.entries(habits)) {{
    try {{ found[name] = await habit(); }} catch (error) {{ found[name] = String(error); }}
  }}
  res.json(found);
}};"""
    house.deploy({"dev/habits": source})
    status, found = house.call("dev/habits")
    assert status == 200
    assert {name: said for name, said in found.items() if said is not True} == {}
    assert found.keys() == HABITS.keys()
