import { SEATS } from "../wire.ts";
import type { Holder, Pending } from "./crew.ts";

/** Calls that no worker has begun, while there is none. */
export class Room implements Holder {
  readonly name = "";
  #waiting = new Map<number, Pending>();

  get size(): number {
    return this.#waiting.size;
  }

  get isFull(): boolean {
    return this.#waiting.size >= SEATS;
  }

  take(pending: Pending): void {
    this.#waiting.set(pending.call.id, pending);
    pending.given(this);
  }

  /** All of them, for a worker that is there. */
  takeBack(): Pending[] {
    const all = [...this.#waiting.values()];
    this.#waiting.clear();
    return all;
  }

  turnAway(): void {
    for (const each of this.takeBack()) each.turnAway();
  }

  /** Those whose time is up. */
  look(now: number): void {
    for (const each of this.#waiting.values()) {
      if (now >= each.deadline) each.turnAway();
      else each.lasts();
    }
  }

  forget(pending: Pending): void {
    this.finish(pending);
  }

  finish(pending: Pending): void {
    this.#waiting.delete(pending.call.id);
  }

  /** What wasn't begun logs nothing. */
  follow(_call: number, over: () => void): void {
    over();
  }

  send(): void {}
}
