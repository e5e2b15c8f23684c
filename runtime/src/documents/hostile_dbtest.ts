/** What means harm, or too much: it's refused with a reason or answered, and the collection serves the next one. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { DocumentsError } from "./documents.ts";
import { documentsForTests, refusedWith, test } from "./testing.ts";

const { documents, end, exec, fresh } = documentsForTests();

function nested(levels: number, wrap: (inner: unknown) => unknown, innermost: unknown): unknown {
  let made = innermost;
  for (let level = 0; level < levels; level++) made = wrap(made);
  return made;
}

/** Its code, or how many there were. Anything but an answer or a refusal fails. */
async function outcome(filter: unknown): Promise<string | number> {
  try {
    return await exec("countDocuments", "hostile", filter);
  } catch (error) {
    if (error instanceof DocumentsError) return error.code;
    throw new Error(`${JSON.stringify(filter).slice(0, 200)}: ${error}`, { cause: error });
  }
}

// As it comes over the wire, with __proto__ a name like any other
const PROTO = JSON.parse('{"__proto__": 1}');
const LONE = "\ud800";

const FILTERS: [string, unknown, string | number][] = [
  ["1,000 levels of $and", nested(1000, (inner) => ({ $and: [inner] }), { a: 1 }), "bad-query"],
  ["1,000 levels of $not", { a: nested(1000, (inner) => ({ $not: inner }), { $gt: 1 }) }, "bad-query"],
  ["1,000 levels of $elemMatch", { a: nested(1000, (inner) => ({ $elemMatch: inner }), { $gt: 1 }) }, "bad-query"],
  ["1,000 levels of a value", { a: nested(1000, (inner) => ({ a: inner }), 1) }, "bad-value"],
  ["40 levels of $elemMatch", nested(40, (inner) => ({ a: { $elemMatch: inner } }), { a: 1 }), 0],
  ["90 levels of $nor", nested(90, (inner) => ({ $nor: [inner] }), { a: 1 }), 0],
  ["a text of 1 MB", { a: "x".repeat(1_000_000) }, 0],
  ["a list of 100,000 numbers", { a: { $in: Array.from({ length: 100_000 }, (_, at) => at) } }, 1],
  ["40,000 alternatives", { $or: Array.from({ length: 40_000 }, (_, at) => ({ a: at })) }, "bad-query"],
  ["40,000 fields", Object.fromEntries(Array.from({ length: 40_000 }, (_, at) => [`f${at}`, 1])), "bad-query"],
  ["900 alternatives", { $or: Array.from({ length: 900 }, (_, at) => ({ a: at })) }, 1],
  ["2,000 objects in a list", { a: { $in: Array.from({ length: 2000 }, (_, b) => ({ b })) } }, "bad-query"],
  ["code", { $where: "while (true);" }, "unsupported"],
  ["code at a field", { a: { $where: "1" } }, "unsupported"],
  ["an expression", { $expr: { $function: { body: "1", args: [], lang: "js" } } }, "unsupported"],
  ["a schema", { $jsonSchema: {} }, "unsupported"],
  ["__proto__ as a field", PROTO, "bad-value"],
  ["__proto__ as an operator", { a: PROTO }, "bad-value"],
  ["__proto__ on the way", { "a.__proto__.b": 1 }, "bad-value"],
  ["an inherited name as a type", { a: { $type: "constructor" } }, "unsupported"],
  ["a number of a type as a text", { a: { $type: "2" } }, "unsupported"],
  ["inherited names as fields", { constructor: { $exists: true }, toString: 1 }, 0],
  ["an empty part", { "a..b": 1 }, "bad-query"],
  ["a $ in a path", { "a.$b": 1 }, "bad-value"],
  ["NUL in a value", { a: "\0" }, "bad-value"],
  ["NUL in an id", { _id: "\0" }, "bad-value"],
  ["NUL in a name", { "a\0": 1 }, "bad-value"],
  ["NUL in a pattern", { a: { $regex: "\0" } }, "bad-value"],
  ["NUL as an escape of a pattern", { a: { $regex: "\\x00" } }, "bad-value"],
  ["half a character in a value", { a: LONE }, "bad-value"],
  ["half a character in a name", { [LONE]: 1 }, "bad-value"],
  ["half a character in a pattern", { a: { $regex: LONE } }, "bad-value"],
  ["SQL in a name", { "a'); DROP TABLE data.hostile; --": 1 }, 0],
  ["jsonpath in a name", { 'a" ? (true) : "': { $gt: 0 } }, 0],
  ["a number beyond all", { a: 1e308 * 10 }, "bad-value"],
];

for (const [about, filter, wanted] of FILTERS) {
  test(`filters: ${about}`, async () => {
    await fresh("hostile", [{ _id: "1", a: 5 }]);
    equal(await outcome(filter), wanted);
    equal(await exec("countDocuments", "hostile", { a: 5 }), 1);
  });
}

test("regular expressions that never end are stopped, and hold up nobody else", async () => {
  await fresh("hostile", [{ _id: "1", a: "a".repeat(60_000) + "!" }]);
  const patterns = [
    "(a+)+$",
    "(a|aa)+$",
    "(a*)*b",
    "(.*)(.*)(.*)(.*)(.*)x",
    "((a{0,255}){0,255}){0,255}b",
    "^(?=(a+)+b)",
  ];
  const began = performance.now();
  const found = patterns.map((pattern) => outcome({ a: { $regex: pattern } }));
  for (const each of await Promise.all(found)) {
    ok(["timeout", "bad-query"].includes(each as string) || each === 0 || each === 1, String(each));
  }
  ok(performance.now() - began < 60_000);
  equal(await exec("countDocuments", "hostile", {}), 1);
});

test("names of collections of every wrong kind", async () => {
  const names: unknown[] = [
    "",
    "1a",
    "a b",
    'a"b',
    "a;b",
    "a.b",
    "a\n",
    "a\0",
    "é",
    "__proto__",
    "_a",
    "-a",
    "x".repeat(49),
    null,
    undefined,
    5,
    {},
    [],
    ["a"],
    "imp_slow",
    "pg_class",
    "system",
    "system_x",
    "../a",
    "a/b",
    "$cmd",
    LONE,
  ];
  for (const name of names) {
    for (const op of ["find", "insertOne", "drop", "createIndex", "listIndexes"]) {
      const args = op === "createIndex" ? [{ a: 1 }] : [{}];
      await rejects(documents.exec(op, name as string, args), (error: unknown) => {
        return error instanceof DocumentsError && ["bad-query", "bad-value"].includes(error.code);
      }, `${op} of ${JSON.stringify(name)}`);
    }
  }
});

test("documents whose names or values can't be kept are refused, and inherited names are names", async () => {
  await fresh("hostile");
  for (
    const document of [PROTO, { a: PROTO }, { "a.b": 1 }, { $a: 1 }, { "": 1 }, { a: "\0" }, { "a\0": 1 }, { a: LONE }]
  ) {
    await rejects(exec("insertOne", "hostile", document), refusedWith("bad-value"));
  }
  for (const document of [null, [], "x", 5, [{}]]) {
    await rejects(exec("insertOne", "hostile", document), refusedWith("bad-query"));
  }
  await rejects(exec("insertOne", "hostile", nested(1000, (inner) => ({ a: inner }), 1)), refusedWith("bad-value"));
  const odd = { _id: "1", constructor: 1, toString: { valueOf: 2 }, hasOwnProperty: [3] };
  await exec("insertOne", "hostile", odd);
  deepEqual(await exec("findOne", "hostile", { "toString.valueOf": 2 }), odd);
  deepEqual(await exec("findOne", "hostile", {}, { projection: { constructor: 1, _id: 0 } }), { constructor: 1 });
  await exec("updateOne", "hostile", {}, { $inc: { constructor: 1 }, $push: { hasOwnProperty: 4 } });
  deepEqual(await exec("findOne", "hostile", {}, { projection: { toString: 0 } }), {
    _id: "1",
    constructor: 2,
    hasOwnProperty: [3, 4],
  });
  for (const path of ["__proto__", "a.__proto__", "__proto__.a", "a\0", `a.${LONE}`]) {
    await rejects(exec("updateOne", "hostile", {}, { $set: { [path]: 1 } }), refusedWith("bad-value"), path);
  }
  equal(({} as Record<string, unknown>)["a"], undefined);
});

test("what the console asks for by an id or a version of no kind", async () => {
  await fresh("hostile", [{ _id: "1" }]);
  for (const id of ["\0", LONE, "", "x".repeat(100_000), null, {}, 5]) {
    await rejects(
      documents.execData("getDocument", "hostile", [id]),
      (error: unknown) => error instanceof DocumentsError && ["no-such-document", "bad-value"].includes(error.code),
      JSON.stringify(id)?.slice(0, 50),
    );
  }
  await rejects(documents.execData("removeDocument", "hostile", ["1", "\0"]), refusedWith("bad-value"));
  await rejects(
    documents.execData("editDocument", "hostile", ["1", { _id: "1" }, "\0"]),
    refusedWith("bad-value"),
  );
  await rejects(documents.execData("dropIndex", "hostile", ["\0"]), refusedWith("no-such-index"));
  for (const op of ["__proto__", "constructor", "sql.run", "", null]) {
    await rejects(documents.execData(op as string, "hostile", []), refusedWith("bad-query"));
  }
});

test("numbers that imp.sql has put there and JavaScript can't keep are refused, never made others", async () => {
  await fresh("exact", [{ _id: "1" }]);
  const put = (number: string) =>
    documents.exec("sql.run", "", [[
      'UPDATE data.exact SET doc = \'{"_id": "1", "text": "12345678901234567890", "n": ' + number + "}'",
    ], []]);
  for (
    const number of ["12345678901234567890", "9007199254740993", "-9007199254740993", "0.12345678901234567890", "1e400"]
  ) {
    await put(number);
    for (
      const ask of [
        () => exec("find", "exact", {}),
        () => exec("findOne", "exact", {}),
        () => exec("updateOne", "exact", {}, { $set: { other: 1 } }),
        () => exec("updateMany", "exact", {}, { $set: { other: 1 } }),
        () => exec("findOneAndUpdate", "exact", {}, { $set: { other: 1 } }),
        () => exec("distinct", "exact", "n"),
        () => exec("aggregate", "exact", [{ $group: { _id: "$n" } }]),
        () => documents.execData("browse", "exact", [{}]),
        () => documents.execData("getDocument", "exact", ["1"]),
      ]
    ) await rejects(ask(), refusedWith("bad-value"), number);
    const { rows } = await documents.exec("sql.run", "", [[
      "SELECT doc ->> 'n' AS n, doc ? 'other' AS changed FROM data.exact",
    ], []]) as { rows: unknown[] };
    deepEqual(rows, [{ n: number === "1e400" ? "1" + "0".repeat(400) : number, changed: false }]);
  }
  for (const number of ["9007199254740993", "1e400"]) equal(await exec("countDocuments", "exact", {}), 1, number);
  for (
    const number of [9007199254740991, 1e300, 5e-324, 0.1 + 0.2, 123456789012345680000, 1.7976931348623157e308, -1e21]
  ) {
    await put(JSON.stringify(number));
    deepEqual(await exec("findOne", "exact", {}), { _id: "1", text: "12345678901234567890", n: number });
  }
});

Deno.test({ name: "the end", sanitizeResources: false, sanitizeOps: false, fn: end });
