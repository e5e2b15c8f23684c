import { log } from "../log.ts";
import { connect, type Sql } from "../store/connect.ts";

const AGAIN_AFTER_MS = [50, 200, 500, 1000, 2000];
const LOOK_EVERY_MS = 30_000;

/** A connection that hears what the database tells, made again whenever it's lost. */
export class Listener {
  #sql: Sql | undefined;
  #faults = 0;
  #isEnding = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `begun`: it listens from now on; whatever came before has to be looked for. `heard`: something came. */
  constructor(
    readonly url: string,
    readonly channel: string,
    readonly begun: (sql: Sql) => Promise<void>,
    readonly heard: (payload: string) => void,
  ) {}

  /** Until it has begun for the first time. */
  async start(): Promise<void> {
    while (!this.#isEnding && !await this.#begin()) {
      await new Promise((resolve) => setTimeout(resolve, this.#patience()));
    }
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    clearTimeout(this.#timer);
    await this.#sql?.end({ timeout: 1 }).catch(() => {});
  }

  async #begin(): Promise<boolean> {
    const sql: Sql = connect(this.url, {
      max: 1,
      idle_timeout: 0,
      max_lifetime: null,
      onnotify: (_channel: string, payload: string) => this.heard(payload),
      onclose: () => this.#lost(sql),
      // deno-lint-ignore no-explicit-any
    } as any);
    try {
      await sql.unsafe(`LISTEN ${this.channel}`);
      this.#sql = sql;
      await this.begun(sql);
      this.#faults = 0;
      this.#lookLater(sql);
      return true;
    } catch (error) {
      if (this.#faults++ === 0) log("database-away", { message: String(error) });
      this.#sql = undefined;
      sql.end({ timeout: 0 }).catch(() => {});
      return false;
    }
  }

  #lost(sql: Sql): void {
    if (sql !== this.#sql || this.#isEnding) return;
    this.#sql = undefined;
    sql.end({ timeout: 0 }).catch(() => {});
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.start(), this.#patience());
  }

  #patience(): number {
    return AGAIN_AFTER_MS[Math.min(this.#faults, AGAIN_AFTER_MS.length - 1)] ?? 2000;
  }

  /** Half of a connection may be gone without a word; and what was told while it was made may be lost. */
  #lookLater(sql: Sql): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(async () => {
      if (sql !== this.#sql) return;
      try {
        await sql`SELECT 1`;
        this.heard("");
        this.#lookLater(sql);
      } catch {
        this.#lost(sql);
      }
    }, LOOK_EVERY_MS);
  }
}
