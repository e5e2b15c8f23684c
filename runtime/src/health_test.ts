import { deepEqual, equal } from "node:assert/strict";
import type { Calls } from "./calls.ts";
import type { Config } from "./config.ts";
import { Health } from "./health.ts";
import type { Stages } from "./stages/stages.ts";

const CONFIG = { gateway: { id: "gw_1" }, process: "main", stages: ["dev"] } as Config;
const STAGES = { zombies: 1 } as Stages;
const CALLS = { inFlight: 3 } as Calls;

Deno.test("it is well until it ends", async () => {
  const health = new Health(CONFIG, CALLS, STAGES);
  const response = health.answer();
  equal(response.status, 200);
  const { rss, ...rest } = await response.json();
  equal(rss > 0, true);
  deepEqual(rest, { ok: true, gateway: "gw_1", process: "main", stages: ["dev"], in_flight: 3, zombies: 1 });
  health.end();
  equal(health.answer().status, 503);
  equal((await health.answer().json()).ok, false);
});

Deno.test("it answers who runs the process, and no caller", () => {
  const health = new Health(CONFIG, CALLS, STAGES);
  equal(health.isAsked("/_imp/health", new Headers()), true);
  equal(health.isAsked("/_imp/health", new Headers({ "x-forwarded-for": "203.0.113.7" })), false);
  for (const path of ["/dev/_imp/health", "//_imp/health", "/_imp/health/", "/_imp%2fhealth", undefined]) {
    equal(health.isAsked(path, new Headers()), false, path);
  }
});
