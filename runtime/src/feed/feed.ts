import { log } from "../log.ts";
import type { Published } from "../stages/published.ts";
import type { Stages } from "../stages/stages.ts";
import type { Sql } from "../store/connect.ts";
import { Listener } from "./listener.ts";
import {
  type Ack,
  acknowledge,
  caughtUp,
  look,
  readPublished,
  readVendor,
  register,
  type Row,
  signOff,
} from "./sql.ts";

const AGAIN_AFTER_MS = 500;

export interface FeedOptions {
  url: string;
  instance: string;
  process: string;
  stages: Stages;
}

/** Brings what is published to the stages, in order, and acknowledges it: over the one connection that listens too. */
export class Feed {
  readonly #listener: Listener;
  #revision = "0";
  #running: Promise<void> | undefined;
  #isAsked = false;
  #isEnding = false;
  #isLeaving = false;
  /** The last one that has begun. */
  #sql: Sql | undefined;
  /** What the database said last, where that was less than what is loaded. */
  #behind: string | undefined;

  constructor(readonly options: FeedOptions) {
    this.#listener = new Listener(options.url, "published", {
      begun: (sql) => this.#begun(sql),
      heard: (said) => this.#heard(said),
      look: (sql) => this.#look(sql),
    });
  }

  get revision(): string {
    return this.#revision;
  }

  /** Until all that is published now is loaded. */
  async start(): Promise<void> {
    await this.#listener.start();
  }

  /** Nobody waits for this process any more; it goes on to follow what is published as long as calls come. */
  async signOff(): Promise<void> {
    this.#isLeaving = true;
    if (this.#sql) await signOff(this.#sql, this.options.instance);
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#running?.catch(() => {});
    await this.#listener.end();
  }

  async #begun(sql: Sql): Promise<void> {
    const isFirst = this.#sql === undefined;
    this.#sql = sql;
    await this.#register(sql);
    // Of one that was at work with the connection before, nothing comes any more
    await this.#running?.catch(() => {});
    await this.#catchUp();
    if (!isFirst) await this.#look(sql);
  }

  async #register(sql: Sql): Promise<void> {
    if (this.#isLeaving) return;
    await register(sql, this.options.instance, this.options.process, this.#stages);
  }

  get #stages(): string[] {
    return [...this.options.stages.all.keys()];
  }

  /** In the place of the database, another one or an older one may be by now; whoever publishes is told. */
  async #look(sql: Sql): Promise<void> {
    const { revision, isKnown } = await look(sql, this.options.instance, this.#stages);
    if (!isKnown && !this.#isLeaving) {
      log("database-replaced", { why: "It doesn't know this process" });
      await this.#register(sql);
      return await this.#catchUp();
    }
    if (BigInt(revision) > BigInt(this.#revision)) return await this.#catchUp();
    const isBehind = BigInt(revision) < BigInt(this.#revision);
    if (isBehind && revision !== this.#behind) {
      log("database-replaced", { why: `Its latest revision is ${revision}, and ${this.#revision} is loaded` });
    }
    this.#behind = isBehind ? revision : undefined;
  }

  #heard(payload: string): void {
    // A revision, and the name after it
    const stage = payload.slice(payload.indexOf(" ") + 1).split("/", 1)[0] ?? "";
    if (this.options.stages.get(stage)) this.#catchUpSoon();
  }

  #catchUpSoon(): void {
    this.#catchUp().catch((error) => {
      log("error", { message: `What is published couldn't be read: ${error}` });
      if (!this.#isEnding) setTimeout(() => this.#catchUpSoon(), AGAIN_AFTER_MS);
    });
  }

  /** One at a time; whoever asks meanwhile is answered by another look after it. */
  #catchUp(): Promise<void> {
    this.#isAsked = true;
    return this.#running ??= this.#go().finally(() => this.#running = undefined);
  }

  async #go(): Promise<void> {
    while (this.#isAsked && !this.#isEnding) {
      this.#isAsked = false;
      try {
        await this.#once();
      } catch (error) {
        this.#isAsked = true;
        throw error;
      }
    }
  }

  async #once(): Promise<void> {
    const { instance } = this.options;
    const sql = this.#sql;
    if (!sql) return;
    const rows = await readPublished(sql, this.#revision, this.#stages);
    const acks = await Promise.all(rows.map((row) => this.#apply(sql, row)));
    const last = rows.at(-1)?.revision ?? this.#revision;
    if (!this.#isLeaving) {
      if (acks.length > 0) await acknowledge(sql, instance, acks);
      await caughtUp(sql, instance, last);
    }
    this.#revision = last;
  }

  async #apply(sql: Sql, row: Row): Promise<Ack> {
    const { name: whole, revision } = row;
    const at = whole.indexOf("/");
    const stage = this.options.stages.get(whole.slice(0, at));
    const name = whole.slice(at + 1);
    const done: Ack = { name: whole, revision, ms: 0, error: null };
    if (!stage) return done;
    if (row.is_deleted || (row.expires_at && row.expires_at.getTime() < Date.now())) {
      stage.remove(name);
      return done;
    }
    // It was loaded before, and only its acknowledgement got lost
    if (stage.functions.get(name)?.revision === revision) return done;
    if (row.code === null) return { ...done, error: { message: "Its code isn't in the database", stack: "" } };
    const vendor = stage.hasVendor(row.vendor) ? undefined : await readVendor(sql, row.vendor);
    this.options.stages.stacks.know(revision, row.artifact);
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
    const { stacks } = this.options.stages;
    const stack = await stacks.mapped(error.stack);
    this.options.stages.say(stage.name, {
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
