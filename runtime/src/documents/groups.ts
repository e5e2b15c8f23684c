/** $group: what its accumulators make of the documents of a group. */
import { badQuery, DocumentsError, unsupported } from "./errors.ts";
import { type Expression, expressionOf, valueOf } from "./expressions.ts";
import { LIMITS } from "./limits.ts";
import { checkName, compare, compareTexts, type Fields, isFields, type Json } from "./values.ts";

interface Accumulator {
  add(value: Json | undefined): void;
  readonly result: Json;
}

export interface Group {
  id: Expression;
  fields: [string, () => Accumulator, Expression][];
}

/** Adds as if with twice the digits, so that ten times 0.1 is 1. */
class Sum implements Accumulator {
  #sum = 0;
  #rest = 0;
  count = 0;

  add(value: Json | undefined): void {
    if (typeof value !== "number") return;
    this.count++;
    const sum = this.#sum + value;
    const back = sum - this.#sum;
    this.#rest += (this.#sum - (sum - back)) + (value - back);
    this.#sum = sum;
  }

  get result(): Json {
    const total = this.#sum + this.#rest;
    if (!Number.isFinite(total)) throw new DocumentsError("bad-value", "$sum gives a number too great to keep.");
    return total;
  }
}

class Average extends Sum {
  override get result(): Json {
    return this.count ? (super.result as number) / this.count : null;
  }
}

class Extreme implements Accumulator {
  result: Json = null;

  constructor(readonly sign: 1 | -1) {}

  add(value: Json | undefined): void {
    if (value === undefined || value === null) return;
    if (this.result === null || compare(value, this.result) * this.sign > 0) this.result = value;
  }
}

class First implements Accumulator {
  result: Json = null;
  #isSet = false;

  add(value: Json | undefined): void {
    if (!this.#isSet) this.result = value ?? null;
    this.#isSet = true;
  }
}

class Last implements Accumulator {
  result: Json = null;

  add(value: Json | undefined): void {
    this.result = value ?? null;
  }
}

class Push implements Accumulator {
  readonly result: Json[] = [];

  add(value: Json | undefined): void {
    if (value === undefined) return;
    if (this.result.length >= LIMITS.held) tooMuch("$push");
    this.result.push(value);
  }
}

class AddToSet implements Accumulator {
  readonly #found = new Map<string, Json>();

  add(value: Json | undefined): void {
    if (value === undefined) return;
    this.#found.set(keyTextOf(value), value);
    if (this.#found.size > LIMITS.held) tooMuch("$addToSet");
  }

  get result(): Json {
    return [...this.#found.values()];
  }
}

const ACCUMULATORS: Record<string, () => Accumulator> = {
  $sum: () => new Sum(),
  $avg: () => new Average(),
  $min: () => new Extreme(-1),
  $max: () => new Extreme(1),
  $first: () => new First(),
  $last: () => new Last(),
  $push: () => new Push(),
  $addToSet: () => new AddToSet(),
  $count: () => new Sum(),
};

function tooMuch(what: string): never {
  throw new DocumentsError("too-large", `${what} would hold over ${LIMITS.held} values.`);
}

export function groupOf(given: unknown): Group {
  if (!isFields(given as Json) || !Object.hasOwn(given as object, "_id")) {
    badQuery("$group takes an object with _id: what to group by, or null for all as one.");
  }
  const { _id, ...others } = given as Record<string, unknown>;
  const fields = Object.entries(others).map(([name, wanted]): Group["fields"][number] => {
    checkName(name, "$group");
    const entries = typeof wanted === "object" && wanted !== null ? Object.entries(wanted) : [];
    const [operator, value] = entries[0] ?? [];
    if (entries.length !== 1 || !operator?.startsWith("$")) {
      badQuery(`$group: ${name} takes one accumulator, such as {$sum: 1}.`);
    }
    const make = Object.hasOwn(ACCUMULATORS, operator) ? ACCUMULATORS[operator] : undefined;
    if (!make) unsupported(`$group: the accumulator ${operator} isn't supported.`);
    if (operator === "$count") {
      if (!isFields(value as Json) || Object.keys(value as object).length) {
        badQuery(`$group: ${name}: $count takes {}.`);
      }
      return [name, make, ["constant", 1]];
    }
    return [name, make, expressionOf(value, name)];
  });
  return { id: expressionOf(_id, "_id"), fields };
}

export class Groups {
  readonly #found = new Map<string, { id: Json; accumulators: Accumulator[] }>();

  constructor(readonly group: Group) {}

  add(document: Fields): void {
    const id = valueOf(this.group.id, document) ?? null;
    const key = keyTextOf(id);
    let found = this.#found.get(key);
    if (!found) {
      if (this.#found.size >= LIMITS.held) tooMuch("$group");
      found = { id, accumulators: this.group.fields.map(([, make]) => make()) };
      this.#found.set(key, found);
    }
    this.group.fields.forEach(([, , expression], at) => found.accumulators[at]?.add(valueOf(expression, document)));
  }

  *results(): Generator<Fields> {
    for (const { id, accumulators } of this.#found.values()) {
      const result: Fields = { _id: id };
      this.group.fields.forEach(([name], at) => result[name] = (accumulators[at] as Accumulator).result);
      yield result;
    }
  }
}

/** The same for the same values, and for no others. */
function keyTextOf(value: Json): string {
  return JSON.stringify(ordered(value));
}

function ordered(value: Json): Json {
  if (Array.isArray(value)) return value.map(ordered);
  if (!isFields(value)) return value === 0 ? 0 : value;
  const fields = Object.entries(value).sort(([a], [b]) => compareTexts(a, b));
  return { fields: fields.map(([name, each]) => [name, ordered(each)]) };
}
