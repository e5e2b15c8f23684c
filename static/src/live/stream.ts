/** One event stream for the whole page, opened again for as long as it is wanted. */

import { readMessages } from "./messages.ts";

export interface Told {
  topic: string;
  kind: string;
  ref: string;
}

export interface Listener {
  told(event: Told): void;
  /** Something was left out: everything has to be asked for again. */
  resync(): void;
  /** The stream is there, or it isn't and the next try is at `nextTry` (by performance.now()). */
  changed(state: State): void;
}

export type State = { is: "open" } | { is: "lost"; nextTry: number; signedOut: boolean } | { is: "resting" };

// The server gives a sign of life every ten seconds
const SILENCE = 25_000;
const FIRST_DELAY = 400;
const LONGEST_DELAY = 30_000;

/** Why the server refused, and when it's worth asking again. */
class Refused extends Error {
  constructor(readonly status: number, readonly topics: string[], readonly retryAfter: number) {
    super(`refused with ${status}`);
  }
}

export class Stream {
  #topics: string[] = [];
  #refused = new Set<string>();
  #attempt: AbortController | null = null;
  #timer = 0;
  #failures = 0;
  #lastId = "";
  #signedOut = false;

  constructor(readonly url: string, readonly listener: Listener) {}

  /** Listens to these topics from now on; to nothing, if there are none. */
  want(topics: string[]): void {
    const wanted = topics.filter((topic) => !this.#refused.has(topic)).sort();
    if (wanted.join(" ") === this.#topics.join(" ") && this.#isBusy) return;
    this.#topics = wanted;
    this.#failures = 0;
    this.#open();
  }

  /** Stops until `want` is called again, which then tells what was missed. */
  rest(): void {
    this.#topics = [];
    this.#open();
  }

  tryNow(): void {
    if (this.#timer) this.#open();
  }

  get #isBusy(): boolean {
    return this.#attempt !== null || this.#timer !== 0;
  }

  #open(): void {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#attempt?.abort();
    this.#attempt = null;
    if (!this.#topics.length) {
      this.listener.changed({ is: "resting" });
      return;
    }
    const attempt = new AbortController();
    this.#attempt = attempt;
    this.#tellLost(performance.now());
    this.#listen(attempt).catch((reason: unknown) => reason).then((reason) => {
      if (this.#attempt !== attempt) return;
      this.#attempt = null;
      this.#failed(reason);
    });
  }

  async #listen(attempt: AbortController): Promise<void> {
    let watchdog = setTimeout(() => attempt.abort(), SILENCE);
    try {
      const response = await fetch(this.#address(), {
        credentials: "include",
        cache: "no-store",
        signal: attempt.signal,
      });
      if (!response.ok || !response.body) throw await refusal(response);
      for await (const message of readMessages(response.body)) {
        if (this.#attempt !== attempt) return;
        clearTimeout(watchdog);
        watchdog = setTimeout(() => attempt.abort(), SILENCE);
        if (message.id) this.#lastId = message.id;
        this.#failures = 0;
        this.#signedOut = false;
        this.listener.changed({ is: "open" });
        if (message.event === "message") this.listener.told(JSON.parse(message.data) as Told);
        if (message.event === "resync") this.listener.resync();
      }
    } finally {
      clearTimeout(watchdog);
      attempt.abort();
    }
  }

  /** A page that never listened before says how old it is, so that what changed while it was loading is told. */
  #address(): string {
    const query = new URLSearchParams(this.#topics.map((topic) => ["topic", topic]));
    if (this.#lastId) query.set("last", this.#lastId);
    else query.set("age", (performance.now() / 1000).toFixed(1));
    return `${this.url}?${query}`;
  }

  #failed(reason: unknown): void {
    const refused = reason instanceof Refused ? reason : null;
    if (refused?.topics.length) {
      for (const topic of refused.topics) this.#refused.add(topic);
      this.#topics = this.#topics.filter((topic) => !this.#refused.has(topic));
      this.#open();
      return;
    }
    // Many pages lose the same server at the same moment, and must not come back at the same one
    const doubled = Math.min(FIRST_DELAY * 2 ** this.#failures, LONGEST_DELAY);
    const delay = Math.max(doubled * (0.5 + Math.random() / 2), (refused?.retryAfter ?? 0) * 1000);
    this.#failures += 1;
    this.#timer = setTimeout(() => this.#open(), delay);
    this.#signedOut = refused?.status === 401;
    this.#tellLost(performance.now() + delay);
  }

  #tellLost(nextTry: number): void {
    this.listener.changed({ is: "lost", nextTry, signedOut: this.#signedOut });
  }
}

async function refusal(response: Response): Promise<Refused> {
  const problem = (await response.json().catch(() => ({}))) as { topics?: unknown };
  const topics = Array.isArray(problem.topics) ? problem.topics.map(String) : [];
  return new Refused(response.status, topics, Number(response.headers.get("Retry-After")) || 0);
}
