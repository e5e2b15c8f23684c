/** The values of documents: which there are, in which order they come, and when two are the same. */
import { badValue, DocumentsError } from "./errors.ts";
import { LIMITS } from "./limits.ts";

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type Fields = { [name: string]: Json };
export type TypeName = "null" | "number" | "string" | "object" | "array" | "bool" | "date";

/** The order across types, as BSON has it. Missing counts as null; the empty array comes before it, in sorts alone. */
export const RANKS: Record<TypeName, number> = {
  null: 0x0a,
  number: 0x14,
  string: 0x1e,
  object: 0x28,
  array: 0x32,
  bool: 0x3c,
  date: 0x46,
};

export function isFields(value: Json | undefined): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isDate(value);
}

/** A Date, as it's stored and sent. */
export function isDate(value: Json | undefined): value is { $date: string } {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.hasOwn(value, "$date");
}

export function typeOf(value: Json): TypeName {
  if (value === null) return "null";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number" || typeof value === "string") return typeof value as "number" | "string";
  if (Array.isArray(value)) return "array";
  return isDate(value) ? "date" : "object";
}

/** Below, at or above 0. Fields are compared in the order of their names, as none other is kept. */
export function compare(a: Json, b: Json): number {
  const [left, right] = [typeOf(a), typeOf(b)];
  if (left !== right) return RANKS[left] - RANKS[right];
  switch (left) {
    case "null":
      return 0;
    case "number":
    case "bool":
      return Number(a) - Number(b);
    case "string":
      return compareTexts(a as string, b as string);
    case "date":
      return compareTexts((a as { $date: string }).$date, (b as { $date: string }).$date);
    case "array":
      return compareLists(a as Json[], b as Json[], compare);
    case "object":
      return compareLists(entries(a as Fields), entries(b as Fields), compareFields);
  }
}

export function equal(a: Json, b: Json): boolean {
  return compare(a, b) === 0;
}

/** By code points, which is also the order of their UTF-8. */
export function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (left !== right) return order(left) - order(right);
  }
  return a.length - b.length;
}

/** Halves of pairs stand for code points above all others. */
function order(unit: number): number {
  if (unit >= 0xe000) return unit - 0x800;
  return unit >= 0xd800 ? unit + 0x2000 : unit;
}

function entries(fields: Fields): [string, Json][] {
  return Object.entries(fields).sort(([a], [b]) => compareTexts(a, b));
}

function compareFields([nameA, a]: [string, Json], [nameB, b]: [string, Json]): number {
  return RANKS[typeOf(a)] - RANKS[typeOf(b)] || compareTexts(nameA, nameB) || compare(a, b);
}

function compareLists<T>(a: T[], b: T[], by: (a: T, b: T) => number): number {
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    const found = by(a[at] as T, b[at] as T);
    if (found !== 0) return found;
  }
  return a.length - b.length;
}

/** A copy of what came as JSON, with dates in their one spelling; refuses what can't be stored, naming where it is. */
export function taken(value: unknown, where: string, depth = 0): Json {
  if (depth > LIMITS.depth) badValue(`${where} nests deeper than ${LIMITS.depth} levels.`);
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "number") {
    if (!Number.isFinite(value)) badValue(`${where} is ${value}, which can't be kept.`);
    return value;
  }
  if (typeof value === "string") return takenText(value, where);
  if (Array.isArray(value)) return value.map((each, at) => taken(each, `${where}.${at}`, depth + 1));
  if (typeof value !== "object") badValue(`${where} is ${typeof value}: use null, or leave the field out.`);
  if (Object.hasOwn(value as object, "$date")) return takenDate(value as Record<string, unknown>, where);
  const found: Fields = {};
  for (const [name, each] of Object.entries(value as object)) {
    checkName(name, where);
    found[name] = taken(each, where ? `${where}.${name}` : name, depth + 1);
  }
  return found;
}

export function takenText(value: string, where: string): string {
  if (value.includes("\0")) badValue(`${where} has a character of code 0, which can't be kept.`);
  if (!value.isWellFormed()) badValue(`${where} has half of a surrogate pair, which is no text.`);
  return value;
}

function takenDate(value: Record<string, unknown>, where: string): Json {
  const text = value["$date"];
  const date = new Date(typeof text === "string" && /^\d{4}-\d{2}-\d{2}/.test(text) ? text : NaN);
  if (Object.keys(value).length !== 1 || Number.isNaN(date.getTime())) {
    badValue(`${where} is no date: write {"$date": "2026-01-31T12:00:00.000Z"}.`);
  }
  const spelled = date.toISOString();
  if (spelled.length !== 24) badValue(`${where} is a date outside of the years 0 to 9999.`);
  return { $date: spelled };
}

export function checkName(name: string, where: string): void {
  const place = where ? ` in ${where}` : "";
  if (name === "") badValue(`A field without a name${place} can't be kept.`);
  if (name.startsWith("$")) badValue(`The field ${JSON.stringify(name)}${place} begins with $, as only operators do.`);
  if (name.includes(".")) badValue(`The field ${JSON.stringify(name)}${place} has a dot: use an object in it instead.`);
  if (name === "__proto__") badValue(`A field can't be called __proto__${place}.`);
  takenText(name, `The name ${JSON.stringify(name)}`);
}

/** A document's bytes as JSON, within the limit. */
export function checkSize(document: Fields): void {
  const bytes = bytesOf(document);
  if (bytes > LIMITS.documentBytes) {
    throw new DocumentsError(
      "too-large",
      `The document is ${bytes} bytes as JSON; ${LIMITS.documentBytes} are allowed.`,
    );
  }
}

const encoder = new TextEncoder();

export function bytesOf(value: Json): number {
  const text = JSON.stringify(value);
  // Three bytes are the most that a unit takes
  return text.length * 3 <= LIMITS.documentBytes ? text.length : encoder.encode(text).length;
}
