import { deepEqual, equal, match } from "node:assert/strict";
import { connect } from "../store/connect.ts";
import { DatabaseSink, type StageLine } from "./sink.ts";

const url = Deno.env.get("RUNTIME_TEST_DATABASE");
const ownersUrl = Deno.env.get("RUNTIME_TEST_OWNER");
if (!url || !ownersUrl) {
  throw new Error("RUNTIME_TEST_DATABASE names no database: start this by pytest tests/runtime/test_stored.py.");
}
const sql = connect(url, { max: 1 });
/** Runtimes may write lines, and read none. */
const owner = connect(ownersUrl, { max: 1 });

function line(more: Partial<StageLine>): StageLine {
  return {
    at: 1_700_000_000_000,
    stage: "dev",
    function: "a",
    version: 3,
    requestId: "req_1",
    level: "info",
    source: "console",
    text: "",
    fields: null,
    ...more,
  };
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1_000 && !await isSo(); tries++) await new Promise((resolve) => setTimeout(resolve, 10));
}

async function lines(requestId: string): Promise<Record<string, unknown>[]> {
  return [
    ...await owner`SELECT text, fields, level, version FROM imp.logs WHERE request_id = ${requestId} ORDER BY id`,
  ];
}

Deno.test("lines are there once they're flushed, in order, with their fields", async () => {
  const sink = new DatabaseSink(sql);
  sink.put(line({ requestId: "flushed", text: "one\0", fields: { n: [1, "\ud800"] } }));
  sink.put(line({ requestId: "flushed", text: "two", level: "error" }));
  deepEqual(await lines("flushed"), []);
  await sink.flush();
  deepEqual(await lines("flushed"), [
    { text: "one\ufffd", fields: { n: [1, "\ufffd"] }, level: "info", version: 3 },
    { text: "two", fields: null, level: "error", version: 3 },
  ]);
  await sink.end();
});

Deno.test("what nobody flushes is written soon, and what ends writes all", async () => {
  const sink = new DatabaseSink(sql, 5);
  sink.put(line({ requestId: "soon" }));
  await until(async () => (await lines("soon")).length > 0);
  equal((await lines("soon")).length, 1);
  for (let n = 0; n < 2500; n++) sink.put(line({ requestId: "many", text: String(n) }));
  await sink.end();
  deepEqual((await lines("many")).map((each) => each.text), Array.from({ length: 2500 }, (_, n) => String(n)));
});

Deno.test("what comes while a write takes long is written soon after it, and so is what comes later", async () => {
  const sink = new DatabaseSink(sql, 5);
  const waits = async () => (await owner`SELECT FROM pg_locks WHERE NOT granted`).length > 0;
  await owner`BEGIN`;
  await owner`LOCK TABLE imp.logs`;
  sink.put(line({ requestId: "long", text: "first" }));
  await until(waits);
  sink.put(line({ requestId: "long", text: "meanwhile" }));
  // Its time comes while the first is still being written
  await new Promise((resolve) => setTimeout(resolve, 50));
  await owner`COMMIT`;
  await until(async () => (await lines("long")).length === 2);
  sink.put(line({ requestId: "long", text: "later" }));
  await until(async () => (await lines("long")).length === 3);
  deepEqual((await lines("long")).map((each) => each.text), ["first", "meanwhile", "later"]);
  await sink.end();
});

Deno.test("what there is no room for is counted, and said once there is", async () => {
  const sink = new DatabaseSink(sql, 60_000, 2);
  for (let n = 0; n < 5; n++) sink.put(line({ requestId: "full", text: String(n) }));
  await sink.end();
  deepEqual((await lines("full")).map((each) => each.text), ["0", "1"]);
  const [said] = (await lines("")).slice(-1);
  match(String(said?.text), /^3 lines were left out/);
  deepEqual(said?.fields, { left_out: 3 });
});

Deno.test("what can't be written waits, and is written once it can be", async () => {
  const sink = new DatabaseSink(sql, 60_000);
  await owner`ALTER TABLE imp.logs RENAME TO away`;
  sink.put(line({ requestId: "waits" }));
  await sink.flush();
  await owner`ALTER TABLE imp.away RENAME TO logs`;
  deepEqual(await lines("waits"), []);
  await sink.end();
  equal((await lines("waits")).length, 1);
});

Deno.test("its connections are closed", async () => {
  await Promise.all([sql, owner].map((each) => each.end({ timeout: 5 })));
});
