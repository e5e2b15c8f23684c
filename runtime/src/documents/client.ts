/** `imp.db` and `imp.sql` as a function has them: each call is a message to the isolate that holds the connection. */
import { DocumentsError, type DocumentsErrorCode } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import { fromWire } from "./wire.ts";

export type Ask = (op: string, collection: string, args: unknown[]) => Promise<unknown>;

interface Batch {
  documents: unknown[];
  after: unknown;
}

type Options = Record<string, unknown>;

/** What asks, with values as JSON on the way there and as dates and texts on the way back. */
function speaking(ask: Ask, mostGiven = Infinity): Ask {
  return async (op, collection, args) => {
    try {
      const room = { op, left: mostGiven };
      const given = args.map((each, at) => toWire(each, `Argument ${at + 1} of ${op}`, room));
      return fromWire(await ask(op, collection, given));
    } catch (error) {
      const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
      if (error instanceof DocumentsError || typeof code !== "string") throw error;
      throw new DocumentsError(code as DocumentsErrorCode, String(message));
    }
  };
}

class FindCursor {
  readonly #ask: Ask;
  readonly #collection: string;
  readonly #filter: unknown;
  #options: Options;
  #ready: unknown[] = [];
  #after: unknown = undefined;

  constructor(ask: Ask, collection: string, filter: unknown, options: Options) {
    this.#ask = ask;
    this.#collection = collection;
    this.#filter = filter;
    this.#options = { ...options };
  }

  sort(sort: string | Options, direction: 1 | -1 = 1): this {
    return this.#with({ sort: typeof sort === "string" ? { [sort]: direction } : sort });
  }

  skip(skip: number): this {
    return this.#with({ skip });
  }

  limit(limit: number): this {
    return this.#with({ limit });
  }

  project(projection: Options): this {
    return this.#with({ projection });
  }

  batchSize(batchSize: number): this {
    return this.#with({ batchSize });
  }

  async next(): Promise<unknown> {
    if (!this.#ready.length) await this.#fetch();
    return this.#ready.length ? this.#ready.shift() : null;
  }

  async hasNext(): Promise<boolean> {
    if (!this.#ready.length) await this.#fetch();
    return this.#ready.length > 0;
  }

  async toArray(): Promise<unknown[]> {
    const found: unknown[] = [];
    do {
      await this.#fetch();
      for (const each of this.#ready) found.push(each);
      this.#ready = [];
    } while (this.#after !== null);
    return found;
  }

  async forEach(each: (document: unknown) => unknown): Promise<void> {
    for await (const document of this) await each(document);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<unknown> {
    while (await this.hasNext()) yield this.#ready.shift();
  }

  #with(more: Options): this {
    if (this.#after !== undefined) throw new DocumentsError("bad-query", "The cursor has begun; set it up before.");
    Object.assign(this.#options, more);
    return this;
  }

  async #fetch(): Promise<void> {
    if (this.#after === null) return;
    const options = this.#after === undefined ? this.#options : { ...this.#options, after: this.#after };
    const batch = await this.#ask("find", this.#collection, [this.#filter, options]) as Batch;
    this.#after = batch.after;
    this.#ready = this.#ready.concat(batch.documents);
  }
}

class AggregationCursor {
  readonly #found: () => Promise<unknown[]>;
  #begun: Promise<unknown[]> | undefined;
  #at = 0;

  constructor(found: () => Promise<unknown[]>) {
    this.#found = found;
  }

  toArray(): Promise<unknown[]> {
    return this.#begun ??= this.#found();
  }

  async next(): Promise<unknown> {
    return (await this.toArray())[this.#at++] ?? null;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<unknown> {
    yield* await this.toArray();
  }
}

/** What a collection does by one question and one answer. */
const PLAIN = [
  "findOne",
  "countDocuments",
  "estimatedDocumentCount",
  "distinct",
  "insertOne",
  "insertMany",
  "updateOne",
  "updateMany",
  "replaceOne",
  "deleteOne",
  "deleteMany",
  "findOneAndUpdate",
  "findOneAndReplace",
  "findOneAndDelete",
  "bulkWrite",
  "createIndex",
  "dropIndex",
  "listIndexes",
  "drop",
] as const;

function collectionOf(ask: Ask, name: string): object {
  const collection: Record<string, unknown> = {
    name,
    find: (filter: unknown = {}, options: Options = {}) => new FindCursor(ask, name, filter, options),
    aggregate: (pipeline: unknown = [], options?: Options) =>
      new AggregationCursor(() =>
        ask("aggregate", name, options === undefined ? [pipeline] : [pipeline, options]) as Promise<unknown[]>
      ),
  };
  for (const op of PLAIN) collection[op] = (...args: unknown[]) => ask(op, name, trimmed(args));
  return Object.freeze(collection);
}

/** Arguments that were left out, or given as undefined at the end, aren't there. */
function trimmed(args: unknown[]): unknown[] {
  const given = [...args];
  while (given.length && given[given.length - 1] === undefined) given.pop();
  return given;
}

/** `imp.db()` gives the database, `imp.db("deliveries")` the collection. */
export function makeDb(ask: Ask): (name?: string) => object {
  const spoken = speaking(ask, LIMITS.given);
  const database = Object.freeze({
    collection: (name: string) => collectionOf(spoken, nameOf(name)),
    listCollections: () => spoken("listCollections", "", []),
  });
  return (name) => name === undefined ? database : collectionOf(spoken, nameOf(name));
}

function nameOf(name: unknown): string {
  if (typeof name !== "string") throw new DocumentsError("bad-query", "The name of a collection is a text.");
  return name;
}

interface Answer {
  rows: unknown[];
  count: number;
}

type Tag = (pieces: TemplateStringsArray, ...values: unknown[]) => Promise<unknown[] & { count: number }>;

/** `imp.sql`: a tagged template, and `imp.sql.begin(async (sql) => …)`. */
export function makeSql(ask: Ask): Tag & { begin<T>(work: (sql: Tag) => Promise<T>): Promise<T> } {
  const spoken = speaking(ask);
  const tag = (id?: string): Tag => async (pieces, ...values) => {
    if (!Array.isArray(pieces) || !Array.isArray(pieces.raw)) {
      throw new DocumentsError("bad-query", "imp.sql is written before a template: imp.sql`SELECT ${value}`.");
    }
    const args = id === undefined ? [[...pieces], values] : [[...pieces], values, id];
    const { rows, count } = await spoken("sql.run", "", args) as Answer;
    return Object.assign(rows, { count });
  };
  const begin = async <T>(work: (sql: Tag) => Promise<T>): Promise<T> => {
    const id = await spoken("sql.begin", "", []) as string;
    let result: T;
    try {
      result = await work(tag(id));
    } catch (error) {
      await spoken("sql.rollback", "", [id]).catch(() => {});
      throw error;
    }
    await spoken("sql.commit", "", [id]);
    return result;
  };
  return Object.freeze(Object.assign(tag(), { begin }));
}

const MOST_DEPTH = 110;
/** What a value counts for that is no text. */
const OF_OTHERS = 8;

/** What an operation may still be given. More of it is held twice on the way than its process has memory for. */
interface Room {
  op: string;
  left: number;
}

/** As JSON, refusing what would become something else on the way. */
function toWire(value: unknown, where: string, room: Room, depth = 0): unknown {
  const refuse = (what: string): never => {
    throw new DocumentsError("bad-value", `${where} ${what}`);
  };
  if (depth > MOST_DEPTH) refuse("nests too deep, or holds itself.");
  if ((room.left -= typeof value === "string" ? value.length : OF_OTHERS) < 0) {
    const most = LIMITS.given.toLocaleString("en");
    throw new DocumentsError("too-large", `${room.op} is given over ${most} characters: give it less at once.`);
  }
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value : refuse(`is ${value}, which can't be kept.`);
    case "undefined":
      return refuse("is undefined: use null, or leave the field out.");
    case "object":
      break;
    default:
      return refuse(`is a ${typeof value}, which can't be kept.`);
  }
  if (value === null) return null;
  if (value instanceof Date) {
    return Number.isNaN(value.getTime()) ? refuse("is no valid date.") : { $date: value.toISOString() };
  }
  if (value instanceof RegExp) return { $regex: value.source, $options: optionsOf(value, refuse) };
  if (value instanceof Uint8Array) return { $bytes: value.toBase64() };
  if (Array.isArray(value)) return Array.from(value, (each, at) => toWire(each, `${where}[${at}]`, room, depth + 1));
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    refuse("is an object of a class, which can't be kept: make a plain object of it.");
  }
  const found: Record<string, unknown> = Object.create(null);
  for (const [name, each] of Object.entries(value)) {
    room.left -= name.length;
    found[name] = toWire(each, `${where}: ${name}`, room, depth + 1);
  }
  return found;
}

function optionsOf({ flags }: RegExp, refuse: (what: string) => never): string {
  const options = flags.replace(/[gyud]/g, "");
  if (/[^ims]/.test(options)) refuse(`has the flag ${options}, which isn't supported.`);
  return options;
}
