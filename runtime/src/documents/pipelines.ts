/** Pipelines: the stages that the database does, and those that are done here on what comes from it, bit by bit. */
import { badQuery, DocumentsError, unsupported } from "./errors.ts";
import { type Filter, filterOf, hasPattern } from "./filters.ts";
import { type Group, groupOf, Groups } from "./groups.ts";
import { comparerOf, type Sort, sortOf } from "./keys.ts";
import { LIMITS } from "./limits.ts";
import { matches } from "./matching.ts";
import { type Path, plainPathOf } from "./paths.ts";
import { projected, type Projection, projectionOf } from "./projections.ts";
import { bytesOf, checkName, type Fields, isFields, type Json } from "./values.ts";

type Stage =
  | { kind: "match"; filter: Filter }
  | { kind: "project"; projection: Projection }
  | { kind: "sort"; sort: Sort }
  | { kind: "skip" | "limit"; count: number }
  | { kind: "group"; group: Group }
  | { kind: "unwind"; path: Path; keepsEmpty: boolean; indexName?: string }
  | { kind: "count"; name: string };

/** What the database does of a pipeline, and what is left. */
export interface Pipeline {
  filter: Filter;
  sort: Sort;
  skip: number;
  limit?: number;
  rest: Stage[];
}

export const STAGES = ["$match", "$project", "$sort", "$skip", "$limit", "$group", "$unwind", "$count"] as const;
const MOST_STAGES = 50;

export function pipelineOf(given: unknown): Pipeline {
  if (!Array.isArray(given)) badQuery("A pipeline is a list of stages, such as [{$match: {}}].");
  if (given.length > MOST_STAGES) badQuery(`A pipeline has at most ${MOST_STAGES} stages.`);
  const stages = given.map(stageOf);
  const pipeline: Pipeline = { filter: { kind: "and", parts: [] }, sort: [], skip: 0, rest: stages };
  const filters: Filter[] = [];
  while (stages[0]?.kind === "match") filters.push((stages.shift() as { filter: Filter }).filter);
  pipeline.filter = filters.length === 1 ? filters[0] as Filter : { kind: "and", parts: filters };
  if (stages[0]?.kind === "sort") pipeline.sort = (stages.shift() as { sort: Sort }).sort;
  if (stages[0]?.kind === "skip") pipeline.skip = (stages.shift() as { count: number }).count;
  for (const stage of stages) {
    if (stage.kind === "match" && hasPattern(stage.filter)) {
      unsupported("A regular expression works in the $match stages that a pipeline begins with alone.");
    }
  }
  if (stages[0]?.kind === "limit") pipeline.limit = (stages.shift() as { count: number }).count;
  return pipeline;
}

function stageOf(given: unknown): Stage {
  const entries = isFields(given as Json) ? Object.entries(given as object) : [];
  const [name, value] = entries[0] ?? [];
  if (entries.length !== 1 || name === undefined) {
    badQuery("A stage is an object with one operator, such as {$match: {}}.");
  }
  switch (name) {
    case "$match":
      return { kind: "match", filter: filterOf(value) };
    case "$project": {
      const projection = projectionOf(value, true);
      if (!projection) badQuery("$project takes at least one field.");
      return { kind: "project", projection };
    }
    case "$sort": {
      const sort = sortOf(value, "$sort");
      if (!sort.length) badQuery("$sort takes at least one field.");
      return { kind: "sort", sort };
    }
    case "$skip":
    case "$limit": {
      const least = name === "$skip" ? 0 : 1;
      if (typeof value !== "number" || !Number.isInteger(value) || value < least) {
        badQuery(`${name} takes a whole number from ${least}.`);
      }
      return { kind: name === "$skip" ? "skip" : "limit", count: value };
    }
    case "$group":
      return { kind: "group", group: groupOf(value) };
    case "$unwind":
      return unwindOf(value);
    case "$count":
      if (typeof value !== "string" || !value) badQuery("$count takes the name of a field.");
      checkName(value, "$count");
      return { kind: "count", name: value };
    default:
      return unsupported(`The stage ${name} isn't supported in a pipeline; ${STAGES.join(", ")} are.`);
  }
}

function unwindOf(given: unknown): Stage {
  const options = typeof given === "string" ? { path: given } : given;
  if (!isFields(options as Json)) badQuery('$unwind takes a path, such as "$items".');
  const { path, preserveNullAndEmptyArrays = false, includeArrayIndex, ...more } = options as Record<string, unknown>;
  for (const name of Object.keys(more)) badQuery(`$unwind has no option ${name}.`);
  if (typeof path !== "string" || !path.startsWith("$")) {
    badQuery('The path of $unwind begins with $, such as "$items".');
  }
  if (typeof preserveNullAndEmptyArrays !== "boolean") {
    badQuery("preserveNullAndEmptyArrays of $unwind is true or false.");
  }
  if (includeArrayIndex !== undefined && (typeof includeArrayIndex !== "string" || !includeArrayIndex)) {
    badQuery("includeArrayIndex of $unwind takes the name of a field.");
  }
  if (typeof includeArrayIndex === "string") checkName(includeArrayIndex, "$unwind");
  return {
    kind: "unwind",
    path: plainPathOf(path.slice(1), "The path of $unwind"),
    keepsEmpty: preserveNullAndEmptyArrays,
    ...(typeof includeArrayIndex === "string" ? { indexName: includeArrayIndex } : {}),
  };
}

/** Holds documents up to the limits. */
export class Held {
  readonly documents: Fields[] = [];
  #bytes = 0;

  constructor(readonly what: string) {}

  add(document: Fields): void {
    this.#bytes += bytesOf(document);
    if (this.documents.length >= LIMITS.held || this.#bytes > LIMITS.heldBytes) {
      throw new DocumentsError(
        "too-large",
        `${this.what} would hold over ${LIMITS.held} documents or ${LIMITS.heldBytes} bytes: match or limit before.`,
      );
    }
    this.documents.push(document);
  }
}

export async function piped(source: AsyncIterable<Fields>, stages: Stage[]): Promise<Fields[]> {
  const flow = stages.reduce(through, source);
  const held = new Held("The answer");
  for await (const document of flow) held.add(document);
  return held.documents;
}

async function* through(source: AsyncIterable<Fields>, stage: Stage): AsyncGenerator<Fields> {
  switch (stage.kind) {
    case "match":
      for await (const document of source) if (matches(document, stage.filter)) yield document;
      return;
    case "project":
      for await (const document of source) yield projected(document, stage.projection);
      return;
    case "sort": {
      const held = new Held("$sort");
      for await (const document of source) held.add(document);
      yield* held.documents.sort(comparerOf(stage.sort));
      return;
    }
    case "skip": {
      let left = stage.count;
      for await (const document of source) if (left-- <= 0) yield document;
      return;
    }
    case "limit": {
      let left = stage.count;
      for await (const document of source) {
        yield document;
        if (--left === 0) return;
      }
      return;
    }
    case "group": {
      const groups = new Groups(stage.group);
      for await (const document of source) groups.add(document);
      yield* groups.results();
      return;
    }
    case "unwind":
      for await (const document of source) yield* unwound(document, stage);
      return;
    case "count": {
      let count = 0;
      for await (const _ of source) count++;
      if (count) yield { [stage.name]: count };
    }
  }
}

function* unwound(document: Fields, { path, keepsEmpty, indexName }: Stage & { kind: "unwind" }): Generator<Fields> {
  const value = plainly(document, path.parts);
  const isEmpty = value === undefined || value === null || (Array.isArray(value) && !value.length);
  const numbered = (each: Fields, index: number | null) => indexName ? { ...each, [indexName]: index } : each;
  if (isEmpty) {
    if (keepsEmpty) yield numbered(Array.isArray(value) ? put(document, path.parts, undefined) : document, null);
  } else if (!Array.isArray(value)) yield numbered(document, null);
  else for (const [at, each] of value.entries()) yield numbered(put(document, path.parts, each), at);
}

function plainly(document: Fields, parts: string[]): Json | undefined {
  let value: Json | undefined = document;
  for (const part of parts) value = isFields(value) && Object.hasOwn(value, part) ? value[part] : undefined;
  return value;
}

function put(document: Fields, [part, ...rest]: string[], value: Json | undefined): Fields {
  const { [part as string]: before, ...others } = document;
  const after = rest.length ? put(before as Fields, rest, value) : value;
  return after === undefined ? others : { ...others, [part as string]: after };
}
