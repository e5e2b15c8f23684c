import { deepEqual, equal } from "node:assert/strict";
import { Asking } from "../asking.ts";
import { Egress } from "../egress/egress.ts";
import type { StageLine } from "../logs/sink.ts";
import { Stacks } from "../stacks.ts";
import { call, PROGRAM, published, until } from "./testing.ts";
import { Stages } from "./stages.ts";

function made(): { stages: Stages; lines: StageLine[] } {
  const lines: StageLine[] = [];
  const sink = {
    put: (line: StageLine) => void lines.push(line),
    flush: () => Promise.resolve(),
    end: () => Promise.resolve(),
  };
  const stages = new Stages(
    ["dev", "prod"],
    { gateway: { id: "gw_1", name: "parcels", title: "Parcels" }, environment: { REGION: "eu" } },
    { program: PROGRAM, recycleHeap: Infinity },
    new Asking(undefined, new Egress({ proxy: "", mode: "none", hosts: [] })),
    sink,
    new Stacks(() => Promise.resolve(undefined)),
  );
  return { stages, lines };
}

/** They look after themselves, and go on for as long as their process does. */
function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ sanitizeResources: false, sanitizeOps: false, name, fn });
}

test("each stage has functions of its own, and what they log is of their stage", async () => {
  const { stages, lines } = made();
  const [dev, prod] = [stages.get("dev"), stages.get("prod")];
  if (!dev || !prod) throw new Error("There are no stages");
  const code = "module.exports = () => { console.log(imp.env.REGION); return imp.stage; };";
  await dev.publish(published("a", code), undefined);
  await prod.publish(published("a", code), undefined);
  deepEqual(await Promise.all([call(dev, "a"), call(prod, "a")]), ["dev", "prod"]);
  await stages.said();
  deepEqual(lines.map(({ stage, function: name, text }) => [stage, name, text]).sort(), [
    ["dev", "a", "eu"],
    ["prod", "a", "eu"],
  ]);
  equal(stages.get("staging"), undefined);
  for (const crew of [...dev.crews, ...prod.crews]) crew.end();
});

test("what functions ask for is answered", async () => {
  const { stages } = made();
  const dev = stages.get("dev");
  if (!dev) throw new Error("There is no stage");
  const code = "module.exports = async () => { try { await imp.sql`SELECT 1` } catch (error) { return error.code } };";
  await dev.publish(published("a", code), undefined);
  equal(await call(dev, "a"), "NO_DATABASE");
  for (const crew of dev.crews) crew.end();
});

test("they're looked after while there is something to do", async () => {
  const { stages } = made();
  const dev = stages.get("dev");
  if (!dev) throw new Error("There is no stage");
  await dev.publish(published("never", "module.exports = () => new Promise(() => {});"), undefined);
  const calling = call(dev, "never", 200);
  stages.watch();
  equal(await calling, "timeout");
  await until(() => !dev.isBusy, "nothing to do");
  for (const crew of dev.crews) crew.end();
});
