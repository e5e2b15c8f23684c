import { Numbered } from "../numbered.ts";
import { type Call, type FromWorker, type LoadError, packed, SEATS, take, type ToWorker, unpacked } from "../wire.ts";
import type { Beginning } from "../wire.ts";
import type { Published } from "./published.ts";

/** What a call does after its answer isn't waited for any longer. */
const FOLLOWED_FOR_MS = 1000;
const BEGIN_WITHIN_MS = 10_000;

export interface LoadResult {
  ms: number;
  error: LoadError | null;
}

const UNLOADED: LoadResult = { ms: 0, error: { message: "It didn't finish loading", stack: "" } };

/** Whoever has a call. */
export interface Holder {
  readonly name: string;
  send(message: ToWorker): void;
  /** Nobody waits for it any more. */
  forget(pending: Pending): void;
  finish(pending: Pending): void;
  /** Answered, or given up: `over` once it has logged all that it will. */
  follow(call: number, over: () => void): void;
}

/** What becomes of a call, told to who waits for it. */
export interface Pending {
  readonly call: Call;
  /** When it has to have an answer, as performance.now() counts. */
  readonly deadline: number;
  /** Who has it now; another one, where the one before hadn't begun it. */
  given(holder: Holder): void;
  /** It isn't answered at once. */
  lasts(): void;
  hear(message: FromWorker): void;
  /** Its worker is gone: it won't be answered. */
  lost(): void;
  /** No worker has begun it, and none will. */
  turnAway(): void;
}

/** One worker, and what it has to do. */
export class Crew implements Holder {
  readonly pending = new Numbered<Pending>();
  readonly loads = new Map<string, (result: LoadResult) => void>();
  readonly #followed = new Map<number, () => void>();
  /** What is loaded in it, or on its way: revisions by name. */
  readonly has = new Map<string, string>();
  readonly #vendors = new Set<string>();
  readonly seats = new SharedArrayBuffer(4 * SEATS);
  readonly #seats = new Int32Array(this.seats);
  readonly #free: number[] = Array.from({ length: SEATS }, (_, seat) => SEATS - 1 - seat);
  readonly #worker: Worker;
  readonly #ready = Promise.withResolvers<void>();
  #waiting: ToWorker[] = [];
  loaded = 0;
  heapBytes = 0;
  lastHeardAt = performance.now();
  /** Of the ping that it hasn't answered. */
  pingedAt: number | undefined;
  blockedAt: number | undefined;
  isGone = false;

  private constructor(
    readonly name: string,
    program: string,
    readonly listen: (crew: Crew, message: FromWorker) => void,
    readonly died: (crew: Crew, why: string) => void,
  ) {
    const url = URL.createObjectURL(new Blob([program], { type: "text/javascript" }));
    this.#worker = new Worker(url, { type: "module", name, deno: { permissions: "none" } } as WorkerOptions);
    URL.revokeObjectURL(url);
    this.#worker.onmessage = (event) => this.#hear(event.data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#ready.reject(new Error(event.message));
      this.died(this, event.message);
    };
  }

  static async start(
    name: string,
    program: string,
    beginning: Omit<Beginning, "seats">,
    listen: (crew: Crew, message: FromWorker) => void,
    died: (crew: Crew, why: string) => void,
  ): Promise<Crew> {
    const crew = new Crew(name, program, listen, died);
    crew.send(["begin", { ...beginning, seats: crew.seats }]);
    const timer = setTimeout(() => crew.#ready.reject(new Error("The worker didn't begin")), BEGIN_WITHIN_MS);
    try {
      await crew.#ready.promise;
      return crew;
    } catch (error) {
      crew.end();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  get isFull(): boolean {
    return this.#free.length === 0;
  }

  send(message: ToWorker): void {
    // Those of a whole turn of the loop together: a worker that is woken for each call costs more than the call
    if (this.#waiting.push(message) === 1) setImmediate(this.#flush);
  }

  begin(pending: Pending): void {
    const seat = this.#free.pop();
    if (seat === undefined) throw new Error("All of its seats are taken");
    pending.call.seat = seat;
    Atomics.store(this.#seats, seat, pending.call.id);
    this.pending.set(pending.call.id, pending);
    pending.given(this);
    if (this.pending.size === 1) this.lastHeardAt = performance.now();
    this.send(["call", pending.call]);
  }

  forget(pending: Pending): void {
    if (!this.pending.has(pending.call.id)) return;
    if (!take(this.#seats, pending.call)) this.send(["gone", pending.call.id]);
    this.finish(pending);
  }

  finish(pending: Pending): void {
    if (this.pending.delete(pending.call.id)) this.#free.push(pending.call.seat);
  }

  follow(call: number, over: () => void): void {
    if (this.isGone) return over();
    this.#followed.set(call, over);
    setTimeout(() => this.#overNow(call), FOLLOWED_FOR_MS);
  }

  #overNow(call: number): void {
    this.#followed.get(call)?.();
    this.#followed.delete(call);
  }

  /** Calls that it hasn't begun, and now never will. */
  takeBack(): Pending[] {
    const back = this.pending.values().filter(({ call }) => take(this.#seats, call));
    for (const each of back) this.finish(each);
    return back;
  }

  async load(published: Published): Promise<LoadResult> {
    const { name, revision, version, code, vendor } = published;
    this.has.set(name, revision);
    const result = this.#loading(name, revision);
    this.send(["load", { function: name, revision, version, code, vendor }]);
    return await result;
  }

  async addVendor(digest: string, code: string): Promise<void> {
    if (this.#vendors.has(digest)) return;
    this.#vendors.add(digest);
    const result = this.#loading("", digest);
    this.send(["vendor", digest, code]);
    const { error } = await result;
    if (error) this.#vendors.delete(digest);
  }

  unload(name: string): void {
    this.has.delete(name);
    this.send(["unload", name]);
  }

  /** So much of the time that seemed to have passed hadn't, for it. */
  excuse(ms: number): void {
    this.lastHeardAt += ms;
    if (this.pingedAt !== undefined) this.pingedAt += ms;
  }

  ping(): void {
    this.pingedAt = performance.now();
    this.send(["ping", this.pingedAt]);
  }

  /** Whoever still waits hears that it was lost. */
  end(): void {
    if (this.isGone) return;
    this.isGone = true;
    this.#worker.terminate();
    for (const resolve of this.loads.values()) resolve(UNLOADED);
    this.loads.clear();
    for (const each of this.pending.values()) each.lost();
    for (const call of [...this.#followed.keys()]) this.#overNow(call);
  }

  #loading(name: string, revision: string): Promise<LoadResult> {
    if (this.isGone) return Promise.resolve(UNLOADED);
    return new Promise((resolve) => {
      if (this.loads.size === 0) this.lastHeardAt = performance.now();
      this.loads.set(`${name}@${revision}`, resolve);
    });
  }

  readonly #flush = () => {
    const messages = this.#waiting;
    this.#waiting = [];
    if (!this.isGone) this.#worker.postMessage(packed(messages));
  };

  #hear(data: string | FromWorker[]): void {
    this.lastHeardAt = performance.now();
    for (const message of unpacked<FromWorker>(data)) {
      switch (message[0]) {
        case "ready":
          this.#ready.resolve();
          break;
        case "loaded": {
          this.loaded++;
          const key = `${message[1]}@${message[2]}`;
          this.loads.get(key)?.({ ms: message[3], error: message[4] });
          this.loads.delete(key);
          break;
        }
        case "pong":
          this.pingedAt = undefined;
          this.heapBytes = message[2];
          break;
        case "over":
          // Told after the answer, or of what is followed no longer
          this.#overNow(message[1]);
          break;
        case "done":
        case "failed":
        case "head":
        case "part":
        case "end":
          this.pending.get(message[1])?.hear(message);
          break;
        default:
          this.listen(this, message);
      }
    }
  }
}
