import { log } from "../log.ts";
import type { Stages } from "../stages/stages.ts";
import type { Sql } from "../store/connect.ts";
import { Listener } from "./listener.ts";
import { type Ack, acknowledge, caughtUp, look, ready, register, signOff } from "./sql.ts";
import { type Source, StageFeed } from "./stage_feed.ts";

export interface FeedOptions {
  url: string;
  instance: string;
  process: string;
  stages: Stages;
}

/** Follows what is published, and acknowledges it: over the one connection that listens too. */
export class Feed implements Source {
  readonly #listener: Listener;
  readonly #feeds: Map<string, StageFeed>;
  /** It answers calls, or will in a moment. */
  #isReady = false;
  #isLeaving = false;
  #sql: Sql | undefined;
  /** Which stages' revisions were behind what is loaded, when the database was looked at last. */
  #behind = "";

  constructor(readonly options: FeedOptions) {
    const { stages } = options;
    this.#feeds = new Map([...stages.all].map(([name, stage]) => [name, new StageFeed(stage, stages, this)]));
    this.#listener = new Listener(options.url, "published", {
      begun: (sql) => this.#begun(sql),
      heard: (said) => this.#heard(said),
      look: (sql) => this.#look(sql),
    });
  }

  get sql(): Sql | undefined {
    return this.#sql;
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
    await Promise.all(this.#all.map((each) => each.end()));
    await this.#listener.end();
  }

  async tell(sql: Sql, acks: Ack[], revision: string): Promise<void> {
    if (this.#isLeaving) return;
    if (acks.length > 0) await acknowledge(sql, this.options.instance, acks);
    await caughtUp(sql, this.options.instance, revision);
  }

  get #all(): StageFeed[] {
    return [...this.#feeds.values()];
  }

  async #begun(sql: Sql): Promise<void> {
    this.#sql = sql;
    await this.#register(sql);
    if (this.#isReady) {
      for (const each of this.#all) each.catchUpSoon();
      return await this.#look(sql);
    }
    // None waits for another one's worker, though the process does for all of them
    const ends = await Promise.allSettled(this.#all.map((each) => each.catchUp()));
    for (const end of ends) if (end.status === "rejected") throw end.reason;
    if (!this.#isLeaving) await ready(sql, this.options.instance);
    this.#isReady = true;
  }

  async #register(sql: Sql): Promise<void> {
    if (this.#isLeaving) return;
    const { instance, process } = this.options;
    await register(sql, { instance, process, stages: [...this.#feeds.keys()], isReady: this.#isReady });
  }

  /** In the place of the database, another one or an older one may be by now; whoever publishes is told. */
  async #look(sql: Sql): Promise<void> {
    const { revisions, isKnown } = await look(sql, this.options.instance, [...this.#feeds.keys()]);
    if (!isKnown && !this.#isLeaving) {
      log("database-replaced", { why: "It doesn't know this process" });
      await this.#register(sql);
      for (const each of this.#all) each.catchUpSoon();
      return;
    }
    const behind: string[] = [];
    for (const [name, feed] of this.#feeds) {
      const [there, loaded] = [revisions[name] ?? "0", feed.revision];
      if (BigInt(there) > BigInt(loaded)) feed.catchUpSoon();
      else if (there !== loaded) behind.push(`The latest revision of ${name} is ${there}, and ${loaded} is loaded`);
    }
    const why = behind.join(". ");
    if (why !== this.#behind && why !== "") log("database-replaced", { why });
    this.#behind = why;
  }

  #heard(payload: string): void {
    // A revision, and the name after it
    const stage = payload.slice(payload.indexOf(" ") + 1).split("/", 1)[0] ?? "";
    this.#feeds.get(stage)?.catchUpSoon();
  }
}
