import type { HeaderList } from "../wire.ts";
import { type CookieOptions, writeCookie } from "./cookies.ts";

/** Beyond this, an answer is sent as a stream. */
export const ANSWER_BYTES = 10 * 1024 * 1024;
/** Of a stream, before `write` has to wait for the caller. */
const WINDOW_BYTES = 256 * 1024;
/** Who doesn't wait is stopped here. */
const UNREAD_BYTES = 16 * 1024 * 1024;
const PART_BYTES = 64 * 1024;
/** What is at hand has come by then, as promises go; of all else the head is sent before its first part. */
const TURNS_AT_HAND = 8;
// Below what Envoy takes, whose own refusal would tell nobody why
const MOST_HEADERS = 90;
const HEADER_BYTES = 48 * 1024;
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// deno-lint-ignore no-control-regex
const BAD_VALUE = /[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]/;

const encoder = new TextEncoder();

/** Who brings it to the caller. */
export interface Sender {
  done(status: number, headers: HeaderList, body: string | Uint8Array | null): void;
  head(status: number, headers: HeaderList): void;
  part(bytes: Uint8Array): void;
  /** Why it isn't whole; empty: it is. */
  end(fault: string): void;
}

export class AnswerTooLarge extends Error {
  override readonly name = "AnswerTooLarge";
}

/** Nobody takes the answer any more. */
export class CallerGone extends Error {
  override readonly name = "CallerGone";
  constructor() {
    super("The caller is gone");
  }
}

type Bytes = string | Uint8Array | ArrayBuffer;
export type Source = ReadableStream<string | Uint8Array> | AsyncIterable<string | Uint8Array> | Iterable<string>;
type Reader = ReadableStreamDefaultReader<string | Uint8Array>;

/** `res`, as handlers have it. */
export class ImpResponse {
  statusCode = 200;
  readonly #sender: Sender;
  readonly #headers = new Map<string, string | string[]>();
  #state: "open" | "streaming" | "ended" = "open";
  #unread = 0;
  #wake: (() => void) | undefined;
  #isGone = false;
  /** Of res.stream(), which may not have been waited for. */
  #sending: Promise<void> | undefined;
  /** Why it was cut off, which who writes without waiting never hears. */
  #fault: Error | undefined;
  /** Stops what a stream comes from. */
  #stop: (() => void) | undefined;

  constructor(sender: Sender) {
    this.#sender = sender;
  }

  /** The answer has begun: status and headers can't be changed any more. */
  get headersSent(): boolean {
    return this.#state !== "open";
  }

  status(code: number): this {
    if (!Number.isInteger(code) || code < 200 || code > 599) throw new RangeError(`${code} is no status of an answer`);
    this.statusCode = code;
    return this;
  }

  set(name: string | Record<string, string | number | string[]>, value?: string | number | string[]): this {
    if (typeof name === "object") {
      for (const [each, its] of Object.entries(name)) this.set(each, its);
      return this;
    }
    this.#mayChange();
    if (!NAME.test(name)) throw new TypeError(`${JSON.stringify(name)} can't be a header's name`);
    const values = (Array.isArray(value) ? value : [value]).map(String);
    const bad = values.find((each) => BAD_VALUE.test(each));
    if (bad !== undefined) throw new TypeError(`The header ${name} can't be ${JSON.stringify(bad)}`);
    this.#headers.set(name.toLowerCase(), values.length === 1 ? values[0] as string : values);
    return this;
  }

  header(name: string, value: string | number | string[]): this {
    return this.set(name, value);
  }

  setHeader(name: string, value: string | number | string[]): this {
    return this.set(name, value);
  }

  append(name: string, value: string | string[]): this {
    const before = this.#headers.get(name.toLowerCase()) ?? [];
    return this.set(name, [before, value].flat());
  }

  removeHeader(name: string): this {
    this.#mayChange();
    this.#headers.delete(name.toLowerCase());
    return this;
  }

  get(name: string): string | undefined {
    const found = this.#headers.get(name.toLowerCase());
    return Array.isArray(found) ? found.join(", ") : found;
  }

  /** A media type, or a short word for one. */
  type(type: string): this {
    return this.set("content-type", TYPES[type] ?? type);
  }

  cookie(name: string, value: string, options?: CookieOptions): this {
    return this.append("set-cookie", writeCookie(name, value, options));
  }

  clearCookie(name: string, options?: CookieOptions): this {
    return this.cookie(name, "", { ...options, expires: new Date(0), maxAge: undefined });
  }

  json(value: unknown): void {
    const text = JSON.stringify(value);
    if (text === undefined) throw new TypeError(`${typeof value} can't be sent as JSON`);
    this.#finish(text, "application/json; charset=utf-8");
  }

  send(body?: unknown): void {
    if (body === undefined || body === null) this.#finish(null, "");
    else if (typeof body === "string") this.#finish(body, "text/html; charset=utf-8");
    else if (isBytes(body)) this.#finish(bytesOf(body), "application/octet-stream");
    else if (isStreamed(body)) void this.stream(body);
    else this.json(body);
  }

  sendStatus(code: number): void {
    this.status(code).#finish(String(code), "text/plain; charset=utf-8");
  }

  redirect(first: number | string, second?: string): void {
    const [status, to] = typeof first === "number" ? [first, second ?? ""] : [302, first];
    if (status < 300 || status > 399) throw new RangeError(`${status} is no status of a redirect`);
    this.status(status).set("location", addressOf(to)).#finish(null, "");
  }

  /** Sends a part of the answer; wait for it, so that it goes as fast as the caller takes it. */
  write(part: Bytes): Promise<void> {
    const written = this.#write(part);
    // Who doesn't wait for it hears of it from req.signal
    written.catch(() => {});
    return written;
  }

  async #write(part: Bytes): Promise<void> {
    const bytes = typeof part === "string" ? encoder.encode(part) : bytesOf(part);
    if (this.#isGone) throw new CallerGone();
    if (this.#state === "ended") throw new Error("The answer has ended");
    this.#begin();
    if (this.#unread > UNREAD_BYTES) {
      this.#fault = new AnswerTooLarge("The caller is slower than what is written: await res.write(…)");
      this.breakOff(this.#fault.message);
      throw this.#fault;
    }
    this.#unread += bytes.length;
    for (let at = 0; at < bytes.length; at += PART_BYTES) this.#sender.part(bytes.slice(at, at + PART_BYTES));
    while (this.#unread > WINDOW_BYTES && !this.#isGone) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    if (this.#isGone) throw new CallerGone();
  }

  end(part?: Bytes): void {
    if (this.#fault) throw this.#fault;
    if (this.#state !== "streaming") {
      this.#finish(part === undefined ? null : typeof part === "string" ? part : bytesOf(part), "");
      return;
    }
    if (part !== undefined) void this.write(part);
    this.#state = "ended";
    this.#sender.end("");
  }

  /** All of a source, as fast as the caller takes it. */
  stream(source: Source | Blob): Promise<void> {
    this.#sending = this.#stream(source);
    // Who doesn't wait for it is told when the handler returns
    this.#sending.catch(() => {});
    return this.#sending;
  }

  async #stream(source: Source | Blob): Promise<void> {
    const isBlob = source instanceof Blob;
    if (!this.#headers.has("content-type")) this.type(isBlob && source.type || "application/octet-stream");
    this.#begin();
    if (isBlob) return await this.#pass(this.#readerOf(source.stream()));
    if (source instanceof ReadableStream) return await this.#pass(this.#readerOf(source));
    for await (const part of source as AsyncIterable<string | Uint8Array>) await this.write(part);
    this.end();
  }

  /** What a handler returned: it's the answer where it sent none. */
  async settle(value: unknown): Promise<void> {
    if (value instanceof Response) return await this.#copy(value);
    if (this.#state === "streaming") {
      await this.#sending;
      if (this.#state === "streaming") this.end();
    }
    if (this.#fault) throw this.#fault;
    if (this.#state === "ended") return;
    // Both are a way to say: what was sent is all
    if (value === undefined || value === this) {
      this.status(this.statusCode === 200 ? 204 : this.statusCode).#finish(null, "");
    } else if (typeof value === "string") this.#finish(value, "text/plain; charset=utf-8");
    else if (isBytes(value)) this.send(value);
    else if (isStreamed(value)) await this.stream(value);
    else this.json(value);
  }

  /** What had begun can't be taken back: it's cut off. */
  breakOff(fault: string): void {
    if (this.#state !== "streaming") return;
    this.#state = "ended";
    this.#sender.end(fault);
  }

  /** The caller took so many bytes. */
  taken(bytes: number): void {
    this.#unread -= bytes;
    this.#wake?.();
  }

  gone(): void {
    this.#isGone = true;
    this.#wake?.();
    this.#stop?.();
  }

  async #copy(response: Response): Promise<void> {
    if (this.#state !== "open") throw new Error("A Response was returned, but the answer had begun before");
    this.statusCode = response.status;
    for (const [name, value] of response.headers) {
      if (name === "set-cookie") this.append(name, value);
      else this.set(name, value);
    }
    if (!response.body) return this.#finish(null, "");
    const reader = this.#readerOf(response.body);
    const reading = reader.read();
    if (!await isAtHand(reading)) {
      // Whoever waits for events has their head before the first
      this.#begin();
      return await this.#pass(reader, reading);
    }
    const first = await reading;
    if (first.done) return this.#finish(null, "");
    const second = reader.read();
    // Most answers are one part, and known to be
    const isWhole = await Promise.race([second.then((each) => each.done), Promise.resolve().then(() => undefined)]);
    if (isWhole ?? response.headers.has("content-length")) {
      if ((await second).done) return this.#finish(first.value, "");
    }
    await this.#pass(reader, reading, second);
  }

  /** What comes from it is stopped once nobody takes it any more, also while it has nothing to send. */
  #readerOf(stream: ReadableStream<string | Uint8Array>): Reader {
    const reader = stream.getReader();
    this.#stop = () => void reader.cancel(new CallerGone()).catch(() => {});
    if (this.#isGone) this.#stop();
    return reader;
  }

  /** All of it, of which some reads have begun. */
  async #pass(reader: Reader, ...begun: ReturnType<Reader["read"]>[]): Promise<void> {
    try {
      for (;;) {
        const next = await (begun.shift() ?? reader.read());
        if (next.done) break;
        await this.write(next.value);
      }
      if (this.#isGone) throw new CallerGone();
      this.end();
    } catch (error) {
      reader.cancel(error).catch(() => {});
      throw error;
    }
  }

  #begin(): void {
    if (this.#state !== "open") return;
    // It may have been assigned
    this.status(this.statusCode);
    const headers = this.#list();
    this.#state = "streaming";
    this.#sender.head(this.statusCode, headers);
  }

  #finish(body: string | Uint8Array | null, type: string): void {
    this.#mayChange();
    this.status(this.statusCode);
    if (body !== null && body.length > ANSWER_BYTES) {
      throw new AnswerTooLarge(`An answer is ${ANSWER_BYTES / 2 ** 20} MiB at most: send it with res.stream(…)`);
    }
    if (type && body !== null && !this.#headers.has("content-type")) this.#headers.set("content-type", type);
    const headers = this.#list();
    this.#state = "ended";
    this.#sender.done(this.statusCode, headers, body);
  }

  #mayChange(): void {
    if (this.#state !== "open") throw new Error("The answer was sent before");
  }

  #list(): HeaderList {
    const list: HeaderList = [];
    for (const [name, value] of this.#headers) {
      if (typeof value === "string") list.push([name, value]);
      else for (const each of value) list.push([name, each]);
    }
    let bytes = 0;
    for (const [name, value] of list) bytes += name.length + value.length;
    if (list.length > MOST_HEADERS || bytes > HEADER_BYTES) {
      throw new RangeError(`An answer has ${MOST_HEADERS} headers and ${HEADER_BYTES / 1024} KiB of them at most`);
    }
    return list;
  }
}

const TYPES: Record<string, string> = {
  json: "application/json; charset=utf-8",
  html: "text/html; charset=utf-8",
  text: "text/plain; charset=utf-8",
  xml: "application/xml; charset=utf-8",
  csv: "text/csv; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
  png: "image/png",
  jpeg: "image/jpeg",
  pdf: "application/pdf",
  bytes: "application/octet-stream",
  events: "text/event-stream",
};

/** As it is, but for what may not be in an address. */
function addressOf(text: string): string {
  // What was encoded before stays so; and without these two, an address of IPv6 would be none
  return encodeURI(text).replace(/%(?:25|5B|5D)/g, decodeURIComponent);
}

async function isAtHand(promise: Promise<unknown>): Promise<boolean> {
  let isThere = false;
  const note = () => void (isThere = true);
  promise.then(note, note);
  for (let turn = 0; turn < TURNS_AT_HAND && !isThere; turn++) await undefined;
  return isThere;
}

/** It comes bit by bit: a stream, what a generator yields, a file. */
function isStreamed(value: unknown): value is AsyncIterable<string | Uint8Array> | Blob {
  return typeof value === "object" && value !== null && (Symbol.asyncIterator in value || value instanceof Blob);
}

function isBytes(value: unknown): value is Uint8Array | ArrayBuffer {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer;
}

function bytesOf(value: Uint8Array | ArrayBuffer | ArrayBufferView | string): Uint8Array {
  if (typeof value === "string") return encoder.encode(value);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  throw new TypeError("A part of an answer is a text or bytes");
}
