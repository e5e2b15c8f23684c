/** What an update makes of a document. */
import { badQuery, badValue, unsupported } from "./errors.ts";
import { type Filter, filterOf, hasPattern, isOperators, type Test } from "./filters.ts";
import { comparerOf, type Direction, sortOf } from "./keys.ts";
import { matches, valuePasses } from "./matching.ts";
import { isPlace, type Path, pathOf } from "./paths.ts";
import { compare, equal, type Fields, isFields, type Json, taken, typeOf } from "./values.ts";

interface Change {
  operator: string;
  path: Path;
  /** Changes the value in its place; undefined takes it away. */
  make: (before: Json | undefined) => Json | undefined;
  /** Leaves what isn't there alone, rather than making objects on the way. */
  onlyWhereIs?: boolean;
  /** Only when the document is made. */
  onInsert?: boolean;
  renamedTo?: Path;
}

export type Update = Change[];

const GREATEST_PLACE = 10_000;

/** The operators of updates; the documents name each. */
export const UPDATE_OPERATORS = [
  "$set",
  "$unset",
  "$inc",
  "$mul",
  "$min",
  "$max",
  "$push",
  "$addToSet",
  "$pull",
  "$pullAll",
  "$pop",
  "$rename",
  "$currentDate",
  "$setOnInsert",
] as const;

export function updateOf(given: unknown): Update {
  if (Array.isArray(given)) unsupported("An update by a pipeline isn't supported: use operators such as $set.");
  if (typeof given !== "object" || given === null || !Object.keys(given).length) {
    badQuery('An update is an object of operators, such as {$set: {status: "done"}}.');
  }
  const update = Object.entries(given).flatMap(([operator, fields]) => {
    if (!operator.startsWith("$")) {
      badQuery(
        `An update takes operators such as $set, no field ${
          JSON.stringify(operator)
        }; replaceOne takes a whole document.`,
      );
    }
    if (!UPDATE_OPERATORS.includes(operator as never)) unsupported(`${operator} isn't supported in an update.`);
    if (typeof fields !== "object" || fields === null || Array.isArray(fields)) {
      badQuery(`${operator} takes an object of fields.`);
    }
    return Object.entries(fields).map(([name, value]) => changeOf(operator, pathOf(name), value));
  });
  checkConflicts(update);
  return update;
}

/** MongoDB refuses two changes of one place, or of a place and what is in it. */
function checkConflicts(update: Update): void {
  const names = update.flatMap(({ path, renamedTo }) => renamedTo ? [path.name, renamedTo.name] : [path.name]).sort();
  const all = new Set<string>();
  for (const name of names) {
    const above = name.split(".").map((_, at, parts) => parts.slice(0, at + 1).join("."));
    const clash = above.find((each) => all.has(each));
    if (clash !== undefined) badQuery(`The update changes ${name} twice, or ${clash} and what is in it.`);
    all.add(name);
  }
}

function changeOf(operator: string, path: Path, given: unknown): Change {
  const name = `${operator} of ${path.name}`;
  switch (operator) {
    case "$set":
    case "$setOnInsert": {
      const value = taken(given, path.name);
      return { operator, path, make: () => value, onInsert: operator === "$setOnInsert" };
    }
    case "$unset":
      return { operator, path, make: () => undefined, onlyWhereIs: true };
    case "$inc":
    case "$mul": {
      const by = numberOf(given, name);
      return { operator, path, make: (before) => calculated(operator, path, before, by) };
    }
    case "$min":
    case "$max": {
      const value = taken(given, path.name);
      const sign = operator === "$min" ? -1 : 1;
      return {
        operator,
        path,
        make: (before) => before === undefined || compare(value, before) * sign > 0 ? value : before,
      };
    }
    case "$push":
      return { operator, path, make: pushOf(path, given) };
    case "$addToSet":
      return { operator, path, make: addOf(path, given) };
    case "$pull":
      return { operator, path, make: pullOf(path, given), onlyWhereIs: true };
    case "$pullAll": {
      if (!Array.isArray(given)) badQuery(`${name} takes a list.`);
      const values = given.map((each) => taken(each, path.name));
      return {
        operator,
        path,
        make: without(operator, path, (each) => values.some((value) => equal(each, value))),
        onlyWhereIs: true,
      };
    }
    case "$pop":
      if (given !== 1 && given !== -1) badQuery(`${name} takes 1 for the last element or -1 for the first.`);
      return {
        operator,
        path,
        make: (before) => {
          const array = arrayAt(operator, path, before);
          return given === 1 ? array.slice(0, -1) : array.slice(1);
        },
        onlyWhereIs: true,
      };
    case "$rename": {
      const renamedTo = pathOf(given, `${name}: the new name`);
      if (path.hasPlace || renamedTo.hasPlace) unsupported(`${name}: a place in an array can't be renamed.`);
      return { operator, path, make: () => undefined, onlyWhereIs: true, renamedTo };
    }
    default:
      return { operator, path, make: dateOf(name, given) };
  }
}

function numberOf(given: unknown, name: string): number {
  if (typeof given !== "number" || !Number.isFinite(given)) badQuery(`${name} takes a number.`);
  return given;
}

function calculated(operator: string, path: Path, before: Json | undefined, by: number): Json {
  if (before !== undefined && typeof before !== "number") {
    badValue(`${operator} can't change ${path.name}: it's ${typeOf(before)}, no number.`);
  }
  const found = operator === "$inc" ? (before ?? 0) + by : (before ?? 0) * by;
  if (!Number.isFinite(found)) badValue(`${operator} of ${path.name} gives a number too great to keep.`);
  // There is no -0 in what is stored
  return found + 0;
}

function dateOf(name: string, given: unknown): () => Json {
  const isDate = given === true || (isFields(given as Json) && (given as Fields)["$type"] === "date");
  if (!isDate) unsupported(`${name} takes true or {$type: "date"}.`);
  return () => ({ $date: new Date().toISOString() });
}

function arrayAt(operator: string, path: Path, before: Json | undefined): Json[] {
  if (before === undefined) return [];
  if (!Array.isArray(before)) badValue(`${operator} can't change ${path.name}: it's ${typeOf(before)}, no array.`);
  return before;
}

function modifiersOf(
  operator: string,
  path: Path,
  given: unknown,
  allowed: string[],
): Record<string, unknown> | undefined {
  if (!isOperators(given)) return undefined;
  for (const name of Object.keys(given)) {
    if (!allowed.includes(name)) unsupported(`${operator} of ${path.name}: ${name} isn't supported.`);
  }
  if (!("$each" in given)) badQuery(`${operator} of ${path.name}: its modifiers need $each.`);
  if (!Array.isArray(given["$each"])) badQuery(`${operator} of ${path.name}: $each takes a list.`);
  return given;
}

function pushOf(path: Path, given: unknown): (before: Json | undefined) => Json {
  const modifiers = modifiersOf("$push", path, given, ["$each", "$slice", "$position", "$sort"]);
  const values = (modifiers ? modifiers["$each"] as unknown[] : [given]).map((each) => taken(each, path.name));
  const slice = wholeNumber(modifiers, "$slice", path);
  const position = wholeNumber(modifiers, "$position", path);
  const order = modifiers && "$sort" in modifiers ? elementOrderOf(modifiers["$sort"]) : undefined;
  return (before) => {
    const array = [...arrayAt("$push", path, before)];
    if (position === undefined) array.push(...values);
    else array.splice(position, 0, ...values);
    if (order) array.sort(order);
    if (slice === undefined) return array;
    return slice === 0 ? [] : slice < 0 ? array.slice(slice) : array.slice(0, slice);
  };
}

function wholeNumber(modifiers: Record<string, unknown> | undefined, name: string, path: Path): number | undefined {
  if (!modifiers || !(name in modifiers)) return undefined;
  const value = modifiers[name];
  if (typeof value !== "number" || !Number.isInteger(value)) {
    badQuery(`$push of ${path.name}: ${name} takes a whole number.`);
  }
  return value;
}

/** By themselves, or by fields that they have. */
function elementOrderOf(given: unknown): (a: Json, b: Json) => number {
  if (given === 1 || given === -1) return (a, b) => compare(a, b) * (given as Direction);
  const byFields = comparerOf(sortOf(given, "$sort"));
  return (a, b) => byFields(isFields(a) ? a : {}, isFields(b) ? b : {});
}

function addOf(path: Path, given: unknown): (before: Json | undefined) => Json {
  const modifiers = modifiersOf("$addToSet", path, given, ["$each"]);
  const values = (modifiers ? modifiers["$each"] as unknown[] : [given]).map((each) => taken(each, path.name));
  return (before) => {
    const array = [...arrayAt("$addToSet", path, before)];
    for (const value of values) if (!array.some((each) => equal(each, value))) array.push(value);
    return array;
  };
}

/** Operators test each element itself; an object tests the fields of those that have any; else it's the same value. */
function pullOf(path: Path, given: unknown): (before: Json | undefined) => Json {
  if (isOperators(given)) {
    const filter = filterOf({ [path.name]: given });
    refusePatterns(filter, path);
    const tests: Test[] = filter.kind === "field" ? filter.tests : [];
    return without("$pull", path, (each) => valuePasses(each, tests));
  }
  const value = given as Json;
  if (isFields(value)) {
    const filter = filterOf(value);
    refusePatterns(filter, path);
    return without("$pull", path, (each) => isFields(each) && matches(each, filter));
  }
  const same = taken(given, path.name);
  return without("$pull", path, (each) => equal(each, same));
}

function refusePatterns(filter: Filter, path: Path): void {
  if (hasPattern(filter)) unsupported(`$pull of ${path.name}: a regular expression isn't supported here.`);
}

function without(operator: string, path: Path, goes: (each: Json) => boolean): (before: Json | undefined) => Json {
  return (before) => arrayAt(operator, path, before).filter((each) => !goes(each));
}

/** The document after it, a new one; what it shares with the one before isn't changed. */
export function updated(document: Fields, update: Update, isInsert = false): Fields {
  let found = document;
  for (const change of update) {
    if (change.onInsert && !isInsert) continue;
    if (change.renamedTo) {
      const value = fieldAt(found, change);
      if (value === undefined) continue;
      found = changed(found, change.path.parts, change) as Fields;
      const { renamedTo } = change;
      const put: Change = { operator: "$rename", path: renamedTo, make: () => value };
      found = changed(found, renamedTo.parts, put) as Fields;
    } else found = changed(found, change.path.parts, change) as Fields;
  }
  return found;
}

/** Of $rename, which walks through no array. */
function fieldAt(document: Fields, { path }: Change): Json | undefined {
  let value: Json | undefined = document;
  for (const part of path.parts) {
    if (Array.isArray(value)) badValue(`$rename can't change ${path.name}: there is an array on the way.`);
    if (!isFields(value)) return undefined;
    value = Object.hasOwn(value, part) ? value[part] : undefined;
  }
  return value;
}

function changed(holder: Json, parts: string[], change: Change): Json {
  const [part, ...rest] = parts as [string, ...string[]];
  if (Array.isArray(holder)) return changedInArray(holder, part, rest, change);
  if (!isFields(holder)) {
    if (change.onlyWhereIs) return holder;
    badValue(`${change.operator} can't make ${change.path.name}: what should hold ${part} is ${typeOf(holder)}.`);
  }
  const before = Object.hasOwn(holder, part) ? holder[part] : undefined;
  if (before === undefined && change.onlyWhereIs) return holder;
  const after = rest.length ? changed(before === undefined ? {} : before, rest, change) : change.make(before);
  if (after === undefined) {
    const { [part]: _gone, ...others } = holder;
    return others;
  }
  return after === before ? holder : { ...holder, [part]: after };
}

function changedInArray(holder: Json[], part: string, rest: string[], change: Change): Json {
  if (!isPlace(part)) {
    if (change.onlyWhereIs) return holder;
    badValue(
      `${change.operator} can't make ${change.path.name}: what should hold ${part} is an array; name a place in it.`,
    );
  }
  const place = Number(part);
  const before = holder[place];
  if (before === undefined && change.onlyWhereIs) return holder;
  if (place > holder.length + GREATEST_PLACE) {
    badValue(`${change.operator} of ${change.path.name} would leave too large a gap.`);
  }
  const after = rest.length ? changed(before === undefined ? {} : before, rest, change) : change.make(before);
  const found = [...holder];
  while (found.length < place) found.push(null);
  // Taking an element away leaves its place
  found[place] = after === undefined ? null : after;
  return found;
}

/** What a filter says that a document is, as an upsert makes it. */
export function fromFilter(filter: Filter): Fields {
  let found: Fields = {};
  const seen: string[] = [];
  const put = (path: Path, value: Json): void => {
    if (
      seen.some((each) =>
        each === path.name || `${each}.`.startsWith(`${path.name}.`) || `${path.name}.`.startsWith(`${each}.`)
      )
    ) {
      badQuery(`What to insert can't be told: the filter says ${path.name} twice.`);
    }
    seen.push(path.name);
    found = changed(found, path.parts, { operator: "upsert", path, make: () => value }) as Fields;
  };
  const add = (part: Filter): void => {
    if (part.kind === "and") part.parts.forEach(add);
    if (part.kind !== "field") return;
    for (const test of part.tests) {
      if (test.op === "eq") put(part.path, test.value);
      if (test.op === "every") test.tests.forEach((each) => each.op === "eq" && put(part.path, each.value));
    }
  };
  add(filter);
  return found;
}
