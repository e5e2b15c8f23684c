import type { Call } from "../wire.ts";
import { readCookies } from "./cookies.ts";

/** The caller's fault: 400. */
export class MalformedBody extends Error {
  override readonly name = "MalformedBody";
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** `req`, as handlers have it. What costs something is made when it's asked for. */
export class ImpRequest {
  readonly method: string;
  readonly path: string;
  /** Path and query. */
  readonly url: string;
  readonly params: Record<string, string>;
  readonly requestId: string;
  readonly ip: string;
  readonly #call: Call;
  readonly #signal: () => AbortSignal;
  #query?: Record<string, string | string[]>;
  #headers?: Record<string, string>;
  #cookies?: Record<string, string>;
  #body?: { value: unknown };

  constructor(call: Call, signal: () => AbortSignal, form?: FormData) {
    const at = call.target.indexOf("?");
    this.method = call.method;
    this.url = call.target;
    this.path = at < 0 ? call.target : call.target.slice(0, at);
    this.params = paramsOf(call.params);
    this.requestId = call.requestId;
    this.ip = call.ip;
    this.#call = call;
    this.#signal = signal;
    if (form) this.#body = { value: several(form.entries()) };
  }

  /** Aborted once nobody waits for the answer any more. */
  get signal(): AbortSignal {
    return this.#signal();
  }

  /** A name that is there more than once has a list. */
  get query(): Record<string, string | string[]> {
    return this.#query ??= this.url.length === this.path.length
      ? Object.create(null) as Record<string, string>
      : several(new URLSearchParams(this.url.slice(this.path.length)).entries());
  }

  /** By their names in lower case. */
  get headers(): Record<string, string> {
    return this.#headers ??= headersOf(this.#call.headers);
  }

  get cookies(): Record<string, string> {
    return this.#cookies ??= readCookies(this.headers.cookie ?? "");
  }

  get(name: string): string | undefined {
    return this.headers[name.toLowerCase()];
  }

  /** By its type: what JSON says, the fields of a form, a text; bytes where the type is none of these. */
  get body(): unknown {
    return (this.#body ??= { value: this.#parsed() }).value;
  }

  set body(value: unknown) {
    this.#body = { value };
  }

  /** The bytes as they came. */
  get rawBody(): Uint8Array {
    const { body } = this.#call;
    return typeof body === "string" ? encoder.encode(body) : body ?? new Uint8Array();
  }

  #parsed(): unknown {
    const { body } = this.#call;
    if (body === null || body.length === 0) return undefined;
    const type = typeOf(this.headers["content-type"]);
    if (!isText(type)) return body;
    const text = textOf(body, this.headers["content-type"] ?? "");
    if (isJson(type)) {
      try {
        return JSON.parse(text);
      } catch (error) {
        throw new MalformedBody(`The body is no JSON: ${(error as Error).message}.`);
      }
    }
    return type === FORM ? several(new URLSearchParams(text).entries()) : text;
  }
}

const FORM = "application/x-www-form-urlencoded";
const CHARSET = /;\s*charset="?([^\s;"]+)/i;
const UTF8 = /^utf-?8$/i;

export function typeOf(header: string | undefined): string {
  return (header ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

/** In the characters that its type names, or in UTF-8; without the mark that some begin with. */
function textOf(body: string | Uint8Array, type: string): string {
  const charset = type.includes(";") ? CHARSET.exec(type)?.[1] : undefined;
  if (charset !== undefined && !UTF8.test(charset)) {
    try {
      return new TextDecoder(charset).decode(typeof body === "string" ? encoder.encode(body) : body);
    } catch {
      // Nobody knows it: then it's read as most are
    }
  }
  if (typeof body !== "string") return decoder.decode(body);
  return body.startsWith("\ufeff") ? body.slice(1) : body;
}

export function isJson(type: string): boolean {
  return type === "application/json" || type.endsWith("+json");
}

/** What can go from isolate to isolate as a text, with nothing lost. */
export function isText(type: string): boolean {
  return isJson(type) || type === FORM || type.startsWith("text/");
}

export function isMultipart(call: Call): boolean {
  return call.body !== null && headerOf(call.headers, "content-type").toLowerCase().startsWith("multipart/form-data");
}

/** Its fields and files. */
export async function readForm(call: Call): Promise<FormData> {
  const headers = { "content-type": headerOf(call.headers, "content-type") };
  try {
    return await new Response(call.body as BodyInit, { headers }).formData();
  } catch (error) {
    throw new MalformedBody(`The body is no multipart form: ${(error as Error).message}.`);
  }
}

export function webRequest(call: Call, signal: AbortSignal): Request {
  const host = headerOf(call.headers, "x-forwarded-host") || headerOf(call.headers, "host") || "localhost";
  const scheme = headerOf(call.headers, "x-forwarded-proto") === "https" ? "https" : "http";
  const hasBody = call.body !== null && call.method !== "GET" && call.method !== "HEAD";
  return new Request(`${scheme}://${host}${call.target}`, {
    method: call.method,
    headers: pairsOf(call.headers),
    body: hasBody ? call.body as BodyInit : null,
    signal,
  });
}

function headerOf(headers: string[], name: string): string {
  for (let at = 0; at < headers.length; at += 2) if (headers[at] === name) return headers[at + 1] as string;
  return "";
}

function pairsOf(list: string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let at = 0; at < list.length; at += 2) pairs.push([list[at] as string, list[at + 1] as string]);
  return pairs;
}

function paramsOf(list: string[]): Record<string, string> {
  const params: Record<string, string> = Object.create(null);
  for (const [name, value] of pairsOf(list)) params[name] = value;
  return params;
}

function headersOf(list: string[]): Record<string, string> {
  const found: Record<string, string> = Object.create(null);
  for (const [name, value] of pairsOf(list)) {
    const before = found[name];
    found[name] = before === undefined ? value : name === "cookie" ? `${before}; ${value}` : `${before}, ${value}`;
  }
  return found;
}

function several<Value>(entries: Iterable<[string, Value]>): Record<string, Value | Value[]> {
  const found: Record<string, Value | Value[]> = Object.create(null);
  for (const [name, value] of entries) {
    const before = found[name];
    if (before === undefined) found[name] = value;
    else if (Array.isArray(before)) before.push(value);
    else found[name] = [before, value];
  }
  return found;
}
