/** Which operations took long, and which index would have helped them. Values aren't kept, only the filter's shape. */
import { type Filter, filterOf } from "./filters.ts";
import { boundsOf, indexNameOf, type Sort, sortOf } from "./keys.ts";
import { LIMITS } from "./limits.ts";
import { type Path, pathOf } from "./paths.ts";
import { pipelineOf } from "./pipelines.ts";
import type { Store } from "./store.ts";

const MOST_KEPT = 200;
const LONGEST_SHAPE = 500;
const KEEP = `
INSERT INTO data.imp_slow AS s (collection, op, shape, suggests, total_ms, most_ms)
VALUES ($1, $2, $3, $4::text::jsonb, $5::text::float8, $5::text::float8)
ON CONFLICT (collection, op, shape) DO UPDATE SET suggests = excluded.suggests, times = s.times + 1,
  total_ms = s.total_ms + excluded.total_ms, most_ms = greatest(s.most_ms, excluded.most_ms), last_at = now()`;
const FORGET = `DELETE FROM data.imp_slow WHERE (collection, op, shape) IN (
  SELECT collection, op, shape FROM data.imp_slow ORDER BY last_at DESC OFFSET ${MOST_KEPT})`;
const LIST = `SELECT collection, op, shape, suggests, times, total_ms, most_ms, last_at FROM data.imp_slow
WHERE $1 = '' OR collection = $1 ORDER BY total_ms DESC LIMIT ${MOST_KEPT}`;
const ARE_NOTED = new Set([
  "find",
  "findOne",
  "countDocuments",
  "distinct",
  "aggregate",
  "updateOne",
  "updateMany",
  "replaceOne",
  "deleteOne",
  "deleteMany",
  "findOneAndUpdate",
  "findOneAndReplace",
  "findOneAndDelete",
]);

export interface SlowOperation {
  collection: string;
  op: string;
  shape: string;
  suggests: [string, 1 | -1][] | null;
  times: number;
  mean_ms: number;
  most_ms: number;
  last_at: string;
}

export class Slow {
  constructor(readonly store: Store, readonly fromMs: number = LIMITS.slowMs) {}

  /** Doesn't hold up the one that was slow. */
  note(collection: string, op: string, args: unknown[], ms: number): void {
    if (ms < this.fromMs || !ARE_NOTED.has(op)) return;
    this.keep(collection, op, args, ms).catch(() => {});
  }

  async keep(collection: string, op: string, args: unknown[], ms: number): Promise<void> {
    const asked = askedOf(op, args);
    if (!asked) return;
    const suggested = await this.#suggested(collection, asked.filter, asked.sort);
    await this.store.run(KEEP, [collection, op, asked.shape, suggested ? JSON.stringify(suggested) : null, String(ms)]);
    await this.store.run(FORGET);
  }

  async list(collection: string): Promise<SlowOperation[]> {
    const rows = await this.store.run(LIST, [collection]);
    return rows.map((row) => ({
      collection: row["collection"],
      op: row["op"],
      shape: row["shape"],
      suggests: row["suggests"],
      times: row["times"],
      mean_ms: row["total_ms"] / row["times"],
      most_ms: row["most_ms"],
      last_at: new Date(row["last_at"]).toISOString(),
    }));
  }

  /** What is compared for equality first, then the order, then ranges; null where that is there already, or none helps. */
  async #suggested(collection: string, filter: Filter, sort: Sort): Promise<[string, 1 | -1][] | null> {
    const names = fieldsOf(filter);
    const paths = [...names].filter((name) => name !== "_id").map((name) => pathOf(name)).filter((path) =>
      !path.hasPlace
    );
    const isExact = (path: Path) => boundsOf(filter, path).some(({ order }) => order === "=");
    const exact = paths.filter(isExact);
    const ranges = paths.filter((path) => !isExact(path) && boundsOf(filter, path).length);
    const keys: Sort = [
      ...exact.map((path): [Path, 1 | -1] => [path, 1]),
      ...sort.filter(([path]) => path.name !== "_id" && !exact.some(({ name }) => name === path.name)),
    ];
    if (keys.length === exact.length && ranges[0]) keys.push([ranges[0], 1]);
    if (!keys.length || names.has("_id")) return null;
    const wanted = keys.slice(0, LIMITS.fieldsOfIndex);
    const there = await this.store.indexes(collection);
    const name = indexNameOf(wanted);
    if (there.some((index) => `${indexNameOf(index.keys)}_`.startsWith(`${name}_`))) return null;
    return wanted.map(([path, direction]) => [path.name, direction]);
  }
}

function askedOf(op: string, args: unknown[]): { filter: Filter; sort: Sort; shape: string } | undefined {
  try {
    if (op === "aggregate") {
      const { filter, sort } = pipelineOf(args[0] ?? []);
      return { filter, sort, shape: shapeOf((args[0] as unknown[]).map(shaped)) };
    }
    const given = (op === "distinct" ? args[1] : args[0]) ?? {};
    const options = (["find", "findOne"].includes(op) ? args[1] : args[2]) as { sort?: unknown } | undefined;
    const sort = sortOf(options?.sort);
    const order = sort.length
      ? ` sort ${JSON.stringify(Object.fromEntries(sort.map(([path, way]) => [path.name, way])))}`
      : "";
    return { filter: filterOf(given), sort, shape: shapeOf(shaped(given)) + order };
  } catch {
    // What was refused isn't slow for want of an index
    return undefined;
  }
}

function shapeOf(given: unknown): string {
  return JSON.stringify(given).replaceAll('"?"', "?").slice(0, LONGEST_SHAPE);
}

/** With a question mark for each value. */
function shaped(given: unknown): unknown {
  if (Array.isArray(given)) return given.some(isObject) ? given.slice(0, 20).map(shaped) : "?";
  if (!isObject(given) || Object.hasOwn(given, "$date")) return "?";
  return Object.fromEntries(Object.entries(given).slice(0, 50).map(([name, value]) => [name, shaped(value)]));
}

function isObject(given: unknown): given is object {
  return typeof given === "object" && given !== null && !Array.isArray(given);
}

function fieldsOf(filter: Filter): Set<string> {
  if (filter.kind === "field") return new Set([filter.path.name]);
  return new Set(filter.kind === "and" ? filter.parts.flatMap((part) => [...fieldsOf(part)]) : []);
}
