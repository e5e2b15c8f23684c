import { deepEqual, ok } from "node:assert/strict";
import { Numbered } from "./numbered.ts";

Deno.test("values come and go by their numbers", () => {
  const found = new Numbered<string>();
  found.set(0x7fff_fffe, "last");
  found.set(2, "two");
  found.set(2, "second");
  deepEqual([found.size, found.get(2), found.has(3), found.get(3)], [2, "second", false, undefined]);
  deepEqual(found.values(), ["second", "last"]);
  deepEqual([found.delete(2), found.delete(2), found.size, found.values()], [true, false, 1, ["last"]]);
});

Deno.test("what went is let go, however old it is itself", () => {
  const found = new Numbered<number[]>();
  const litter: number[][] = [];
  const at = (step: number) => litter[step % 100] = new Array(50).fill(step);
  for (let step = 0; step < 200_000; step++) at(step);
  const before = Deno.memoryUsage().heapUsed;
  let most = 0;
  for (let number = 1; number < 200_000; number++) {
    found.set(number, at(number));
    found.delete(number - 20);
    if (number % 1000 === 0) most = Math.max(most, Deno.memoryUsage().heapUsed - before);
  }
  ok(most < 12e6, `${most} bytes`);
});
