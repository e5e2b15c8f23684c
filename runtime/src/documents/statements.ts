/** `imp.sql`: statements whose values are parameters, alone or in a transaction of the call that began it. */
import { badQuery, DocumentsError, unreachable } from "./errors.ts";
import { type Lane, type Lanes, type Rows, tookTooLong } from "./lanes.ts";
import { LIMITS } from "./limits.ts";
import { fromWire } from "./wire.ts";

interface Open {
  lane: Lane;
  owner: string;
  /** Settles with the statement that was asked for last. */
  last: Promise<void>;
  /** Ends it when nothing was asked of it for long. */
  timer: ReturnType<typeof setTimeout>;
}

// Whatever gets by it is undone with the lane
const ALONE =
  /^\s*(begin|start|commit|end|rollback|abort|savepoint|release|prepare\s+transaction|set|reset|listen|copy|lock|alter\s+(role|user))\b/i;

export class Statements {
  readonly #open = new Map<string, Open>();
  #opening = 0;

  constructor(readonly lanes: Lanes) {}

  async exec(op: string, args: unknown[], owner: string): Promise<unknown> {
    switch (op) {
      case "sql.run": {
        const [pieces, values, id] = args as [string[], unknown[], string | undefined];
        return await this.#run(pieces, values, id, owner);
      }
      case "sql.begin":
        return await this.#begin(owner);
      case "sql.commit":
        return await this.#end(String(args[0]), owner, "COMMIT");
      case "sql.rollback":
        return await this.#end(String(args[0]), owner, "ROLLBACK");
      default:
        return badQuery(`There is no operation ${op}.`);
    }
  }

  release(owner: string): void {
    const ids = [...this.#open].filter(([, open]) => open.owner === owner).map(([id]) => id);
    for (const id of ids) this.#close(id);
  }

  async #run(pieces: string[], values: unknown[], id: string | undefined, owner: string): Promise<unknown> {
    const text = pieces.map((piece, at) => at ? `$${at}${piece}` : piece).join("");
    if (ALONE.test(text)) {
      badQuery(
        "Transactions are made by imp.sql.begin(async (sql) => …); SET, LISTEN, COPY, LOCK and ALTER ROLE aren't for functions.",
      );
    }
    const given = values.map(fromWire);
    if (id === undefined) {
      const lane = await this.lanes.take();
      const work = lane.run(text, given);
      // Sent with it, which takes no time of its own
      void this.lanes.give(lane);
      return await this.#answer(work);
    }
    return await this.#answer(this.#next(this.#of(id, owner), id, text, given));
  }

  /** One after the other, so that each has its own time. */
  #next(open: Open, id: string, text: string, given: unknown[] = []): Promise<Rows> {
    clearTimeout(open.timer);
    const work = open.last.then(() => {
      this.#of(id, open.owner);
      return open.lane.run(text, given);
    });
    open.last = work.catch(() => {}).then(() => {
      clearTimeout(open.timer);
      if (this.#open.has(id)) open.timer = this.#timer(id);
    });
    return work;
  }

  async #answer(work: Promise<Rows>): Promise<unknown> {
    try {
      const rows = await work;
      return { rows: rows.map((row) => toWire({ ...row })), count: rows.count ?? rows.length };
    } catch (error) {
      throw explained(error);
    }
  }

  async #begin(owner: string): Promise<string> {
    if (this.#open.size + this.#opening >= LIMITS.transactions) {
      throw new DocumentsError(
        "unavailable",
        `There are ${LIMITS.transactions} transactions open; try it again in a moment.`,
      );
    }
    this.#opening++;
    try {
      const lane = await this.lanes.take();
      try {
        await lane.run("BEGIN");
      } catch (error) {
        void this.lanes.give(lane);
        throw explained(error);
      }
      const id = crypto.randomUUID();
      this.#open.set(id, { lane, owner, last: Promise.resolve(), timer: this.#timer(id) });
      return id;
    } finally {
      this.#opening--;
    }
  }

  async #end(id: string, owner: string, by: "COMMIT" | "ROLLBACK"): Promise<void> {
    const open = this.#of(id, owner);
    try {
      const done = await this.#next(open, id, by);
      // PostgreSQL's way to say that a statement in it had failed
      if (by === "COMMIT" && done.command === "ROLLBACK") {
        badQuery("The transaction was taken back, as a statement in it had failed.");
      }
    } catch (error) {
      throw explained(error);
    } finally {
      this.#close(id);
    }
  }

  #close(id: string): void {
    const open = this.#open.get(id);
    if (!open) return;
    clearTimeout(open.timer);
    this.#open.delete(id);
    // What it may still be at ends first, and what isn't committed is taken back
    void this.lanes.give(open.lane);
  }

  #timer(id: string): ReturnType<typeof setTimeout> {
    return setTimeout(() => this.#close(id), LIMITS.idleMs);
  }

  #of(id: string, owner: string): Open {
    const open = this.#open.get(id);
    if (!open || open.owner !== owner) {
      throw new DocumentsError("timeout", "The transaction has ended already, or waited too long between statements.");
    }
    if (open.lane.isLost) {
      // Another connection would be outside of it
      this.#close(id);
      throw unreachable();
    }
    return open;
  }
}

function explained(error: unknown): unknown {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (!(error instanceof Error) || error instanceof DocumentsError || typeof code !== "string") return error;
  if (code === "57014") return tookTooLong();
  if (code === "23505") return new DocumentsError("duplicate-key", String(message));
  if (/^(08|53|57P)/.test(code) || code.startsWith("CONNECT")) return unreachable();
  return new DocumentsError("bad-query", `PostgreSQL ${code}: ${message}`);
}

function toWire(value: unknown): unknown {
  if (value instanceof Date) return { $date: value.toISOString() };
  if (value instanceof Uint8Array) return { $bytes: new Uint8Array(value).toBase64() };
  if (Array.isArray(value)) return value.map(toWire);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, toWire(each)]));
}
