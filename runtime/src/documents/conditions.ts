/**
 * A filter as a condition of SQL, true for exactly the documents that match.
 *
 * Nothing that was given becomes part of the statement's text but the names of fields in an index, which are quoted:
 * paths and values are parameters.
 */
import type { Filter, Test } from "./filters.ts";
import { isPlace, type Path } from "./paths.ts";
import { isDate, type Json, type TypeName, typeOf } from "./values.ts";

/** The parameters of a statement; `$1`, `$2`, … in its text. */
export class Parameters {
  readonly values: (string | number | boolean | null)[] = [];
  #names = 0;

  text(value: string): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }

  json(value: Json): string {
    return `${this.text(JSON.stringify(value))}::text::jsonb`;
  }

  jsonpath(path: string): string {
    return `${this.text(path)}::text::jsonpath`;
  }

  number(value: number): string {
    return `${this.text(String(value))}::text::numeric`;
  }

  /** A name for what a part of the statement reads from. */
  name(): string {
    return `x${++this.#names}`;
  }
}

/** Where a test looks: what a path reaches, or one value. */
type Place = { document: string; path: Path } | { value: string };

export function conditionOf(filter: Filter, document: string, parameters: Parameters): string {
  switch (filter.kind) {
    case "and":
      return joined(filter.parts.map((part) => conditionOf(part, document, parameters)), "AND", "true");
    case "or":
      return joined(filter.parts.map((part) => conditionOf(part, document, parameters)), "OR", "false");
    case "nor":
      return not(joined(filter.parts.map((part) => conditionOf(part, document, parameters)), "OR", "false"));
    case "field": {
      const place = { document, path: filter.path };
      return joined(filter.tests.map((test) => testedById(test, place, parameters)), "AND", "true");
    }
  }
}

function joined(parts: string[], by: "AND" | "OR", none: string): string {
  if (parts.length <= 1) return parts[0] ?? none;
  return `(${parts.join(` ${by} `)})`;
}

function not(condition: string): string {
  return `((${condition}) IS NOT TRUE)`;
}

/** An id is a text in a column of its own, with the table's key on it. */
function testedById(test: Test, place: { document: string; path: Path }, parameters: Parameters): string {
  if (place.document !== "doc" || place.path.name !== "_id") return tested(test, place, parameters);
  if (test.op === "eq" && typeof test.value === "string") return `_id = ${parameters.text(test.value)}`;
  if (test.op === "order" && typeof test.value === "string") return `_id ${test.order} ${parameters.text(test.value)}`;
  if (test.op === "in" && !test.patterns.length && test.values.every((value) => typeof value === "string")) {
    return `_id = ANY(ARRAY(SELECT jsonb_array_elements_text(${parameters.json(test.values)})))`;
  }
  if (test.op === "not") {
    return not(joined(test.tests.map((inner) => testedById(inner, place, parameters)), "AND", "true"));
  }
  return tested(test, place, parameters);
}

function tested(test: Test, place: Place, parameters: Parameters): string {
  switch (test.op) {
    case "not":
      return not(joined(test.tests.map((inner) => tested(inner, place, parameters)), "AND", "true"));
    case "every":
      return joined(test.tests.map((inner) => tested(inner, place, parameters)), "AND", "true");
    case "exists": {
      if ("value" in place) return String(test.wanted);
      const found = someWhole(place, parameters, () => "true");
      return test.wanted ? found : not(found);
    }
    case "type":
      return joined(test.types.map((type) => ofType(type, place, parameters)), "OR", "false");
    case "size":
      return someWhole(
        place,
        parameters,
        (value) =>
          `CASE jsonb_typeof(${value}) WHEN 'array' THEN jsonb_array_length(${value}) = ${
            parameters.number(test.size)
          } ELSE false END`,
      );
    case "elemDocuments":
      return someElement(place, parameters, (element) => ofDocument(element, test.filter, parameters));
    case "elemValues":
      return someElement(
        place,
        parameters,
        (element) => joined(test.tests.map((inner) => tested(inner, { value: element }, parameters)), "AND", "true"),
      );
    case "regex":
      return someEach(place, parameters, (value) => likePattern(value, test.pattern.posix, parameters));
    case "in":
      return oneOf(test.values, test.patterns.map((pattern) => pattern.posix), place, parameters);
    case "eq":
      return same(test.value, place, parameters);
    case "order":
      if (test.value === null) return test.order.endsWith("=") ? same(null, place, parameters) : "false";
      return someScalar(place, parameters, [scalar(test.value, test.order)]);
  }
}

/** An array as what its places would be as fields, as MongoDB looks at it there. */
function ofDocument(element: string, filter: Filter, parameters: Parameters): string {
  const name = parameters.name();
  const condition = conditionOf(filter, `${name}.d`, parameters);
  const asFields =
    `(SELECT coalesce(jsonb_object_agg((n - 1)::text, e), '{}') FROM jsonb_array_elements(${element}) WITH ORDINALITY AS o(e, n))`;
  return `(CASE WHEN jsonb_typeof(${element}) = 'array' OR (jsonb_typeof(${element}) = 'object' AND NOT ${element} ? '$date') ` +
    `THEN (SELECT ${condition} FROM (SELECT CASE jsonb_typeof(${element}) WHEN 'array' THEN ${asFields} ELSE ${element} END AS d) AS ${name}) ` +
    `ELSE false END)`;
}

function likePattern(value: string, posix: string, parameters: Parameters): string {
  return `(CASE jsonb_typeof(${value}) WHEN 'string' THEN (${value} #>> '{}') COLLATE "C" ~ ${
    parameters.text(posix)
  } ELSE false END)`;
}

function oneOf(values: Json[], patterns: string[], place: Place, parameters: Parameters): string {
  const parts: string[] = [];
  const scalars = values.filter((value) => value !== null && !isComposite(value));
  if (scalars.length > 8) {
    const list = `ANY(ARRAY(SELECT jsonb_array_elements(${parameters.json(scalars)})))`;
    parts.push(someEach(place, parameters, (value) => `${value} = ${list}`));
  } else if (scalars.length) {
    parts.push(someScalar(place, parameters, scalars.map((value) => scalar(value, "=="))));
  }
  for (const value of values) if (value === null || isComposite(value)) parts.push(same(value, place, parameters));
  for (const posix of patterns) {
    parts.push(someEach(place, parameters, (value) => likePattern(value, posix, parameters)));
  }
  return joined(parts, "OR", "false");
}

function isComposite(value: Json): boolean {
  return typeof value === "object" && value !== null && !isDate(value);
}

function same(wanted: Json, place: Place, parameters: Parameters): string {
  if (wanted === null) {
    const isNull = someEach(place, parameters, (value) => `jsonb_typeof(${value}) = 'null'`);
    return "value" in place ? isNull : `(${isNull} OR ${isMissing(place, parameters)})`;
  }
  if (!isComposite(wanted)) return someScalar(place, parameters, [scalar(wanted, "==")]);
  const given = parameters.json(wanted);
  return someEach(place, parameters, (value) => `${value} = ${given}`);
}

function ofType(type: TypeName, place: Place, parameters: Parameters): string {
  if (type === "array") return someWhole(place, parameters, (value) => `jsonb_typeof(${value}) = 'array'`);
  if (type === "date") {
    return someEach(place, parameters, (value) => `(jsonb_typeof(${value}) = 'object' AND ${value} ? '$date')`);
  }
  if (type === "object") {
    return someEach(place, parameters, (value) => `(jsonb_typeof(${value}) = 'object' AND NOT ${value} ? '$date')`);
  }
  return someEach(place, parameters, (value) => `jsonb_typeof(${value}) = '${type === "bool" ? "boolean" : type}'`);
}

/** As jsonpath has it. The look at the type comes first: a comparison would reach into an array in an array. */
function scalar(value: Json, order: string): string {
  if (isDate(value)) return `(@.type() == "object" && @."$date" ${order} ${JSON.stringify(value.$date)})`;
  const type = typeof value === "boolean" ? "boolean" : typeOf(value);
  return `(@.type() == "${type}" && @ ${order} ${JSON.stringify(value)})`;
}

/** One of the tests is passed by a value there, or by an element of it where it's an array. */
function someScalar(place: Place, parameters: Parameters, tests: string[]): string {
  const test = tests.join(" || ");
  if ("value" in place) return `(${place.value} @? ${parameters.jsonpath(`strict $ ? (${test})`)})`;
  const { document, path } = place;
  if (path.hasPlace) return someEach(place, parameters, (value) => someScalar({ value }, parameters, tests));
  // lax: the filter looks at the elements of an array, and no deeper
  return `(${document} @? ${parameters.jsonpath(`${steps(path.parts)} ? (${test})`)})`;
}

function steps(parts: string[]): string {
  return `$${parts.map((part) => `.${JSON.stringify(part)}`).join("")}`;
}

/** A value there passes, or an element of it where it's an array. */
function someEach(place: Place, parameters: Parameters, passes: (value: string) => string): string {
  if ("value" in place) return passes(place.value);
  const name = parameters.name();
  const value = `${name}.v`;
  const { document, path } = place;
  if (path.hasPlace) {
    const whole = parameters.name();
    const elements =
      `SELECT ${whole}.v UNION ALL SELECT e FROM jsonb_array_elements(CASE WHEN jsonb_typeof(${whole}.v) = 'array' AND NOT ${whole}.p THEN ${whole}.v ELSE '[]' END) AS f(e)`;
    return `EXISTS (SELECT FROM ${
      reachedByPlaces(document, path.parts, whole, parameters)
    }, LATERAL (${elements}) AS ${name}(v) WHERE ${passes(value)})`;
  }
  const all = `SELECT jsonb_path_query(${document}, ${parameters.jsonpath(steps(path.parts))}) UNION ALL ` +
    `SELECT jsonb_path_query(${document}, ${parameters.jsonpath(`${steps(path.parts)}[*]`)})`;
  return `EXISTS (SELECT FROM (${all}) AS ${name}(v) WHERE ${passes(value)})`;
}

/** A value there passes as a whole. */
function someWhole(place: Place, parameters: Parameters, passes: (value: string) => string): string {
  if ("value" in place) return passes(place.value);
  const name = parameters.name();
  const { document, path } = place;
  if (path.hasPlace) {
    return `EXISTS (SELECT FROM ${reachedByPlaces(document, path.parts, name, parameters)} WHERE ${
      passes(`${name}.v`)
    })`;
  }
  return `EXISTS (SELECT FROM jsonb_path_query(${document}, ${
    parameters.jsonpath(steps(path.parts))
  }) AS ${name}(v) WHERE ${passes(`${name}.v`)})`;
}

function someElement(place: Place, parameters: Parameters, passes: (element: string) => string): string {
  return someWhole(place, parameters, (value) => {
    const name = parameters.name();
    return `EXISTS (SELECT FROM jsonb_array_elements(CASE jsonb_typeof(${value}) WHEN 'array' THEN ${value} ELSE '[]' END) AS ${name}(e) WHERE ${
      passes(`${name}.e`)
    })`;
  });
}

/** Part by part: as a field, of an array's elements too, and as a place in an array, which `p` then says. */
function reachedByPlaces(document: string, parts: string[], result: string, parameters: Parameters): string {
  let before = document;
  const sources = parts.map((part, at) => {
    const name = at === parts.length - 1 ? result : parameters.name();
    const byName = `SELECT jsonb_path_query(${before}, ${parameters.jsonpath(steps([part]))}), false`;
    const byPlace = isPlace(part)
      ? ` UNION ALL SELECT ${before} -> ${part}, true WHERE jsonb_typeof(${before}) = 'array' AND jsonb_array_length(${before}) > ${part}`
      : "";
    before = `${name}.v`;
    return `LATERAL (${byName}${byPlace}) AS ${name}(v, p)`;
  });
  return sources.join(", ");
}

/**
 * The path ends in nothing somewhere: an object on the way lacks its next field, or something that has no fields is on
 * the way. What has no fields and is an array's element is passed over.
 */
function isMissing({ document, path }: { document: string; path: Path }, parameters: Parameters): string {
  if (path.hasPlace) return missingByPlaces(document, path.parts, parameters);
  const parts: string[] = [];
  path.parts.forEach((part, at) => {
    const lacks = `!exists(@.${JSON.stringify(part)})`;
    if (at === 0) {
      parts.push(`(${document} @? ${parameters.jsonpath(`$ ? (${lacks})`)})`);
      return;
    }
    const before = steps(path.parts.slice(0, at));
    parts.push(
      `(${document} @? ${parameters.jsonpath(`${before} ? (@.type() == "object" && !exists(@."$date") && ${lacks})`)})`,
    );
    const name = parameters.name();
    parts.push(
      `EXISTS (SELECT FROM jsonb_path_query(${document}, ${parameters.jsonpath(before)}) AS ${name}(v) ` +
        `WHERE jsonb_typeof(${name}.v) NOT IN ('array', 'object') OR ${name}.v ? '$date')`,
    );
  });
  return joined(parts, "OR", "false");
}

/** The same, where an element can also be reached by its place. */
function missingByPlaces(document: string, parts: string[], parameters: Parameters): string {
  const found: string[] = [];
  parts.forEach((part, at) => {
    const [holder, element] = [parameters.name(), parameters.name()];
    // Of what is reached by a place in an array, that which has no fields is passed over too
    const from = at === 0
      ? `(SELECT ${document}, false) AS ${holder}(v, p)`
      : reachedByPlaces(document, parts.slice(0, at), holder, parameters);
    const all =
      `SELECT ${holder}.v, ${holder}.p UNION ALL SELECT e, true FROM jsonb_array_elements(CASE jsonb_typeof(${holder}.v) WHEN 'array' THEN ${holder}.v ELSE '[]' END) AS f(e)`;
    const value = `${element}.v`;
    const name = parameters.text(part);
    found.push(
      `EXISTS (SELECT FROM ${from}, LATERAL (${all}) AS ${element}(v, i) WHERE CASE ` +
        `WHEN jsonb_typeof(${value}) = 'object' AND NOT ${value} ? '$date' THEN NOT ${value} ? ${name} ` +
        `WHEN jsonb_typeof(${value}) = 'array' THEN false ELSE NOT ${element}.i END)`,
    );
  });
  return joined(found, "OR", "false");
}
