import { equal } from "node:assert/strict";
import type { Calls } from "./calls.ts";
import { drain, QUIET_MS } from "./drain.ts";

/** Says at each look what is next; its last stays. */
function pretend(looks: { quietMs: number; inFlight: number }[]): { calls: Calls; left: () => number } {
  const now = () => looks[0] ?? { quietMs: 0, inFlight: 0 };
  const calls = {
    close: () => {},
    get quietMs() {
      if (looks.length > 1) looks.shift();
      return now().quietMs;
    },
    get inFlight() {
      return now().inFlight;
    },
  };
  return { calls: calls as unknown as Calls, left: () => looks.length - 1 };
}

Deno.test("it goes on until no more calls come and none is under way", async () => {
  const { calls, left } = pretend([
    { quietMs: 0, inFlight: 0 },
    { quietMs: QUIET_MS - 1, inFlight: 0 },
    { quietMs: QUIET_MS, inFlight: 1 },
    { quietMs: 0, inFlight: 1 },
    { quietMs: QUIET_MS, inFlight: 0 },
  ]);
  equal(await drain(calls, 10_000), 0);
  equal(left(), 0);
});

Deno.test("what takes longer than the limit is cut off, and counted", async () => {
  equal(await drain(pretend([{ quietMs: 1000, inFlight: 2 }]).calls, 60), 2);
});
