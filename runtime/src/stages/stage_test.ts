import { deepEqual, equal, match } from "node:assert/strict";
import { Stage, type StageOptions } from "./stage.ts";
import { BROKEN, call, DIES, MORTAL, published, SILENT, turn, until } from "./testing.ts";

const OK = "module.exports = () => 'ok';";

/** A stage that somebody looks after; `options` may change while it goes on. */
async function inhabited(
  functions: Record<string, string>,
  test: (stage: Stage, options: StageOptions) => Promise<void>,
): Promise<void> {
  const options: StageOptions = { program: MORTAL, recycleHeap: Infinity };
  const gateway = { id: "gw_1", name: "parcels", title: "Parcels" };
  const stage = new Stage("dev", { gateway, environment: {} }, () => {}, options);
  const looking = setInterval(() => stage.look(performance.now()), 20);
  try {
    for (const [name, code] of Object.entries(functions)) {
      equal((await stage.publish(published(name, code), undefined)).error, null);
    }
    await test(stage, options);
  } finally {
    clearInterval(looking);
    for (const crew of stage.crews) crew.end();
  }
}

/** What workers leave behind is none of a test's. */
function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ sanitizeResources: false, sanitizeOps: false, name, fn });
}

test("what is published is called, until it's removed or another takes its place", () =>
  inhabited({ a: OK }, async (stage) => {
    equal(await call(stage, "a"), "ok");
    await stage.publish(published("a", "module.exports = () => 'new';"), undefined);
    equal(await call(stage, "a"), "new");
    const { error } = await stage.publish(published("a", "throw new RangeError('no');"), undefined);
    match(error?.message ?? "", /no/);
    equal(await call(stage, "a"), "new");
    stage.remove("a");
    deepEqual([stage.router.find("/a"), stage.functions.size], [undefined, 0]);
  }));

test("what was never loaded is known to be broken, and mended by a save", () =>
  inhabited({}, async (stage) => {
    await stage.publish(published("a", "}{"), undefined);
    deepEqual([stage.broken.has("a"), stage.router.find("/a")?.target.name], [true, "a"]);
    await stage.publish(published("a", OK), undefined);
    deepEqual([stage.broken.has("a"), await call(stage, "a")], [false, "ok"]);
  }));

test("packages come before what was built with them, and again with each worker", () =>
  inhabited({}, async (stage) => {
    const vendor = "module.exports = () => 'packed';";
    await stage.publish(published("a", "module.exports = () => require('x');", { vendor: "d1" }), vendor);
    deepEqual([stage.hasVendor("d1"), stage.hasVendor("d2")], [true, false]);
    await stage.replace("of a test");
    equal(await call(stage, "a"), "packed");
  }));

test("what a worker that ends hadn't begun is begun by the next; what it had is interrupted", () =>
  inhabited({ dies: DIES, ok: OK }, async (stage) => {
    const first = stage.serving;
    const dying = call(stage, "dies");
    await turn(50);
    const waiting = call(stage, "ok");
    deepEqual(await Promise.all([dying, waiting]), ["interrupted", "ok"]);
    deepEqual([first?.isGone, stage.serving === first], [true, false]);
  }));

test("where no worker can be started, nobody waits; once one can, all that is published is there again", () =>
  inhabited({ dies: DIES, ok: OK }, async (stage, options) => {
    options.program = BROKEN;
    const begun = performance.now();
    const dying = call(stage, "dies");
    await turn(50);
    deepEqual(await Promise.all([dying, call(stage, "ok")]), ["interrupted", "away"]);
    for (let each = 0; each < 5; each++) equal(await call(stage, "ok"), "away");
    const took = performance.now() - begun;
    equal(took < 8000, true, `${took} ms, where a call may take ten seconds`);
    equal(stage.isBusy, true);
    options.program = MORTAL;
    await until(async () => await call(stage, "ok") === "ok", "a worker");
    equal(await call(stage, "dies"), "interrupted");
  }));

test("while one is being started a call waits as long as it may, and no longer", () =>
  inhabited({ dies: DIES, ok: OK }, async (stage, options) => {
    options.program = SILENT;
    await call(stage, "dies");
    const begun = performance.now();
    equal(await call(stage, "ok", 300), "away");
    const took = performance.now() - begun;
    equal(took >= 300 && took < 5000, true, `${took} ms`);
  }));

test("for one that is blocked another stands in, also where that couldn't be started at first", () =>
  inhabited({
    busy: "module.exports = () => { for (const end = Date.now() + 6000; Date.now() < end;); return 'done'; };",
    ok: OK,
  }, async (stage, options) => {
    options.program = BROKEN;
    let isDone = false;
    const busy = call(stage, "busy").finally(() => isDone = true);
    await until(() => stage.serving?.blockedAt !== undefined, "a block");
    await turn(200);
    const waiting = call(stage, "ok");
    options.program = MORTAL;
    deepEqual([await waiting, isDone], ["ok", false]);
    equal(await busy, "done");
  }));

test("a save brings a worker with all that was published before", () =>
  inhabited({ dies: DIES, ok: OK }, async (stage, options) => {
    options.program = BROKEN;
    await call(stage, "dies");
    await until(async () => await call(stage, "ok") === "away", "no worker");
    options.program = MORTAL;
    await stage.publish(published("new", OK), undefined);
    deepEqual([await call(stage, "new"), await call(stage, "ok")], ["ok", "ok"]);
  }));
