import { deepEqual, equal, match } from "node:assert/strict";
import { Asking } from "../asking.ts";
import { Egress } from "../egress/egress.ts";
import { type StageLine } from "../logs/sink.ts";
import { Stacks } from "../stacks.ts";
import type { Stage } from "../stages/stage.ts";
import { Stages } from "../stages/stages.ts";
import { call, HELD, PROGRAM, release, until } from "../stages/testing.ts";
import { connect, type Sql } from "../store/connect.ts";
import { Feed } from "./feed.ts";
import { readSourceMap } from "./sql.ts";

const url = Deno.env.get("RUNTIME_TEST_DATABASE");
const ownersUrl = Deno.env.get("RUNTIME_TEST_OWNER");
if (!url || !ownersUrl) {
  throw new Error("RUNTIME_TEST_DATABASE names no database: start this by pytest tests/runtime/test_stored.py.");
}
/** As the platform, which publishes; runtimes only read. */
const owner = connect(ownersUrl, { max: 1 });
const OK = "module.exports = () => 'ok';";

interface World {
  feed: Feed;
  stages: Stages;
  dev: Stage;
  lines: StageLine[];
  instance: string;
}

let instances = 0;

/** What a process has of its stages. */
function beginning(names: string[], program = PROGRAM): World {
  const lines: StageLine[] = [];
  const sink = {
    put: (line: StageLine) => void lines.push(line),
    flush: () => Promise.resolve(),
    end: () => Promise.resolve(),
  };
  const stages = new Stages(
    names,
    { gateway: { id: "gw_1", name: "parcels", title: "Parcels" }, environment: {} },
    { program, recycleHeap: Infinity },
    new Asking(undefined, new Egress({ proxy: "", mode: "none", hosts: [] })),
    sink,
    new Stacks((artifact) => readSourceMap(owner, artifact)),
  );
  const dev = stages.get("dev");
  if (!dev || !url) throw new Error("There is no stage");
  const instance = `ins_${++instances}`;
  const feed = new Feed({ url, instance, process: "main", stages });
  return { feed, stages, dev, lines, instance };
}

/** The same, with all that is published loaded. */
async function following(names = ["dev"], program = PROGRAM): Promise<World> {
  const world = beginning(names, program);
  await world.feed.start();
  return world;
}

async function left({ feed, stages }: World): Promise<void> {
  await feed.end();
  for (const crew of [...stages.all.values()].flatMap((stage) => stage.crews)) crew.end();
}

async function isReady({ instance }: World): Promise<boolean> {
  const [row] = await owner`SELECT is_ready FROM imp.instances WHERE id = ${instance}`;
  return row?.is_ready;
}

/** Whether it has said anything of it. */
async function hasSaid({ instance }: World, name: string): Promise<boolean> {
  const rows = await owner`SELECT FROM imp.acks WHERE instance = ${instance} AND name = ${name}`;
  return rows.length > 0;
}

/** As the platform does: each with a revision of its own, in the order of commits. */
async function publish(name: string, code: string, more: Record<string, unknown> = {}): Promise<string> {
  const digest = crypto.randomUUID();
  return await owner.begin(async (transaction) => {
    const sql = transaction as unknown as Sql;
    const [row] = await sql`UPDATE imp.counter SET revision = revision + 1 RETURNING revision::text`;
    const revision = String(row?.revision);
    await sql`INSERT INTO imp.artifacts (digest, code, source_map) VALUES (${digest}, ${code}, '')`;
    const values = { name, function_id: name, revision, version: 1, artifact: digest, is_deleted: false, ...more };
    await sql`INSERT INTO imp.functions ${sql(values)} ON CONFLICT (name) DO UPDATE SET ${sql(values)}`;
    return revision;
  });
}

/** What a runtime has said of a revision. */
async function acked(name: string, revision: string): Promise<{ message: string; stack: string } | null> {
  const said = async () => {
    const [row] = await owner`SELECT revision::text, error FROM imp.acks WHERE name = ${name} ORDER BY acked_at DESC`;
    return row?.revision === revision ? row : undefined;
  };
  await until(async () => await said() !== undefined, `an acknowledgement of ${name}`);
  return (await said())?.error;
}

/** Workers and connections go on beyond a test that fails. */
function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ sanitizeResources: false, sanitizeOps: false, name, fn });
}

test("what is published before it begins is there once it has, and said to be", async () => {
  const revision = await publish("dev/before", OK);
  await publish("prod/other", OK);
  const world = await following();
  equal(await call(world.dev, "before"), "ok");
  deepEqual([...world.dev.functions.keys()], ["before"]);
  equal(await acked("dev/before", revision), null);
  const [row] = await owner`SELECT stages, is_ready, revision::text FROM imp.instances WHERE id = ${world.instance}`;
  deepEqual({ ...row }, { stages: ["dev"], is_ready: true, revision });
  await left(world);
});

test("what is published, changed and deleted while it follows is heard of", async () => {
  const world = await following();
  await acked("dev/a", await publish("dev/a", OK));
  equal(await call(world.dev, "a"), "ok");
  await acked("dev/a", await publish("dev/a", "module.exports = () => 'new';", { version: 2 }));
  equal(await call(world.dev, "a"), "new");
  await acked("dev/a", await publish("dev/a", "", { is_deleted: true }));
  equal(world.dev.functions.has("a"), false);
  await left(world);
});

test("why something can't be loaded is said, and logged; what was there goes on", async () => {
  const world = await following();
  await acked("dev/a", await publish("dev/a", OK));
  const error = await acked("dev/a", await publish("dev/a", "throw new RangeError('at its top');", { version: 2 }));
  match(error?.message ?? "", /at its top/);
  match(error?.stack ?? "", /^RangeError/);
  equal(await call(world.dev, "a"), "ok");
  deepEqual(world.lines.map(({ stage, function: name, version, level }) => [stage, name, version, level]), [
    ["dev", "a", 2, "error"],
  ]);
  await left(world);
});

test("packages come with the first function that was built with them", async () => {
  const world = await following();
  await owner`INSERT INTO imp.vendors (digest, code, packages)
    VALUES ('v1', 'module.exports = (name) => name + "!";', '{x}')`;
  await acked("dev/packed", await publish("dev/packed", "module.exports = () => require('x');", { vendor: "v1" }));
  equal(await call(world.dev, "packed"), "x!");
  await left(world);
});

test("once its connection was cut it's there again, with what was published meanwhile", async () => {
  const world = await following();
  const asking = owner`SELECT backend_pid FROM imp.instances WHERE id = ${world.instance}`;
  const pid = (await asking)[0]?.backend_pid;
  await owner`SELECT pg_terminate_backend(${pid})`;
  await acked("dev/meanwhile", await publish("dev/meanwhile", OK));
  equal(await call(world.dev, "meanwhile"), "ok");
  const [row] = await owner`SELECT backend_pid, is_ready FROM imp.instances WHERE id = ${world.instance}`;
  deepEqual([row?.is_ready, row?.backend_pid === pid], [true, false]);
  await left(world);
});

test("no stage waits for the worker of another one, nor once the connection was cut", async () => {
  const world = await following(["dev", "held"], HELD);
  const revision = await publish("held/b", OK);
  await acked("dev/free", await publish("dev/free", OK));
  await owner`SELECT pg_terminate_backend(backend_pid) FROM imp.instances WHERE id = ${world.instance}`;
  await acked("dev/free", await publish("dev/free", OK, { version: 2 }));
  deepEqual([await hasSaid(world, "held/b"), await isReady(world)], [false, true]);
  await release();
  equal(await acked("held/b", revision), null);
  await left(world);
});

test("nor at its start, though the process isn't ready before all of them are", async () => {
  const revision = await publish("held/a", OK);
  const world = beginning(["dev", "held"], HELD);
  const start = world.feed.start();
  await acked("dev/free", await publish("dev/free", OK, { version: 3 }));
  deepEqual([await hasSaid(world, "held/a"), await isReady(world)], [false, false]);
  await release();
  await start;
  equal(await acked("held/a", revision), null);
  equal(await isReady(world), true);
  await left(world);
});

test("one that signs off is no longer waited for, and follows all the same", async () => {
  const world = await following();
  await world.feed.signOff();
  await publish("dev/late", OK);
  await until(() => world.dev.functions.has("late"), "what was published late");
  equal(await call(world.dev, "late"), "ok");
  const rows = await owner`
    SELECT id FROM imp.instances WHERE id = ${world.instance}
    UNION SELECT instance FROM imp.acks WHERE instance = ${world.instance}`;
  deepEqual([...rows], []);
  await left(world);
});

test("its connections are closed", async () => {
  await owner.end({ timeout: 5 });
});
