/** `imp.db` and `imp.sql`: what a function keeps in its gateway's own database. */

// deno-lint-ignore no-explicit-any
type ImpDocument = Record<string, any> & { _id: string };
// deno-lint-ignore no-explicit-any
type ImpNewDocument = Record<string, any> & { _id?: string };

/** What a field is compared by. */
interface ImpOperators {
  $eq?: unknown;
  $ne?: unknown;
  $gt?: number | string | boolean | Date | null;
  $gte?: number | string | boolean | Date | null;
  $lt?: number | string | boolean | Date | null;
  $lte?: number | string | boolean | Date | null;
  $in?: readonly unknown[];
  $nin?: readonly unknown[];
  $not?: ImpOperators | RegExp;
  $exists?: boolean;
  $type?: ImpTypeName | number | readonly (ImpTypeName | number)[];
  $regex?: string | RegExp;
  $options?: string;
  $size?: number;
  $all?: readonly unknown[];
  $elemMatch?: ImpFilter | ImpOperators;
}

type ImpTypeName = "null" | "number" | "string" | "object" | "array" | "bool" | "date";

interface ImpFilter {
  $and?: readonly ImpFilter[];
  $or?: readonly ImpFilter[];
  $nor?: readonly ImpFilter[];
  /** A value to be equal to, or operators: `{ price: { $gt: 5 } }`. Paths have dots: `address.city`. */
  // deno-lint-ignore no-explicit-any
  [field: string]: any;
}

type ImpFields<T> = { [field: string]: T };

interface ImpUpdate {
  $set?: ImpFields<unknown>;
  $unset?: ImpFields<unknown>;
  $inc?: ImpFields<number>;
  $mul?: ImpFields<number>;
  $min?: ImpFields<unknown>;
  $max?: ImpFields<unknown>;
  /** A value, or `{ $each: [...], $position, $sort, $slice }`. */
  $push?: ImpFields<unknown>;
  /** A value, or `{ $each: [...] }`. */
  $addToSet?: ImpFields<unknown>;
  $pull?: ImpFields<unknown>;
  $pullAll?: ImpFields<readonly unknown[]>;
  $pop?: ImpFields<1 | -1>;
  $rename?: ImpFields<string>;
  $currentDate?: ImpFields<true | { $type: "date" }>;
  /** Only when an upsert makes the document. */
  $setOnInsert?: ImpFields<unknown>;
}

type ImpSort = ImpFields<1 | -1> | [string, 1 | -1][];
interface ImpProjection {
  [field: string]: 0 | 1 | boolean | ImpProjection;
}

interface ImpUpdateResult {
  matchedCount: number;
  /** Of those, the ones that are different now. */
  modifiedCount: number;
  upsertedCount: number;
  upsertedId: string | null;
}

interface ImpCursor<T> extends AsyncIterable<T> {
  sort(sort: ImpSort): this;
  sort(field: string, direction?: 1 | -1): this;
  skip(count: number): this;
  limit(count: number): this;
  project(projection: ImpProjection): this;
  batchSize(count: number): this;
  toArray(): Promise<T[]>;
  /** null at the end. */
  next(): Promise<T | null>;
  hasNext(): Promise<boolean>;
  forEach(each: (document: T) => unknown): Promise<void>;
}

interface ImpAggregation<T> extends AsyncIterable<T> {
  toArray(): Promise<T[]>;
  next(): Promise<T | null>;
}

interface ImpFindOptions {
  sort?: ImpSort;
  skip?: number;
  limit?: number;
  projection?: ImpProjection;
  batchSize?: number;
}

interface ImpFindAndChangeOptions {
  sort?: ImpSort;
  projection?: ImpProjection;
  upsert?: boolean;
  /** The document as it was ("before", unless it's said), or as it is then. */
  returnDocument?: "before" | "after";
}

interface ImpStages {
  $match?: ImpFilter;
  $project?: ImpFields<unknown>;
  $sort?: ImpFields<1 | -1>;
  $skip?: number;
  $limit?: number;
  $group?: { _id: unknown; [field: string]: unknown };
  $unwind?: string | { path: string; preserveNullAndEmptyArrays?: boolean; includeArrayIndex?: string };
  $count?: string;
}

type ImpBulkOperation =
  | { insertOne: { document: ImpNewDocument } }
  | { updateOne: { filter: ImpFilter; update: ImpUpdate; upsert?: boolean } }
  | { updateMany: { filter: ImpFilter; update: ImpUpdate; upsert?: boolean } }
  | { replaceOne: { filter: ImpFilter; replacement: ImpNewDocument; upsert?: boolean } }
  | { deleteOne: { filter: ImpFilter } }
  | { deleteMany: { filter: ImpFilter } };

interface ImpBulkResult {
  insertedCount: number;
  matchedCount: number;
  modifiedCount: number;
  deletedCount: number;
  upsertedCount: number;
  insertedIds: Record<number, string>;
  upsertedIds: Record<number, string>;
}

/** Documents of one kind. It's made by the first of them. */
interface ImpCollection<T = ImpDocument> {
  readonly name: string;
  find(filter?: ImpFilter, options?: ImpFindOptions): ImpCursor<T>;
  findOne(
    filter?: ImpFilter,
    options?: { sort?: ImpSort; skip?: number; projection?: ImpProjection },
  ): Promise<T | null>;
  countDocuments(filter?: ImpFilter, options?: { skip?: number; limit?: number }): Promise<number>;
  estimatedDocumentCount(): Promise<number>;
  distinct(field: string, filter?: ImpFilter): Promise<unknown[]>;
  // deno-lint-ignore no-explicit-any
  aggregate<R = any>(pipeline: ImpStages[]): ImpAggregation<R>;
  insertOne(document: ImpNewDocument): Promise<{ insertedId: string }>;
  insertMany(
    documents: ImpNewDocument[],
    options?: { ordered?: boolean },
  ): Promise<{ insertedCount: number; insertedIds: string[] }>;
  updateOne(
    filter: ImpFilter,
    update: ImpUpdate,
    options?: { upsert?: boolean; sort?: ImpSort },
  ): Promise<ImpUpdateResult>;
  updateMany(filter: ImpFilter, update: ImpUpdate, options?: { upsert?: boolean }): Promise<ImpUpdateResult>;
  replaceOne(
    filter: ImpFilter,
    replacement: ImpNewDocument,
    options?: { upsert?: boolean; sort?: ImpSort },
  ): Promise<ImpUpdateResult>;
  deleteOne(filter: ImpFilter): Promise<{ deletedCount: number }>;
  deleteMany(filter: ImpFilter): Promise<{ deletedCount: number }>;
  findOneAndUpdate(filter: ImpFilter, update: ImpUpdate, options?: ImpFindAndChangeOptions): Promise<T | null>;
  findOneAndReplace(
    filter: ImpFilter,
    replacement: ImpNewDocument,
    options?: ImpFindAndChangeOptions,
  ): Promise<T | null>;
  findOneAndDelete(filter: ImpFilter, options?: { sort?: ImpSort; projection?: ImpProjection }): Promise<T | null>;
  bulkWrite(operations: ImpBulkOperation[], options?: { ordered?: boolean }): Promise<ImpBulkResult>;
  createIndex(keys: ImpSort, options?: { unique?: boolean; name?: string }): Promise<string>;
  dropIndex(name: string): Promise<void>;
  listIndexes(): Promise<{ name: string; key: ImpFields<1 | -1>; unique: boolean }[]>;
  drop(): Promise<boolean>;
}

interface ImpDb {
  (): { collection<T = ImpDocument>(name: string): ImpCollection<T>; listCollections(): Promise<{ name: string }[]> };
  <T = ImpDocument>(collection: string): ImpCollection<T>;
}

// deno-lint-ignore no-explicit-any
type ImpRows<T = Record<string, any>> = T[] & { count: number };

interface ImpSqlTag {
  /** Values become parameters, never part of the text: imp.sql`SELECT * FROM orders WHERE id = ${id}`. */
  // deno-lint-ignore no-explicit-any
  <T = Record<string, any>>(text: TemplateStringsArray, ...values: unknown[]): Promise<ImpRows<T>>;
}

interface ImpSql extends ImpSqlTag {
  /** All of it happens, or nothing: imp.sql.begin(async (sql) => { await sql`…`; }). */
  begin<T>(work: (sql: ImpSqlTag) => Promise<T>): Promise<T>;
}
