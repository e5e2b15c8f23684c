/** Collections of documents in the gateway's own database: what `imp.db()` does, and the console's tab Data. */
import type { Sql } from "postgres";
import { bulkWritten } from "./bulk.ts";
import { Console } from "./console.ts";
import { badQuery, DocumentsError } from "./errors.ts";
import { parsedExactly } from "./exact.ts";
import { indexNameOf, indexOptionsOf, sortOf } from "./keys.ts";
import { type Connect, Lanes } from "./lanes.ts";
import { LIMITS } from "./limits.ts";
import { optionsOf, Reading } from "./reading.ts";
import { Slow } from "./slow.ts";
import { Statements } from "./statements.ts";
import { NoCollection, Store, tableOf } from "./store.ts";
import { Writing } from "./writing.ts";

export { DocumentsError, statusOf } from "./errors.ts";

/** For the connections that it's given: nothing takes longer, and nothing waits longer in a transaction. */
export const CONNECTIONS = {
  max: 5,
  // Each is a process of the server, which many gateways share; another one takes a few milliseconds
  idle_timeout: 10,
  types: { json: { to: 114, from: [114, 3802], serialize: JSON.stringify, parse: parsedExactly } },
  connection: {
    application_name: "imp-documents",
    statement_timeout: LIMITS.statementMs,
    idle_in_transaction_session_timeout: LIMITS.idleMs + 5_000,
  },
};

type Operation = (collection: string, args: unknown[]) => Promise<unknown>;

export class Documents {
  readonly store: Store;
  readonly reading: Reading;
  readonly writing: Writing;
  readonly slow: Slow;
  readonly #operations: Record<string, Operation>;
  readonly #console: Record<string, Operation>;
  readonly #statements: Statements;

  /** `sql` has a few connections in the role of the gateway's own data; `lane` makes those of functions' statements. */
  constructor(sql: Sql, lane: Connect) {
    this.store = new Store(sql);
    this.reading = new Reading(this.store);
    this.writing = new Writing(this.store, this.reading);
    this.slow = new Slow(this.store);
    this.#statements = new Statements(new Lanes(lane, (pid) => sql`SELECT pg_terminate_backend(${pid})`));
    this.#operations = this.#named();
    this.#console = new Console(this.store, this.reading, this.slow).operations;
  }

  /** Names of what a collection can do. */
  get names(): string[] {
    return Object.keys(this.#operations);
  }

  /** For functions. Arguments and answer are JSON, with a Date as {"$date": "…"}; `owner` is the call that asks. */
  async exec(op: string, collection: string, args: unknown[], owner = ""): Promise<unknown> {
    if (op.startsWith("sql.")) return await this.#statements.exec(op, args, owner);
    return await this.#done(this.#operations, op, collection, args);
  }

  /** For the console: the same, what it needs besides, and no statements. */
  async execData(op: string, collection: string, args: unknown[]): Promise<unknown> {
    return await this.#done(Object.hasOwn(this.#console, op) ? this.#console : this.#operations, op, collection, args);
  }

  /** Takes back what a call has begun and not ended. */
  release(owner: string): void {
    this.#statements.release(owner);
  }

  async #done(
    operations: Record<string, Operation>,
    op: string,
    collection: string,
    args: unknown[],
  ): Promise<unknown> {
    const operation = Object.hasOwn(operations, op) ? operations[op] : undefined;
    if (!operation) badQuery(`There is no operation ${JSON.stringify(op)}.`);
    if (!Array.isArray(args)) badQuery("The arguments of an operation are a list.");
    if (op !== "listCollections" && op !== "slowQueries") tableOf(collection);
    const began = performance.now();
    try {
      return await operation(collection, args);
    } catch (error) {
      const explained = this.store.explained(error);
      if (explained instanceof NoCollection) {
        throw new DocumentsError("no-such-collection", `There is no collection ${collection}.`);
      }
      throw explained;
    } finally {
      this.slow.note(collection, op, args, performance.now() - began);
    }
  }

  #named(): Record<string, Operation> {
    const { reading, writing, store } = this;
    return {
      find: (name, [filter = {}, options]) => reading.find(name, filter, options),
      findOne: (name, [filter = {}, options]) => reading.findOne(name, filter, options),
      countDocuments: (name, [filter = {}, options]) => reading.count(name, filter, options),
      estimatedDocumentCount: (name, [options]) =>
        reading.count(name, {}, optionsOf(options, [], "estimatedDocumentCount")),
      distinct: (name, [field, filter = {}]) => reading.distinct(name, field, filter),
      aggregate: (name, [pipeline = [], options]) => reading.aggregate(name, pipeline, options),
      insertOne: (name, [document]) => writing.insertOne(name, document),
      insertMany: (name, [documents, options]) => writing.insertMany(name, documents, options),
      updateOne: (name, [filter, update, options]) => writing.updateOne(name, filter, update, options),
      updateMany: (name, [filter, update, options]) => writing.updateMany(name, filter, update, options),
      replaceOne: (name, [filter, document, options]) => writing.replaceOne(name, filter, document, options),
      deleteOne: (name, [filter, options]) => writing.deleteOne(name, filter, options),
      deleteMany: (name, [filter, options]) => writing.deleteMany(name, filter, options),
      findOneAndUpdate: (name, [filter, update, options]) => writing.findOneAndUpdate(name, filter, update, options),
      findOneAndReplace: (name, [filter, document, options]) =>
        writing.findOneAndReplace(name, filter, document, options),
      findOneAndDelete: (name, [filter, options]) => writing.findOneAndDelete(name, filter, options),
      bulkWrite: (name, [operations, options]) => bulkWritten(writing, name, operations, options),
      createIndex: (name, [keys, options]) => this.#createIndex(name, keys, options),
      dropIndex: (name, [index]) => store.dropIndex(name, String(index)),
      listIndexes: (name) => this.#listIndexes(name),
      drop: (name) => store.drop(name),
      listCollections: async () => (await store.collections()).map(({ name }) => ({ name })),
    };
  }

  async #createIndex(collection: string, given: unknown, options: unknown): Promise<string> {
    const keys = sortOf(given, "The keys of an index");
    if (!keys.length) badQuery("An index takes at least one field, such as {email: 1}.");
    if (keys.some(([path]) => path.name === "_id")) badQuery("There is an index of _id always; another can't have it.");
    const { name, isUnique } = indexOptionsOf(options);
    return await this.store.createIndex(collection, keys, name ?? indexNameOf(keys), isUnique);
  }

  async #listIndexes(collection: string): Promise<unknown[]> {
    const found = await this.store.indexes(collection, true);
    return [
      { name: "_id_", key: { _id: 1 }, unique: true },
      ...found.map(({ name, keys, isUnique }) => ({
        name,
        key: Object.fromEntries(keys.map(([path, direction]) => [path.name, direction])),
        unique: isUnique,
      })),
    ];
  }
}
