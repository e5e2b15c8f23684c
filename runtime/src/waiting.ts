import type { Holder, Pending } from "./stages/crew.ts";
import type { Call, Failure, FromWorker, HeaderList } from "./wire.ts";

// It would take them for its upstream's word
const OF_ENVOY = "x-envoy-";
/** What the connection between caller and process is about, and so not a function's to say. */
const NOT_THEIRS = new Set([
  "connection",
  "keep-alive",
  "transfer-encoding",
  "content-length",
  "upgrade",
  "te",
  "trailer",
  "x-imp-gateway",
]);
const NO_BODY = new Set([204, 205, 304]);

/** Why there is no answer of the function's own. */
export type Fault = Failure | "timeout" | "interrupted" | "away";

export class NoAnswer extends Error {
  constructor(readonly fault: Fault, message = "") {
    super(message);
  }
}

/** A call that a worker has, and the answer that becomes of it. */
export class Waiting implements Pending {
  readonly answer: Promise<Response>;
  deadline: number;
  #holder: Holder | undefined;
  #resolve!: (response: Response) => void;
  #reject!: (fault: NoAnswer) => void;
  #stream: Streamed | undefined;
  #settled: PromiseWithResolvers<void> | undefined;
  #lasts = false;

  /**
   * `over`: it's nobody's any more, answered or not. `streamMs`: how long a stream may go on. `own`: headers of each
   * answer; put to it later, they'd make it a slower one.
   */
  constructor(
    readonly call: Call,
    timeoutMs: number,
    readonly streamMs: number,
    readonly own: HeaderList,
    readonly over: (holder: Holder, isAnswered: boolean) => void,
    /** Its caller may be gone; `left` is told at once, or later. Costs something, and most calls are over before. */
    readonly watch: (left: () => void) => void = () => {},
  ) {
    if (call.isFollowed) this.#settled = Promise.withResolvers();
    this.deadline = performance.now() + timeoutMs;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** A followed one has logged all that it will; or it's lost. */
  get settled(): Promise<void> | undefined {
    return this.#settled?.promise;
  }

  get isStream(): boolean {
    return this.#stream !== undefined;
  }

  given(holder: Holder): void {
    this.#holder = holder;
  }

  lasts(): void {
    if (this.#lasts) return;
    this.#lasts = true;
    this.watch(() => this.leave());
  }

  hear(message: FromWorker): void {
    switch (message[0]) {
      case "done":
        this.#finish(true);
        return this.#respond(message[2], message[3], message[4] as BodyInit | null);
      case "failed":
        this.#finish(true);
        return this.#reject(new NoAnswer(message[2], message[3]));
      case "head":
        if (NO_BODY.has(message[2]) || this.call.method === "HEAD") {
          this.#respond(message[2], message[3], null);
          return this.leave();
        }
        this.deadline = performance.now() + this.streamMs;
        this.#stream = new Streamed(
          (bytes) => this.#holder?.send(["taken", this.call.id, bytes]),
          () => this.leave(),
        );
        return this.#respond(message[2], message[3], this.#stream.body);
      case "part":
        return this.#stream?.put(message[2]);
      case "end":
        this.#finish(true);
        return message[2] === "" ? this.#stream?.close() : this.#stream?.fail();
    }
  }

  /** Its time is up, or its worker is gone. */
  lost(): void {
    const isLate = performance.now() >= this.deadline;
    this.#stream?.fail();
    this.#reject(new NoAnswer(isLate ? "timeout" : "interrupted"));
    this.leave();
  }

  turnAway(): void {
    this.#reject(new NoAnswer("away"));
    this.leave();
  }

  /** Nobody waits any more. */
  leave(): void {
    this.#holder?.forget(this);
    this.#finish(false);
    // Nobody reads it; but until there is one, it seems to be under way
    this.#reject(new NoAnswer("interrupted"));
  }

  #respond(status: number, list: HeaderList, body: BodyInit | null): void {
    const headers = list.filter(([name]) => !(NOT_THEIRS.has(name) || name.startsWith(OF_ENVOY))).concat(this.own);
    try {
      this.#resolve(new Response(NO_BODY.has(status) ? null : body, { status, headers }));
    } catch (error) {
      this.#reject(new NoAnswer("error", String(error)));
    }
  }

  #finish(isAnswered: boolean): void {
    const holder = this.#holder;
    if (!holder) return;
    this.#holder = undefined;
    holder.finish(this);
    if (this.#settled) holder.follow(this.call.id, this.#settled.resolve);
    this.over(holder, isAnswered);
  }
}

/** Parts as they come, given on as they're taken. */
class Streamed {
  readonly body: ReadableStream<Uint8Array>;
  readonly #parts: Uint8Array[] = [];
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #end: "open" | "closed" | "failed" = "open";
  #wake: (() => void) | undefined;

  constructor(readonly taken: (bytes: number) => void, readonly cancelled: () => void) {
    this.body = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#controller = controller),
      pull: () => this.#pull(),
      cancel: () => {
        this.#end = "closed";
        this.cancelled();
      },
    }, { highWaterMark: 0 });
  }

  put(part: Uint8Array): void {
    this.#parts.push(part);
    this.#wake?.();
  }

  close(): void {
    if (this.#end === "open") this.#end = "closed";
    this.#wake?.();
  }

  fail(): void {
    if (this.#end === "open") this.#end = "failed";
    this.#wake?.();
  }

  async #pull(): Promise<void> {
    while (this.#parts.length === 0 && this.#end === "open") {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const part = this.#parts.shift();
    if (part) {
      this.taken(part.length);
      return this.#controller.enqueue(part);
    }
    // Cut off, so that nobody takes a part for the whole
    if (this.#end === "failed") this.#controller.error(new Error("The function broke off its answer"));
    else this.#controller.close();
  }
}
