import { deepEqual, equal, throws } from "node:assert/strict";
import { Timers } from "./timers.ts";

// deno-lint-ignore no-explicit-any
type Given = Record<string, (...values: any[]) => any>;

const turn = (ms = 0) => new Promise((resolve) => setTimeout(resolve, ms));

function made(): { timers: Timers; given: Given; told: unknown[] } {
  const told: unknown[] = [];
  const timers = new Timers((error) => void told.push(error));
  return { timers, given: timers.given as Given, told };
}

Deno.test("what is called later gets what it was given", async () => {
  const { given } = made();
  const seen: unknown[] = [];
  given.queueMicrotask?.(() => seen.push("soon"));
  given.setImmediate?.((...values: unknown[]) => seen.push(values), "b");
  given.setTimeout?.((...values: unknown[]) => seen.push(values), 1, "a", 5);
  const again = () => {
    seen.push("again");
    given.clearInterval?.(interval);
  };
  const interval = given.setInterval?.(again, 5);
  await turn(30);
  deepEqual(seen, ["soon", ["b"], ["a", 5], "again"]);
});

Deno.test("one is ended by its number, whatever it was started by", async () => {
  const { given } = made();
  const seen: string[] = [];
  for (const start of ["setTimeout", "setInterval", "setImmediate"]) {
    for (const end of ["clearTimeout", "clearInterval", "clearImmediate"]) {
      given[end]?.(given[start]?.(() => seen.push(`${start} ${end}`), 1));
    }
  }
  given.clearTimeout?.(String(given.setTimeout?.(() => seen.push("of a text"), 1)));
  for (const none of [undefined, null, 0, -1, 5000, {}, "x"]) given.clearTimeout?.(none);
  await turn(20);
  deepEqual(seen, []);
});

Deno.test("nobody ends another's", async () => {
  const { given: one } = made();
  const { given: other } = made();
  let count = 0;
  const ticking = one.setInterval?.(() => count++, 1);
  // Also those of the isolate begin with small ones
  for (let id = 0; id < 10_000; id++) other.clearInterval?.(id);
  const before = count;
  await turn(20);
  equal(count > before, true);
  one.clearInterval?.(ticking);
  const after = count;
  await turn(10);
  equal(count, after);
});

Deno.test("at their end all end, and none begins", async () => {
  const { timers, given } = made();
  let count = 0;
  const begin = () => {
    for (const start of ["setTimeout", "setInterval", "setImmediate"]) given[start]?.(() => count++, 1);
  };
  begin();
  timers.end();
  begin();
  await turn(20);
  equal(count, 0);
});

Deno.test("what they throw is told, and nobody else hears of it", async () => {
  const { given, told } = made();
  given.setTimeout?.(() => {
    throw "later";
  });
  given.queueMicrotask?.(() => {
    throw "soon";
  });
  await turn(5);
  deepEqual(told, ["soon", "later"]);
});

Deno.test("a text isn't run", () => {
  const { given } = made();
  for (const start of ["setTimeout", "setInterval", "setImmediate", "queueMicrotask"]) {
    throws(() => given[start]?.("5"), TypeError);
  }
});

Deno.test("nobody changes them", () => {
  const { given } = made();
  equal(given.setTimeout?.name, "setTimeout");
  throws(() => Object.assign(given.setTimeout as object, { mine: 1 }), TypeError);
});
