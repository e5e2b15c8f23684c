/** The tables of cases: what MongoDB's documentation says that each gives, asked of a real database. */
import { deepEqual, equal } from "node:assert/strict";
import aggregations from "./cases/aggregations.json" with { type: "json" };
import filters from "./cases/filters.json" with { type: "json" };
import finds from "./cases/finds.json" with { type: "json" };
import updates from "./cases/updates.json" with { type: "json" };
import { DocumentsError } from "./documents.ts";
import { filterOf, hasPattern } from "./filters.ts";
import { matches } from "./matching.ts";
import { documentsForTests } from "./testing.ts";
import { type Fields, taken } from "./values.ts";

const { documents, end } = documentsForTests();
const NAME = "cases";

interface Find {
  filter?: Fields;
  options: Fields;
  ids?: unknown;
  found?: unknown;
}

async function filled(given: unknown[]): Promise<void> {
  await documents.execData("createCollection", NAME, []);
  await documents.exec("deleteMany", NAME, [{}]);
  if (given.length) await documents.exec("insertMany", NAME, [given]);
}

async function outcome(work: () => Promise<unknown>): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DocumentsError) return error.code;
    throw error;
  }
}

function ids(found: unknown): unknown {
  if (!Array.isArray(found)) return found;
  return found.map((each) => each._id).sort();
}

async function all(filter: unknown): Promise<unknown> {
  return ((await documents.exec("find", NAME, [filter])) as { documents: unknown[] }).documents;
}

for (const { about, documents: given, filters: cases } of filters) {
  Deno.test({
    name: `filters: ${about}`,
    sanitizeResources: false,
    sanitizeOps: false,
    async fn() {
      await filled(given);
      for (const [filter, wanted] of cases as [unknown, string[] | string][]) {
        const expected = Array.isArray(wanted) ? [...wanted].sort() : wanted;
        deepEqual(ids(await outcome(() => all(filter))), expected, JSON.stringify(filter));
        if (!Array.isArray(expected)) continue;
        equal(await documents.exec("countDocuments", NAME, [filter]), expected.length, JSON.stringify(filter));
        const parsed = filterOf(filter);
        if (hasPattern(parsed)) continue;
        const inMemory = given.filter((each) => matches(taken(each, "") as Fields, parsed));
        deepEqual(ids(inMemory), expected, `in memory: ${JSON.stringify(filter)}`);
      }
    },
  });
}

for (const { about, documents: given, cases } of finds) {
  Deno.test({
    name: `finds: ${about}`,
    sanitizeResources: false,
    sanitizeOps: false,
    async fn() {
      await filled(given);
      for (const { filter = {}, options, ids: order, found } of cases as Find[]) {
        const result = await outcome(async () =>
          (await documents.exec("find", NAME, [filter, options]) as { documents: Fields[] }).documents
        );
        const shown = order !== undefined && Array.isArray(result) ? result.map(({ _id }) => _id) : result;
        deepEqual(shown, order ?? found, JSON.stringify([filter, options]));
      }
    },
  });
}

for (const { about, cases } of updates) {
  Deno.test({
    name: `updates: ${about}`,
    sanitizeResources: false,
    sanitizeOps: false,
    async fn() {
      for (const [before, update, wanted] of cases as [Fields, unknown, Fields | string | null][]) {
        const said = `${JSON.stringify(before)} ${JSON.stringify(update)}`;
        await filled([{ _id: "x", ...before }]);
        const result = await outcome(() => documents.exec("updateOne", NAME, [{ _id: "x" }, update]));
        if (typeof wanted === "string") {
          deepEqual(result, wanted, said);
          deepEqual(await documents.exec("findOne", NAME, [{ _id: "x" }]), { _id: "x", ...before }, said);
          continue;
        }
        const modifiedCount = wanted === null ? 0 : 1;
        deepEqual(result, { matchedCount: 1, modifiedCount, upsertedCount: 0, upsertedId: null }, said);
        deepEqual(await documents.exec("findOne", NAME, [{ _id: "x" }]), { _id: "x", ...(wanted ?? before) }, said);
        // Of many, it makes the same
        await filled([{ _id: "x", ...before }]);
        await documents.exec("updateMany", NAME, [{}, update]);
        deepEqual(await documents.exec("findOne", NAME, [{ _id: "x" }]), { _id: "x", ...(wanted ?? before) }, said);
      }
    },
  });
}

for (const { about, documents: given, cases } of aggregations) {
  Deno.test({
    name: `aggregations: ${about}`,
    sanitizeResources: false,
    sanitizeOps: false,
    async fn() {
      await filled(given);
      for (const [pipeline, wanted] of cases as [unknown, unknown][]) {
        deepEqual(await outcome(() => documents.exec("aggregate", NAME, [pipeline])), wanted, JSON.stringify(pipeline));
      }
    },
  });
}

Deno.test({ name: "the end", sanitizeResources: false, sanitizeOps: false, fn: end });
