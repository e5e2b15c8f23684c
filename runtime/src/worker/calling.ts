import type { AsyncLocalStorage } from "node:async_hooks";
import { Numbered } from "../numbered.ts";
import type { Ask, Service } from "../services.ts";
import { type Call, type FromWorker, type Level, type LogSource, take } from "../wire.ts";
import { nothingSpent } from "./budget.ts";
import { harmless } from "./fault.ts";
import type { Functions, Loaded } from "./functions.ts";
import { inspected, type Logging, type Scope } from "./logging.ts";
import { ImpRequest, isMultipart, MalformedBody, readForm, webRequest } from "./request.ts";
import { AnswerTooLarge, CallerGone, ImpResponse } from "./response.ts";

// Not imported: nothing in a worker may import a module of Node's
const { AsyncLocalStorage: Storage } = globalThis.process.getBuiltinModule("node:async_hooks");

/** As long as anything that a call began may go on, this is kept: the less it is, the better. */
interface Begun extends Scope {
  readonly id: number;
}

interface Running {
  readonly begun: Begun;
  readonly loaded: Loaded | undefined;
  source: LogSource;
  response: ImpResponse;
  abort?: AbortController;
  isGone: boolean;
}

interface Asking {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** The calls under way in a worker. */
export class Calling {
  readonly #current: AsyncLocalStorage<Begun> = new Storage();
  readonly #running = new Numbered<Running>();
  readonly #asking = new Numbered<Asking>();
  #asked = 0;

  constructor(
    readonly seats: Int32Array,
    readonly functions: Functions,
    readonly logging: Logging,
    readonly send: (message: FromWorker) => void,
  ) {}

  requestId(): string {
    return this.#current.getStore()?.requestId ?? "";
  }

  /** Unless it was taken back, because this worker hadn't come to it for too long. */
  begin(call: Call): void {
    if (!take(this.seats, call)) return;
    const loaded = this.functions.get(call.function);
    const response = new ImpResponse({
      done: (status, headers, body) => this.send(["done", call.id, status, headers, body]),
      head: (status, headers) => this.send(["head", call.id, status, headers]),
      part: (bytes) => this.send(["part", call.id, bytes]),
      end: (fault) => this.send(["end", call.id, fault]),
    });
    const begun: Begun = {
      id: call.id,
      function: call.function,
      version: loaded?.version ?? 0,
      requestId: call.requestId,
      spent: nothingSpent(),
    };
    const running: Running = {
      begun,
      loaded,
      source: call.kind === "trigger" ? "trigger" : "call",
      response,
      isGone: false,
    };
    this.#running.set(call.id, running);
    loaded?.life.begun();
    this.#current.run(begun, () => void this.#run(call, running, loaded));
  }

  async #run(call: Call, running: Running, loaded: Loaded | undefined): Promise<void> {
    try {
      await this.#answer(call, running, loaded);
    } catch (error) {
      this.#fail(running, harmless(error));
    } finally {
      this.#running.delete(call.id);
      if (!running.isGone) loaded?.life.over();
      this.logging.close(running.begun);
      if (call.isFollowed) this.send(["over", call.id]);
    }
  }

  async #answer(call: Call, running: Running, loaded: Loaded | undefined): Promise<void> {
    const { response } = running;
    if (loaded?.handler) {
      const form = isMultipart(call) ? await readForm(call) : undefined;
      const returned = loaded.handler(new ImpRequest(call, () => signalOf(running), form), response);
      const value = returned instanceof Promise || isThenable(returned) ? await returned : returned;
      await response.settle(value);
    } else if (loaded?.web) {
      const returned = await loaded.web(webRequest(call, signalOf(running)));
      if (!(returned instanceof Response)) throw new TypeError("A function named fetch has to return a Response");
      await response.settle(returned);
    } else {
      throw new Error("The function isn't loaded here");
    }
  }

  #fail(running: Running, error: unknown): void {
    const { begun, response } = running;
    if (running.isGone && (error instanceof CallerGone || isAbort(error))) return response.breakOff("");
    if (error instanceof MalformedBody && !response.headersSent) {
      return this.send(["failed", begun.id, "malformed-body", error.message]);
    }
    this.logging.log(begun, "error", running.source, messageOf(error), { stack: inspected(error) });
    if (response.headersSent) {
      // Where it was sent whole, its caller has nothing to do with what came after
      return response.breakOff(messageOf(error));
    }
    this.send(["failed", begun.id, error instanceof AnswerTooLarge ? "answer-too-large" : "error", ""]);
  }

  /** Nobody waits for it any more: should its function be replaced, it keeps that one's former version no longer. */
  gone(id: number): void {
    const running = this.#running.get(id);
    if (!running || running.isGone) return;
    running.isGone = true;
    running.loaded?.life.over();
    running.response.gone();
    running.abort?.abort(new CallerGone());
  }

  taken(id: number, bytes: number): void {
    this.#running.get(id)?.response.taken(bytes);
  }

  readonly ask: Ask = (service: Service, message: unknown) => {
    const number = ++this.#asked;
    return new Promise((resolve, reject) => {
      this.#asking.set(number, { resolve, reject });
      this.send(["ask", number, this.#current.getStore()?.id ?? 0, service, message]);
    });
  };

  answered(number: number, error: { name: string; code: string; message: string } | null, value: unknown): void {
    const asking = this.#asking.get(number);
    this.#asking.delete(number);
    if (!asking) return;
    if (error === null) return asking.resolve(value);
    const { name, code, message } = error;
    asking.reject(Object.assign(new Error(message), { name, code }));
  }

  log(name: string, version: number, level: Level, source: LogSource, text: string, fields?: unknown): void {
    const begun = this.#current.getStore();
    // Of a call that is over the lines still are its own; of another function's, its own
    const scope = begun?.function === name ? begun : { function: name, version, requestId: begun?.requestId ?? "" };
    this.logging.log(scope, level, source, text, fields);
  }

  /** What nobody caught, perhaps outside of all calls: its stack says whose it is. */
  uncaught(what: string, error: unknown): void {
    const stack = inspected(error);
    const begun = this.#current.getStore();
    const name = /imp:\/\/\/(?!packages@)(.+?)@\d+\.js/.exec(stack)?.[1] ?? begun?.function ?? "";
    const version = this.functions.get(name)?.version ?? 0;
    this.log(name, version, "error", "system", `${what}: ${messageOf(error)}`, { stack });
  }
}

function signalOf(running: Running): AbortSignal {
  running.abort ??= new AbortController();
  if (running.isGone && !running.abort.signal.aborted) running.abort.abort(new CallerGone());
  return running.abort.signal;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

function messageOf(error: unknown): string {
  try {
    return error instanceof Error ? `${error.name}: ${error.message}` : `Thrown: ${inspected(error)}`;
  } catch {
    return "Thrown: something that can't be shown";
  }
}
