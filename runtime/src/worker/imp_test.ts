import { deepEqual, equal, throws } from "node:assert/strict";
import { maker } from "./imp.ts";
import { Life } from "./life.ts";

type Imp = Record<string, unknown> & { env: Record<string, string>; log: Record<string, (...all: unknown[]) => void> };
type Console = Record<string, (...values: unknown[]) => void>;

function made(): { imp: Imp; console: Console; draft: Imp; said: unknown[][]; asked: unknown[][] } {
  const said: unknown[][] = [];
  const asked: unknown[][] = [];
  const make = maker({
    beginning: {
      gateway: { id: "gw_1", name: "parcels", title: "Parcels" },
      stage: "dev",
      environment: { REGION: "eu" },
      seats: new SharedArrayBuffer(4),
    },
    ask: (...all) => {
      asked.push(all);
      return Promise.resolve(null);
    },
    log: (...all) => void said.push(all),
    requestId: () => "req_1",
    uncaught: () => {},
  });
  const own = make("user/:id", 3, new Life());
  return {
    imp: own.imp as Imp,
    console: own.console as Console,
    draft: make("~drf_1/a/b", 0, new Life()).imp as Imp,
    said,
    asked,
  };
}

Deno.test("a function knows where it runs, and for whom", () => {
  const { imp, draft } = made();
  deepEqual([imp.stage, imp.function, imp.requestId, { ...imp.env }], ["dev", "user/:id", "req_1", { REGION: "eu" }]);
  equal(draft.function, "a/b");
  throws(() => imp.env.REGION = "us", TypeError);
  throws(() => imp.stage = "prod", TypeError);
});

Deno.test("console and log say whose line it is, and how bad", () => {
  const { imp, console, said } = made();
  console.warn?.("%s!", "a");
  console.assert?.(1 > 2, "no");
  console.assert?.(true, "yes");
  console.clear?.();
  imp.log.error?.(new Error("b"), { n: 1 });
  deepEqual(said.map(([name, version, level, source]) => [name, version, level, source]), [
    ["user/:id", 3, "warn", "console"],
    ["user/:id", 3, "error", "console"],
    ["user/:id", 3, "error", "console"],
  ]);
  deepEqual([said[0]?.[4], said[1]?.[4], said[2]?.[5]], ["a!", "Assertion failed: no", { n: 1 }]);
});

Deno.test("data is asked for where the sockets are", async () => {
  const { imp, asked } = made();
  await (imp.db as (name: string) => { findOne(filter: object): Promise<unknown> })("notes").findOne({ a: 1 });
  equal(asked[0]?.[0], "documents");
  deepEqual((asked[0]?.[1] as { op: string; collection: string }).collection, "notes");
});
