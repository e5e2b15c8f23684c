/** What changes documents. Each change of a document is whole or not at all, also beside others of the same one. */
import type { TransactionSql } from "postgres";
import { Parameters } from "./conditions.ts";
import { badQuery, badValue, DocumentsError } from "./errors.ts";
import { type Filter, filterOf } from "./filters.ts";
import { type Sort, sortOf } from "./keys.ts";
import { LIMITS } from "./limits.ts";
import { newId } from "./ids.ts";
import { projected, projectionOf } from "./projections.ts";
import { optionsOf, orderBy, quietly, type Reading } from "./reading.ts";
import { type Runner, type Store, tableOf } from "./store.ts";
import { fromFilter, type Update, updated, updateOf } from "./updates.ts";
import { checkSize, equal, type Fields, isFields, type Json, taken } from "./values.ts";

/** Tried without a lock before the row is taken for oneself. */
const HOPEFUL_TRIES = 2;
const INSERT_TRIES = 5;
const AT_ONCE = 50;

interface Changed {
  before: Fields;
  after: Fields;
}

export interface UpdateResult {
  matchedCount: number;
  modifiedCount: number;
  upsertedCount: number;
  upsertedId: string | null;
}

export class Writing {
  constructor(readonly store: Store, readonly reading: Reading) {}

  async insertOne(collection: string, given: unknown): Promise<{ insertedId: string }> {
    const document = documentOf(given);
    await this.#insert(collection, [document]);
    return { insertedId: document["_id"] as string };
  }

  /** All in one statement; only when one of them can't be, one by one, to say which, and to keep those before it. */
  async insertMany(
    collection: string,
    given: unknown,
    options: unknown,
  ): Promise<{ insertedCount: number; insertedIds: string[] }> {
    const { ordered = true } = optionsOf(options, ["ordered"], "insertMany");
    if (!Array.isArray(given) || !given.length) badQuery("insertMany takes a list of documents.");
    if (given.length > LIMITS.atOnce) badQuery(`insertMany takes at most ${LIMITS.atOnce} documents at once.`);
    const documents = given.map((each) => documentOf(each));
    const ids = documents.map((each) => each["_id"] as string);
    try {
      await this.#insert(collection, documents);
    } catch (error) {
      if (!(error instanceof DocumentsError)) throw error;
      await this.#insertEach(collection, documents, ordered !== false);
    }
    return { insertedCount: ids.length, insertedIds: ids };
  }

  async #insertEach(collection: string, documents: Fields[], isOrdered: boolean): Promise<void> {
    let [count, first]: [number, string] = [0, ""];
    let code: DocumentsError["code"] = "duplicate-key";
    for (const [at, document] of documents.entries()) {
      try {
        await this.#insert(collection, [document]);
        count++;
      } catch (error) {
        if (!(error instanceof DocumentsError)) throw error;
        if (!first) [first, code] = [`Document ${at} (_id ${document["_id"]}): ${error.message}`, error.code];
        if (isOrdered) break;
      }
    }
    if (first) throw new DocumentsError(code, `${first} ${count} of ${documents.length} were inserted.`);
  }

  async #insert(collection: string, documents: Fields[]): Promise<void> {
    const text = `INSERT INTO ${
      tableOf(collection)
    } (_id, doc) SELECT e ->> '_id', e FROM jsonb_array_elements($1::text::jsonb) AS a(e)`;
    await this.store.making(collection, () => this.store.run(text, [JSON.stringify(documents)]));
  }

  async updateOne(collection: string, given: unknown, change: unknown, options: unknown): Promise<UpdateResult> {
    const { upsert, sort } = optionsOf(options, ["upsert", "sort"], "updateOne");
    const update = updateOf(change);
    return await this.#changeOne(
      collection,
      filterOf(given),
      sortOf(sort),
      isTrue(upsert, "upsert"),
      byUpdate(update),
      upsertBy(update),
    );
  }

  async replaceOne(collection: string, given: unknown, replacement: unknown, options: unknown): Promise<UpdateResult> {
    const { upsert, sort } = optionsOf(options, ["upsert", "sort"], "replaceOne");
    const fields = replacementOf(replacement);
    return await this.#changeOne(
      collection,
      filterOf(given),
      sortOf(sort),
      isTrue(upsert, "upsert"),
      byReplacement(fields),
      upsertReplacement(fields),
    );
  }

  async #changeOne(
    collection: string,
    filter: Filter,
    sort: Sort,
    isUpsert: boolean,
    change: Change,
    make: Make,
  ): Promise<UpdateResult> {
    const found = await this.#changeOrInsert(collection, filter, sort, isUpsert, change, make);
    if (!found) return { matchedCount: 0, modifiedCount: 0, upsertedCount: 0, upsertedId: null };
    if ("inserted" in found) {
      return { matchedCount: 0, modifiedCount: 0, upsertedCount: 1, upsertedId: found.inserted["_id"] as string };
    }
    return { matchedCount: 1, modifiedCount: found.before === found.after ? 0 : 1, upsertedCount: 0, upsertedId: null };
  }

  async #changeOrInsert(
    collection: string,
    filter: Filter,
    sort: Sort,
    isUpsert: boolean,
    change: Change,
    make: Make,
  ): Promise<Changed | { inserted: Fields } | null> {
    for (let attempt = 1;; attempt++) {
      const found = await quietly(() => this.#change(collection, filter, sort, change), null);
      if (found || !isUpsert) return found;
      const document = documentOf(make(filter));
      try {
        await this.#insert(collection, [document]);
        return { inserted: document };
      } catch (error) {
        // Somebody has inserted it between the two: then there is one to change
        const isTaken = error instanceof DocumentsError && error.code === "duplicate-key";
        if (!isTaken || attempt === INSERT_TRIES) throw error;
      }
    }
  }

  /** First hoping that nobody else changes it meanwhile, which saves a lock; then with the row locked. */
  async #change(collection: string, filter: Filter, sort: Sort, change: Change): Promise<Changed | null> {
    const table = tableOf(collection);
    const parameters = new Parameters();
    const condition = await this.reading.condition(collection, filter, parameters);
    const one = `SELECT _id, doc, xmin::text AS version FROM ${table} WHERE ${condition}${orderBy(sort)} LIMIT 1`;
    for (let attempt = 0; attempt < HOPEFUL_TRIES; attempt++) {
      const [row] = await this.store.run(one, parameters.values);
      if (!row) return null;
      const found = changedBy(change, row["doc"]);
      if (found.before === found.after) return found;
      const { count } = await this.store.run(
        `UPDATE ${table} SET doc = $1::text::jsonb WHERE _id = $2 AND xmin::text = $3`,
        [JSON.stringify(found.after), row["_id"], row["version"]],
      );
      if (count) return found;
    }
    return await this.store.inTransaction(async (runner) => {
      const [row] = await this.store.run(`${one} FOR UPDATE`, parameters.values, runner);
      if (!row) return null;
      const found = changedBy(change, row["doc"]);
      if (found.before !== found.after) {
        await this.store.run(`UPDATE ${table} SET doc = $1::text::jsonb WHERE _id = $2`, [
          JSON.stringify(found.after),
          row["_id"],
        ], runner);
      }
      return found;
    });
  }

  async updateMany(collection: string, given: unknown, change: unknown, options: unknown): Promise<UpdateResult> {
    const { upsert } = optionsOf(options, ["upsert"], "updateMany");
    const update = updateOf(change);
    const filter = filterOf(given);
    const isUpsert = isTrue(upsert, "upsert");
    const parameters = new Parameters();
    const condition = await this.reading.condition(collection, filter, parameters);
    const select = `SELECT doc FROM ${tableOf(collection)} WHERE ${condition} FOR UPDATE`;
    const result = await quietly(
      () =>
        this.store.inTransaction((runner) => this.#changeAll(collection, select, parameters, byUpdate(update), runner)),
      { matchedCount: 0, modifiedCount: 0 },
    );
    if (result.matchedCount || !isUpsert) return { ...result, upsertedCount: 0, upsertedId: null };
    return await this.#changeOne(collection, filter, [], true, byUpdate(update), upsertBy(update));
  }

  async #changeAll(
    collection: string,
    select: string,
    parameters: Parameters,
    change: Change,
    runner: TransactionSql,
  ): Promise<{ matchedCount: number; modifiedCount: number }> {
    const until = performance.now() + LIMITS.statementMs;
    let [matchedCount, modifiedCount] = [0, 0];
    await this.store.run(`DECLARE found NO SCROLL CURSOR FOR ${select}`, parameters.values, runner);
    for (;;) {
      const rows = await this.store.run(`FETCH ${AT_ONCE} FROM found`, [], runner as Runner);
      if (!rows.length) return { matchedCount, modifiedCount };
      const changes = rows.map((row) => changedBy(change, row["doc"])).filter(({ before, after }) => before !== after);
      matchedCount += rows.length;
      modifiedCount += changes.length;
      if (performance.now() > until) {
        throw new DocumentsError("timeout", "The update took too long; nothing of it was done.");
      }
      if (!changes.length) continue;
      await this.store.run(
        `UPDATE ${
          tableOf(collection)
        } AS t SET doc = e FROM jsonb_array_elements($1::text::jsonb) AS a(e) WHERE t._id = e ->> '_id'`,
        [JSON.stringify(changes.map(({ after }) => after))],
        runner,
      );
    }
  }

  async deleteOne(collection: string, given: unknown, options: unknown): Promise<{ deletedCount: number }> {
    optionsOf(options, [], "deleteOne");
    return { deletedCount: (await this.#delete(collection, filterOf(given), [])) ? 1 : 0 };
  }

  async #delete(collection: string, filter: Filter, sort: Sort): Promise<Fields | null> {
    const parameters = new Parameters();
    const condition = await this.reading.condition(collection, filter, parameters);
    const table = tableOf(collection);
    const text = `DELETE FROM ${table} WHERE _id = (SELECT _id FROM ${table} WHERE ${condition}${
      orderBy(sort)
    } LIMIT 1 FOR UPDATE) RETURNING doc`;
    const [row] = await quietly(() => this.store.run(text, parameters.values), []);
    return row ? row["doc"] as Fields : null;
  }

  async deleteMany(collection: string, given: unknown, options: unknown): Promise<{ deletedCount: number }> {
    optionsOf(options, [], "deleteMany");
    const parameters = new Parameters();
    const condition = await this.reading.condition(collection, filterOf(given), parameters);
    const text = `DELETE FROM ${tableOf(collection)} WHERE ${condition}`;
    return { deletedCount: await quietly(async () => (await this.store.run(text, parameters.values)).count, 0) };
  }

  async findOneAndUpdate(
    collection: string,
    given: unknown,
    change: unknown,
    options: unknown,
  ): Promise<Fields | null> {
    const update = updateOf(change);
    return await this.#findAndChange(
      collection,
      given,
      options,
      "findOneAndUpdate",
      byUpdate(update),
      upsertBy(update),
    );
  }

  async findOneAndReplace(
    collection: string,
    given: unknown,
    replacement: unknown,
    options: unknown,
  ): Promise<Fields | null> {
    const fields = replacementOf(replacement);
    return await this.#findAndChange(
      collection,
      given,
      options,
      "findOneAndReplace",
      byReplacement(fields),
      upsertReplacement(fields),
    );
  }

  async #findAndChange(
    collection: string,
    given: unknown,
    options: unknown,
    op: string,
    change: Change,
    make: Make,
  ): Promise<Fields | null> {
    const found = optionsOf(options, ["sort", "projection", "upsert", "returnDocument"], op);
    const { returnDocument = "before" } = found;
    if (returnDocument !== "before" && returnDocument !== "after") badQuery('returnDocument is "before" or "after".');
    const projection = projectionOf(found["projection"]);
    const result = await this.#changeOrInsert(
      collection,
      filterOf(given),
      sortOf(found["sort"]),
      isTrue(found["upsert"], "upsert"),
      change,
      make,
    );
    if (!result) return null;
    if ("inserted" in result) return returnDocument === "after" ? projected(result.inserted, projection) : null;
    return projected(result[returnDocument], projection);
  }

  async findOneAndDelete(collection: string, given: unknown, options: unknown): Promise<Fields | null> {
    const { sort, projection } = optionsOf(options, ["sort", "projection"], "findOneAndDelete");
    const shown = projectionOf(projection);
    const found = await this.#delete(collection, filterOf(given), sortOf(sort));
    return found && projected(found, shown);
  }
}

type Change = (before: Fields) => Fields;
type Make = (filter: Filter) => Fields;

function byUpdate(update: Update): Change {
  return (before) => updated(before, update);
}

function upsertBy(update: Update): Make {
  return (filter) => updated(fromFilter(filter), update, true);
}

function byReplacement(fields: Fields): Change {
  return (before) => {
    if ("_id" in fields && fields["_id"] !== before["_id"]) badValue("The _id of a document can't be changed.");
    return { ...fields, _id: before["_id"] as Json };
  };
}

function upsertReplacement(fields: Fields): Make {
  return (filter) => {
    const { _id } = fromFilter(filter);
    if (_id !== undefined && "_id" in fields && !equal(_id, fields["_id"] as Json)) {
      badValue("The _id of the filter and of the document differ.");
    }
    return _id === undefined ? fields : { ...fields, _id };
  };
}

/** Where nothing changed, both are the same object. */
function changedBy(change: Change, before: Fields): Changed {
  const after = change(before);
  if (equal(before, after)) return { before, after: before };
  if (after["_id"] !== before["_id"]) badValue("The _id of a document can't be changed.");
  checkSize(after);
  return { before, after };
}

/** One to store, with an id. */
export function documentOf(given: unknown): Fields {
  const document = taken(given, "");
  if (!isFields(document)) badQuery("A document is an object.");
  const { _id = newId(), ...rest } = document;
  if (typeof _id !== "string" || !_id || _id.length > LIMITS.idLength) {
    badValue(`The _id of a document is a text of 1 to ${LIMITS.idLength} characters; left out, one is made.`);
  }
  const found = { _id, ...rest };
  checkSize(found);
  return found;
}

function replacementOf(given: unknown): Fields {
  if (typeof given === "object" && given !== null && Object.keys(given).some((name) => name.startsWith("$"))) {
    badQuery("A replacement is a whole document, without operators; updateOne takes those.");
  }
  const fields = taken(given, "");
  if (!isFields(fields)) badQuery("A replacement is a document.");
  checkSize(fields);
  return fields;
}

function isTrue(given: unknown, name: string): boolean {
  if (given !== undefined && typeof given !== "boolean") badQuery(`${name} is true or false.`);
  return given === true;
}
