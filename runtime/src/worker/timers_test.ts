import { deepEqual, equal, throws } from "node:assert/strict";
import { timersTelling } from "./timers.ts";

const turn = (ms = 0) => new Promise((resolve) => setTimeout(resolve, ms));

Deno.test("what is called later gets what it was given", async () => {
  const { setTimeout: later, setInterval: again, queueMicrotask: soon } = timersTelling(() => {});
  const seen: unknown[] = [];
  soon?.(() => seen.push("soon"));
  later?.((...values: unknown[]) => seen.push(values), 1, "a", 5);
  clearTimeout(later?.(() => seen.push("never"), 1) as number);
  const interval = again?.(() => {
    seen.push("again");
    clearInterval(interval as number);
  }, 2);
  await turn(20);
  deepEqual(seen, ["soon", ["a", 5], "again"]);
});

Deno.test("what it throws is told, and nobody else hears of it", async () => {
  const told: unknown[] = [];
  const timers = timersTelling((error) => void told.push(error));
  timers.setTimeout?.(() => {
    throw "later";
  });
  timers.queueMicrotask?.(() => {
    throw "soon";
  });
  await turn(5);
  deepEqual(told, ["soon", "later"]);
});

Deno.test("they're everybody's, so nobody changes them", () => {
  const { setTimeout: later } = timersTelling(() => {});
  equal(later?.name, "setTimeout");
  throws(() => Object.assign(later as object, { mine: 1 }), TypeError);
  throws(() => timersTelling(() => {}).queueMicrotask?.(5), TypeError);
});
