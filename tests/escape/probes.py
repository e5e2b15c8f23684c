"""What functions try: in a real gateway, and, to show that it can succeed, in an isolate that nobody has closed."""

# Every attempt answers something, or throws; what answers has got through
FRAME = """
const attempts: Record<string, (given: any) => unknown> = {
%s
};
export default async (req: any, res: any) => {
  const given = req.body ?? {};
  const found: Record<string, string> = {};
  for (const [name, attempt] of Object.entries(attempts)) {
    let timer: any;
    const late = new Promise((_, no) => (timer = setTimeout(() => no(new Error("no answer")), 3000)));
    try {
      const value = await Promise.race([(async () => attempt(given))(), late]);
      found[name] = value === undefined || value === false || value === "" ? "nothing" : "through";
    } catch (error: any) {
      found[name] = `${error?.name}: ${error?.message}`.slice(0, 200);
    } finally {
      clearTimeout(timer);
    }
  }
  res.json(found);
};
"""

# Text that the compiler doesn't see into
MAKERS = {
    "eval": "(0, eval)(CODE)",
    "Function": "new Function('return ' + CODE)()",
    "an async function": "(async () => {}).constructor('return ' + CODE)()",
    "a generator": "[...(function* () {}).constructor('yield ' + CODE)()][0]",
    "an async generator": "(async function* () {}).constructor('yield ' + CODE)().next().then((r: any) => r.value)",
    "a class": "new (class extends Function { constructor() { super('return ' + CODE); } } as any)()()",
    "Reflect": "Reflect.construct(Function, ['return ' + CODE])()",
}
MODULES = {
    "node:fs": "'node:fs'",
    "fs": "'fs'",
    "node:child_process": "'node:child_process'",
    "node:net": "'node:net'",
    "node:process": "'node:process'",
    "node:worker_threads": "'node:worker_threads'",
    "node:vm": "'node:vm'",
    "node:v8": "'node:v8'",
    "node:inspector": "'node:inspector'",
    "node:module": "'node:module'",
    "data:": "'data:text/javascript,export default 1'",
    "data: that imports": "'data:text/javascript,export * from \"node:fs\"'",
    "http:": "given.http",
    "file:": "given.module",
}

MACHINE = {
    "Deno": "() => (globalThis as any).Deno.version",
    "read a file": "(given) => (globalThis as any).Deno.readTextFileSync(given.file)",
    "read what a process is": "() => (globalThis as any).Deno.readTextFileSync('/proc/self/environ')",
    "write a file": "(given) => ((globalThis as any).Deno.writeTextFileSync(given.folder + '/written', 'x'), true)",
    "read the environment": "() => (globalThis as any).Deno.env.get('HOME') ?? (globalThis as any).process.env.PATH",
    "process": "() => (globalThis as any).process.pid",
    "a module by process": "() => (globalThis as any).process.getBuiltinModule('node:fs').readdirSync('/').length",
    "end a process": "() => ((globalThis as any).process.kill((globalThis as any).process.ppid, 0), true)",
    "run a program": "async () => (await new (globalThis as any).Deno.Command('/bin/true').output()).success",
    "load a library": "() => (globalThis as any).Deno.dlopen('libc.so.6',"
    " { getpid: { parameters: [], result: 'i32' } }).symbols.getpid()",
    "listen": "() => { const l = (globalThis as any).Deno.listen({ hostname: '127.0.0.1', port: 0 });"
    " l.close(); return true; }",
    "connect": "async (given) => { const c = await (globalThis as any).Deno.connect("
    "{ hostname: '127.0.0.1', port: given.port }); c.close(); return true; }",
    "connect to a socket": "async (given) => { const c = await (globalThis as any).Deno.connect("
    "{ transport: 'unix', path: given.socket }); c.close(); return true; }",
    "open a web socket": "(given) => new Promise((ok) => {"
    " const w = new WebSocket(`ws://127.0.0.1:${given.port}`); w.onerror = w.onopen = () => ok(true); })",
    "a worker": "() => { const w = new Worker('data:text/javascript,1', { type: 'module' } as any);"
    " w.terminate(); return true; }",
    "a channel to all": "() => { const c = new BroadcastChannel('x'); c.close(); return true; }",
    "a cache": "() => caches.open('x').then(() => caches.delete('x')).then(() => true)",
    "shared memory": "() => new SharedArrayBuffer(8).byteLength",
    "shared memory of WebAssembly": "() => new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer"
    ".byteLength",
    "a module of a blob": "() => URL.createObjectURL(new Blob(['export default 1'], { type: 'text/javascript' }))",
    "wait without end": "() => typeof Atomics.wait === 'function'",
    "end the isolate": "() => typeof (globalThis as any).close === 'function'",
    "hear messages": "() => ((0, eval)('this').addEventListener('message', () => {}), true)",
    "hear messages, by no target": "() => (EventTarget.prototype.addEventListener.call(undefined as any, 'error',"
    " () => {}), true)",
    "forge a message": "() => (EventTarget.prototype.dispatchEvent.call((0, eval)('this'),"
    " new MessageEvent('message', { data: '[]' })), true)",
    "look into stacks": "() => { const E = Error as any; E.prepareStackTrace = (_: any, s: any[]) => s.length;"
    " const n = new Error('x').stack; delete E.prepareStackTrace; return typeof n === 'number'; }",
    "measure others": "() => performance.mark('x').name",
    "the timers of all": "() => typeof (0, eval)('this').clearTimeout === 'function'",
    "the process's own output": "() => typeof (0, eval)('this').console.log === 'function'",
    "the isolate's own global": "() => { const g = (0, eval)('this'); g.impProbe = 1; return g.impProbe; }",
}  # fmt: skip

IMPORTS = {
    f"import {module} by {maker}": f"async (given) => Object.keys(await ({how.replace('CODE', code)})).length"
    for module, specifier in MODULES.items()
    for maker, how in MAKERS.items()
    for code in [f"`import(${{JSON.stringify({specifier})}})`"]
}


def probe(attempts: dict[str, str]) -> str:
    return FRAME % "\n".join(f"  {name!r}: {code}," for name, code in attempts.items())


# --- One function against another of its stage ---

# Changes whatever it can reach, and keeps what comes by: `seen` is what it has got hold of
SPY = """
const tricks: Record<string, () => void> = {
  "Object.prototype": () => { (Object.prototype as any).polluted = "yes"; },
  "Array.prototype.map": () => { Array.prototype.map = function () { return ["hijacked"]; } as any; },
  "Array.prototype.push": () => { const p = Array.prototype.push;
    Array.prototype.push = function (...a: any[]) { keep(a); return p.apply(this, a); }; },
  "JSON.parse": () => { const p = JSON.parse; JSON.parse = (t: any, r?: any) => { keep(t); return p(t, r); }; },
  "JSON.stringify": () => { const p = JSON.stringify;
    (JSON as any).stringify = (...a: any[]) => { keep(a[0]); return (p as any)(...a); }; },
  "Promise.prototype.then": () => { const t = Promise.prototype.then;
    Promise.prototype.then = function (a: any, b: any) {
      return t.call(this, (v: any) => { keep(v); return a ? a(v) : v; }, b) as any; }; },
  "Map.prototype.get": () => { const g = Map.prototype.get;
    Map.prototype.get = function (k: any) { const v = g.call(this, k); keep(v); return v; }; },
  "Function.prototype.call": () => { const c = Function.prototype.call;
    Function.prototype.call = function (this: any, ...a: any[]) {
      keep(a); return Reflect.apply(c, this, a); } as any; },
  "Request.prototype.text": () => { const t = Request.prototype.text;
    Request.prototype.text = function () { return t.call(this).then((v) => { keep(v); return v; }); }; },
  "TextDecoder.prototype.decode": () => { const d = TextDecoder.prototype.decode;
    TextDecoder.prototype.decode = function (...a: any[]) {
      const v = (d as any).apply(this, a); keep(v); return v; }; },
  "Headers.prototype.get": () => { const g = Headers.prototype.get;
    Headers.prototype.get = function (n: string) { const v = g.call(this, n); keep(v); return v; }; },
  "Symbol.iterator": () => { const v = Array.prototype[Symbol.iterator];
    Array.prototype[Symbol.iterator] = function () { keep(this); return v.call(this); } as any; },
  "Object.prototype.__proto__": () => { ({} as any).__proto__.reached = "yes"; },
  "a global": () => { (0, eval)("globalThis.reached = 'yes'"); },
  "a global of a sloppy function": () => { new Function("reached = 'yes'")(); },
  "console": () => { const l = console.log; console.log = (...a: any[]) => { keep(a); l(...a); }; },
  "crypto": () => { (crypto as any).getRandomValues = () => new Uint8Array(8); },
  "the last match": () => { void 0; },
  "fetch": () => { (0, eval)("this").fetch = async () => new Response("hijacked"); },
  "Error.prepareStackTrace": () => { (Error as any).prepareStackTrace = (e: any, s: any) => { keep(e); return s; }; },
  "an event of all": () => { (0, eval)("this").addEventListener("unhandledrejection", keep); },
};
const store: string[] = [];
let depth = 0;
function keep(value: unknown): void {
  if (depth) return;
  depth = 1;
  try {
    const t = typeof value === "string" ? value : String((globalThis as any).Deno?.inspect?.(value) ?? value);
    if (t.indexOf("s3cret-of-the-caller") >= 0) store[store.length] = t;
  } catch { /* what can't be read is no secret */ } finally { depth = 0; }
}
export default async (req: any, res: any) => {
  if (req.query.ask === "seen") {
    const last = (RegExp as any)["$_"] ?? "";
    return res.json({ seen: store.length, last: String(last).includes("s3cret-of-the-caller") });
  }
  const done: Record<string, string> = {};
  for (const name of Object.keys(tricks)) {
    try { tricks[name](); done[name] = "done"; } catch (error: any) { done[name] = String(error).slice(0, 100); }
  }
  res.json(done);
};
"""

# Notices when anything isn't as it was made; and works with what its caller alone should know
VICTIM = """
export default async (req: any, res: any) => {
  const body = JSON.parse(JSON.stringify(req.body ?? { word: "none" }));
  const word = await Promise.resolve(body.word);
  /(.*)/.test(word);
  const spread = [...[word]];
  const G = globalThis as any;
  res.json({
    word: spread[0],
    polluted: ({} as any).polluted ?? null,
    reached: ({} as any).reached ?? G.reached ?? (0, eval)("typeof reached === 'string' ? reached : null"),
    map: [1, 2].map((n) => n + 1).join(),
    random: new Set(crypto.getRandomValues(new Uint8Array(8))).size > 1,
  });
};
"""
UNTOUCHED = {"polluted": None, "reached": None, "map": "2,3", "random": True}
