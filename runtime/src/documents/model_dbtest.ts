/** Chance makes documents, filters, orders and updates; a simple model in memory says what each should give. */
import { deepEqual } from "node:assert/strict";
import { DocumentsError } from "./documents.ts";
import { Chance, documentsForTests } from "./testing.ts";
import { compare, type Fields, isFields, type Json } from "./values.ts";

const { documents, end } = documentsForTests();
const chance = new Chance();
console.log(`DOCUMENTS_TEST_SEED=${chance.seed}`);
const NAME = "model";
const INDEXED = "model_indexed";
const ROUNDS = 30;
const NAMES = ["a", "b", "c"];
const DATE = { $date: "2026-01-31T12:00:00.000Z" };
const LATER = { $date: "2027-01-01T00:00:00.000Z" };
const SCALARS: Json[] = [null, 0, 1, 2, -1, 1.5, "", "1", "x", "xy", "é", true, false, DATE, LATER];

function value(depth = 0): Json {
  const kind = chance.next();
  if (depth < 3 && kind < 0.18) return chance.some(3, () => value(depth + 1));
  if (depth < 3 && kind < 0.36) return fields(depth + 1);
  return chance.of(SCALARS);
}

function fields(depth = 0): Fields {
  return Object.fromEntries(chance.some(3, () => [chance.of(NAMES), value(depth)]));
}

function path(): string {
  const parts = [chance.of(NAMES), ...chance.some(2, () => chance.of(NAMES))];
  if (chance.next() < 0.15) parts.splice(1 + chance.below(parts.length), 0, String(chance.below(2)));
  return parts.join(".");
}

function plainPath(): string {
  return [chance.of(NAMES), ...chance.some(1, () => chance.of(NAMES))].join(".");
}

function operators(depth: number): Fields {
  const scalar = () => chance.of(SCALARS);
  const each: (() => Fields)[] = [
    () => ({ $eq: value() }),
    () => ({ $ne: value() }),
    () => ({ [chance.of(["$gt", "$gte", "$lt", "$lte"])]: scalar() }),
    () => ({ [chance.of(["$gt", "$gte"])]: scalar(), [chance.of(["$lt", "$lte"])]: scalar() }),
    () => ({ [chance.of(["$in", "$nin"])]: chance.some(12, value) }),
    () => ({ $exists: chance.next() < 0.5 }),
    () => ({ $type: chance.of(["null", "number", "string", "object", "array", "bool", "date"]) }),
    () => ({ $size: chance.below(3) }),
    () => ({ $all: chance.some(2, value) }),
  ];
  if (depth < 2) {
    each.push(
      () => ({ $not: operators(depth + 1) }),
      () => ({ $elemMatch: operators(depth + 1) }),
      () => ({ $elemMatch: filter(depth + 1) }),
    );
  }
  return chance.of(each)();
}

function filter(depth = 0): Fields {
  if (depth < 2 && chance.next() < 0.2) {
    return { [chance.of(["$and", "$or", "$nor"])]: [filter(depth + 1), ...chance.some(1, () => filter(depth + 1))] };
  }
  const field = (): [string, Json] => [path(), chance.next() < 0.3 ? value() : operators(depth)];
  return Object.fromEntries([field(), ...chance.some(1, field)]);
}

// --- The model ---

const NOTHING = Symbol("nothing");
type Seen = Json | typeof NOTHING;

/** What a path sees in an object: each value, with an array's elements if `opens`. */
function seen(object: Fields, parts: string[], opens: boolean): Seen[] {
  const [first, ...rest] = parts as [string, ...string[]];
  if (!Object.hasOwn(object, first)) return [NOTHING];
  return seenIn(object[first] as Json, rest, opens);
}

function seenIn(found: Json, parts: string[], opens: boolean): Seen[] {
  if (!parts.length) return Array.isArray(found) && opens ? [found, ...found] : [found];
  if (isFields(found)) return seen(found, parts, opens);
  if (!Array.isArray(found)) return [NOTHING];
  const objects = found.filter(isFields).flatMap((each) => seen(each, parts, opens));
  const [place, ...rest] = parts as [string, ...string[]];
  const element = /^\d+$/.test(place) ? found[Number(place)] : undefined;
  if (element === undefined) return objects;
  if (!rest.length) return [...objects, element];
  return [
    ...objects,
    ...(typeof element === "object" && !("$date" in (element ?? {}))
      ? element === null ? [] : seenIn(element, rest, opens)
      : []),
  ];
}

function kind(of: Json): string {
  if (of === null) return "null";
  if (Array.isArray(of)) return "array";
  if (typeof of === "object") return "$date" in of ? "date" : "object";
  return typeof of === "boolean" ? "bool" : typeof of;
}

function same(a: Seen, b: Json): boolean {
  return a === NOTHING ? b === null : kind(a) === kind(b) && compare(a, b) === 0;
}

/** `all` are the values with the elements of arrays, `whole` without them. */
function passes(all: Seen[], whole: Seen[], wanted: Fields): boolean {
  return Object.entries(wanted).every(([operator, given]) => {
    const present = (each: Seen): each is Json => each !== NOTHING;
    switch (operator) {
      case "$eq":
        return all.some((each) => same(each, given));
      case "$ne":
        return !passes(all, whole, { $eq: given });
      case "$in":
        return (given as Json[]).some((one) => passes(all, whole, { $eq: one }));
      case "$nin":
        return !passes(all, whole, { $in: given });
      case "$all":
        return (given as Json[]).length > 0 && (given as Json[]).every((one) => passes(all, whole, { $eq: one }));
      case "$exists":
        return all.some(present) === given;
      case "$type":
        return (given === "array" ? whole : all).filter(present).some((each) => kind(each) === given);
      case "$size":
        return whole.some((each) => Array.isArray(each) && each.length === given);
      case "$not":
        return !passes(all, whole, given as Fields);
      case "$elemMatch": {
        const isOfValues = Object.keys(given as Fields).some((name) =>
          name.startsWith("$") && !/^\$(and|or|nor)$/.test(name)
        );
        return whole.filter(Array.isArray).some((array) =>
          array.some((one: Json) => {
            if (isOfValues) return passes([one], [one], given as Fields);
            return (Array.isArray(one) || isFields(one)) && model({ ...one as Fields }, given as Fields);
          })
        );
      }
      default:
        return all.some((each) => {
          const here = each === NOTHING ? null : each;
          if (kind(here) !== kind(given)) return false;
          const order = compare(here, given);
          return { $gt: order > 0, $gte: order >= 0, $lt: order < 0, $lte: order <= 0 }[operator];
        });
    }
  });
}

function model(document: Fields, wanted: Fields): boolean {
  return Object.entries(wanted).every(([name, given]) => {
    if (name === "$and") return (given as Fields[]).every((each) => model(document, each));
    if (name === "$or") return (given as Fields[]).some((each) => model(document, each));
    if (name === "$nor") return !(given as Fields[]).some((each) => model(document, each));
    const parts = name.split(".");
    const isOperators = isFields(given) && Object.keys(given).some((key) => key.startsWith("$"));
    return passes(seen(document, parts, true), seen(document, parts, false), isOperators ? given : { $eq: given });
  });
}

/** By which a document is sorted: the least or greatest of what the path sees; an empty array comes first of all. */
function sortKey(document: Fields, parts: string[], direction: number): Json | undefined {
  const all = (found: Json | undefined, rest: string[]): (Json | undefined)[] => {
    if (found === undefined) return [null];
    if (!rest.length) return Array.isArray(found) ? found.length ? found : [undefined] : [found];
    if (isFields(found)) return all(found[rest[0] as string], rest.slice(1));
    if (!Array.isArray(found) || !found.length) return [null];
    return found.flatMap((each) => isFields(each) ? all(each[rest[0] as string], rest.slice(1)) : [null]);
  };
  return all(document, parts).sort((a, b) => byKey(a, b) * direction)[0];
}

function byKey(a: Json | undefined, b: Json | undefined): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  return compare(a, b);
}

async function all(name: string, given: Fields, options: Fields = {}): Promise<Fields[]> {
  const found: Fields[] = [];
  let after: unknown = undefined;
  do {
    const batch = await documents.exec("find", name, [given, { ...options, ...(after ? { after } : {}) }]) as {
      documents: Fields[];
      after: unknown;
    };
    found.push(...batch.documents);
    after = batch.after;
  } while (after !== null);
  return found;
}

const ids = (found: Fields[]) => found.map(({ _id }) => _id as string);

async function filled(name: string): Promise<Fields[]> {
  const made = Array.from({ length: 40 }, (_, at): Fields => ({ _id: String(at).padStart(3, "0"), ...fields() }));
  await documents.execData("createCollection", name, []);
  await documents.exec("deleteMany", name, [{}]);
  await documents.exec("insertMany", name, [made]);
  return made;
}

const around = { sanitizeResources: false, sanitizeOps: false };

for (const name of [NAME, INDEXED]) {
  Deno.test({
    ...around,
    name: `filters find what the model finds: ${name}`,
    async fn() {
      await documents.exec("drop", name, []);
      for (let round = 0; round < ROUNDS; round++) {
        const made = await filled(name);
        if (name === INDEXED && round === 0) {
          for (const keys of [{ a: 1 }, { "a.b": -1 }, { b: 1, c: -1 }, { c: -1, "b.c": 1 }]) {
            await documents.exec("createIndex", name, [keys]);
          }
        }
        for (let count = 0; count < 20; count++) {
          const wanted = filter();
          const expected = ids(made.filter((each) => model(each, wanted)));
          deepEqual(ids(await all(name, wanted)), expected, `seed ${chance.seed}: ${JSON.stringify(wanted)}`);
          deepEqual(await documents.exec("countDocuments", name, [wanted]), expected.length);
          deepEqual(
            ids(await documents.exec("aggregate", name, [[{ $skip: 0 }, { $match: wanted }]]) as Fields[]).sort(),
            expected,
            `in memory, seed ${chance.seed}: ${JSON.stringify(wanted)}`,
          );
        }
      }
    },
  });
}

Deno.test({
  ...around,
  name: "orders are the model's, in batches too",
  async fn() {
    for (let round = 0; round < ROUNDS; round++) {
      const name = chance.of([NAME, INDEXED]);
      const made = await filled(name);
      const sort = Object.fromEntries(
        [plainPath(), ...chance.some(1, plainPath)].map((each) => [each, chance.of([1, -1])]),
      );
      const expected = [...made].sort((a, b) => {
        for (const [key, direction] of Object.entries(sort)) {
          const parts = key.split(".");
          const order = byKey(sortKey(a, parts, direction), sortKey(b, parts, direction)) * direction;
          if (order) return order;
        }
        return 0;
      });
      const [skip, limit] = [chance.below(5), chance.below(40)];
      const said = `seed ${chance.seed}: ${JSON.stringify(sort)}`;
      deepEqual(ids(await all(name, {}, { sort, batchSize: 1 + chance.below(9) })), ids(expected), said);
      const part = expected.slice(skip, limit ? skip + limit : undefined);
      deepEqual(ids(await all(name, {}, { sort, skip, limit, batchSize: 7 })), ids(part), said);
      const inMemory = await documents.exec("aggregate", name, [[{ $sort: { _id: 1 } }, { $project: { d: "$$ROOT" } }, {
        $sort: { ...Object.fromEntries(Object.entries(sort).map(([key, way]) => [`d.${key}`, way])), _id: 1 },
      }]]) as Fields[];
      deepEqual(ids(inMemory), ids(expected), `in memory, ${said}`);
    }
  },
});

Deno.test({
  ...around,
  name: "updates leave what isn't named, and count what they changed",
  async fn() {
    for (let round = 0; round < ROUNDS * 3; round++) {
      const [made] = await filled(NAME) as [Fields];
      const before = Object.fromEntries(
        NAMES.map((name) => [name, chance.next() < 0.7 ? value() : undefined]).filter(([, each]) => each !== undefined),
      ) as Fields;
      await documents.exec("replaceOne", NAME, [{ _id: made["_id"] }, before]);
      const name = chance.of(NAMES);
      const given = value();
      const operator = chance.of([
        "$set",
        "$unset",
        "$inc",
        "$mul",
        "$min",
        "$max",
        "$push",
        "$addToSet",
        "$pop",
        "$pullAll",
      ]);
      const operand = operator === "$pop" ? 1 : operator === "$pullAll" ? chance.some(2, value) : given;
      const said = `seed ${chance.seed}: ${operator} ${JSON.stringify(operand)} on ${JSON.stringify(before)}`;
      const expected = structuredClone(before);
      let refused = "";
      const here = before[name];
      const array = here === undefined ? [] : here;
      const isSame = (one: Json) => (each: Json) => same(each, one);
      if (operator === "$set") expected[name] = given;
      if (operator === "$unset") delete expected[name];
      if (operator === "$inc" || operator === "$mul") {
        if (typeof given !== "number") refused = "bad-query";
        else if (here !== undefined && typeof here !== "number") refused = "bad-value";
        else expected[name] = (operator === "$inc" ? (here ?? 0) as number + given : (here ?? 0) as number * given) + 0;
      }
      if (operator === "$min" && (here === undefined || compare(given, here) < 0)) expected[name] = given;
      if (operator === "$max" && (here === undefined || compare(given, here) > 0)) expected[name] = given;
      if (["$push", "$addToSet", "$pop", "$pullAll"].includes(operator)) {
        if (!Array.isArray(array)) refused = "bad-value";
        else if (operator === "$push") expected[name] = [...array, given];
        else if (operator === "$addToSet") expected[name] = array.some(isSame(given)) ? array : [...array, given];
        else if (here !== undefined && operator === "$pop") expected[name] = array.slice(0, -1);
        else if (here !== undefined) {
          expected[name] = array.filter((each) => !(operand as Json[]).some((one) => same(each, one)));
        }
      }
      const isSameAsBefore = compare(before, expected) === 0;
      try {
        const result = await documents.exec("updateOne", NAME, [{ _id: made["_id"] }, {
          [operator]: { [name]: operand },
        }]);
        deepEqual(refused, "", said);
        deepEqual(result, {
          matchedCount: 1,
          modifiedCount: isSameAsBefore ? 0 : 1,
          upsertedCount: 0,
          upsertedId: null,
        }, said);
      } catch (error) {
        if (!(error instanceof DocumentsError)) throw error;
        deepEqual(error.code, refused, said);
      }
      const after = refused ? before : expected;
      deepEqual(await documents.exec("findOne", NAME, [{ _id: made["_id"] }]), { _id: made["_id"], ...after }, said);
    }
  },
});

Deno.test({ ...around, name: "the end", fn: end });
