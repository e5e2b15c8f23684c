import { equal } from "node:assert/strict";
import { Stacks } from "./stacks.ts";

// Line 2, column 3 of the code was line 6, column 5 of lib.ts; line 3 was line 1 of handler.ts
const MAP = JSON.stringify({ version: 3, sources: ["lib.ts", "handler.ts"], names: [], mappings: ";EAKI;ACLJ" });

function stacks(map: string | undefined = MAP): { stacks: Stacks; asked: string[] } {
  const asked: string[] = [];
  const made = new Stacks((artifact) => {
    asked.push(artifact);
    return map === undefined ? Promise.reject(new Error("away")) : Promise.resolve(map);
  });
  made.know("12", "digest");
  return { stacks: made, asked };
}

Deno.test("places in the code become places in its sources", async () => {
  const { stacks: some, asked } = stacks();
  const stack =
    "Error: no\n    at async check (imp:///user/:id@12.js:3:3)\n    at imp:///user/:id@12.js:4:1\n    at other:1:2";
  equal(
    await some.mapped(stack),
    "Error: no\n    at async check (lib.ts:6:5)\n    at handler.ts:1:1\n    at other:1:2",
  );
  equal(await some.mapped("at eval (imp:///a@12.js, <anonymous>:3:3)"), "at eval (lib.ts:6:5)");
  equal(asked.length, 1);
});

Deno.test("what has no place in its sources stays as it is", async () => {
  for (const text of ["nothing", "(imp:///a@12.js:1:1)", "(imp:///a@99.js:3:3)"]) {
    equal(await stacks().stacks.mapped(text), text);
  }
});

Deno.test("what only looks like a place is no fault, and takes no time", async () => {
  const { stacks: some } = stacks();
  equal(await some.mapped("imp:///a@12.js:3:0"), "imp:///a@12.js:3:0");
  const begun = performance.now();
  await some.mapped("imp:///".repeat(20_000) + "a".repeat(20_000));
  equal(performance.now() - begun < 1500, true);
});

Deno.test("of packages there is no map", async () => {
  equal(await stacks().stacks.mapped("at f (imp:///packages@abcdef012345.js:3:3)"), "at f (packages:3:3)");
});

Deno.test("where no map can be had, or none that is one, nothing is lost", async () => {
  for (const map of ["{", ""]) equal(await stacks(map).stacks.mapped("(imp:///a@12.js:3:3)"), "(imp:///a@12.js:3:3)");
  const away = new Stacks(() => Promise.reject(new Error("away")));
  away.know("12", "digest");
  equal(await away.mapped("(imp:///a@12.js:3:3)"), "(imp:///a@12.js:3:3)");
});
