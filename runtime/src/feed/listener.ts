import { log } from "../log.ts";
import { connect, type Sql, whyAway } from "../store/connect.ts";

const AGAIN_AFTER_MS = [50, 200, 500, 1000, 2000, 5000];
const LOOK_EVERY_MS = 5_000;

export interface Following {
  /** It listens from now on: whatever came before has to be looked for. */
  begun(sql: Sql): Promise<void>;
  heard(payload: string): void;
  /** Now and then: half of a connection may be gone without a word, and what is there may be another than before. */
  look(sql: Sql): Promise<void>;
}

/** A connection that hears what the database tells, made again whenever it's lost. */
export class Listener {
  #sql: Sql | undefined;
  #isAway = false;
  #isEnding = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly url: string, readonly channel: string, readonly following: Following) {}

  /** Until it has begun, however long the database is away, or has no connection left. */
  async start(): Promise<void> {
    for (let faults = 0; !this.#isEnding && !await this.#begin(); faults++) {
      await new Promise((resolve) => setTimeout(resolve, patience(faults)));
    }
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    clearTimeout(this.#timer);
    await this.#sql?.end({ timeout: 1 }).catch(() => {});
  }

  async #begin(): Promise<boolean> {
    let isLost = false;
    const sql: Sql = connect(this.url, {
      max: 1,
      idle_timeout: 0,
      max_lifetime: null,
      onnotify: (_channel: string, payload: string) => this.following.heard(payload),
      onclose: () => {
        isLost = true;
        this.#lost(sql);
      },
      // deno-lint-ignore no-explicit-any
    } as any);
    try {
      await sql.unsafe(`LISTEN ${this.channel}`);
      await this.following.begun(sql);
      // Another connection in its place wouldn't listen
      if (isLost) throw Object.assign(new Error("The connection was lost at once"), { code: "CONNECTION_CLOSED" });
      this.#sql = sql;
      if (this.#isAway) log("database-back");
      this.#isAway = false;
      this.#lookLater(sql);
      return true;
    } catch (error) {
      if (!isOfDatabase(error)) log("error", { message: String(error) });
      else if (!this.#isAway) log("database-away", { message: whyAway(error) });
      this.#isAway ||= isOfDatabase(error);
      sql.end({ timeout: 0 }).catch(() => {});
      return false;
    }
  }

  #lost(sql: Sql): void {
    if (sql !== this.#sql || this.#isEnding) return;
    this.#sql = undefined;
    sql.end({ timeout: 0 }).catch(() => {});
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.start(), patience(0));
  }

  #lookLater(sql: Sql): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(async () => {
      if (sql !== this.#sql) return;
      try {
        await this.following.look(sql);
        this.#lookLater(sql);
      } catch {
        this.#lost(sql);
      }
    }, LOOK_EVERY_MS);
  }
}

/** Those of the driver, of the server and of the machine have one; a worker that doesn't begin has none. */
function isOfDatabase(error: unknown): boolean {
  return typeof (error as { code?: unknown } | null)?.code === "string";
}

/** Not all runtimes at the same moment: they have lost the same server. */
function patience(faults: number): number {
  return (AGAIN_AFTER_MS[Math.min(faults, AGAIN_AFTER_MS.length - 1)] ?? 0) * (0.5 + Math.random());
}
