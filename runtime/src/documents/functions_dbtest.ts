/** What a function sees of its data: `imp.db` and `imp.sql`. */
import { deepEqual, equal, rejects, throws } from "node:assert/strict";
import { makeDb, makeSql } from "./client.ts";
import { LIMITS } from "./limits.ts";
import { documentsForTests, refusedWith, test } from "./testing.ts";

const { documents, end, exec, fresh } = documentsForTests();

const ask = (owner: string) => (op: string, collection: string, args: unknown[]) =>
  documents.exec(op, collection, JSON.parse(JSON.stringify(args)), owner).then((found) =>
    JSON.parse(JSON.stringify(found ?? null))
  );

test("a function sees dates, expressions and cursors", async () => {
  await fresh("seen");
  // deno-lint-ignore no-explicit-any
  const db = makeDb(ask("f")) as (name?: string) => any;
  const seen = db("seen");
  const at = new Date("2026-01-31T12:00:00Z");
  const { insertedId } = await seen.insertOne({ at, name: "Anna", tags: ["x"] });
  deepEqual(await seen.findOne({ at: { $gte: at }, name: /^an/i }), { _id: insertedId, at, name: "Anna", tags: ["x"] });
  await seen.insertMany(Array.from({ length: 230 }, (_, n) => ({ n })));
  equal((await db().collection("seen").find({ n: { $exists: true } }).toArray()).length, 230);
  const numbers: number[] = [];
  for await (
    const { n } of seen.find({ n: { $gte: 0 } }).sort("n", -1).skip(5).limit(120).project({ n: 1, _id: 0 }).batchSize(
      50,
    )
  ) numbers.push(n);
  deepEqual([numbers.length, numbers[0], numbers.at(-1)], [120, 224, 105]);
  const cursor = seen.find({ n: 1 });
  deepEqual([await cursor.hasNext(), (await cursor.next()).n, await cursor.next(), await cursor.hasNext()], [
    true,
    1,
    null,
    false,
  ]);
  deepEqual(
    await seen.aggregate([{ $match: { n: { $lt: 3 } } }, { $group: { _id: null, n: { $sum: "$n" } } }]).toArray(),
    [{ _id: null, n: 3 }],
  );
  deepEqual((await db().listCollections()).some(({ name }: { name: string }) => name === "seen"), true);
  const large = { text: "x".repeat(LIMITS.documentBytes - 100) };
  equal((await seen.insertMany([large, large])).insertedCount, 2);
  await rejects(seen.insertMany(Array.from({ length: 8 }, () => large)), refusedWith("too-large"));
  await rejects(seen.find({ n: { $in: Array(LIMITS.given / 8).fill(1) } }).toArray(), refusedWith("too-large"));
  class Custom {}
  for (
    const bad of [
      undefined,
      NaN,
      Infinity,
      5n,
      () => 1,
      Symbol("x"),
      new Map(),
      new Custom(),
      new Date(NaN),
      /x/y,
    ]
  ) {
    await rejects(Promise.resolve().then(() => seen.insertOne({ bad })), refusedWith("bad-value"), String(bad));
  }
  await rejects(seen.find({ a: undefined }).toArray(), refusedWith("bad-value"));
  await rejects(seen.updateOne({}, { $no: 1 }), refusedWith("unsupported"));
  throws(() => db(5 as unknown as string), refusedWith("bad-query"));
});

test("imp.sql takes values as parameters, and transactions as one", async () => {
  // deno-lint-ignore no-explicit-any
  const sql = makeSql(ask("call")) as any;
  await sql`DROP TABLE IF EXISTS accounts`;
  await sql`CREATE TABLE accounts (name text PRIMARY KEY, amount int CHECK (amount >= 0), at timestamptz, more jsonb, raw bytea)`;
  const evil = "'; DROP TABLE accounts; --";
  const at = new Date("2026-01-31T12:00:00Z");
  const inserted = await sql`INSERT INTO accounts VALUES (${evil}, ${100}, ${at}, ${{ a: [1] }}, ${new Uint8Array([
    1,
    2,
  ])}), ('b', 0, NULL, NULL, NULL)`;
  equal(inserted.count, 2);
  deepEqual([...await sql`SELECT * FROM accounts WHERE name = ${evil}`], [{
    name: evil,
    amount: 100,
    at,
    more: { a: [1] },
    raw: new Uint8Array([1, 2]),
  }]);
  equal(
    await sql.begin(async (tx: typeof sql) => {
      await tx`UPDATE accounts SET amount = amount - 30 WHERE name = ${evil}`;
      await tx`UPDATE accounts SET amount = amount + 30 WHERE name = 'b'`;
      deepEqual((await sql`SELECT amount FROM accounts WHERE name = 'b'`)[0].amount, 0);
      return "done";
    }),
    "done",
  );
  await rejects(
    sql.begin(async (tx: typeof sql) => {
      await tx`UPDATE accounts SET amount = 999 WHERE name = 'b'`;
      await tx`UPDATE accounts SET amount = amount - 1000 WHERE name = ${evil}`;
    }),
    /PostgreSQL 23514/,
  );
  await rejects(
    sql.begin(async (tx: typeof sql) => {
      await tx`UPDATE accounts SET amount = 998 WHERE name = 'b'`;
      await tx`SELECT no_such_column`.catch(() => {});
    }),
    /taken back/,
  );
  deepEqual([...await sql`SELECT amount FROM accounts WHERE name = 'b'`], [{ amount: 30 }]);
  for (
    const text of [["BEGIN"], ["  set statement_timeout = 0"], ["COPY accounts TO STDOUT"], ["listen x"], [
      "ALTER ROLE x",
    ]]
  ) {
    await rejects(documents.exec("sql.run", "", [text, []], "call"), refusedWith("bad-query"));
  }
  await rejects(sql("SELECT 1"), refusedWith("bad-query"));
  await rejects(sql`SELECT generate_series(1, ${LIMITS.rows + 1}::int)`, refusedWith("too-large"));
  await rejects(sql`SELECT * FROM pg_authid`, /PostgreSQL 42501/);
  await rejects(exec("insertOne", "accounts", {}), refusedWith("bad-query"));
});

test("a transaction ends with the call that began it, and is nobody else's", async () => {
  await fresh("apart", [{}]);
  const id = await documents.exec("sql.begin", "", [], "one") as string;
  await rejects(documents.exec("sql.run", "", [["SELECT 1"], [], id], "other"), refusedWith("timeout"));
  await documents.exec("sql.run", "", [["UPDATE accounts SET amount = 5 WHERE name = 'b'"], [], id], "one");
  await documents.release("one");
  await rejects(documents.exec("sql.commit", "", [id], "one"), refusedWith("timeout"));
  deepEqual(
    (await documents.exec("sql.run", "", [["SELECT amount FROM accounts WHERE name = 'b'"], []]) as { rows: unknown })
      .rows,
    [{ amount: 30 }],
  );
  const open = await Promise.all(
    Array.from({ length: LIMITS.transactions }, () => documents.exec("sql.begin", "", [], "three")),
  );
  await rejects(documents.exec("sql.begin", "", [], "three"), refusedWith("unavailable"));
  equal(await exec("countDocuments", "apart", {}), 1);
  equal(open.length, LIMITS.transactions);
  await documents.release("three");
});

test("the end", end);
