/** Paths to fields, such as `address.city`, and what they reach in a document. */
import { badQuery, unsupported } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import { checkName, type Fields, isFields, type Json } from "./values.ts";

export interface Path {
  name: string;
  parts: string[];
  /** A part could also be a place in an array. */
  hasPlace: boolean;
}

export function pathOf(name: unknown, what = "A field"): Path {
  if (typeof name !== "string" || name === "") badQuery(`${what} needs a name.`);
  if (name.length > LIMITS.pathLength) badQuery(`${what}'s name is longer than ${LIMITS.pathLength} characters.`);
  const parts = name.split(".");
  if (parts.length > LIMITS.pathParts) badQuery(`${what} ${JSON.stringify(name)} has over ${LIMITS.pathParts} parts.`);
  for (const part of parts) {
    if (part === "") badQuery(`${what} ${JSON.stringify(name)} has an empty part.`);
    if (/^\$(\[.*)?$/.test(part)) {
      unsupported(`${JSON.stringify(name)}: the positional operators $, $[] and $[name] aren't supported.`);
    }
    checkName(part, "");
  }
  return { name, parts, hasPlace: parts.some(isPlace) };
}

/** One that sorts, groups and indexes take: an array's places mean nothing there. */
export function plainPathOf(name: unknown, what: string): Path {
  const path = pathOf(name, what);
  if (path.hasPlace) {
    unsupported(`${what} ${JSON.stringify(name)} names a place in an array, which isn't supported here.`);
  }
  return path;
}

export function isPlace(part: string): boolean {
  return /^(0|[1-9]\d{0,8})$/.test(part);
}

/** All that a test is tried on: an array's elements and then itself; undefined where the path ends in nothing. */
export function* reached(start: Fields, parts: string[]): Generator<Json | undefined> {
  let value: Json = start;
  for (const [at, part] of parts.entries()) {
    const next: Json | undefined = isFields(value) && Object.hasOwn(value, part) ? value[part] : undefined;
    if (next === undefined) return yield undefined;
    if (Array.isArray(next)) {
      yield* at === parts.length - 1 ? [...next, next] : reachedInArray(next, parts.slice(at + 1));
      return;
    }
    value = next;
  }
  yield value;
}

function* reachedInArray(array: Json[], parts: string[]): Generator<Json | undefined> {
  for (const [place, element] of array.entries()) {
    if (isFields(element)) yield* reached(element, parts);
    if (parts[0] !== String(place)) continue;
    if (parts.length === 1) yield element;
    else if (isFields(element)) yield* reached(element, parts.slice(1));
    else if (Array.isArray(element)) yield* reachedInArray(element, parts.slice(1));
  }
}

/** The values that an operator such as $size looks at: whole, not an array's elements. */
export function* reachedWhole(start: Fields, parts: string[]): Generator<Json> {
  const [last, ...before] = [parts[parts.length - 1] as string, ...parts.slice(0, -1)];
  for (const holder of before.length ? holders(start, before) : [start]) {
    if (isFields(holder) && Object.hasOwn(holder, last)) yield holder[last] as Json;
    if (!Array.isArray(holder)) continue;
    for (const element of holder) {
      if (isFields(element) && Object.hasOwn(element, last)) yield element[last] as Json;
    }
    if (isPlace(last) && Number(last) < holder.length) yield holder[Number(last)] as Json;
  }
}

function* holders(start: Json, parts: string[]): Generator<Json> {
  const [part, ...rest] = parts as [string, ...string[]];
  const found: Json[] = [];
  if (isFields(start) && Object.hasOwn(start, part)) found.push(start[part] as Json);
  if (Array.isArray(start)) {
    for (const element of start) {
      if (isFields(element) && Object.hasOwn(element, part)) found.push(element[part] as Json);
    }
    if (isPlace(part) && Number(part) < start.length) found.push(start[Number(part)] as Json);
  }
  for (const each of found) {
    if (rest.length) yield* holders(each, rest);
    else yield each;
  }
}
