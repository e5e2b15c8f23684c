/** Indexes: used where they help, right where they refuse, none where they can't be. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { Parameters } from "./conditions.ts";
import { filterOf } from "./filters.ts";
import { newId } from "./ids.ts";
import { sortOf } from "./keys.ts";
import { orderBy } from "./reading.ts";
import { tableOf } from "./store.ts";
import { documentsForTests, refusedWith, test } from "./testing.ts";

const { documents, end, exec, fresh } = documentsForTests();

async function plan(name: string, filter: unknown, sort: unknown = {}, limit = ""): Promise<string> {
  const parameters = new Parameters();
  const condition = await documents.reading.condition(name, filterOf(filter), parameters);
  const text = `EXPLAIN SELECT doc FROM ${tableOf(name)} WHERE ${condition}${orderBy(sortOf(sort))}${limit}`;
  return (await documents.store.run(text, parameters.values)).map((row) => row["QUERY PLAN"]).join("\n");
}

async function physicalOf(name: string, index: string): Promise<string> {
  return (await documents.store.indexes(name, true)).find((each) => each.name === index)?.physical ?? "none";
}

test("an index is really used: equality, ranges, $in, several fields, orders", async () => {
  await fresh("used");
  for (let at = 0; at < 6; at++) {
    const made = Array.from(
      { length: 1000 },
      (_, n) => ({ s: `s${(at * 1000 + n) % 500}`, n: at * 1000 + n, in: { x: n } }),
    );
    await exec("insertMany", "used", made);
  }
  match(await plan("used", { s: "s7" }), /Seq Scan/);
  for (const keys of [{ s: 1 }, { n: -1 }, { "in.x": 1, n: 1 }, { s: 1, n: -1 }]) {
    await exec("createIndex", "used", keys);
  }
  const [s, n, inside] = [
    await physicalOf("used", "s_1"),
    await physicalOf("used", "n_-1"),
    await physicalOf("used", "in.x_1_n_1"),
  ];
  const both = await physicalOf("used", "s_1_n_-1");
  const usesOne = async (filter: unknown, sort: unknown, limit: string, ...names: string[]) => {
    const found = await plan("used", filter, sort, limit);
    ok(
      names.some((name) => found.includes(name)) && !found.includes("Seq Scan"),
      `${JSON.stringify(filter)}\n${found}`,
    );
  };
  await usesOne({ s: "s7" }, {}, "", s, both);
  await usesOne({ s: { $in: ["s7", "s8"] } }, {}, "", s, both);
  await usesOne({ n: { $gt: 5990 } }, {}, "", n);
  await usesOne({ n: { $gte: 10, $lt: 20 } }, {}, "", n);
  await usesOne({ "in.x": 5, n: { $lt: 100 } }, {}, "", inside);
  await usesOne({ s: "s7", n: 7 }, {}, "", both, s, n);
  await usesOne({ $and: [{ s: "s7" }, { n: { $gt: 5 } }] }, {}, "", both, s);
  await usesOne({}, { n: -1 }, " LIMIT 10", n);
  await usesOne({ _id: newId() }, {}, "", "used_pkey");
  equal((await exec("find", "used", { s: "s7" })).documents.length, 12);
  equal((await exec("find", "used", { n: { $gte: 10, $lt: 20 } })).documents.length, 10);
  await exec("updateOne", "used", { n: 10 }, { $set: { n: [5, 15] } });
  equal((await exec("find", "used", { n: { $gte: 10, $lt: 20 } })).documents.length, 10);
  equal((await exec("find", "used", { n: 5 })).documents.length, 2);
  deepEqual((await exec("listIndexes", "used")).map(({ name }: { name: string }) => name), [
    "_id_",
    "s_1",
    "n_-1",
    "in.x_1_n_1",
    "s_1_n_-1",
  ]);
  await exec("dropIndex", "used", "s_1");
  await rejects(exec("dropIndex", "used", "s_1"), refusedWith("no-such-index"));
  equal(await physicalOf("used", "s_1"), "none");
});

test("of many that make the same index at once, one does, and all have it", async () => {
  await fresh("raced", [{ n: 1 }]);
  for (const options of [{}, { unique: true }]) {
    const made = await Promise.all(Array.from({ length: 8 }, () => exec("createIndex", "raced", { n: 1 }, options)));
    deepEqual(new Set(made), new Set(["n_1"]));
    equal((await exec("listIndexes", "raced")).length, 2);
    await exec("dropIndex", "raced", "n_1");
    equal((await exec("listIndexes", "raced")).length, 1);
  }
});

test("a unique index holds for values, missing ones and null", async () => {
  await fresh("unique", [{ _id: "1", mail: "a" }, { _id: "2", mail: "b" }]);
  equal(await exec("createIndex", "unique", { mail: 1 }, { unique: true }), "mail_1");
  equal(await exec("createIndex", "unique", { mail: 1 }, { unique: true }), "mail_1");
  await rejects(exec("insertOne", "unique", { mail: "a" }), refusedWith("duplicate-key"));
  await rejects(exec("insertOne", "unique", { mail: "a" }), /unique index mail_1/);
  await exec("insertOne", "unique", { _id: "3" });
  await rejects(exec("insertOne", "unique", { mail: null }), refusedWith("duplicate-key"));
  await rejects(exec("updateOne", "unique", { _id: "2" }, { $set: { mail: "a" } }), refusedWith("duplicate-key"));
  await rejects(exec("insertOne", "unique", { mail: ["c"] }), refusedWith("bad-value"));
  await exec("insertOne", "unique", { mail: 1 });
  await exec("insertOne", "unique", { mail: "1" });
  await rejects(exec("insertOne", "unique", { mail: 1.0 }), refusedWith("duplicate-key"));
  await fresh("unique", [{ mail: "a" }, { mail: "a" }]);
  await rejects(exec("createIndex", "unique", { mail: 1 }, { unique: true }), refusedWith("duplicate-key"));
  await fresh("unique", [{ mail: ["a"] }]);
  await rejects(exec("createIndex", "unique", { mail: 1 }, { unique: true }), refusedWith("bad-value"));
});

test("what indexes can't be is refused", async () => {
  const refused: [unknown, unknown, string][] = [
    [{ a: "text" }, {}, "bad-query"],
    [{ a: "hashed" }, {}, "bad-query"],
    [{}, {}, "bad-query"],
    [{ _id: 1 }, {}, "bad-query"],
    [{ "a.0": 1 }, {}, "unsupported"],
    [{ a: 1 }, { sparse: true }, "unsupported"],
    [{ a: 1 }, { partialFilterExpression: {} }, "unsupported"],
    [{ a: 1 }, { expireAfterSeconds: 5 }, "unsupported"],
    [{ a: 1 }, { unique: 1 }, "bad-query"],
    [{ a: 1 }, { name: "x;y" }, "bad-query"],
  ];
  for (const [keys, options, code] of refused) {
    await rejects(exec("createIndex", "refused", keys, options), refusedWith(code), JSON.stringify([keys, options]));
  }
  await fresh("refused");
  await exec("createIndex", "refused", { "it's": 1 }, { name: "odd" });
  await exec("insertOne", "refused", { "it's": "x" });
  equal((await exec("find", "refused", { "it's": "x" })).documents.length, 1);
  await rejects(
    exec("insertOne", "refused", { "it's": Array.from({ length: 9000 }, () => Math.random().toString(36)).join("") }),
    refusedWith("too-large"),
  );
});

test("the end", end);
