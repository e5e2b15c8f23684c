/** Connections that run functions' own SQL, each for one call at a time: what one sets there, no other meets. */
import { Readable, type Writable } from "node:stream";
import type { Sql } from "postgres";
import { badQuery, DocumentsError } from "./errors.ts";
import { LIMITS } from "./limits.ts";

/** A pool of one connection, which tells when that is lost, and makes another when it's asked again. */
export type Connect = (onLost: () => void) => Sql;
/** Ends a session; there is a way to do it however long those of functions take. */
export type Stop = (pid: number) => Promise<unknown>;
type Row = Record<string, unknown>;
export type Rows = Row[] & { count: number | null; command: string };

/** After what PostgreSQL itself would have ended; and until it's tried again. */
const LATE_MS = 1_000;
const TIDY = "ROLLBACK; RESET ALL; CLOSE ALL; UNLISTEN *; SELECT pg_advisory_unlock_all()";

type Asked = Promise<unknown> & {
  state: { pid: number | null } | null;
  forEach(take: (row: Row) => void): unknown;
};

/** What a statement has returned so far, and, once that is too much, why there is no more of it. */
class Taken {
  readonly rows: Row[] = [];
  refusal: DocumentsError | undefined;
  #size = 0;

  add(row: Row): boolean {
    if (this.refusal) return false;
    this.#size += sizeOf(row);
    if (this.rows.length === LIMITS.rows) this.#refuse(`${LIMITS.rows} rows: add a LIMIT`);
    else if (this.#size > LIMITS.rowCharacters) {
      this.#refuse(`${LIMITS.rowCharacters.toLocaleString("en")} characters: ask for less of it`);
    } else this.rows.push(row);
    return this.refusal === undefined;
  }

  #refuse(most: string): void {
    this.rows.length = 0;
    this.refusal = new DocumentsError("too-large", `A statement returns at most ${most}.`);
  }
}

/** In characters: of its texts, of bytes, and eight for each other value. */
function sizeOf(value: unknown): number {
  if (typeof value === "string" || value instanceof Uint8Array) return value.length;
  if (typeof value !== "object" || value === null) return 8;
  return Object.values(value).reduce((sum: number, each) => sum + sizeOf(each), 8);
}

export class Lane {
  readonly #sql: Sql;
  /** The connection that it was taken with is gone, and what had begun on it. */
  isLost = false;
  /** It's about to be: nobody else gets it. */
  #isEnding = false;

  constructor(connect: Connect, readonly stop: Stop) {
    this.#sql = connect(() => this.isLost = true);
  }

  /** One at a time. What would return too much is ended with its session, before it takes all memory. */
  async run(text: string, values: unknown[] = []): Promise<Rows> {
    const asked = this.#sql.unsafe(text, values as never[], { prepare: true }) as unknown as Asked;
    const taken = new Taken();
    asked.forEach((row) => {
      if (taken.add(row) || this.#isEnding) return;
      this.#isEnding = true;
      if (asked.state?.pid) this.stop(asked.state.pid).catch(() => {});
    });
    let done: Rows | Readable | Writable;
    try {
      done = await this.#ended(asked) as typeof done;
    } catch (error) {
      throw taken.refusal ?? error;
    }
    if (taken.refusal) throw taken.refusal;
    if (!Array.isArray(done)) return letGo(done);
    return Object.assign(taken.rows, { count: done.count, command: done.command });
  }

  /** As a new session is, once what runs there has ended. False: it's of no more use. */
  async tidy(): Promise<boolean> {
    // The first that is asked after a loss may get what the lost connection had still to say
    if (this.isLost) return false;
    try {
      await this.#ended(this.#sql.unsafe(TIDY) as unknown as Asked);
      return !this.isLost && !this.#isEnding;
    } catch {
      return false;
    }
  }

  /** A statement may set its own limit, and catch that it's cancelled: then its session is ended. */
  async #ended(asked: Asked): Promise<unknown> {
    let isStopped = false;
    const timer = setInterval(() => {
      // Where it runs, as postgres.js keeps it for its own cancelling
      if (!asked.state?.pid) return;
      isStopped = true;
      this.stop(asked.state.pid).catch(() => {});
    }, LIMITS.statementMs + LATE_MS);
    try {
      return await asked;
    } catch (error) {
      if (isStopped) throw tookTooLong();
      throw error;
    } finally {
      clearInterval(timer);
    }
  }

  async end(): Promise<void> {
    await this.#sql.end({ timeout: 0 });
  }
}

export class Lanes {
  readonly #free: Lane[] = [];
  readonly #waiting: ((lane: Lane) => void)[] = [];
  #made = 0;

  constructor(readonly connect: Connect, readonly stop: Stop) {}

  async take(): Promise<Lane> {
    const lane = this.#free.pop() ?? this.#another() ?? await new Promise<Lane>((found) => this.#waiting.push(found));
    lane.isLost = false;
    return lane;
  }

  /** Also while something runs there: nobody gets it before that has ended. */
  async give(lane: Lane): Promise<void> {
    const given = await lane.tidy() ? lane : this.#instead(lane);
    const next = this.#waiting.shift();
    if (next) next(given);
    else this.#free.push(given);
  }

  #another(): Lane | undefined {
    if (this.#made === LIMITS.lanes) return undefined;
    this.#made++;
    return new Lane(this.connect, this.stop);
  }

  #instead(lane: Lane): Lane {
    lane.end().catch(() => {});
    return new Lane(this.connect, this.stop);
  }
}

/** What COPY gives instead of rows: read to its end, or told that nothing comes. */
function letGo(stream: Readable | Writable): never {
  // Nobody else hears of it, and unheard it ends the process
  stream.on("error", () => {});
  if (stream instanceof Readable) stream.resume();
  else stream.destroy(new Error("COPY isn't for functions"));
  return badQuery("COPY isn't for functions.");
}

export function tookTooLong(): DocumentsError {
  return new DocumentsError("timeout", "The statement took too long and was stopped.");
}
