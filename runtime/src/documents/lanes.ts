/** Connections that run functions' own SQL, each for one call at a time: what one sets there, no other meets. */
import { Readable, type Writable } from "node:stream";
import type { Sql } from "postgres";
import { badQuery, DocumentsError } from "./errors.ts";
import { LIMITS } from "./limits.ts";

/** A pool of one connection, which tells when that is lost, and makes another when it's asked again. */
export type Connect = (onLost: () => void) => Sql;
/** Ends a session; there is a way to do it however long those of functions take. */
export type Stop = (pid: number) => Promise<unknown>;
export type Rows = Record<string, unknown>[] & { count: number | null; command: string };

/** After what PostgreSQL itself would have ended; and until it's tried again. */
const LATE_MS = 1_000;
const TIDY = "ROLLBACK; RESET ALL; CLOSE ALL; UNLISTEN *; SELECT pg_advisory_unlock_all()";

type Asked = Promise<unknown> & { state: { pid: number | null } | null };

export class Lane {
  readonly #sql: Sql;
  /** The connection that it was taken with is gone, and what had begun on it. */
  isLost = false;

  constructor(connect: Connect, readonly stop: Stop) {
    this.#sql = connect(() => this.isLost = true);
  }

  /** One at a time. */
  async run(text: string, values: unknown[] = []): Promise<Rows> {
    const rows = await this.#ended(this.#sql.unsafe(text, values as never[], { prepare: true }) as unknown as Asked);
    return Array.isArray(rows) ? rows as Rows : letGo(rows as Readable | Writable);
  }

  /** As a new session is, once what runs there has ended. False: it's of no more use. */
  async tidy(): Promise<boolean> {
    // The first that is asked after a loss may get what the lost connection had still to say
    if (this.isLost) return false;
    try {
      await this.#ended(this.#sql.unsafe(TIDY) as unknown as Asked);
      return !this.isLost;
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
