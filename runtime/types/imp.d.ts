/** What functions have besides what the web's standards give: a request, an answer, and `imp`. */

/** A call, as the function's first parameter. */
interface ImpRequest {
  readonly method: string;
  /** The path that was asked for, without the query: `/user/42`. */
  readonly path: string;
  /** Path and query. */
  readonly url: string;
  /** What the name's parameters stand for: `user/:id` gives `req.params.id`. */
  readonly params: Record<string, string>;
  /** A name that is there more than once has a list. */
  // deno-lint-ignore no-explicit-any
  readonly query: Record<string, any>;
  /** By their names in lower case. */
  readonly headers: Record<string, string>;
  readonly cookies: Record<string, string>;
  /**
   * By its content-type: what the JSON says; the fields of a form, with files as `File`; a text. Bytes where the type
   * is none of these; `undefined` where there is none. JSON that can't be read is answered with 400.
   */
  // deno-lint-ignore no-explicit-any
  body: any;
  /** The bytes as they came. */
  readonly rawBody: Uint8Array;
  /** Where the call came from. */
  readonly ip: string;
  /** Is with each line that this call logs. */
  readonly requestId: string;
  /** Aborted once nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** A header, by its name in any case. */
  get(name: string): string | undefined;
}

interface ImpCookie {
  domain?: string;
  /** `/` unless it's said. */
  path?: string;
  expires?: Date;
  /** In seconds. */
  maxAge?: number;
  httpOnly?: boolean;
  secure?: boolean;
  sameSite?: "strict" | "lax" | "none";
}

/** The answer, as the function's second parameter. A value that the function returns is one as well. */
interface ImpResponse {
  statusCode: number;
  /** The answer has begun: its status and headers can't be changed any more. */
  readonly headersSent: boolean;
  status(code: number): this;
  set(name: string, value: string | number | string[]): this;
  set(headers: Record<string, string | number | string[]>): this;
  header(name: string, value: string | number | string[]): this;
  setHeader(name: string, value: string | number | string[]): this;
  /** A header once more, beside those of that name. */
  append(name: string, value: string | string[]): this;
  removeHeader(name: string): this;
  get(name: string): string | undefined;
  /** A media type, or one of json, html, text, xml, csv, css, js, svg, png, jpeg, pdf, bytes, events. */
  type(type: string): this;
  cookie(name: string, value: string, options?: ImpCookie): this;
  clearCookie(name: string, options?: ImpCookie): this;
  json(value: unknown): void;
  /** A text as HTML, bytes as they are, a Blob or what comes bit by bit as a stream, anything else as JSON. */
  send(body?: unknown): void;
  sendStatus(code: number): void;
  /** With 302 unless a status is given first. */
  redirect(to: string): void;
  redirect(status: number, to: string): void;
  /** Sends a part. Wait for it, so that it goes as fast as the caller takes it. */
  write(part: string | Uint8Array | ArrayBuffer): Promise<void>;
  end(part?: string | Uint8Array | ArrayBuffer): void;
  /** Sends all of a source, as fast as the caller takes it. */
  stream(
    source:
      | ReadableStream<string | Uint8Array>
      | AsyncIterable<string | Uint8Array>
      | Iterable<string | Uint8Array>
      | Blob,
  ): Promise<void>;
}

interface ImpLog {
  debug(text: unknown, fields?: unknown): void;
  info(text: unknown, fields?: unknown): void;
  warn(text: unknown, fields?: unknown): void;
  /** An error has its stack logged, in terms of its sources. */
  error(text: unknown, fields?: unknown): void;
}

interface Imp {
  /** Collections of documents in the gateway's own database. */
  readonly db: ImpDb;
  /** SQL in the gateway's own database: a tagged template, whose values are parameters. */
  readonly sql: ImpSql;
  /** The gateway's environment variables and secrets. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: ImpLog;
  /** The same as `fetch`: to where the gateway's rules allow. */
  readonly fetch: typeof fetch;
  readonly stage: string;
  /** This function's name, without its stage. */
  readonly function: string;
  /** Of the call under way; empty outside of calls. */
  readonly requestId: string;
  readonly gateway: Readonly<{ id: string; name: string; title: string }>;
}

declare const imp: Imp;

/** `export default` of a function. */
type ImpHandler = (req: ImpRequest, res: ImpResponse) => unknown;
