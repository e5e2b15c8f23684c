/** What the console does besides: it shows where documents are kept, and changes one only as it was when it was read. */
import { badQuery, DocumentsError } from "./errors.ts";
import { filterOf } from "./filters.ts";
import { sortOf } from "./keys.ts";
import { LIMITS } from "./limits.ts";
import { projected, projectionOf } from "./projections.ts";
import { afterOf, type Reading } from "./reading.ts";
import type { Slow, SlowOperation } from "./slow.ts";
import { type Store, tableOf } from "./store.ts";
import { type Fields, takenText } from "./values.ts";
import { documentOf } from "./writing.ts";

/** Changes with the document. */
const VERSION = "md5(doc::text)";
const MOST_SHOWN = 200;
/** Of a page of documents: more isn't taken by who asks. */
const MOST_BYTES = 700_000;

export class Console {
  constructor(readonly store: Store, readonly reading: Reading, readonly slow: Slow) {}

  get operations(): Record<string, (collection: string, args: unknown[]) => Promise<unknown>> {
    return {
      listCollections: () => this.#collections(),
      createCollection: (name) => this.store.ensure(name),
      listIndexes: (name) => this.#indexes(name),
      browse: (name, [options]) => this.#browse(name, (options ?? {}) as Record<string, unknown>),
      getDocument: (name, [id]) => this.#get(name, id),
      editDocument: (name, [id, document, version]) => this.#edit(name, id, document, version),
      removeDocument: (name, [id, version]) => this.#remove(name, id, version),
      slowQueries: (name) => this.#slow(name),
    };
  }

  async #collections(): Promise<unknown[]> {
    return (await this.store.collections()).map((row) => ({
      name: row["name"],
      documents: Math.max(0, row["about"]),
      is_exact: row["isExact"] === true,
      bytes: row["bytes"],
      index_bytes: row["index_bytes"],
    }));
  }

  async #indexes(collection: string): Promise<unknown[]> {
    const found = await this.store.indexes(collection, true);
    return [
      { name: "_id_", keys: [["_id", 1]], unique: true, bytes: null, uses: null },
      ...found.map(({ name, keys, isUnique, bytes, uses }) => ({
        name,
        keys: keys.map(([path, direction]) => [path.name, direction]),
        unique: isUnique,
        bytes,
        uses,
      })),
    ];
  }

  async #browse(collection: string, options: Record<string, unknown>): Promise<unknown> {
    const { filter = {}, sort, projection, limit = 20, after } = options;
    if (typeof limit !== "number" || !Number.isInteger(limit) || limit < 1 || limit > MOST_SHOWN) {
      badQuery(`limit is a whole number from 1 to ${MOST_SHOWN}.`);
    }
    const asked = inField("filter", () => filterOf(filter));
    const order = inField("sort", () => sortOf(sort));
    const shown = inField("projection", () => projectionOf(projection));
    if (shown?.id === false) inField("projection", () => badQuery("The _id stays, to tell documents apart."));
    const from = afterOf(after ? { keys: after, left: null } : undefined, order);
    const batch = await this.reading.batch(collection, asked, order, 0, limit, from, MOST_BYTES);
    return {
      documents: batch.rows.map((row) => projected(row, shown)),
      after: batch.after,
      is_there: batch.rows.length > 0 || await this.store.isThere(collection),
    };
  }

  async #get(collection: string, id: unknown): Promise<{ document: Fields; version: string }> {
    if (typeof id !== "string" || id.length > LIMITS.idLength) noSuch(id);
    takenText(id, "The _id");
    const [row] = await this.store.run(`SELECT doc, ${VERSION} AS version FROM ${tableOf(collection)} WHERE _id = $1`, [
      id,
    ]);
    return row ? { document: row["doc"], version: row["version"] } : noSuch(id);
  }

  async #edit(
    collection: string,
    id: unknown,
    given: unknown,
    version: unknown,
  ): Promise<{ document: Fields; version: string }> {
    const document = documentOf(given);
    if (document["_id"] !== id) badQuery("The _id of a document can't be changed; insert another one.");
    const [row] = await this.store.run(
      `UPDATE ${
        tableOf(collection)
      } SET doc = $1::text::jsonb WHERE _id = $2 AND ${VERSION} = $3 RETURNING doc, ${VERSION} AS version`,
      [JSON.stringify(document), String(id), String(version)],
    );
    if (row) return { document: row["doc"], version: row["version"] };
    await this.#get(collection, id);
    return changedMeanwhile();
  }

  async #remove(collection: string, id: unknown, version: unknown): Promise<{ deletedCount: number }> {
    const { count } = await this.store.run(
      `DELETE FROM ${tableOf(collection)} WHERE _id = $1 AND (${VERSION} = $2 OR $2 = '')`,
      [String(id), typeof version === "string" ? version : ""],
    );
    if (count) return { deletedCount: count };
    await this.#get(collection, id);
    return changedMeanwhile();
  }

  async #slow(collection: string): Promise<SlowOperation[]> {
    const [there] = await this.store.run("SELECT to_regclass('data.imp_slow') IS NOT NULL AS there");
    return there?.["there"] ? await this.slow.list(collection) : [];
  }
}

/** What is wrong with it is shown there. */
function inField<T>(field: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof DocumentsError ? new DocumentsError(error.code, error.message, field) : error;
  }
}

function noSuch(id: unknown): never {
  throw new DocumentsError("no-such-document", `There is no document with the _id ${JSON.stringify(id)}.`);
}

function changedMeanwhile(): never {
  throw new DocumentsError("changed-meanwhile", "Somebody or something has changed the document since it was read.");
}
