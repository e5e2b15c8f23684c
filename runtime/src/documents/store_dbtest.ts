/** Many at once, upserts, batches, limits, what was slow, and the console. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { DocumentsError } from "./documents.ts";
import { newId } from "./ids.ts";
import { LIMITS } from "./limits.ts";
import { Slow } from "./slow.ts";
import { documentsForTests, refusedWith, test } from "./testing.ts";

const { documents, end, exec, fresh } = documentsForTests();
// deno-lint-ignore no-explicit-any
const asConsole = (op: string, name: string, ...args: unknown[]): Promise<any> => documents.execData(op, name, args);

test("of many at once, each increment counts", async () => {
  await fresh("many", [{ _id: "x", n: 0, list: [] }]);
  const results = await Promise.all(
    Array.from(
      { length: 60 },
      (_, at) => exec("updateOne", "many", { _id: "x" }, { $inc: { n: 1 }, $push: { list: at } }),
    ),
  );
  ok(results.every(({ modifiedCount }) => modifiedCount === 1));
  const { n, list } = await exec("findOne", "many", { _id: "x" });
  deepEqual([n, list.length, new Set(list).size], [60, 60, 60]);
});

test("of many that take the next one, each gets another", async () => {
  await fresh("queue", Array.from({ length: 30 }, (_, at) => ({ at, state: "waiting" })));
  const taken = await Promise.all(
    Array.from(
      { length: 40 },
      () =>
        exec("findOneAndUpdate", "queue", { state: "waiting" }, { $set: { state: "taken" } }, {
          sort: { at: 1 },
          returnDocument: "after",
        }),
    ),
  );
  const got = taken.filter((each) => each !== null);
  equal(got.length, 30);
  equal(new Set(got.map(({ _id }) => _id)).size, 30);
});

test("of many upserts of one id, one inserts", async () => {
  await fresh("upserts");
  const results = await Promise.all(
    Array.from(
      { length: 20 },
      () =>
        exec("updateOne", "upserts", { _id: "x" }, { $inc: { n: 1 }, $setOnInsert: { first: true } }, { upsert: true }),
    ),
  );
  equal(results.filter(({ upsertedCount }) => upsertedCount === 1).length, 1);
  deepEqual(await exec("findOne", "upserts", {}), { _id: "x", n: 20, first: true });
});

test("an upsert makes what the filter says to be equal", async () => {
  await fresh("upsert");
  const made = async (filter: unknown, update: unknown) => {
    const { upsertedId, matchedCount } = await exec("updateOne", "upsert", filter, update, { upsert: true });
    equal(matchedCount, 0);
    const { _id, ...rest } = await exec("findOne", "upsert", { _id: upsertedId });
    match(_id, /^[0-9a-f]{24}$|^given$/);
    return rest;
  };
  deepEqual(await made({ a: 1, "b.c": { $eq: 2 }, d: { $gt: 5 } }, { $set: { e: 3 } }), { a: 1, b: { c: 2 }, e: 3 });
  deepEqual(await made({ $and: [{ a: 7 }, { f: { $in: [1] } }] }, { $inc: { a: 1 } }), { a: 8 });
  deepEqual(await made({ _id: "given" }, { $setOnInsert: { a: 2 } }), { a: 2 });
  await rejects(
    exec("updateOne", "upsert", { a: 91, $and: [{ a: 91 }] }, { $set: { b: 1 } }, { upsert: true }),
    refusedWith("bad-query"),
  );
  deepEqual(await exec("replaceOne", "upsert", { _id: "r" }, { a: 5 }, { upsert: true }), {
    matchedCount: 0,
    modifiedCount: 0,
    upsertedCount: 1,
    upsertedId: "r",
  });
  deepEqual(await exec("replaceOne", "upsert", { _id: "r" }, { b: 6 }), {
    matchedCount: 1,
    modifiedCount: 1,
    upsertedCount: 0,
    upsertedId: null,
  });
  deepEqual(await exec("replaceOne", "upsert", { _id: "r" }, { b: 6 }), {
    matchedCount: 1,
    modifiedCount: 0,
    upsertedCount: 0,
    upsertedId: null,
  });
  deepEqual(await exec("findOne", "upsert", { _id: "r" }), { _id: "r", b: 6 });
  await rejects(exec("replaceOne", "upsert", { _id: "r" }, { $set: { a: 1 } }), refusedWith("bad-query"));
  await rejects(exec("replaceOne", "upsert", { _id: "r" }, { _id: "s" }), refusedWith("bad-value"));
});

test("one is found and changed, or deleted", async () => {
  await fresh("found", [{ _id: "1", n: 1 }, { _id: "2", n: 2 }, { _id: "3", n: 3 }]);
  deepEqual(await exec("findOneAndUpdate", "found", { n: { $lt: 9 } }, { $inc: { n: 10 } }, { sort: { n: -1 } }), {
    _id: "3",
    n: 3,
  });
  deepEqual(
    await exec("findOneAndUpdate", "found", { _id: "3" }, { $inc: { n: 1 } }, {
      returnDocument: "after",
      projection: { _id: 0 },
    }),
    { n: 14 },
  );
  equal(await exec("findOneAndUpdate", "found", { _id: "9" }, { $set: { n: 1 } }), null);
  equal(await exec("findOneAndUpdate", "found", { _id: "9" }, { $set: { n: 1 } }, { upsert: true }), null);
  deepEqual(await exec("findOneAndReplace", "found", { _id: "9" }, { m: 1 }, { returnDocument: "after" }), {
    _id: "9",
    m: 1,
  });
  deepEqual(await exec("findOneAndDelete", "found", { n: { $gte: 1 } }, { sort: { n: 1 } }), { _id: "1", n: 1 });
  equal(await exec("findOneAndDelete", "found", { _id: "1" }), null);
  deepEqual(await exec("deleteOne", "found", {}), { deletedCount: 1 });
  deepEqual(await exec("deleteMany", "found", {}), { deletedCount: 2 });
  await rejects(
    exec("findOneAndUpdate", "found", {}, { $set: { a: 1 } }, { returnDocument: "later" }),
    refusedWith("bad-query"),
  );
});

test("inserts: ids, what was done before one that can't be, and bulkWrite", async () => {
  await fresh("inserts", [{ _id: "b" }]);
  const { insertedId } = await exec("insertOne", "inserts", { a: 1 });
  match(insertedId, /^[0-9a-f]{24}$/);
  ok(newId() > insertedId);
  await rejects(
    exec("insertMany", "inserts", [{ _id: "a" }, { _id: "b" }, { _id: "c" }]),
    /Document 1 \(_id b\).*1 of 3 were inserted/,
  );
  equal(await exec("countDocuments", "inserts", { _id: { $in: ["a", "c"] } }), 1);
  await rejects(
    exec("insertMany", "inserts", [{ _id: "a" }, { _id: "c" }], { ordered: false }),
    refusedWith("duplicate-key"),
  );
  equal(await exec("countDocuments", "inserts", { _id: "c" }), 1);
  for (const _id of [5, null, "", { $date: "2026-01-01T00:00:00Z" }, "x".repeat(201)]) {
    await rejects(exec("insertOne", "inserts", { _id }), refusedWith("bad-value"));
  }
  const done = await exec("bulkWrite", "inserts", [
    { insertOne: { document: { _id: "k", n: 1 } } },
    { updateOne: { filter: { _id: "k" }, update: { $inc: { n: 1 } } } },
    { updateMany: { filter: { n: 2 }, update: { $set: { m: 1 } } } },
    { replaceOne: { filter: { _id: "l" }, replacement: { n: 9 }, upsert: true } },
    { deleteOne: { filter: { _id: "k" } } },
    { deleteMany: { filter: { n: 9 } } },
  ]);
  deepEqual(done, {
    insertedCount: 1,
    matchedCount: 2,
    modifiedCount: 2,
    deletedCount: 2,
    upsertedCount: 1,
    insertedIds: { 0: "k" },
    upsertedIds: { 3: "l" },
  });
  await rejects(
    exec("bulkWrite", "inserts", [{ insertOne: { document: { _id: "m" } } }, {
      updateOne: { filter: {}, update: { $no: 1 } },
    }]),
    /Operation 1: .*before it were done/,
  );
  equal(await exec("countDocuments", "inserts", { _id: "m" }), 1);
});

test("batches go on where the last one ended, also while documents come and go", async () => {
  await fresh("batches", Array.from({ length: 250 }, (_, n) => ({ _id: String(n).padStart(4, "0"), n: n % 5 })));
  const first = await exec("find", "batches", {}, { sort: { n: 1 } });
  equal(first.documents.length, 100);
  await exec("deleteMany", "batches", { _id: { $in: first.documents.map(({ _id }: { _id: string }) => _id) } });
  await exec("insertOne", "batches", { _id: "zzzz", n: 4 });
  const second = await exec("find", "batches", {}, { sort: { n: 1 }, after: first.after });
  const seen = [...first.documents, ...second.documents].map(({ _id }) => _id);
  deepEqual([seen.length, new Set(seen).size, seen.at(-1), second.after], [251, 251, "zzzz", null]);
  await rejects(
    exec("find", "batches", {}, { after: { keys: ["x"], left: null }, sort: { n: 1 } }),
    refusedWith("bad-query"),
  );
});

test("a batch ends before it's too much for a process", async () => {
  const text = "x".repeat(900_000);
  await fresh("large");
  for (let n = 0; n < 8; n++) await exec("insertOne", "large", { n, text });
  const { documents: found, after } = await exec("find", "large", {});
  equal(found.length, Math.floor(LIMITS.batchBytes / 900_100));
  ok(after);
  equal((await exec("distinct", "large", "text")).length, 1);
  const many = Math.ceil(LIMITS.heldBytes / 900_000);
  for (let n = 8; n <= 8 + many; n++) await exec("insertOne", "large", { n, other: `${n}${text}` });
  await rejects(exec("distinct", "large", "other"), refusedWith("too-large"));
  equal((await exec("distinct", "large", "other", { n: { $lt: 20 } })).length, 12);
  await exec("deleteMany", "large", { n: { $gte: 8 } });
  await rejects(
    exec("aggregate", "large", [{ $unwind: "$text" }, { $group: { _id: "$n", all: { $push: "$$ROOT" } } }, {
      $project: { a: "$$ROOT", b: "$$ROOT", c: "$$ROOT" },
    }]),
    refusedWith("too-large"),
  );
  await exec("drop", "large");
});

test("limits are refused by name", async () => {
  await rejects(exec("insertOne", "limits", { a: "x".repeat(LIMITS.documentBytes) }), refusedWith("too-large"));
  await rejects(exec("insertOne", "limits", { a: "é".repeat(LIMITS.documentBytes / 2) }), refusedWith("too-large"));
  await fresh("limits", [{ _id: "x", a: "x".repeat(LIMITS.documentBytes - 100) }]);
  await rejects(exec("updateOne", "limits", {}, { $set: { b: "x".repeat(200) } }), refusedWith("too-large"));
  let deep: unknown = 1;
  for (let n = 0; n <= LIMITS.depth; n++) deep = { a: deep };
  await rejects(exec("insertOne", "limits", { deep }), refusedWith("bad-value"));
  let wide: unknown = { a: 1 };
  for (let n = 0; n <= LIMITS.depth; n++) wide = { $and: [wide] };
  await rejects(exec("find", "limits", wide), refusedWith("bad-query"));
  await rejects(
    exec("insertMany", "limits", Array.from({ length: LIMITS.atOnce + 1 }, () => ({}))),
    refusedWith("bad-query"),
  );
  await rejects(exec("find", "limits", { ["a".repeat(LIMITS.pathLength + 1)]: 1 }), refusedWith("bad-query"));
  for (
    const name of [
      "",
      "a b",
      "1a",
      "imp_slow",
      "pg_x",
      'x"; DROP TABLE data.limits; --',
      "a".repeat(49),
      "data.x",
      "system",
      undefined,
      5,
    ]
  ) {
    await rejects(
      documents.exec("find", name as string, [{}]),
      (error) => error instanceof DocumentsError,
      String(name),
    );
    await rejects(
      documents.exec("insertOne", name as string, [{}]),
      (error) => error instanceof DocumentsError,
      String(name),
    );
  }
  await rejects(exec("constructor", "limits"), refusedWith("bad-query"));
  await rejects(exec("browse", "limits", {}), refusedWith("bad-query"));
});

test("a statement that takes too long is stopped", async () => {
  await documents.store.sql.begin(async (sql) => {
    await sql.unsafe("SET LOCAL statement_timeout = 50");
    await rejects(documents.store.run("SELECT pg_sleep(5)", [], sql), refusedWith("timeout"));
  }).catch(() => {});
});

test("a collection that isn't there is empty, and made by the first document", async () => {
  await fresh("nowhere");
  deepEqual(await exec("find", "nowhere", { a: 1 }, { sort: { a: 1 } }), { documents: [], after: null });
  equal(await exec("findOne", "nowhere", {}), null);
  equal(await exec("countDocuments", "nowhere", {}), 0);
  deepEqual(await exec("distinct", "nowhere", "a"), []);
  deepEqual(await exec("aggregate", "nowhere", []), []);
  deepEqual(await exec("updateMany", "nowhere", {}, { $set: { a: 1 } }), {
    matchedCount: 0,
    modifiedCount: 0,
    upsertedCount: 0,
    upsertedId: null,
  });
  deepEqual(await exec("deleteMany", "nowhere", {}), { deletedCount: 0 });
  await Promise.all(Array.from({ length: 8 }, () => exec("insertOne", "nowhere", {})));
  equal(await exec("countDocuments", "nowhere", {}), 8);
  equal(await exec("countDocuments", "nowhere", {}, { limit: 5, skip: 1 }), 5);
});

test("distinct values, of arrays their elements", async () => {
  await fresh("values", [{ a: [1, 2] }, { a: 2 }, { a: "2" }, { a: null }, { b: 1 }, { a: [[3]] }, { a: [] }, {
    a: { b: [7] },
  }]);
  deepEqual(await exec("distinct", "values", "a"), [null, 1, 2, "2", { b: [7] }, [3]]);
  deepEqual(await exec("distinct", "values", "a.b", {}), [7]);
  deepEqual(await exec("distinct", "values", "a", { a: { $type: "string" } }), ["2"]);
});

test("what was slow is noted without its values, with the index that would help", async () => {
  await fresh("sluggish", [{ s: 1, n: 2 }]);
  const slow = new Slow(documents.store, 0);
  await slow.keep("sluggish", "find", [{ s: "secret", n: { $gt: 5 } }, { sort: { at: -1 } }], 250);
  await slow.keep("sluggish", "find", [{ s: "other", n: { $gt: 6 } }, { sort: { at: -1 } }], 150);
  await slow.keep("sluggish", "updateMany", [{ n: { $gt: 5 } }, { $set: { a: "secret" } }], 110);
  await slow.keep("sluggish", "aggregate", [[{ $match: { s: "secret" } }, { $group: { _id: "$n" } }]], 120);
  await slow.keep("sluggish", "find", [{ $bad: 1 }], 120);
  const found = await slow.list("sluggish");
  ok(!JSON.stringify(found).includes("secret"));
  deepEqual(
    found.map(({ op, shape, suggests, times, mean_ms, most_ms }) => [op, shape, suggests, times, mean_ms, most_ms]),
    [
      ["find", '{"s":?,"n":{"$gt":?}} sort {"at":-1}', [["s", 1], ["at", -1]], 2, 200, 250],
      ["aggregate", '[{"$match":{"s":?}},{"$group":{"_id":?}}]', [["s", 1]], 1, 120, 120],
      ["updateMany", '{"n":{"$gt":?}}', [["n", 1]], 1, 110, 110],
    ],
  );
  await exec("createIndex", "sluggish", { s: 1, at: -1 });
  await slow.keep("sluggish", "find", [{ s: "secret", n: { $gt: 5 } }, { sort: { at: -1 } }], 250);
  equal((await slow.list("sluggish"))[0]?.suggests, null);
  equal((await asConsole("slowQueries", "sluggish")).length, 3);
  // A collection takes along what was noted of it
  await exec("drop", "sluggish");
  deepEqual(await asConsole("slowQueries", "sluggish"), []);
});

test("now is when it's changed", async () => {
  await fresh("now", [{ _id: "x", at: { $date: "2001-01-01T00:00:00.000Z" } }]);
  const before = new Date().toISOString();
  await exec("updateOne", "now", {}, { $currentDate: { at: true, "made.at": { $type: "date" } } });
  const { at, made } = await exec("findOne", "now", {});
  for (const { $date } of [at, made.at]) ok(before <= $date && $date <= new Date().toISOString(), $date);
});

test("the console changes a document only as it was read", async () => {
  await fresh("edited", [{ _id: "x", a: 1 }, { _id: "y", a: 2 }]);
  const read = await asConsole("getDocument", "edited", "x");
  const again = await asConsole("editDocument", "edited", "x", { _id: "x", a: 5 }, read.version);
  await rejects(
    asConsole("editDocument", "edited", "x", { _id: "x", a: 6 }, read.version),
    refusedWith("changed-meanwhile"),
  );
  await exec("updateOne", "edited", { _id: "x" }, { $set: { b: 1 } });
  await rejects(asConsole("removeDocument", "edited", "x", again.version), refusedWith("changed-meanwhile"));
  deepEqual(await exec("findOne", "edited", { _id: "x" }), { _id: "x", a: 5, b: 1 });
  await rejects(asConsole("editDocument", "edited", "x", { _id: "z" }, again.version), refusedWith("bad-query"));
  await rejects(asConsole("getDocument", "edited", "nobody"), refusedWith("no-such-document"));
  deepEqual(await asConsole("removeDocument", "edited", "y", ""), { deletedCount: 1 });
  const page = await asConsole("browse", "edited", { filter: { a: 5 }, limit: 1 });
  deepEqual(page, { documents: [{ _id: "x", a: 5, b: 1 }], after: null, is_there: true });
  const { name, documents: count, is_exact, bytes } = (await asConsole("listCollections", "")).find((
    { name }: { name: string },
  ) => name === "edited");
  deepEqual([name, count, is_exact, bytes > 0], ["edited", 1, true, true]);
  await rejects(documents.execData("sql.run", "", [["SELECT 1"], []]), refusedWith("bad-query"));
});

test("the end", end);
