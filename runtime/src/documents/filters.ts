/** What a filter says, checked whole: either it's understood to the last operator, or refused. */
import { badQuery, unsupported } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import { type Path, pathOf } from "./paths.ts";
import { type Pattern, patternOf } from "./patterns.ts";
import { isDate, isFields, type Json, taken, type TypeName, typeOf } from "./values.ts";

export type Filter =
  | { kind: "and" | "or" | "nor"; parts: Filter[] }
  | { kind: "field"; path: Path; tests: Test[] };

export type Order = ">" | ">=" | "<" | "<=";

export type Test =
  | { op: "eq"; value: Json }
  | { op: "in"; values: Json[]; patterns: Pattern[] }
  | { op: "order"; order: Order; value: Json }
  | { op: "exists"; wanted: boolean }
  | { op: "type"; types: TypeName[] }
  | { op: "regex"; pattern: Pattern }
  | { op: "size"; size: number }
  | { op: "every"; tests: Test[] }
  | { op: "elemDocuments"; filter: Filter }
  | { op: "elemValues"; tests: Test[] }
  | { op: "not"; tests: Test[] };

const ORDERS: Record<string, Order> = { $gt: ">", $gte: ">=", $lt: "<", $lte: "<=" };
const LOGIC: Record<string, "and" | "or" | "nor"> = { $and: "and", $or: "or", $nor: "nor" };
const TYPES: Record<string, TypeName> = {
  number: "number",
  string: "string",
  object: "object",
  array: "array",
  bool: "bool",
  date: "date",
  null: "null",
};
const TYPE_NUMBERS = new Map<unknown, TypeName>([
  [2, "string"],
  [3, "object"],
  [4, "array"],
  [8, "bool"],
  [9, "date"],
  [10, "null"],
]);

/** What a field of a filter takes; the documents name each. */
export const FIELD_OPERATORS = [
  "$eq",
  "$ne",
  "$gt",
  "$gte",
  "$lt",
  "$lte",
  "$in",
  "$nin",
  "$not",
  "$exists",
  "$type",
  "$regex",
  "$options",
  "$size",
  "$all",
  "$elemMatch",
] as const;

export function filterOf(given: unknown): Filter {
  const filter = filterAt(given, 0);
  if (testsIn(filter) > LIMITS.tests) badQuery(`A filter has at most ${LIMITS.tests} fields and operators.`);
  return filter;
}

function filterAt(given: unknown, depth: number): Filter {
  if (depth > LIMITS.depth) badQuery(`A filter nests at most ${LIMITS.depth} levels.`);
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    badQuery('A filter is an object, such as {status: "open"}; {} takes all.');
  }
  const parts = Object.entries(given).map(([name, wanted]): Filter => {
    const kind = LOGIC[name];
    if (kind && Object.hasOwn(LOGIC, name)) {
      return {
        kind,
        parts: listOf(wanted, name).map((each) => filterAt(each, depth + 1)),
      };
    }
    if (name.startsWith("$")) unsupported(`${name} isn't supported in a filter.`);
    return { kind: "field", path: pathOf(name), tests: testsOf(name, wanted, depth + 1) };
  });
  return parts.length === 1 ? parts[0] as Filter : { kind: "and", parts };
}

function listOf(given: unknown, name: string): unknown[] {
  if (!Array.isArray(given) || given.length === 0) badQuery(`${name} takes a list with at least one filter.`);
  return given;
}

/** Whether it's operators and no value: a document to compare with has no field that begins with $. */
export function isOperators(given: unknown): given is Record<string, unknown> {
  if (typeof given !== "object" || given === null || Array.isArray(given)) return false;
  const [first] = Object.keys(given);
  return first !== undefined && first.startsWith("$") && first !== "$date";
}

function testsOf(name: string, wanted: unknown, depth: number): Test[] {
  if (!isOperators(wanted)) return [{ op: "eq", value: taken(wanted, name) }];
  if (depth > LIMITS.depth) badQuery(`A filter nests at most ${LIMITS.depth} levels.`);
  if ("$options" in wanted && !("$regex" in wanted)) badQuery(`${name}: $options needs $regex beside it.`);
  return Object.entries(wanted)
    .filter(([operator]) => operator !== "$options")
    .map(([operator, value]) => testOf(name, operator, value, wanted, depth));
}

function testOf(name: string, operator: string, value: unknown, beside: Record<string, unknown>, depth: number): Test {
  switch (operator) {
    case "$eq":
      return { op: "eq", value: taken(noOperators(value, name, operator), name) };
    case "$ne":
      return { op: "not", tests: [{ op: "eq", value: taken(noOperators(value, name, operator), name) }] };
    case "$gt":
    case "$gte":
    case "$lt":
    case "$lte":
      return orderOf(name, operator, value);
    case "$in":
      return inOf(name, operator, value);
    case "$nin":
      return { op: "not", tests: [inOf(name, operator, value)] };
    case "$exists":
      if (typeof value !== "boolean") badQuery(`${name}: $exists takes true or false.`);
      return { op: "exists", wanted: value };
    case "$type":
      return typeTestOf(name, value);
    case "$regex":
      return { op: "regex", pattern: patternIn(value, beside["$options"]) };
    case "$size":
      if (typeof value !== "number" || !Number.isInteger(value) || value < 0) {
        badQuery(`${name}: $size takes a whole number from 0.`);
      }
      return { op: "size", size: value };
    case "$all":
      return allOf(name, value, depth);
    case "$elemMatch":
      return elementOf(name, value, depth);
    case "$not":
      if (!isOperators(value)) {
        badQuery(`${name}: $not takes operators, such as {$not: {$gt: 5}}, or a regular expression.`);
      }
      return { op: "not", tests: testsOf(name, value, depth + 1) };
    default:
      return unsupported(`${name}: ${operator} isn't supported in a filter.`);
  }
}

function noOperators(value: unknown, name: string, operator: string): unknown {
  if (isOperators(value)) {
    if ("$regex" in value) unsupported(`${name}: ${operator} takes no regular expression; use $regex or $not.`);
    badQuery(`${name}: ${operator} takes a value, no operator.`);
  }
  return value;
}

function orderOf(name: string, operator: string, given: unknown): Test {
  const value = taken(noOperators(given, name, operator), name);
  if (Array.isArray(value) || isFields(value)) {
    unsupported(`${name}: ${operator} with an ${typeOf(value)} isn't supported; compare a field in it.`);
  }
  return { op: "order", order: ORDERS[operator] as Order, value };
}

function inOf(name: string, operator: string, given: unknown): Test {
  if (!Array.isArray(given)) badQuery(`${name}: ${operator} takes a list.`);
  const values: Json[] = [];
  const patterns: Pattern[] = [];
  for (const each of given) {
    if (isOperators(each)) {
      if (!("$regex" in each)) badQuery(`${name}: ${operator} takes values, no operators.`);
      patterns.push(patternIn(each["$regex"], each["$options"]));
    } else values.push(taken(each, name));
  }
  return { op: "in", values, patterns };
}

function patternIn(value: unknown, options: unknown): Pattern {
  if (typeof value === "object" && value !== null && "$regex" in value) {
    const { $regex, $options } = value as Record<string, unknown>;
    return patternOf($regex, options ?? $options ?? "");
  }
  return patternOf(value, options ?? "");
}

function typeTestOf(name: string, given: unknown): Test {
  const wanted = Array.isArray(given) ? given : [given];
  if (!wanted.length) badQuery(`${name}: $type takes at least one type.`);
  const types = wanted.map((each) => {
    const found = typeof each === "string" && Object.hasOwn(TYPES, each) ? TYPES[each] : TYPE_NUMBERS.get(each);
    return found ?? unsupported(
      `${name}: $type ${JSON.stringify(each)} isn't supported: numbers are of the one type "number"; there are also ` +
        `"string", "object", "array", "bool", "date" and "null".`,
    );
  });
  return { op: "type", types };
}

function allOf(name: string, given: unknown, depth: number): Test {
  if (!Array.isArray(given)) badQuery(`${name}: $all takes a list.`);
  // All of none is nothing, as MongoDB has it
  if (!given.length) return { op: "in", values: [], patterns: [] };
  const tests = given.map((each): Test => {
    if (!isOperators(each)) return { op: "eq", value: taken(each, name) };
    const [operator, ...more] = Object.keys(each);
    if (operator === "$regex") return { op: "regex", pattern: patternIn(each["$regex"], each["$options"]) };
    if (operator !== "$elemMatch" || more.length) badQuery(`${name}: $all takes values or $elemMatch.`);
    return elementOf(name, each["$elemMatch"], depth + 1);
  });
  return { op: "every", tests };
}

function elementOf(name: string, given: unknown, depth: number): Test {
  if (typeof given !== "object" || given === null || Array.isArray(given) || isDate(given as Json)) {
    badQuery(`${name}: $elemMatch takes a filter, or operators.`);
  }
  const [first] = Object.keys(given);
  const isOfValues = first !== undefined && first.startsWith("$") && !Object.hasOwn(LOGIC, first);
  if (isOfValues) return { op: "elemValues", tests: testsOf(name, given, depth + 1) };
  return { op: "elemDocuments", filter: filterAt(given, depth + 1) };
}

/** How many conditions it becomes; plain values of a list are one. */
function testsIn(filter: Filter): number {
  return filter.kind === "field" ? sumOf(filter.tests, testsOfOne) : sumOf(filter.parts, testsIn);
}

function testsOfOne(test: Test): number {
  switch (test.op) {
    case "in":
      return 1 + test.patterns.length + test.values.filter((value) => Array.isArray(value) || isFields(value)).length;
    case "not":
    case "every":
    case "elemValues":
      return sumOf(test.tests, testsOfOne);
    case "elemDocuments":
      return testsIn(test.filter);
    default:
      return 1;
  }
}

function sumOf<T>(list: T[], count: (each: T) => number): number {
  return list.reduce((sum, each) => sum + count(each), 0);
}

/** Only the database runs regular expressions. */
export function hasPattern(filter: Filter): boolean {
  if (filter.kind !== "field") return filter.parts.some(hasPattern);
  return filter.tests.some(isOrHasPattern);
}

function isOrHasPattern(test: Test): boolean {
  switch (test.op) {
    case "regex":
      return true;
    case "in":
      return test.patterns.length > 0;
    case "not":
    case "every":
    case "elemValues":
      return test.tests.some(isOrHasPattern);
    case "elemDocuments":
      return hasPattern(test.filter);
    default:
      return false;
  }
}
