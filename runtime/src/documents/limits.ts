/** What one gateway's documents may be at most. docs/documents.md names each; a test holds it to this. */
export const MIB = 1024 * 1024;
export const LIMITS = {
  /** Bytes of one document as JSON. */
  documentBytes: MIB,
  /** How deep documents and filters nest. */
  depth: 100,
  /** What a filter asks of fields: a database plans for minutes of tens of thousands. */
  tests: 1000,
  collections: 200,
  indexesOfCollection: 20,
  fieldsOfIndex: 8,
  /** Documents given to insertMany or bulkWrite at once. */
  atOnce: 1000,
  /** Characters of what is given to one operation: of its names and texts, and eight for each other value. */
  given: 8_000_000,
  /** Documents of one batch of a cursor, and their bytes. */
  batch: 1000,
  batchBytes: 4 * MIB,
  /** Documents that a pipeline may hold at once: in $sort, the groups of $group, its answer; and their bytes. */
  held: 20_000,
  heldBytes: 16 * MIB,
  /** Values of distinct. */
  distinct: 10_000,
  pathParts: 32,
  pathLength: 500,
  patternLength: 500,
  idLength: 200,
  /** Milliseconds of one statement; of the making of an index. */
  statementMs: 10_000,
  indexMs: 60_000,
  /** Milliseconds that a transaction of imp.sql may wait between statements, and how many are open at once. */
  idleMs: 10_000,
  transactions: 3,
  /** Connections for imp.sql: one more than transactions, so that a statement alone always gets on. */
  lanes: 4,
  /** Rows that a statement of imp.sql may return, and their characters: of texts, of bytes, and eight for others. */
  rows: 10_000,
  rowCharacters: 16_000_000,
  /** Milliseconds from which an operation is noted as slow. */
  slowMs: 100,
} as const;
