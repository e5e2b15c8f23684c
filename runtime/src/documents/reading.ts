/** What reads documents. */
import { conditionOf, Parameters } from "./conditions.ts";
import { badQuery, DocumentsError } from "./errors.ts";
import { type Filter, filterOf } from "./filters.ts";
import { indexedConditionOf, keyOf, type Sort, sortOf } from "./keys.ts";
import { LIMITS } from "./limits.ts";
import { plainPathOf } from "./paths.ts";
import { piped, type Pipeline, pipelineOf } from "./pipelines.ts";
import { projected, projectionOf } from "./projections.ts";
import { NoCollection, type Store, tableOf } from "./store.ts";
import { compare, type Fields, type Json } from "./values.ts";

const FIRST_BATCH = 100;
/** Rows that a stream takes from the database at once. */
const AT_ONCE = 32;

/** Where the next batch of a cursor begins. */
export interface After {
  keys: string[];
  left: number | null;
}

export interface Batch {
  documents: Fields[];
  after: After | null;
}

export class Reading {
  constructor(readonly store: Store) {}

  /** The condition of a filter, helped by an index where there is one. */
  async condition(collection: string, filter: Filter, parameters: Parameters): Promise<string> {
    const exact = conditionOf(filter, "doc", parameters);
    const helped = indexedConditionOf(filter, await this.store.indexes(collection), parameters);
    return helped ? `${helped} AND ${exact}` : exact;
  }

  async find(collection: string, given: unknown, options: unknown): Promise<Batch> {
    const found = optionsOf(options, ["sort", "skip", "limit", "projection", "batchSize", "after"], "find");
    const filter = filterOf(given);
    const sort = sortOf(found["sort"]);
    const projection = projectionOf(found["projection"]);
    const skip = countOf(found, "skip");
    const limit = countOf(found, "limit");
    const after = afterOf(found["after"], sort);
    const size = Math.min(countOf(found, "batchSize") || (after ? LIMITS.batch : FIRST_BATCH), LIMITS.batch);
    const left = after ? after.left : limit || null;
    const batch = await this.batch(collection, filter, sort, after ? 0 : skip, Math.min(size, left ?? size), after);
    const stillLeft = left === null ? null : left - batch.rows.length;
    return {
      documents: batch.rows.map((row) => projected(row, projection)),
      after: batch.after && stillLeft !== 0 ? { keys: batch.after, left: stillLeft } : null,
    };
  }

  /** In the order asked for and then by id, so that the next batch knows where to begin. */
  async batch(
    collection: string,
    filter: Filter,
    sort: Sort,
    skip: number,
    size: number,
    after?: After,
    bytes: number = LIMITS.batchBytes,
  ): Promise<{ rows: Fields[]; after: string[] | null }> {
    const parameters = new Parameters();
    let condition = await this.condition(collection, filter, parameters);
    const keys = keysOf(sort);
    if (after) condition = `(${condition}) AND ${beyond(keys, after.keys, parameters)}`;
    const columns = keys.map(({ shown }, at) => `${shown} AS k${at}`).join(", ");
    const names = keys.map((_, at) => `k${at}`).join(", ");
    const order = keys.map(({ key, direction }) => `${key} ${direction === 1 ? "ASC" : "DESC"}`).join(", ");
    const inner = `SELECT doc, ${columns} FROM ${tableOf(collection)} WHERE ${condition} ` +
      `ORDER BY ${order} LIMIT ${size + 1} OFFSET ${skip}`;
    // What would be too much comes without its document, and says so that there is more
    const text = `SELECT CASE WHEN bytes <= ${bytes} OR bytes = own THEN doc END AS doc, ${names} FROM ` +
      `(SELECT *, sum(pg_column_size(doc)) OVER (ROWS UNBOUNDED PRECEDING) AS bytes, pg_column_size(doc) AS own ` +
      `FROM (${inner}) AS q) AS w`;
    const found = await quietly(() => this.store.run(text, parameters.values), []);
    const rows = found.filter((row, at) => at < size && row["doc"] !== null);
    const last = rows[rows.length - 1];
    return {
      rows: rows.map((row) => row["doc"] as Fields),
      after: last && found.length > rows.length ? keys.map((_, at) => String(last[`k${at}`])) : null,
    };
  }

  async findOne(collection: string, given: unknown, options: unknown): Promise<Fields | null> {
    const found = optionsOf(options, ["sort", "skip", "projection"], "findOne");
    const filter = filterOf(given);
    const sort = sortOf(found["sort"]);
    const projection = projectionOf(found["projection"]);
    const skip = countOf(found, "skip");
    const parameters = new Parameters();
    const condition = await this.condition(collection, filter, parameters);
    const [row] = await quietly(
      () =>
        this.store.run(
          `SELECT doc FROM ${tableOf(collection)} WHERE ${condition}${orderBy(sort)} LIMIT 1 OFFSET ${skip}`,
          parameters.values,
        ),
      [],
    );
    return row ? projected(row["doc"] as Fields, projection) : null;
  }

  async count(collection: string, given: unknown, options: unknown): Promise<number> {
    const found = optionsOf(options, ["skip", "limit"], "countDocuments");
    const [skip, limit] = [countOf(found, "skip"), countOf(found, "limit")];
    return await this.counted(collection, filterOf(given), skip, limit || undefined);
  }

  async counted(collection: string, filter: Filter, skip = 0, limit?: number): Promise<number> {
    const parameters = new Parameters();
    const condition = await this.condition(collection, filter, parameters);
    const some = `SELECT FROM ${tableOf(collection)} WHERE ${condition}${
      limit === undefined ? "" : ` LIMIT ${limit}`
    } OFFSET ${skip}`;
    const [row] = await quietly(
      () => this.store.run(`SELECT count(*)::float8 AS n FROM (${some}) AS s`, parameters.values),
      [],
    );
    return row ? row["n"] as number : 0;
  }

  async distinct(collection: string, field: unknown, given: unknown): Promise<Json[]> {
    const path = plainPathOf(field, "The field of distinct");
    const parameters = new Parameters();
    const condition = await this.condition(collection, filterOf(given), parameters);
    const steps = parameters.jsonpath(`$${path.parts.map((part) => `.${JSON.stringify(part)}`).join("")}[*]`);
    const inner = `SELECT DISTINCT v FROM ${tableOf(collection)}, jsonb_path_query(doc, ${steps}) AS v ` +
      `WHERE ${condition} LIMIT ${LIMITS.distinct + 1}`;
    // What would be too much stays where it is
    const text = `SELECT CASE WHEN bytes <= ${LIMITS.heldBytes} THEN v END AS v, bytes > ${LIMITS.heldBytes} AS over ` +
      `FROM (SELECT v, sum(pg_column_size(v)) OVER (ROWS UNBOUNDED PRECEDING) AS bytes FROM (${inner}) AS q) AS w`;
    const rows = await quietly(() => this.store.run(text, parameters.values), []);
    if (rows.length > LIMITS.distinct || rows.some((row) => row["over"])) {
      throw new DocumentsError(
        "too-large",
        `${path.name} has over ${LIMITS.distinct} different values, or ${LIMITS.heldBytes} bytes of them; ` +
          "$group and $limit in a pipeline can give some.",
      );
    }
    return rows.map((row) => row["v"] as Json).sort(compare);
  }

  async aggregate(collection: string, given: unknown, options: unknown): Promise<Fields[]> {
    optionsOf(options, [], "aggregate");
    const pipeline = pipelineOf(given);
    const [first] = pipeline.rest;
    if (first?.kind === "count" && pipeline.rest.length === 1) {
      const count = await this.counted(collection, pipeline.filter, pipeline.skip, pipeline.limit);
      return count ? [{ [first.name]: count }] : [];
    }
    return await piped(this.#stream(collection, pipeline), pipeline.rest);
  }

  async *#stream(collection: string, pipeline: Pipeline): AsyncGenerator<Fields> {
    const until = performance.now() + LIMITS.statementMs;
    const parameters = new Parameters();
    const condition = await this.condition(collection, pipeline.filter, parameters);
    const limit = pipeline.limit === undefined ? "" : ` LIMIT ${pipeline.limit}`;
    const text = `SELECT doc FROM ${tableOf(collection)} WHERE ${condition}${
      orderBy(pipeline.sort)
    }${limit} OFFSET ${pipeline.skip}`;
    try {
      for await (const rows of this.store.sql.unsafe(text, parameters.values, { prepare: true }).cursor(AT_ONCE)) {
        for (const row of rows) yield row["doc"] as Fields;
        if (performance.now() > until) {
          throw new DocumentsError("timeout", "The pipeline took too long and was stopped.");
        }
      }
    } catch (error) {
      const explained = this.store.explained(error);
      if (!(explained instanceof NoCollection)) throw explained;
    }
  }
}

/** Of a collection that isn't there, nothing is found. */
export async function quietly<T, N>(work: () => Promise<T>, nothing: N): Promise<T | N> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof NoCollection) return nothing;
    throw error;
  }
}

export function orderBy(sort: Sort): string {
  if (!sort.length) return "";
  return ` ORDER BY ${
    sort.map(([path, direction]) => `${keyOf(path, direction)} ${direction === 1 ? "ASC" : "DESC"}`).join(", ")
  }`;
}

interface Key {
  key: string;
  shown: string;
  direction: 1 | -1;
}

function keysOf(sort: Sort): Key[] {
  const keys: Key[] = [];
  for (const [path, direction] of sort) {
    const key = keyOf(path, direction);
    keys.push({ key, shown: key === "_id" ? key : `encode(${key}, 'hex')`, direction });
    // Nothing comes after what no two have
    if (key === "_id") return keys;
  }
  return [...keys, { key: "_id", shown: "_id", direction: 1 }];
}

/** What comes after the last one: greater in the first key, or the same there and greater in the second, and so on. */
function beyond(keys: Key[], values: string[], parameters: Parameters): string {
  const given = keys.map(({ key }, at) => {
    const value = parameters.text(values[at] as string);
    return key === "_id" ? value : `decode(${value}, 'hex')`;
  });
  const ways = keys.map(({ key, direction }, at) => {
    const same = keys.slice(0, at).map((before, place) => `${before.key} = ${given[place]}`);
    return [...same, `${key} ${direction === 1 ? ">" : "<"} ${given[at]}`].join(" AND ");
  });
  const [first] = keys as [Key, ...Key[]];
  // The first key alone lets an index begin there
  return `${first.key} ${first.direction === 1 ? ">=" : "<="} ${given[0]} AND (${
    ways.map((way) => `(${way})`).join(" OR ")
  })`;
}

export function afterOf(given: unknown, sort: Sort): After | undefined {
  if (given === undefined || given === null) return undefined;
  const { keys, left } = given as Partial<After>;
  const isGood = Array.isArray(keys) && keys.length === keysOf(sort).length &&
    keys.every((key) => typeof key === "string") &&
    (left === null || (typeof left === "number" && Number.isInteger(left) && left > 0));
  if (!isGood) badQuery("The place to go on from isn't one of this query.");
  return { keys, left };
}

export function optionsOf(given: unknown, allowed: string[], op: string): Record<string, unknown> {
  if (given === undefined || given === null) return {};
  if (typeof given !== "object" || Array.isArray(given)) badQuery(`The options of ${op} are an object.`);
  for (const name of Object.keys(given)) {
    if (!allowed.includes(name)) {
      throw new DocumentsError("unsupported", `The option ${name} of ${op} isn't supported.`);
    }
  }
  return given as Record<string, unknown>;
}

export function countOf(options: Record<string, unknown>, name: string): number {
  const value = options[name] ?? 0;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    badQuery(`${name} is a whole number from 0.`);
  }
  return value;
}
