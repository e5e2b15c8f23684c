import { log } from "../log.ts";
import { isDraft } from "../names.ts";
import { Router } from "../router.ts";
import type { Beginning, FromWorker } from "../wire.ts";
import { Crew, type LoadResult, type Pending } from "./crew.ts";
import type { Published } from "./published.ts";
import { Room } from "./room.ts";

/** Each load leaves a little behind, whatever is done: the worker is replaced after so many beyond its functions. */
const RECYCLE_LOADS = 200;
/** Nothing was heard of it for so long, though it has something to do. */
export const QUIET_MS = 200;
/** It didn't answer a ping for so long: it's blocked, and another one stands in. */
export const BLOCKED_MS = 600;
/** Where no call's own limit says when it's given up. */
const BLOCKED_AT_MOST_MS = 3_000;
const LOAD_TRIES = 3;
/** What is there to load is loaded in one go, in which a worker answers no ping; but it says what it has loaded. */
const SILENT_AT_MOST_MS = 15_000;
/** Where no worker could be started, or none stayed: the more often of late, the later. */
const AGAIN_AFTER_MS = [0, 250, 500, 1000, 2000, 5000];
const FORGIVEN_AFTER_MS = 60_000;
/** An old worker's streams may go on for so long. */
export const RETIRE_WITHIN_MS = 15 * 60_000;

export interface StageOptions {
  /** What each worker runs. */
  program: string;
  /** In bytes, beyond which a worker is replaced. */
  recycleHeap: number;
}

/** One stage: its functions, and the worker that runs them, or the next one. */
export class Stage {
  readonly functions = new Map<string, Published>();
  /** What can't be loaded, with nothing older to go on. */
  readonly broken = new Map<string, Published>();
  readonly #vendors = new Map<string, string>();
  readonly #retiring = new Map<Crew, number>();
  readonly #room = new Room();
  #serving: Crew | undefined;
  /** Becomes the serving one, once all that is published is loaded in it. */
  #coming: Crew | undefined;
  #replacing: Promise<Crew> | undefined;
  #faults = 0;
  #faultAt = -Infinity;
  #againAt = -Infinity;
  #router = new Router<Published>([]);
  #generation = 0;
  /** Workers that were given up, and couldn't be stopped. */
  zombies = 0;

  constructor(
    readonly name: string,
    readonly beginning: Omit<Beginning, "seats" | "stage">,
    readonly listen: (stage: Stage, crew: Crew, message: FromWorker) => void,
    readonly options: StageOptions,
    /** There is something to look after. */
    readonly watch: () => void = () => {},
  ) {}

  get router(): Router<Published> {
    return this.#router;
  }

  /** The worker that calls go to now. */
  get serving(): Crew | undefined {
    return this.#serving;
  }

  get isBusy(): boolean {
    return this.crews.some((crew) => crew.pending.size > 0 || crew.loads.size > 0) || this.#retiring.size > 0 ||
      this.#room.size > 0 || this.#whyAnother !== undefined;
  }

  get crews(): Crew[] {
    return [this.#serving, this.#coming, ...this.#retiring.keys()].filter((crew) => crew !== undefined);
  }

  /** Why there should be another worker than there is. */
  get #whyAnother(): string | undefined {
    const serving = this.#serving;
    if (!serving) return this.functions.size > 0 ? "the one before is gone" : undefined;
    if (serving.blockedAt !== undefined) return "the one before is blocked";
    if (serving.loaded > RECYCLE_LOADS + this.functions.size) return "after many saves";
    return serving.heapBytes > this.options.recycleHeap ? "its heap grew" : undefined;
  }

  /** The worker that calls go to, or the one that comes. */
  async start(): Promise<Crew> {
    return this.#serving ?? await this.replace(this.#whyAnother ?? "there was none");
  }

  /** Live once it's loaded: calls that come after that get it. Until then, what was there before answers. */
  async publish(published: Published, vendorCode: string | undefined): Promise<LoadResult> {
    if (vendorCode !== undefined) this.#vendors.set(published.vendor, vendorCode);
    const result = await this.#load(published);
    if (!result.error) {
      this.functions.set(published.name, published);
      this.broken.delete(published.name);
    } else if (!this.functions.has(published.name)) {
      this.broken.set(published.name, published);
    }
    this.#route();
    return result;
  }

  remove(name: string): void {
    this.functions.delete(name);
    this.broken.delete(name);
    this.#route();
    for (const crew of this.crews) crew.unload(name);
  }

  hasVendor(digest: string): boolean {
    return digest === "" || this.#vendors.has(digest);
  }

  /** Again where its worker was replaced meanwhile: what was lost with that one needn't be its own fault. */
  async #load(published: Published): Promise<LoadResult> {
    for (let tries = 0; tries < LOAD_TRIES; tries++) {
      const crew = await this.start();
      const result = await this.#loadInto(crew, published);
      if (crew === this.#serving && !crew.isGone) return result;
      if (result.error && crew.isGone && crew.blockedAt !== undefined) return result;
    }
    return { ms: 0, error: { message: "It takes too long to load: its worker was replaced meanwhile", stack: "" } };
  }

  async #loadInto(crew: Crew, published: Published): Promise<LoadResult> {
    const { vendor } = published;
    const code = this.#vendors.get(vendor);
    const loading = code === undefined ? Promise.resolve() : crew.addVendor(vendor, code);
    this.watch();
    await loading;
    const loaded = crew.load(published);
    this.watch();
    return await loaded;
  }

  #route(): void {
    const all = [...this.functions, ...this.broken].filter(([name]) => !isDraft(name));
    this.#router = new Router(all);
  }

  /** Another worker with all that is published, then all new calls go to it; the old one finishes what it has begun. */
  replace(why: string): Promise<Crew> {
    return this.#replacing ??= this.#replace(why).finally(() => this.#replacing = undefined);
  }

  async #replace(why: string): Promise<Crew> {
    const begun = performance.now();
    let crew: Crew;
    try {
      crew = await this.#prepared();
    } catch (error) {
      log("error", { message: `No worker could be started: ${error}`, stage: this.name });
      this.#tryLater();
      this.#room.turnAway();
      throw error;
    }
    const old = this.#serving;
    crew.loaded = 0;
    this.#serving = crew;
    if (old) this.#retiring.set(old, performance.now());
    for (const each of [...old?.takeBack() ?? [], ...this.#room.takeBack()]) crew.begin(each);
    log("worker", { stage: this.name, why, ms: Math.round(performance.now() - begun) });
    return crew;
  }

  async #prepared(): Promise<Crew> {
    const crew = await Crew.start(
      `${this.name} ${++this.#generation}`,
      this.options.program,
      { ...this.beginning, stage: this.name },
      (crew, message) => this.listen(this, crew, message),
      (crew, why) => this.#died(crew, why),
    );
    this.#coming = crew;
    try {
      // Until nothing was published meanwhile
      for (;;) {
        if (crew.isGone) throw new Error("It ended before all was loaded");
        const missing = this.#missingIn(crew);
        if (missing.length === 0) return crew;
        await Promise.all(missing.map((each) => this.#loadInto(crew, each)));
      }
    } finally {
      this.#coming = undefined;
    }
  }

  #tryLater(): void {
    const now = performance.now();
    if (now - this.#faultAt > FORGIVEN_AFTER_MS) this.#faults = 0;
    this.#faultAt = now;
    this.#againAt = now + (AGAIN_AFTER_MS[Math.min(this.#faults++, AGAIN_AFTER_MS.length - 1)] ?? 0);
  }

  #missingIn(crew: Crew): Published[] {
    return [...this.functions.values()].filter((each) => crew.has.get(each.name) !== each.revision);
  }

  /** Its isolate is gone by itself. */
  #died(crew: Crew, why: string): void {
    log("worker-died", { stage: this.name, why });
    this.#retiring.delete(crew);
    if (crew === this.#serving) {
      this.#serving = undefined;
      for (const each of crew.takeBack()) this.#room.take(each);
      this.#tryLater();
    }
    crew.end();
    this.#replaceWhereNeeded(performance.now());
    this.watch();
  }

  /** Looks after its workers; called again and again while there is something to do. */
  look(now: number): void {
    for (const crew of this.crews) this.#lookAt(crew, now);
    this.#room.look(now);
    this.#replaceWhereNeeded(now);
  }

  #replaceWhereNeeded(now: number): void {
    const why = this.#whyAnother;
    if (why === undefined || this.#replacing || now < this.#againAt) return;
    // It says so itself, and is tried again
    this.replace(why).catch(() => {});
  }

  #lookAt(crew: Crew, now: number): void {
    for (const pending of crew.pending.values()) {
      if (now > pending.deadline) pending.lost();
      else pending.lasts();
    }
    const has = crew.pending.size > 0 || crew.loads.size > 0;
    if (crew === this.#coming) {
      if (has && now - crew.lastHeardAt > SILENT_AT_MOST_MS) this.#giveUp(crew);
      return;
    }
    if (crew.pingedAt === undefined) {
      if (crew.blockedAt !== undefined) {
        log("worker-back", { stage: this.name, ms: Math.round(now - crew.blockedAt) });
        crew.blockedAt = undefined;
      }
      const retiredAt = this.#retiring.get(crew);
      if (retiredAt !== undefined && (!has || now - retiredAt > RETIRE_WITHIN_MS)) return this.#end(crew);
      if (has && now - crew.lastHeardAt > QUIET_MS) crew.ping();
      return;
    }
    if (now - crew.pingedAt < BLOCKED_MS) return;
    if (crew.blockedAt === undefined) {
      crew.blockedAt = crew.pingedAt;
      log("worker-blocked", { stage: this.name });
    }
    const isAwaited = crew.pending.values().some((each) => each.deadline < Infinity);
    if (!isAwaited && now - crew.blockedAt > BLOCKED_AT_MOST_MS && crew !== this.#serving) this.#giveUp(crew);
  }

  /** Nothing stops what never yields; but it's nobody's worker any more. Who runs this process should replace it. */
  #giveUp(crew: Crew): void {
    this.zombies++;
    log("zombie", { stage: this.name, zombies: this.zombies });
    this.#end(crew);
  }

  #end(crew: Crew): void {
    this.#retiring.delete(crew);
    crew.end();
  }

  /** Why not, where neither a worker has it now nor the one that comes is to have it. */
  begin(pending: Pending): "full" | "away" | undefined {
    const crew = this.#serving;
    if (crew) {
      if (crew.isFull) return "full";
      crew.begin(pending);
    } else {
      if (!this.#replacing && performance.now() < this.#againAt) return "away";
      if (this.#room.isFull) return "full";
      this.#room.take(pending);
    }
  }
}
