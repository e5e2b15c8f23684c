import type { Ask } from "../services.ts";
import { type Asked, type Body, type Opened, type Pair, type Read, STREAMED } from "./wire.ts";

/** `fetch` as functions have it: whoever has the sockets does it, and bodies come and go bit by bit. */
export function makeFetch(ask: Ask): typeof fetch {
  const tell = (message: Asked) => ask("fetch", message);
  return async (input, init) => {
    const request = new Request(input as RequestInfo, init);
    const { signal } = request;
    signal.throwIfAborted();
    const id = crypto.randomUUID();
    const isStreamed = isStream(init?.body) || (init?.body === undefined && input instanceof Request && !!input.body);
    const body: Body = isStreamed ? STREAMED : await whole(request);
    const ended = withSignal(signal, () => void tell({ op: "cancel", id }).catch(() => {}));
    try {
      const opening = tell({
        op: "open",
        id,
        url: request.url,
        method: request.method,
        headers: [...request.headers] as Pair[],
        body,
        redirect: request.redirect,
      }) as Promise<Opened>;
      const sending = isStreamed && request.body ? send(request.body, id, tell) : undefined;
      const opened = await Promise.race([opening, ended.aborted, failureOf(sending)]);
      if (!opened.hasBody) ended.release();
      return responseOf(opened, opened.hasBody ? bodyOf(id, tell, ended) : null);
    } catch (error) {
      ended.release();
      throw signal.aborted ? signal.reason : asFetchFails(error);
    }
  };
}

type Tell = (message: Asked) => Promise<unknown>;

interface Ended {
  /** Rejects when the caller gives up. */
  aborted: Promise<never>;
  release(): void;
}

function withSignal(signal: AbortSignal, cancel: () => void): Ended {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {});
  const abort = () => {
    cancel();
    reject(signal.reason);
  };
  signal.addEventListener("abort", abort, { once: true });
  return { aborted: promise, release: () => signal.removeEventListener("abort", abort) };
}

function isStream(body: unknown): boolean {
  return body instanceof ReadableStream ||
    (typeof body === "object" && body !== null && Symbol.asyncIterator in body && !(body instanceof Blob));
}

async function whole(request: Request): Promise<Uint8Array | null> {
  return request.body ? new Uint8Array(await request.arrayBuffer()) : null;
}

async function send(body: ReadableStream<Uint8Array>, id: string, tell: Tell): Promise<void> {
  for await (const chunk of body) await tell({ op: "write", id, chunk });
  await tell({ op: "close", id });
}

/** Never settles where the body is sent in whole: its end is no answer. */
function failureOf(sending: Promise<void> | undefined): Promise<never> {
  return new Promise((_, reject) => sending?.catch(reject));
}

function bodyOf(id: string, tell: Tell, ended: Ended): ReadableStream<Uint8Array> {
  const source: UnderlyingByteSource = {
    type: "bytes",
    async pull(controller) {
      try {
        const chunk = await Promise.race([tell({ op: "read", id }) as Promise<Read>, ended.aborted]);
        if (chunk === null) {
          ended.release();
          controller.close();
          // A reader that brings its own buffer waits for it back
          controller.byobRequest?.respond(0);
        } else controller.enqueue(chunk as Uint8Array<ArrayBuffer>);
      } catch (error) {
        ended.release();
        controller.error(asFetchFails(error));
      }
    },
    async cancel() {
      ended.release();
      await tell({ op: "cancel", id });
    },
  };
  return new ReadableStream(source, { highWaterMark: 0 });
}

function responseOf(opened: Opened, body: ReadableStream<Uint8Array> | null): Response {
  const { status, statusText, headers, url, redirected } = opened;
  const response = new Response(body as BodyInit | null, { status, statusText, headers });
  Object.defineProperties(response, { url: { value: url }, redirected: { value: redirected } });
  return response;
}

/** A TypeError, as the standard has it for all that goes wrong on the way; with what went wrong, and its code. */
function asFetchFails(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof DOMException || !("code" in error)) return error;
  return Object.assign(new TypeError(error.message, { cause: error }), { code: error.code });
}
