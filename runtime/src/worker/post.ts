import { type FromWorker, packed } from "../wire.ts";

const AT_ONCE_AFTER_MS = 5;
const MOST_AT_ONCE = 64;

/** Says things to the main isolate: those of one turn together. */
export class Post {
  #waiting: FromWorker[] = [];
  #lastAt = 0;

  constructor(readonly deliver: (message: unknown) => void) {}

  send(message: FromWorker): void {
    if (this.#waiting.push(message) === 1) queueMicrotask(() => this.flush());
    else if (this.#waiting.length >= MOST_AT_ONCE) this.flush();
  }

  /** Also where no turn comes after this one: what was logged before an endless loop is worth the most. */
  sendSoon(message: FromWorker): void {
    this.send(message);
    if (performance.now() - this.#lastAt > AT_ONCE_AFTER_MS) this.flush();
  }

  flush(): void {
    if (this.#waiting.length === 0) return;
    const messages = this.#waiting;
    this.#waiting = [];
    this.#lastAt = performance.now();
    this.deliver(packed(messages));
  }
}
