import { deepEqual } from "node:assert/strict";
import { ownGlobal } from "./hardening.ts";

// deno-lint-ignore no-explicit-any
type Any = any;

Deno.test("a global of one's own has all that there is, and what is given; what is put on it stays there", () => {
  const [one, two] = [ownGlobal(globalThis, { imp: 1 }), ownGlobal(globalThis, { imp: 2 })] as Any[];
  deepEqual([one.imp, two.imp, one.globalThis === one, one.self === one, one.URL === URL], [1, 2, true, true, true]);
  one.mine = 1;
  one.JSON = {};
  deepEqual([two.mine, two.JSON === JSON, "mine" in globalThis], [undefined, true, false]);
});

/** In an isolate of its own: this one still has to run tests. Whatever it says there is posted before it's hardened. */
async function hardened(attempts: Record<string, string>): Promise<Record<string, unknown>> {
  const program = `
    import { harden } from ${JSON.stringify(new URL("./hardening.ts", import.meta.url).href)};
    const { postMessage, eval: evaluate } = globalThis;
    harden(globalThis);
    const found = {};
    for (const [name, code] of Object.entries(${JSON.stringify(attempts)})) {
      try {
        found[name] = evaluate(code);
      } catch (error) {
        found[name] = error.name;
      }
    }
    postMessage(found);
  `;
  const url = URL.createObjectURL(new Blob([program], { type: "text/javascript" }));
  const worker = new Worker(url, { type: "module" });
  try {
    return await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(event.message));
      };
    });
  } finally {
    worker.terminate();
    URL.revokeObjectURL(url);
  }
}

const GONE = ["Deno", "process", "Worker", "postMessage", "caches", "fetch", "SharedArrayBuffer", "BroadcastChannel"];
const OWN = ["console", "setTimeout", "setInterval", "setImmediate", "clearTimeout", "clearInterval", "clearImmediate"];

// One isolate for all of them: to make one takes longer than all else
const found = await hardened({
  ...Object.fromEntries([...GONE, ...OWN].map((name) => [name, `typeof ${name}`])),
  listening: "addEventListener('message', () => {})",
  "an event of one's own": "new EventTarget().dispatchEvent(new Event('mine'))",
  prototype: "'use strict'; Array.prototype.map = 1",
  object: "'use strict'; JSON.parse = 1",
  "of syntax": "'use strict'; (async () => {}).constructor.prototype.mine = 1",
  "a class's name": "'use strict'; class Other extends Error { name = 'Other' }; new Other('x').toString()",
  "a text of one's own": "'use strict'; const own = {}; own.toString = () => 'own'; String(own)",
  eval: "globalThis.eval('import(`data:,`)')",
  function: "new Function('return import(`data:,`)')",
  parts: "new Function('a = import(`data:,`)', '')",
  hidden: "(async () => {}).constructor('import(`data:,`)')",
  "looked at twice": "let n = 0; globalThis.Function({ toString: () => n++ ? 'import(`data:,`)' : 'return 5' })()",
  harmless: "new Function('a', 'return a + 1')(4) + globalThis.eval('5')",
});

function are(expected: Record<string, unknown>): void {
  deepEqual(Object.fromEntries(Object.keys(expected).map((name) => [name, found[name]])), expected);
}

Deno.test("nothing leads out, nor to what others hear", () => {
  are({ ...Object.fromEntries(GONE.map((name) => [name, "undefined"])), listening: "TypeError" });
  are({ "an event of one's own": true });
});

Deno.test("what each function has as its own isn't there for all", () => {
  are(Object.fromEntries(OWN.map((name) => [name, "undefined"])));
});

Deno.test("what functions share can't be changed; what is one's own can", () => {
  are({ prototype: "TypeError", object: "TypeError", "of syntax": "TypeError" });
  are({ "a class's name": "Other: x", "a text of one's own": "own" });
});

Deno.test("text becomes code only where it imports nothing", () => {
  are({ eval: "EvalError", function: "EvalError", parts: "EvalError", hidden: "EvalError" });
  are({ "looked at twice": 5, harmless: 10 });
});
