import { log } from "../log.ts";
import type { Published } from "../stages/published.ts";
import type { Stage } from "../stages/stage.ts";
import type { Stages } from "../stages/stages.ts";
import type { Sql } from "../store/connect.ts";
import { type Ack, readPublished, readVendor, type Row } from "./sql.ts";

const AGAIN_AFTER_MS = 500;

/** Where what is published comes from, and what is told of it there. */
export interface Source {
  /** The connection that was begun last. */
  readonly sql: Sql | undefined;
  tell(sql: Sql, acks: Ack[], revision: string): Promise<void>;
}

/** Brings what is published to one stage, in order; no other waits for it, should it have no worker. */
export class StageFeed {
  #revision = "0";
  #running: Promise<void> | undefined;
  #isAsked = false;
  #isEnding = false;
  #later: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly stage: Stage, readonly stages: Stages, readonly source: Source) {}

  /** The latest that is loaded, and told. */
  get revision(): string {
    return this.#revision;
  }

  /** One at a time; whoever asks meanwhile is answered by another look after it. */
  catchUp(): Promise<void> {
    this.#isAsked = true;
    return this.#running ??= this.#go().finally(() => this.#running = undefined);
  }

  catchUpSoon(): void {
    this.catchUp().catch((error) => this.#tryLater(error));
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    clearTimeout(this.#later);
    await this.#running?.catch(() => {});
  }

  /** Once, however many have asked. */
  #tryLater(error: unknown): void {
    if (this.#isEnding || this.#later !== undefined) return;
    log("error", { message: `What is published couldn't be read: ${error}`, stage: this.stage.name });
    this.#later = setTimeout(() => {
      this.#later = undefined;
      this.catchUpSoon();
    }, AGAIN_AFTER_MS);
  }

  async #go(): Promise<void> {
    while (this.#isAsked && !this.#isEnding) {
      const { sql } = this.source;
      // It's asked again once there is one
      if (!sql) return;
      this.#isAsked = false;
      try {
        await this.#once(sql);
      } catch (error) {
        this.#isAsked = true;
        // What was lost with its connection comes over the next one, if that is there by now
        if (sql === this.source.sql) throw error;
      }
    }
  }

  async #once(sql: Sql): Promise<void> {
    const rows = await readPublished(sql, this.#revision, this.stage.name);
    const acks = await Promise.all(rows.map((row) => this.#apply(sql, row)));
    const last = rows.at(-1)?.revision ?? this.#revision;
    await this.source.tell(sql, acks, last);
    this.#revision = last;
  }

  async #apply(sql: Sql, row: Row): Promise<Ack> {
    const { stage, stages: { stacks } } = this;
    const { name: whole, revision } = row;
    const name = whole.slice(stage.name.length + 1);
    const done: Ack = { name: whole, revision, ms: 0, error: null };
    if (row.is_deleted || (row.expires_at && row.expires_at.getTime() < Date.now())) {
      stage.remove(name);
      return done;
    }
    // It was loaded before, and only its acknowledgement got lost
    if (stage.functions.get(name)?.revision === revision) return done;
    if (row.code === null) return { ...done, error: { message: "Its code isn't in the database", stack: "" } };
    const vendor = stage.hasVendor(row.vendor) ? undefined : await readVendor(sql, row.vendor);
    stacks.know(revision, row.artifact);
    const published: Published = {
      stage: stage.name,
      name,
      revision,
      version: row.version,
      artifact: row.artifact,
      code: row.code,
      vendor: row.vendor,
      methods: row.methods,
      timeoutMs: row.timeout_ms,
      expiresAt: row.expires_at?.getTime(),
    };
    const { ms, error } = await stage.publish(published, vendor);
    if (!error) return { ...done, ms };
    const stack = await stacks.mapped(error.stack);
    this.stages.say(stage.name, {
      at: Date.now(),
      function: name,
      version: row.version,
      requestId: "",
      level: "error",
      source: "system",
      text: `It can't be loaded: ${error.message}`,
      fields: { stack },
    });
    return { ...done, ms, error: { message: error.message, stack } };
  }
}
