import { ServiceError } from "../services.ts";
import type { Asked, Body, Opened, Pair, Read } from "./wire.ts";
import { STREAMED } from "./wire.ts";

/** Of one answer; beyond that, something else than fetch() into a function's memory is meant. */
export const MOST_BYTES = 100 * 1024 * 1024;
/** The name that requests to the proxy are for: nobody has it. */
const PROXY = "http://egress.invalid/";
const MOST_REDIRECTS = 20;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const WITHOUT_BODY = new Set([204, 205, 304]);
const USER_AGENT: Pair = ["user-agent", "Imp-Gateway"];

type Wanted = Asked & { op: "open" };

/** One request with all that it's redirected to, until its body has been read or nobody wants it any more. */
export class Transfer {
  readonly #abort = new AbortController();
  readonly #mark = crypto.randomUUID();
  #source: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #sink: WritableStreamDefaultWriter<Uint8Array> | undefined;
  #outgoing: ReadableStream<Uint8Array> | undefined;
  #bytes = 0;
  #hasEnded = false;

  constructor(readonly client: Deno.HttpClient, body: Body, readonly done: () => void) {
    if (body !== STREAMED) return;
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    this.#outgoing = readable;
    this.#sink = writable.getWriter();
    this.#sink.closed.catch(() => {});
  }

  async open(wanted: Wanted): Promise<Opened> {
    let { url, method, headers, body } = wanted;
    for (let hops = 0;; hops++) {
      const response = await this.#ask(url, method, headers, body);
      const location = REDIRECTS.has(response.status) ? response.headers.get("location") : null;
      if (location === null || wanted.redirect === "manual") return this.#opened(response, url, hops > 0);
      await response.body?.cancel();
      if (wanted.redirect === "error") throw fault("EGRESS_REDIRECT", `${hostOf(url)} redirects, which isn't wanted.`);
      if (hops >= MOST_REDIRECTS) throw fault("EGRESS_REDIRECT", `There are more than ${MOST_REDIRECTS} redirects.`);
      const next = resolved(location, url);
      const becomesGet = response.status === 303 ? method !== "HEAD" : response.status < 303 && method === "POST";
      if (becomesGet) {
        method = "GET";
        body = null;
        headers = headers.filter(([name]) => !/^content-/i.test(name));
      } else if (body === STREAMED) {
        throw fault("EGRESS_REDIRECT", `${hostOf(url)} redirects, and a body that is streamed can't be sent again.`);
      }
      if (next.origin !== new URL(url).origin) {
        // What is for one server isn't for another
        headers = headers.filter(([name]) => !/^(authorization|cookie)$/i.test(name));
      }
      url = next.href;
    }
  }

  async write(chunk: Uint8Array): Promise<void> {
    try {
      await this.#sink?.write(chunk);
    } catch {
      throw fault("EGRESS_FAILED", "The other server takes no more of the body.");
    }
  }

  async close(): Promise<void> {
    await this.#sink?.close().catch(() => {});
  }

  async read(): Promise<Read> {
    if (!this.#source) return null;
    let found;
    try {
      found = await this.#source.read();
    } catch {
      this.end();
      throw fault("EGRESS_FAILED", "The other server ended the connection before its answer was whole.");
    }
    if (found.done) {
      this.end();
      return null;
    }
    this.#bytes += found.value.length;
    if (this.#bytes > MOST_BYTES) {
      this.end();
      throw fault("EGRESS_TOO_LARGE", `The answer is larger than ${MOST_BYTES / 1024 / 1024} MiB.`);
    }
    return found.value;
  }

  /** Nothing of it is left afterwards. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.done();
    this.#abort.abort();
    this.#sink?.abort().catch(() => {});
    this.#source?.cancel().catch(() => {});
  }

  async #ask(url: string, method: string, headers: Pair[], body: Body): Promise<Response> {
    const own: Pair[] = headers.some(([name]) => name.toLowerCase() === "user-agent") ? [] : [USER_AGENT];
    let response;
    try {
      response = await fetch(PROXY, {
        client: this.client,
        method,
        headers: [...headers, ...own, ["x-imp-target", withoutFragment(url)], ["x-imp-mark", this.#mark]],
        body: body === STREAMED ? this.#outgoing : body as Uint8Array<ArrayBuffer> | null,
        redirect: "manual",
        signal: this.#abort.signal,
      });
    } catch (error) {
      throw this.#failure(error, url);
    }
    if (response.headers.get("x-imp-mark") === this.#mark) {
      const { code, message } = await response.json();
      throw fault(String(code), String(message));
    }
    return response;
  }

  #failure(error: unknown, url: string): Error {
    if (this.#abort.signal.aborted) return fault("EGRESS_ENDED", "The call that fetched this is over.");
    const said = error instanceof Error ? `${error.message} ${error.cause ?? ""}` : "";
    if (/client error \(Connect\)/.test(said)) {
      return fault("EGRESS_AWAY", "The way to other servers is being started again. Try again in a moment.");
    }
    return fault("EGRESS_FAILED", `${hostOf(url)} ended the connection without an answer.`);
  }

  #opened(response: Response, url: string, redirected: boolean): Opened {
    const hasBody = response.body !== null && !WITHOUT_BODY.has(response.status);
    if (hasBody) this.#source = response.body?.getReader();
    else this.end();
    const { status, statusText } = response;
    return { status, statusText, headers: [...response.headers], url: withoutFragment(url), redirected, hasBody };
  }
}

function resolved(location: string, base: string): URL {
  const next = URL.parse(location, base);
  if (!next) throw fault("EGRESS_REDIRECT", `${hostOf(base)} redirects to what is no address.`);
  return next;
}

function withoutFragment(url: string): string {
  return url.split("#", 1)[0] ?? url;
}

function hostOf(url: string): string {
  return URL.parse(url)?.host ?? "The other server";
}

export function fault(code: string, message: string): ServiceError {
  return new ServiceError("TypeError", code, message);
}
