/** The expressions of pipelines: fields and constants. */
import { badQuery, unsupported } from "./errors.ts";
import { pathOf } from "./paths.ts";
import { type Fields, isDate, isFields, type Json, taken } from "./values.ts";

export type Expression =
  | ["field", string[]]
  | ["root"]
  | ["constant", Json]
  | ["object", [string, Expression][]]
  | ["array", Expression[]];

export function expressionOf(given: unknown, where: string): Expression {
  if (typeof given === "string" && given.startsWith("$")) {
    if (given === "$$ROOT") return ["root"];
    if (given.startsWith("$$")) unsupported(`${where}: of variables there is only $$ROOT, no ${given}.`);
    const path = pathOf(given.slice(1), `${where}: the field`);
    if (path.hasPlace) unsupported(`${where}: ${given} names a place in an array, which isn't supported here.`);
    return ["field", path.parts];
  }
  if (Array.isArray(given)) return ["array", given.map((each) => expressionOf(each, where))];
  if (typeof given !== "object" || given === null || isDate(given as Json)) return ["constant", taken(given, where)];
  const entries = Object.entries(given);
  const [operator, value] = entries.find(([name]) => name.startsWith("$")) ?? [];
  if (operator === "$literal" && entries.length === 1) return ["constant", taken(value, where)];
  if (operator !== undefined) {
    unsupported(`${where}: the expression ${operator} isn't supported; "$field", $$ROOT, constants and $literal are.`);
  }
  for (const [name] of entries) if (name.includes(".")) badQuery(`${where}: ${JSON.stringify(name)} has a dot.`);
  const fields = entries.map(([name, each]): [string, Expression] => [
    pathOf(name).name,
    expressionOf(each, `${where}.${name}`),
  ]);
  return ["object", fields];
}

/** undefined: there is none. */
export function valueOf(expression: Expression, document: Fields): Json | undefined {
  switch (expression[0]) {
    case "root":
      return document;
    case "constant":
      return expression[1];
    case "field":
      return fieldOf(document, expression[1]);
    case "array":
      return expression[1].map((each) => valueOf(each, document) ?? null);
    case "object": {
      const found: Fields = {};
      for (const [name, each] of expression[1]) {
        const value = valueOf(each, document);
        if (value !== undefined) found[name] = value;
      }
      return found;
    }
  }
}

/** Through an array, it's the list of what its objects have there. */
function fieldOf(value: Json, parts: string[]): Json | undefined {
  const [part, ...rest] = parts;
  if (part === undefined) return value;
  if (Array.isArray(value)) {
    return value.filter(isFields).map((each) => fieldOf(each, parts)).filter((each) => each !== undefined);
  }
  if (!isFields(value) || !Object.hasOwn(value, part)) return undefined;
  return fieldOf(value[part] as Json, rest);
}
