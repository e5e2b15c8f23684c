/** bulkWrite: several changes, one after the other. */
import { badQuery, DocumentsError, unsupported } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import { optionsOf } from "./reading.ts";
import { isFields, type Json } from "./values.ts";
import type { UpdateResult, Writing } from "./writing.ts";

interface Result {
  insertedCount: number;
  matchedCount: number;
  modifiedCount: number;
  deletedCount: number;
  upsertedCount: number;
  insertedIds: Record<number, string>;
  upsertedIds: Record<number, string>;
}

export async function bulkWritten(
  writing: Writing,
  collection: string,
  given: unknown,
  options: unknown,
): Promise<Result> {
  const { ordered = true } = optionsOf(options, ["ordered"], "bulkWrite");
  if (!Array.isArray(given) || !given.length) badQuery("bulkWrite takes a list of operations.");
  if (given.length > LIMITS.atOnce) badQuery(`bulkWrite takes at most ${LIMITS.atOnce} operations at once.`);
  const result: Result = {
    insertedCount: 0,
    matchedCount: 0,
    modifiedCount: 0,
    deletedCount: 0,
    upsertedCount: 0,
    insertedIds: {},
    upsertedIds: {},
  };
  let first: DocumentsError | undefined;
  for (const [at, operation] of given.entries()) {
    try {
      await one(writing, collection, operation, at, result);
    } catch (error) {
      if (!(error instanceof DocumentsError)) throw error;
      first ??= new DocumentsError(error.code, `Operation ${at}: ${error.message} Those before it were done.`);
      if (ordered !== false) throw first;
    }
  }
  if (first) {
    throw new DocumentsError(first.code, first.message.replace("Those before it were done.", "The others were done."));
  }
  return result;
}

async function one(writing: Writing, collection: string, given: unknown, at: number, result: Result): Promise<void> {
  const entries = isFields(given as Json) ? Object.entries(given as object) : [];
  const [name, details] = entries[0] ?? [];
  if (entries.length !== 1 || name === undefined || !isFields(details)) {
    badQuery("An operation of bulkWrite is an object such as {insertOne: {document: {…}}}.");
  }
  const { filter, update, replacement, document, ...options } = details as Record<string, unknown>;
  switch (name) {
    case "insertOne":
      result.insertedIds[at] = (await writing.insertOne(collection, document)).insertedId;
      result.insertedCount++;
      return;
    case "updateOne":
      return add(result, at, await writing.updateOne(collection, filter, update, options));
    case "updateMany":
      return add(result, at, await writing.updateMany(collection, filter, update, options));
    case "replaceOne":
      return add(result, at, await writing.replaceOne(collection, filter, replacement, options));
    case "deleteOne":
      result.deletedCount += (await writing.deleteOne(collection, filter, options)).deletedCount;
      return;
    case "deleteMany":
      result.deletedCount += (await writing.deleteMany(collection, filter, options)).deletedCount;
      return;
    default:
      unsupported(`bulkWrite has no operation ${name}.`);
  }
}

function add(
  result: Result,
  at: number,
  { matchedCount, modifiedCount, upsertedCount, upsertedId }: UpdateResult,
): void {
  result.matchedCount += matchedCount;
  result.modifiedCount += modifiedCount;
  result.upsertedCount += upsertedCount;
  if (upsertedId !== null) result.upsertedIds[at] = upsertedId;
}
