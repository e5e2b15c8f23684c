import { deepEqual, equal, match, throws } from "node:assert/strict";
import type { Load } from "../wire.ts";
import { Functions, globalsOf, handlerOf } from "./functions.ts";
import { Life } from "./life.ts";

function made(): Functions {
  return new Functions((name) => globalsOf({ imp: { function: name, env: { REGION: "eu" } } }));
}

function load(name: string, code: string, more: Partial<Load> = {}): Load {
  return { function: name, revision: "1", version: 1, code, vendor: "", ...more };
}

Deno.test("a function is there once it's loaded, until it's unloaded", () => {
  const functions = made();
  functions.load(load("a", "module.exports = () => imp.function;", { version: 7 }));
  deepEqual([functions.get("a")?.version, functions.get("a")?.handler?.(1, 2)], [7, "a"]);
  functions.unload("a");
  equal(functions.get("a"), undefined);
});

Deno.test("what can't be loaded leaves what was there", () => {
  const functions = made();
  functions.load(load("a", "module.exports = () => 1;"));
  for (const code of ["throw new RangeError('no')", "}{", "exports.default = 5", ""]) {
    throws(() => functions.load(load("a", code)));
  }
  equal(functions.get("a")?.handler?.(1, 2), 1);
});

Deno.test("two functions share no globals", () => {
  const functions = made();
  functions.load(load("a", "globalThis.mine = 1; exports.default = () => typeof globalThis.mine;"));
  functions.load(load("b", "exports.default = () => typeof globalThis.mine;"));
  deepEqual(["a", "b"].map((name) => functions.get(name)?.handler?.(1, 2)), ["number", "undefined"]);
  equal("mine" in globalThis, false);
});

Deno.test("packages are each function's own", () => {
  const functions = made();
  functions.addVendor("d1", "const held = []; module.exports = (name) => name === 'held' ? held : undefined;");
  for (const name of ["a", "b"]) {
    functions.load(load(name, "exports.default = () => require('held').push(1);", { vendor: "d1" }));
  }
  deepEqual(["a", "a", "b"].map((name) => functions.get(name)?.handler?.(1, 2)), [1, 2, 1]);
  throws(() => functions.load(load("c", "", { vendor: "d2" })), /aren't here/);
  throws(() => functions.load(load("c", "require('left-pad')")), /"left-pad" is none of this gateway's packages/);
  throws(() => functions.addVendor("d3", "module.exports = {}"), /exports no function/);
});

Deno.test("a stack names the function, its revision, and the code's own line beside the wrapper's", () => {
  const functions = made();
  functions.load(load("user/:id", "\nexports.default = () => new Error().stack;", { revision: "12" }));
  const place = /imp:\/\/\/user\/:id@12\.js(, <anonymous>)?:3:25/;
  match(String(functions.get("user/:id")?.handler?.(1, 2)), place);
});

Deno.test("what is exported is a handler, or one of the web's standards with its environment", async () => {
  const handler = () => 1;
  equal(handlerOf({ default: handler }, {}, new Life()).handler, handler);
  const seen: unknown[] = [];
  const main = {
    fetch(this: unknown, request: Request, env: unknown, context: { waitUntil(going: unknown): void }) {
      seen.push(this, request.url, env);
      context.waitUntil(Promise.resolve());
      return new Response("");
    },
  };
  const env = { REGION: "eu" };
  for (const exported of [{ default: main }, main as unknown as Record<string, unknown>]) {
    await handlerOf(exported, env, new Life()).web?.(new Request("http://a/b"));
    deepEqual(seen.splice(0).slice(1), ["http://a/b", env]);
  }
  throws(() => handlerOf({ other: handler }, {}, new Life()), /exports no handler/);
});

Deno.test("a version ends once it's replaced, unloaded, or wasn't loaded at all; and packages once they were tried", () => {
  const ended: string[] = [];
  const functions = new Functions((name, version, life) => {
    life.atEnd(() => void ended.push(`${name} ${version}`));
    return globalsOf({ imp: { function: name, env: {} } });
  });
  functions.addVendor("d1", "module.exports = () => 1;");
  throws(() => functions.addVendor("d2", "module.exports = 5;"));
  deepEqual(ended.splice(0), [" 0", " 0"]);
  functions.load(load("a", "module.exports = () => 1;"));
  throws(() => functions.load(load("a", "throw new Error('no')", { version: 2 })));
  deepEqual(ended.splice(0), ["a 2"]);
  functions.load(load("a", "module.exports = () => 3;", { version: 3 }));
  deepEqual(ended.splice(0), ["a 1"]);
  functions.unload("a");
  deepEqual(ended, ["a 3"]);
});

Deno.test("what waitUntil is told of keeps its version", async () => {
  const life = new Life();
  let isEnded = false;
  life.atEnd(() => void (isEnded = true));
  const { promise, resolve } = Promise.withResolvers<void>();
  const fetch = (_request: Request, _env: unknown, context: { waitUntil(going: unknown): void }) => {
    context.waitUntil(promise);
    return new Response("");
  };
  await handlerOf({ fetch }, {}, life).web?.(new Request("http://a/b"));
  life.close();
  equal(isEnded, false);
  resolve();
  await new Promise((done) => setTimeout(done));
  equal(isEnded, true);
});
