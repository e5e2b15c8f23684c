/** Whether a document that is here in memory is what a filter asks for: in $pull, and in pipelines after their first. */
import { unsupported } from "./errors.ts";
import type { Filter, Order, Test } from "./filters.ts";
import { reached, reachedWhole } from "./paths.ts";
import { compare, equal, type Fields, isFields, type Json, typeOf } from "./values.ts";

type Reached = Json | undefined;

export function matches(document: Fields, filter: Filter): boolean {
  switch (filter.kind) {
    case "and":
      return filter.parts.every((part) => matches(document, part));
    case "or":
      return filter.parts.some((part) => matches(document, part));
    case "nor":
      return !filter.parts.some((part) => matches(document, part));
    case "field": {
      const { parts } = filter.path;
      return filter.tests.every((test) =>
        holds(test, () => reached(document, parts), () => reachedWhole(document, parts))
      );
    }
  }
}

/** Whether one value passes, itself and not what it may hold. */
export function valuePasses(value: Json, tests: Test[]): boolean {
  return tests.every((test) => holds(test, () => [value], () => [value]));
}

function holds(test: Test, each: () => Iterable<Reached>, whole: () => Iterable<Json>): boolean {
  switch (test.op) {
    case "not":
      return !test.tests.every((inner) => holds(inner, each, whole));
    case "every":
      return test.tests.every((inner) => holds(inner, each, whole));
    case "exists":
      return some(each(), (value) => value !== undefined) === test.wanted;
    case "size":
      return some(whole(), (value) => Array.isArray(value) && value.length === test.size);
    case "elemDocuments":
      return some(whole(), (value) =>
        Array.isArray(value) && value.some((element) => {
          const fields = Array.isArray(element) ? Object.fromEntries(Object.entries(element)) : element;
          return isFields(fields) && matches(fields, test.filter);
        }));
    case "elemValues":
      return some(
        whole(),
        (value) => Array.isArray(value) && value.some((element) => valuePasses(element, test.tests)),
      );
    case "type":
      return test.types.some((type) =>
        type === "array"
          ? some(whole(), Array.isArray)
          : some(each(), (value) => value !== undefined && typeOf(value) === type)
      );
    case "regex":
      return noPattern();
    case "in":
      if (test.patterns.length) noPattern();
      return test.values.some((wanted) => some(each(), (value) => isSame(value, wanted)));
    case "eq":
      return some(each(), (value) => isSame(value, test.value));
    case "order":
      return some(each(), (value) => isInOrder(value, test.order, test.value));
  }
}

function noPattern(): never {
  return unsupported("A regular expression works in filters and in the first $match of a pipeline alone.");
}

function some<T>(values: Iterable<T>, passes: (value: T) => boolean): boolean {
  for (const value of values) if (passes(value)) return true;
  return false;
}

function isSame(value: Reached, wanted: Json): boolean {
  return value === undefined ? wanted === null : equal(value, wanted);
}

/** Values of another type are never in an order with it. */
function isInOrder(value: Reached, order: Order, wanted: Json): boolean {
  const present = value ?? null;
  if (typeOf(present) !== typeOf(wanted)) return false;
  const found = compare(present, wanted);
  return found < 0 ? order.startsWith("<") : found > 0 ? order.startsWith(">") : order.endsWith("=");
}
