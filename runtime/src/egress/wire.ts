/** What the two sides of `fetch` say to each other: the worker asks, one thing at a time for each transfer. */
export type Asked =
  | { op: "open"; id: string; url: string; method: string; headers: Pair[]; body: Body; redirect: Redirect }
  | { op: "write"; id: string; chunk: Uint8Array }
  | { op: "close"; id: string }
  | { op: "read"; id: string }
  | { op: "cancel"; id: string };

export type Pair = [string, string];
/** In whole, or bit by bit by `write`. */
export type Body = Uint8Array | "streamed" | null;
export type Redirect = "follow" | "manual" | "error";

/** The answer to `open`. */
export interface Opened {
  status: number;
  statusText: string;
  headers: Pair[];
  url: string;
  redirected: boolean;
  hasBody: boolean;
}

/** The answer to `read`: null at the end. */
export type Read = Uint8Array | null;

export const STREAMED = "streamed";
