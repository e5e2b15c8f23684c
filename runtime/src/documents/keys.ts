/**
 * The order of documents, and their indexes: one key of bytes for each value, which sorts as BSON does across types.
 *
 * Of an array, ascending order looks at its least element and descending order at its greatest, as MongoDB does. So an
 * index holds the least or the greatest key of each document, as it's made for one order or the other; and where a
 * filter could mean another element, a second, partial index names the documents that have arrays on the way.
 */
import { badQuery, unsupported } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import { type Filter } from "./filters.ts";
import type { Parameters } from "./conditions.ts";
import { type Path, plainPathOf } from "./paths.ts";
import { compare, type Fields, isFields, type Json, typeOf } from "./values.ts";

export type Direction = 1 | -1;
export type Sort = [Path, Direction][];

/** Made once in each gateway's database; a change of what they answer needs other names, as indexes rest on them. */
export const FUNCTIONS = `
CREATE FUNCTION data.imp_key(v jsonb) RETURNS bytea LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  bits bigint;
BEGIN
  CASE jsonb_typeof(v)
    WHEN 'null' THEN RETURN '\\x0a'::bytea;
    WHEN 'number' THEN
      bits := ('x' || encode(float8send(v::float8), 'hex'))::bit(64)::bigint;
      RETURN '\\x14'::bytea || int8send(CASE WHEN bits >= 0 THEN bits # (-9223372036854775808) ELSE ~bits END);
    WHEN 'string' THEN RETURN '\\x1e'::bytea || convert_to(v #>> '{}', 'UTF8') || '\\x00'::bytea;
    WHEN 'boolean' THEN RETURN CASE WHEN v::boolean THEN '\\x3c01'::bytea ELSE '\\x3c00'::bytea END;
    WHEN 'array' THEN
      RETURN '\\x32'::bytea || coalesce((
        SELECT string_agg(data.imp_key(e), ''::bytea ORDER BY n)
        FROM jsonb_array_elements(v) WITH ORDINALITY AS a(e, n)), ''::bytea) || '\\x00'::bytea;
    ELSE
      IF v ? '$date' THEN RETURN '\\x46'::bytea || convert_to(v ->> '$date', 'UTF8'); END IF;
      RETURN '\\x28'::bytea || coalesce((
        SELECT string_agg(substr(k, 1, 1) || convert_to(f, 'UTF8') || '\\x00'::bytea || substr(k, 2), ''::bytea
                          ORDER BY f COLLATE "C")
        FROM (SELECT f, data.imp_key(e) AS k FROM jsonb_each(v) AS o(f, e)) AS fields), ''::bytea) || '\\x00'::bytea;
  END CASE;
END $$;
${sideOf("imp_low", "ASC")}
${sideOf("imp_high", "DESC")}
`;

function sideOf(name: string, order: string): string {
  return `
CREATE FUNCTION data.${name}(doc jsonb, path text[]) RETURNS bytea LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  v jsonb := doc;
  most int := array_length(path, 1);
BEGIN
  FOR i IN 1..most LOOP
    v := v -> path[i];
    IF v IS NULL THEN RETURN '\\x0a'::bytea; END IF;
    IF jsonb_typeof(v) = 'array' THEN
      IF i = most THEN
        RETURN coalesce((SELECT data.imp_key(e) FROM jsonb_array_elements(v) AS a(e) ORDER BY 1 ${order} LIMIT 1),
                        '\\x05'::bytea);
      END IF;
      RETURN coalesce((
        SELECT CASE jsonb_typeof(e) WHEN 'object' THEN data.${name}(e, path[i + 1:]) ELSE '\\x0a'::bytea END
        FROM jsonb_array_elements(v) AS a(e) ORDER BY 1 ${order} LIMIT 1), '\\x0a'::bytea);
    END IF;
    IF i < most AND jsonb_typeof(v) <> 'object' THEN RETURN '\\x0a'::bytea; END IF;
  END LOOP;
  RETURN data.imp_key(v);
END $$;`;
}

export function sortOf(given: unknown, what = "sort"): Sort {
  if (given === undefined || given === null) return [];
  const pairs = Array.isArray(given) ? given : typeof given === "object" ? Object.entries(given) : badSort(what);
  const sort = pairs.map((pair): [Path, Direction] => {
    if (!Array.isArray(pair) || pair.length !== 2) badSort(what);
    const [name, direction] = pair;
    if (direction !== 1 && direction !== -1) badSort(what);
    return [plainPathOf(name, `The field of ${what}`), direction];
  });
  if (sort.length > LIMITS.fieldsOfIndex) badQuery(`${what} takes at most ${LIMITS.fieldsOfIndex} fields.`);
  if (new Set(sort.map(([path]) => path.name)).size < sort.length) badQuery(`${what} names a field twice.`);
  return sort;
}

function badSort(what: string): never {
  return badQuery(`${what} takes fields with 1 or -1, such as {created: -1}.`);
}

/** As an expression, the same in statements and in indexes, so that the one is found for the other. */
export function keyOf(path: Path, direction: Direction, document = "doc"): string {
  if (path.name === "_id" && document === "doc") return "_id";
  return `data.${direction === 1 ? "imp_low" : "imp_high"}(${document}, ${quotedPath(path.parts)})`;
}

export function quotedPath(parts: string[]): string {
  return `ARRAY[${parts.map(quoted).join(", ")}]`;
}

export function quoted(text: string): string {
  // Backslashes mean nothing there, standard_conforming_strings being on
  return `'${text.replaceAll("'", "''")}'`;
}

/** Where there is an array on one of these paths, one key isn't all that the document has. */
export function manyOf(paths: Path[]): string {
  const places = new Set<string>();
  for (const { parts } of paths) parts.forEach((_, at) => places.add(quotedPath(parts.slice(0, at + 1))));
  // As one expression, which is found again in what the second index is for
  const ways = [...places].map((place) => `WHEN jsonb_typeof(doc #> ${place}) = 'array' THEN true`);
  return `(CASE ${ways.join(" ")} ELSE false END)`;
}

export interface Index {
  name: string;
  keys: Sort;
  isUnique: boolean;
}

/** What an index finds at least, for the one that promises most; empty where none helps. Never changes the answer. */
export function indexedConditionOf(filter: Filter, indexes: Index[], parameters: Parameters): string {
  const best = bestIndex(filter, indexes);
  if (!best) return "";
  const parts: string[] = [];
  for (const [path, direction] of best.keys) {
    const found = boundsOf(filter, path);
    if (!found.length) break;
    const key = keyOf(path, direction);
    for (const { order, values } of found) {
      const keys = values.map((value) => `data.imp_key(${parameters.json(value)})`);
      if (order === "=") {
        parts.push(keys.length === 1 ? `${key} = ${keys[0]}` : `${key} = ANY(ARRAY[${keys.join(", ")}])`);
      } else {parts.push(
          `${key} ${order} ${keys[0]}`,
          `${key} ${order.startsWith("<") ? ">=" : "<"} ${edgeOf(values[0] as Json, order)}`,
        );}
    }
    if (!found.some(({ order }) => order === "=")) break;
  }
  return `((${parts.join(" AND ")}) OR ${manyOf(best.keys.map(([path]) => path))})`;
}

/** Where values of that type begin or end. */
function edgeOf(value: Json, order: string): string {
  const rank =
    { null: "0a", number: "14", string: "1e", object: "28", array: "32", bool: "3c", date: "46" }[typeOf(value)];
  return order.startsWith("<")
    ? `'\\x${rank}'::bytea`
    : `'\\x${(parseInt(rank, 16) + 1).toString(16).padStart(2, "0")}'::bytea`;
}

function bestIndex(filter: Filter, indexes: Index[]): Index | undefined {
  let [best, most]: [Index | undefined, number] = [undefined, 0];
  for (const index of indexes) {
    let score = 0;
    for (const [path] of index.keys) {
      const bounds = boundsOf(filter, path);
      if (!bounds.length) break;
      const isExact = bounds.some(({ order }) => order === "=");
      score += isExact ? 2 : 1;
      if (!isExact) break;
    }
    if (score > most) [best, most] = [index, score];
  }
  return best;
}

interface Bound {
  order: "=" | ">" | ">=" | "<" | "<=";
  values: Json[];
}

/** What every matching document without arrays holds to, at that path. */
export function boundsOf(filter: Filter, path: Path): Bound[] {
  if (filter.kind === "and") return filter.parts.flatMap((part) => boundsOf(part, path));
  if (filter.kind !== "field" || filter.path.name !== path.name) return [];
  return filter.tests.flatMap((test): Bound[] => {
    if (test.op === "eq") return isKeyed(test.value) ? [{ order: "=", values: [test.value] }] : [];
    if (test.op === "in" && !test.patterns.length && test.values.length && test.values.length <= 200) {
      return test.values.every(isKeyed) ? [{ order: "=", values: test.values }] : [];
    }
    if (test.op === "order" && test.value !== null) return [{ order: test.order, values: [test.value] }];
    return [];
  });
}

function isKeyed(value: Json): boolean {
  return !Array.isArray(value) && !isFields(value);
}

/** In memory, for what a pipeline has made. */
export function comparerOf(sort: Sort): (a: Fields, b: Fields) => number {
  return (a, b) => {
    for (const [path, direction] of sort) {
      const found = compareSides(sideIn(a, path.parts, direction), sideIn(b, path.parts, direction));
      if (found !== 0) return found * direction;
    }
    return 0;
  };
}

/** Undefined is the empty array's, before all others. */
export function sideIn(document: Fields, parts: string[], direction: Direction): Json | undefined {
  let value: Json = document;
  for (const [at, part] of parts.entries()) {
    if (!isFields(value) || !Object.hasOwn(value, part)) return null;
    value = value[part] as Json;
    if (!Array.isArray(value)) continue;
    const rest = parts.slice(at + 1);
    if (!rest.length) return extreme(value, direction);
    return extreme(value.map((each) => isFields(each) ? sideIn(each, rest, direction) : null), direction, null);
  }
  return value;
}

function extreme(sides: (Json | undefined)[], direction: Direction, none?: null): Json | undefined {
  if (!sides.length) return none;
  return sides.reduce((best, each) => compareSides(each, best) * direction < 0 ? each : best);
}

function compareSides(a: Json | undefined, b: Json | undefined): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  return compare(a, b);
}

export function indexNameOf(keys: Sort): string {
  return keys.map(([path, direction]) => `${path.name}_${direction}`).join("_");
}

const REFUSED_OPTIONS: Record<string, string> = {
  sparse: "leave it out: documents without the field are in the index as null",
  partialFilterExpression: "leave it out: the index holds all documents",
  expireAfterSeconds: "a cron trigger can delete what has expired",
  collation: "texts are compared by their code points",
};

export function indexOptionsOf(given: unknown): { name?: string; isUnique: boolean } {
  if (given === undefined || given === null) return { isUnique: false };
  if (typeof given !== "object" || Array.isArray(given)) {
    badQuery("The options of an index are an object, such as {unique: true}.");
  }
  const options = given as Record<string, unknown>;
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(REFUSED_OPTIONS, name)) {
      unsupported(`The index option ${name} isn't supported: ${REFUSED_OPTIONS[name]}.`);
    }
    if (name !== "unique" && name !== "name") unsupported(`The index option ${name} isn't supported.`);
  }
  const { unique = false, name } = options;
  if (typeof unique !== "boolean") badQuery("The index option unique is true or false.");
  if (name === undefined) return { isUnique: unique };
  if (typeof name !== "string" || !/^[\w.-]{1,120}$/.test(name) || name === "_id_") {
    badQuery("The name of an index has letters, digits, _ . and -, at most 120.");
  }
  return { name, isUnique: unique };
}
