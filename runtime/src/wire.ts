/** What the main isolate and a worker say to each other, in lists: as JSON, or as they are where bytes are in them. */
import type { Service } from "./services.ts";

/** A header may be there twice. */
export type HeaderList = [string, string][];
export type Level = "debug" | "info" | "warn" | "error";
export type LogSource = "console" | "call" | "system" | "trigger";

/** What a worker is told first, and once. */
export interface Beginning {
  gateway: { id: string; name: string; title: string };
  stage: string;
  environment: Record<string, string>;
  /** One number for each call that may be under way: see `take`. */
  seats: SharedArrayBuffer;
}

/** How many calls may be under way in a worker. */
export const SEATS = 2048;

/**
 * Who takes a call has it: the worker that begins it, or the main isolate that gives it to another one.
 *
 * While nobody has, its seat holds its id; a later call in the same seat has another.
 */
export function take(seats: Int32Array, call: { id: number; seat: number }): boolean {
  return Atomics.compareExchange(seats, call.seat, call.id, 0) === call.id;
}

export interface Call {
  id: number;
  seat: number;
  /** Without its stage. */
  function: string;
  method: string;
  /** Path and query as they came, without the stage. */
  target: string;
  /** Names and values, one after the other; so are parameters: of all that JSON has, it's quickest with flat lists. */
  headers: string[];
  params: string[];
  body: string | Uint8Array | null;
  requestId: string;
  ip: string;
  /** Why it's called: lines of its log that aren't its own say so. */
  kind: CallKind;
  /** Somebody waits until it's over, beyond its answer: until it has logged all that it will. */
  isFollowed: boolean;
}
export type CallKind = "call" | "draft" | "trigger";

export interface Load {
  function: string;
  revision: string;
  version: number;
  code: string;
  /** The digest of the packages it was built with, which came before it; empty: none. */
  vendor: string;
}

export interface LoadError {
  message: string;
  stack: string;
}

export interface Line {
  at: number;
  function: string;
  version: number;
  requestId: string;
  level: Level;
  source: LogSource;
  text: string;
  fields: Record<string, unknown> | null;
}

/** Why there is no answer of the function's own. */
export type Failure = "error" | "malformed-body" | "answer-too-large";

export type ToWorker =
  | ["begin", Beginning]
  | ["vendor", string, string]
  | ["load", Load]
  | ["unload", string]
  | ["call", Call]
  // Nobody waits for it any more
  | ["gone", number]
  // So many bytes of its stream were taken
  | ["taken", number, number]
  | ["answered", number, { name: string; code: string; message: string } | null, unknown]
  | ["ping", number];

export type FromWorker =
  | ["ready"]
  | ["loaded", string, string, number, LoadError | null]
  | ["done", number, number, HeaderList, string | Uint8Array | null]
  | ["failed", number, Failure, string]
  | ["head", number, number, HeaderList]
  | ["part", number, Uint8Array]
  // Empty: well
  | ["end", number, string]
  // Followed calls alone
  | ["over", number]
  | ["ask", number, number, Service, unknown]
  | ["log", Line]
  | ["pong", number, number];

const BINARY = new Set(["part", "begin"]);

/** Structured cloning of many small lists costs more than JSON; of bytes, less. */
export function packed<Message extends ToWorker | FromWorker>(messages: Message[]): string | Message[] {
  return messages.some(hasBytes) ? messages : JSON.stringify(messages);
}

export function unpacked<Message>(data: string | Message[]): Message[] {
  return typeof data === "string" ? JSON.parse(data) : data;
}

function hasBytes(message: ToWorker | FromWorker): boolean {
  switch (message[0]) {
    case "call":
      return message[1].body instanceof Uint8Array;
    case "done":
      return message[4] instanceof Uint8Array;
    case "ask":
      return holdsBytes(message[4]);
    case "answered":
      return holdsBytes(message[3]);
    default:
      return BINARY.has(message[0]);
  }
}

function holdsBytes(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (ArrayBuffer.isView(value)) return true;
  return (Array.isArray(value) ? value : Object.values(value)).some((each) => ArrayBuffer.isView(each));
}
