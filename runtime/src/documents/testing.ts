/** For tests alone: a database of its own role, given by who starts them. */
import { connect } from "../store/connect.ts";
import { CONNECTIONS, Documents, DocumentsError } from "./documents.ts";

export interface ForTests {
  documents: Documents;
  end: () => Promise<void>;
  // deno-lint-ignore no-explicit-any
  exec: (op: string, collection: string, ...args: unknown[]) => Promise<any>;
  /** A collection of these documents and no others. */
  fresh: (collection: string, made?: unknown[]) => Promise<void>;
}

export function documentsForTests(): ForTests {
  const url = Deno.env.get("DOCUMENTS_TEST_DATABASE");
  if (!url) {
    throw new Error("DOCUMENTS_TEST_DATABASE names no database: start this by pytest tests/runtime/test_documents.py.");
  }
  const sql = connect(url, CONNECTIONS);
  const lanes: (typeof sql)[] = [];
  const documents = new Documents(sql, (onclose) => {
    const lane = connect(url, { ...CONNECTIONS, max: 1, onclose });
    lanes.push(lane);
    return lane;
  });
  const exec: ForTests["exec"] = (op, collection, ...args) => documents.exec(op, collection, args);
  return {
    documents,
    end: async () => {
      await Promise.all([sql, ...lanes].map((each) => each.end({ timeout: 5 })));
    },
    exec,
    fresh: async (collection, made = []) => {
      await exec("drop", collection);
      if (made.length) await exec("insertMany", collection, made);
    },
  };
}

/** Tests of one file share its connections. */
export function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ sanitizeResources: false, sanitizeOps: false, name, fn });
}

export function refusedWith(code: string): (error: unknown) => boolean {
  return (error) => error instanceof DocumentsError && error.code === code;
}

/** The same numbers for the same seed, which a failure shows. */
export class Chance {
  readonly seed: number;
  #state: number;

  constructor(seed = Number(Deno.env.get("DOCUMENTS_TEST_SEED") || crypto.getRandomValues(new Uint32Array(1))[0])) {
    this.seed = seed;
    this.#state = seed >>> 0;
  }

  /** From 0 to below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  some<T>(most: number, make: () => T): T[] {
    return Array.from({ length: this.below(most + 1) }, make);
  }
}
