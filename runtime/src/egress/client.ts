import type { Ask } from "../services.ts";

/** `fetch` as functions have it. */
export function makeFetch(ask: Ask): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    await ask("fetch", { url: request.url, method: request.method });
    return Response.error();
  };
}
