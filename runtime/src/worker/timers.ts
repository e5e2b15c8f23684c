import { Numbered } from "../numbered.ts";

type Callback = (...values: unknown[]) => unknown;
type Start = (callback: Callback, ...more: unknown[]) => unknown;

// Kept before functions run, which have only their own
const start = { setTimeout, setInterval, setImmediate } as unknown as Record<string, Start>;
const clear = { clearTimeout, clearImmediate } as unknown as Record<
  "clearTimeout" | "clearImmediate",
  (id: unknown) => void
>;
const soon = queueMicrotask;

/**
 * The timers of one version of a function. It ends no other's by their numbers, as those are each version's own.
 *
 * What they throw is told while it's known in whose call: the isolate itself forgets that.
 */
export class Timers {
  /** As functions have them. */
  readonly given: Readonly<Record<string, Callback>>;
  readonly #ending = new Numbered<() => void>();
  #last = 0;
  #isOver = false;

  constructor(readonly tell: (error: unknown) => void) {
    const ends = (id: unknown) => this.#clear(id);
    const all: Record<string, Callback> = {
      setTimeout: (callback, ...more) => this.#start("setTimeout", callback, more),
      setInterval: (callback, ...more) => this.#start("setInterval", callback, more),
      setImmediate: (callback, ...more) => this.#start("setImmediate", callback, more),
      clearTimeout: (id) => ends(id),
      clearInterval: (id) => ends(id),
      clearImmediate: (id) => ends(id),
      queueMicrotask: (callback) => soon(this.#telling(callback)),
    };
    for (const each of Object.values(all)) Object.freeze(each);
    this.given = all;
  }

  /** All that go on; from now on none begins. */
  end(): void {
    this.#isOver = true;
    for (const end of this.#ending.values()) end();
  }

  #start(how: string, callback: unknown, more: unknown[]): number {
    const call = this.#telling(callback);
    const id = ++this.#last;
    if (this.#isOver) return id;
    const fire = how === "setInterval" ? call : (...values: unknown[]) => {
      this.#ending.delete(id);
      call(...values);
    };
    const started = start[how]?.(fire, ...more);
    const end = clear[how === "setImmediate" ? "clearImmediate" : "clearTimeout"];
    this.#ending.set(id, () => end(started));
    return id;
  }

  #clear(id: unknown): void {
    const number = Number(id);
    this.#ending.get(number)?.();
    this.#ending.delete(number);
  }

  #telling(callback: unknown): Callback {
    if (typeof callback !== "function") throw new TypeError("A timer needs a function to call");
    return (...values) => {
      try {
        callback(...values);
      } catch (error) {
        this.tell(error);
      }
    };
  }
}
