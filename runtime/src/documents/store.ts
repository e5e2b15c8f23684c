/** The tables and indexes behind collections, and the statements on them. */
import type { Row, Sql, TransactionSql } from "postgres";
import { badQuery, badValue, DocumentsError, unreachable } from "./errors.ts";
import { FUNCTIONS, type Index, indexNameOf, keyOf, manyOf, quoted, type Sort, sortOf } from "./keys.ts";
import { LIMITS } from "./limits.ts";

/** A connection or a transaction on one. */
export type Runner = Sql | TransactionSql;
type Value = string | number | boolean | null;

/** Marks a table as one of ours, beside those that imp.sql makes. */
const MARK = "collection of imp.db";
const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,47}$/;
const RESERVED = /^(imp_|pg_|system)/;
/** Other processes make and drop indexes too. Knowing late costs time, never an answer. */
const INDEXES_KNOWN_MS = 5_000;
/** What those who make collections take one after the other: of two that make the same, PostgreSQL refuses one. */
const TURNS = "CREATE TABLE IF NOT EXISTS data.imp_turns ()";
/** Of a session that ended in the middle: what it was asked may be done or not. */
const LOST = /^(CONNECTION_(CLOSED|DESTROYED|ENDED)|57P0[12]|08006)$/;
const MADE_MEANWHILE = ["23505", "42P07", "42710"];

const INDEXES = `
SELECT obj_description(i.indexrelid, 'pg_class') AS told, c.relname AS physical,
       pg_relation_size(i.indexrelid)::float8 AS bytes, coalesce(s.idx_scan, 0)::float8 AS uses
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid LEFT JOIN pg_stat_user_indexes s ON s.indexrelid = i.indexrelid
WHERE i.indrelid = to_regclass($1) ORDER BY c.oid`;
const COLLECTIONS = `
SELECT c.relname AS name, c.reltuples::float8 AS about, pg_table_size(c.oid)::float8 AS bytes,
       pg_indexes_size(c.oid)::float8 AS index_bytes
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'data' AND c.relkind = 'r' AND obj_description(c.oid, 'pg_class') = '${MARK}' ORDER BY 1`;
// Read from the catalogs, as to_regclass may not have heard yet of what another has made
const THERE = `
SELECT bool_or(c.relname = $1) AS table, bool_or(c.relname = 'imp_slow') AS slow,
       max(obj_description(c.oid, 'pg_class')) FILTER (WHERE c.relname = $1) AS told,
       EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = 'data'::regnamespace AND p.proname = 'imp_high') AS functions
FROM pg_class c WHERE c.relnamespace = 'data'::regnamespace AND c.relname IN ($1, 'imp_slow')`;
const SLOW_TABLE = `
CREATE TABLE data.imp_slow (
  collection text NOT NULL, op text NOT NULL, shape text NOT NULL, suggests jsonb, times int NOT NULL DEFAULT 1,
  total_ms float8 NOT NULL, most_ms float8 NOT NULL, last_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (collection, op, shape))`;

export interface KnownIndex extends Index {
  physical: string;
  bytes: number;
  uses: number;
}

/** The collection isn't there: for reads the same as an empty one. */
export class NoCollection extends Error {}

export class Store {
  readonly #indexes = new Map<string, { found: KnownIndex[]; at: number }>();

  constructor(readonly sql: Sql) {}

  async run(text: string, values: Value[] = [], runner: Runner = this.sql): Promise<Row[] & { count: number }> {
    try {
      return await runner.unsafe(text, values, { prepare: true }) as Row[] & { count: number };
    } catch (error) {
      throw this.explained(error);
    }
  }

  async inTransaction<T>(work: (runner: TransactionSql) => Promise<T>): Promise<T> {
    try {
      return await this.sql.begin(work) as T;
    } catch (error) {
      throw this.explained(error);
    }
  }

  /** Errors of the database in the words of documents. */
  explained(error: unknown): unknown {
    const found = error as { code?: unknown; message?: unknown; constraint_name?: unknown; detail?: unknown };
    if (!(error instanceof Error) || error instanceof DocumentsError || typeof found.code !== "string") return error;
    const { code } = found;
    if (code === "42P01") return new NoCollection();
    if (code === "42703") {
      return new DocumentsError("bad-query", "That is a table that imp.sql has made, no collection.");
    }
    if (code === "57014") return new DocumentsError("timeout", "It took too long and was stopped; an index may help.");
    if (code === "23505") {
      return new DocumentsError("duplicate-key", this.#duplicate(String(found.constraint_name ?? "")));
    }
    if (code === "23514") {
      return new DocumentsError("bad-value", "A field of a unique index has an array, which isn't supported there.");
    }
    if (code === "54000") {
      return new DocumentsError(
        "too-large",
        "The value of a field that has an index is too large for it: over about 2,000 bytes.",
      );
    }
    // It bears 65,534 of them
    if (code === "MAX_PARAMETERS_EXCEEDED" || code === "54001") {
      return new DocumentsError("bad-query", "That is too long for one question: ask for less at once.");
    }
    if (code === "2201B") return new DocumentsError("bad-query", "The pattern is too complex.");
    if (code === "22021") return new DocumentsError("bad-value", "A text has a character of code 0.");
    if (code === "22003") {
      return new DocumentsError("bad-value", "A number is too great or too small to be calculated with.");
    }
    if (code === "40P01") return new DocumentsError("unavailable", "Two changes waited for each other; try it again.");
    if (LOST.test(code)) {
      return new DocumentsError(
        "unanswered",
        "The connection was lost before the database answered: look what is there.",
      );
    }
    if (/^(08|53|57P)/.test(code) || /^(CONNECT|CONNECTION)/.test(code)) {
      return unreachable();
    }
    return error;
  }

  #duplicate(physical: string): string {
    for (const { found } of this.#indexes.values()) {
      const index = found.find((each) => each.physical === physical);
      if (index) return `A document has the same value already in the unique index ${index.name}.`;
    }
    return physical.startsWith("imp_i_")
      ? "A document has the same value already in a unique index."
      : "A document with this _id is there already.";
  }

  /** Makes the collection unless it's there. */
  async ensure(collection: string): Promise<void> {
    await this.sql.unsafe(TURNS).catch((error) => {
      if (!MADE_MEANWHILE.includes((error as { code?: string }).code ?? "")) throw this.explained(error);
    });
    await this.inTransaction(async (runner) => {
      await runner.unsafe("LOCK TABLE data.imp_turns IN EXCLUSIVE MODE");
      const [there] = await this.run(THERE, [collection], runner);
      if (!there?.["functions"]) await runner.unsafe(FUNCTIONS);
      if (!there?.["slow"]) await runner.unsafe(SLOW_TABLE);
      if (there?.["told"] === MARK) return;
      if (there?.["table"]) {
        badQuery(`${collection} is a table that imp.sql has made, no collection: take another name.`);
      }
      const count = (await this.run(COLLECTIONS, [], runner)).length;
      if (count >= LIMITS.collections) badQuery(`There are ${count} collections, and no more are allowed.`);
      const table = tableOf(collection);
      // EXTERNAL: what it takes on disk tells what it takes in memory
      await runner.unsafe(
        `CREATE TABLE ${table} (_id text COLLATE "C" PRIMARY KEY, doc jsonb STORAGE EXTERNAL NOT NULL);` +
          `COMMENT ON TABLE ${table} IS '${MARK}'`,
      );
    });
  }

  /** What a change needs that makes documents: the collection, made if it isn't there. */
  async making<T>(collection: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof NoCollection)) throw error;
      await this.ensure(collection);
      return await work();
    }
  }

  async collections(): Promise<Row[]> {
    const found = await this.run(COLLECTIONS);
    const small = found.filter(({ about }) => about < 10_000);
    if (!small.length) return found;
    const counts = await this.run(
      small.map(({ name }) => `SELECT ${quoted(name)} AS name, count(*)::float8 AS n FROM ${tableOf(name)}`).join(
        " UNION ALL ",
      ),
    );
    const exact = new Map(counts.map(({ name, n }) => [name, n]));
    return found.map((row) => ({
      ...row,
      about: exact.get(row["name"]) ?? row["about"],
      isExact: exact.has(row["name"]),
    }));
  }

  async isThere(collection: string): Promise<boolean> {
    const [row] = await this.run(`SELECT obj_description(to_regclass($1), 'pg_class') = '${MARK}' AS ours`, [
      tableOf(collection),
    ]);
    return row?.["ours"] === true;
  }

  async drop(collection: string): Promise<boolean> {
    this.#indexes.delete(collection);
    if (!await this.isThere(collection)) return false;
    await this.run(`DROP TABLE ${tableOf(collection)}`);
    await this.run("DELETE FROM data.imp_slow WHERE collection = $1", [collection]);
    return true;
  }

  async indexes(collection: string, isFresh = false): Promise<KnownIndex[]> {
    const known = this.#indexes.get(collection);
    if (known && !isFresh && performance.now() - known.at < INDEXES_KNOWN_MS) return known.found;
    const found = await this.#indexesThere(collection);
    this.#indexes.set(collection, { found, at: performance.now() });
    return found;
  }

  async #indexesThere(collection: string, runner: Runner = this.sql): Promise<KnownIndex[]> {
    const rows = await this.run(INDEXES, [tableOf(collection)], runner);
    return rows.flatMap((row): KnownIndex[] => {
      const told = parsed(row["told"]);
      if (!told) return [];
      const { name, keys, unique } = told;
      return [{
        name,
        keys: sortOf(keys),
        isUnique: unique,
        physical: row["physical"],
        bytes: row["bytes"],
        uses: row["uses"],
      }];
    });
  }

  async createIndex(collection: string, keys: Sort, name: string, isUnique: boolean): Promise<string> {
    await this.ensure(collection);
    const there = sameOf(await this.indexes(collection, true), keys, name, isUnique);
    if (there !== undefined) return there;
    const table = tableOf(collection);
    const physical = `imp_i_${crypto.randomUUID().replaceAll("-", "").slice(0, 20)}`;
    const columns = keys.map(([path, direction]) => `${keyOf(path, direction)} ${direction === 1 ? "ASC" : "DESC"}`)
      .join(", ");
    const many = manyOf(keys.map(([path]) => path));
    const told = JSON.stringify({
      name,
      keys: keys.map(([path, direction]) => [path.name, direction]),
      unique: isUnique,
    });
    try {
      return await this.inTransaction(async (runner) => {
        await runner.unsafe(`SET LOCAL statement_timeout = ${LIMITS.indexMs}`);
        // Several that make the same at once take turns: what is written waits for an index in any case
        await runner.unsafe(`LOCK TABLE ${table} IN SHARE ROW EXCLUSIVE MODE`);
        const made = sameOf(await this.#indexesThere(collection, runner), keys, name, isUnique);
        if (made !== undefined) return made;
        await runner.unsafe(`CREATE ${isUnique ? "UNIQUE " : ""}INDEX ${physical} ON ${table} (${columns})`);
        await runner.unsafe(`COMMENT ON INDEX data.${physical} IS ${quoted(told)}`);
        if (isUnique) await runner.unsafe(`ALTER TABLE ${table} ADD CONSTRAINT ${physical}_c CHECK (NOT (${many}))`);
        else await runner.unsafe(`CREATE INDEX ${physical}_m ON ${table} (_id) WHERE ${many}`);
        // How few documents have arrays there; without it, half of them is what is planned with
        await runner.unsafe(`CREATE STATISTICS data.${physical}_s ON (${many}) FROM ${table}`);
        await runner.unsafe(`ANALYZE ${table}`);
        return name;
      });
    } finally {
      this.#indexes.delete(collection);
    }
  }

  async dropIndex(collection: string, name: string): Promise<void> {
    if (name === "_id_") badQuery("The index of _id can't be dropped.");
    const found = (await this.indexes(collection, true)).find((index) => index.name === name);
    if (!found) throw new DocumentsError("no-such-index", `${collection} has no index ${JSON.stringify(name)}.`);
    await this.inTransaction(async (runner) => {
      await runner.unsafe(`ALTER TABLE ${tableOf(collection)} DROP CONSTRAINT IF EXISTS ${found.physical}_c`);
      await runner.unsafe(`DROP STATISTICS IF EXISTS data.${found.physical}_s`);
      await runner.unsafe(`DROP INDEX IF EXISTS data.${found.physical}_m, data.${found.physical}`);
    });
    this.#indexes.delete(collection);
  }
}

/** The name of the one that is wanted, where it's there; refused where another one is in its place, or no room. */
function sameOf(there: KnownIndex[], keys: Sort, name: string, isUnique: boolean): string | undefined {
  const text = indexNameOf(keys);
  const same = there.find((index) => index.name === name || indexNameOf(index.keys) === text);
  if (same) {
    if (indexNameOf(same.keys) === text && same.isUnique === isUnique) return same.name;
    badQuery(`The index ${same.name} is there already, and is another one: drop it first.`);
  }
  if (there.length >= LIMITS.indexesOfCollection) {
    badQuery(`A collection has at most ${LIMITS.indexesOfCollection} indexes.`);
  }
  return undefined;
}

function parsed(told: unknown): { name: string; keys: [string, 1 | -1][]; unique: boolean } | undefined {
  try {
    const found = JSON.parse(String(told));
    return typeof found?.name === "string" && Array.isArray(found.keys) ? found : undefined;
  } catch {
    return undefined;
  }
}

/** Checked, so that it can stand in a statement. */
export function tableOf(collection: unknown): string {
  if (typeof collection !== "string" || !NAME.test(collection)) {
    badQuery(
      `${
        JSON.stringify(collection)
      } can't be a collection's name: a letter, then letters, digits, _ and -, at most 48 in all.`,
    );
  }
  if (RESERVED.test(collection)) {
    badValue(`Names such as ${collection} are the platform's own: a collection's begins otherwise.`);
  }
  return `data."${collection}"`;
}
