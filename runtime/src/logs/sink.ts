import { log } from "../log.ts";
import type { Sql } from "../store/connect.ts";
import { jsonOf } from "../store/json.ts";
import type { Line } from "../wire.ts";

const BATCH = 1000;
const EVERY_MS = 100;
const AGAIN_AFTER_MS = 1000;
/** What waits while the database is away. */
const MOST_WAITING = 20_000;

export interface StageLine extends Line {
  stage: string;
}

/** Where lines of functions go. */
export interface Sink {
  put(line: StageLine): void;
  /** Until all that was put before is there. */
  flush(): Promise<void>;
  end(): Promise<void>;
}

/** For who collects what processes print. */
export class PrintingSink implements Sink {
  put(line: StageLine): void {
    const { at, ...rest } = line;
    log("function-log", { at: new Date(at).toISOString(), ...rest });
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  end(): Promise<void> {
    return Promise.resolve();
  }
}

/** Into the gateway's own database, many at a time. */
export class DatabaseSink implements Sink {
  #waiting: StageLine[] = [];
  #leftOut = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> | undefined;
  #isAway = false;

  constructor(readonly sql: Sql, readonly everyMs = EVERY_MS, readonly most = MOST_WAITING) {}

  put(line: StageLine): void {
    if (this.#waiting.length >= this.most) {
      this.#leftOut++;
      return;
    }
    this.#waiting.push(line);
    if (this.#waiting.length >= BATCH && !this.#isAway) void this.#write();
    else this.#writeIn(this.everyMs);
  }

  async flush(): Promise<void> {
    await this.#writing;
    if (this.#waiting.length > 0) await this.#write();
  }

  async end(): Promise<void> {
    await this.flush();
    clearTimeout(this.#timer);
  }

  #writeIn(ms: number): void {
    this.#timer ??= setTimeout(() => {
      // Gone, also where another write is still under way and this one adds nothing
      this.#timer = undefined;
      void this.#write();
    }, ms);
  }

  #write(): Promise<void> {
    return this.#writing ??= this.#go().finally(() => this.#writing = undefined);
  }

  async #go(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (this.#waiting.length > 0) {
      const lines = this.#waiting.slice(0, BATCH);
      const noticed = this.#leftOut;
      try {
        await insert(this.sql, noticed > 0 ? [...lines, notice(lines, noticed)] : lines);
      } catch (error) {
        log("logs-waiting", { message: String(error), lines: this.#waiting.length });
        this.#isAway = true;
        clearTimeout(this.#timer);
        this.#timer = undefined;
        this.#writeIn(AGAIN_AFTER_MS);
        return;
      }
      this.#isAway = false;
      this.#leftOut -= noticed;
      this.#waiting.splice(0, lines.length);
    }
  }
}

function notice(lines: StageLine[], count: number): StageLine {
  const last = lines.at(-1);
  return {
    at: last?.at ?? Date.now(),
    stage: last?.stage ?? "",
    function: "",
    version: 0,
    requestId: "",
    level: "warn",
    source: "system",
    text: `${count.toLocaleString("en")} lines were left out: the database couldn't take them in time.`,
    fields: { left_out: count },
  };
}

async function insert(sql: Sql, lines: StageLine[]): Promise<void> {
  await sql`
    INSERT INTO imp.logs (at, stage, function, version, request_id, level, source, text, fields)
    SELECT to_timestamp(at / 1000), stage, function, version, "requestId", level, source, text,
      nullif(fields, 'null'::jsonb)
    FROM jsonb_to_recordset(${jsonOf(lines)}::text::jsonb) AS each (
      at double precision, stage text, function text, version int, "requestId" text, level text, source text,
      text text, fields jsonb
    )`;
}
