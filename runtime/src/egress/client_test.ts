import { deepEqual, equal, rejects } from "node:assert/strict";
import { makeFetch } from "./client.ts";
import type { Asked, Opened } from "./wire.ts";

const OPENED: Opened = {
  status: 200,
  statusText: "OK",
  headers: [["content-type", "text/plain"]],
  url: "https://a.example/moved",
  redirected: true,
  hasBody: true,
};

/** `parts`: what the other server answers with. */
function made(
  parts: (Uint8Array | Error | "never")[],
  opened: Opened = OPENED,
): { fetch: typeof fetch; asked: Asked[] } {
  const asked: Asked[] = [];
  const answer = (message: Asked): unknown => {
    if (message.op === "open") return opened;
    if (message.op !== "read") return null;
    const part = parts.shift() ?? null;
    if (part instanceof Error) throw part;
    return part === "never" ? new Promise(() => {}) : part;
  };
  return {
    asked,
    fetch: makeFetch((_service, message) => {
      asked.push(message as Asked);
      return Promise.try(answer, message as Asked);
    }),
  };
}

const bytes = (text: string) => new TextEncoder().encode(text);
const ops = (asked: Asked[]) => asked.map(({ op }) => op);

Deno.test("an answer comes bit by bit, with where it came from", async () => {
  const { fetch, asked } = made([bytes("a"), bytes("b")]);
  const response = await fetch("https://a.example/?q#part", { headers: { "x-a": "1" } });
  deepEqual([response.status, response.url, response.redirected, response.headers.get("content-type")], [
    200,
    "https://a.example/moved",
    true,
    "text/plain",
  ]);
  equal(await response.text(), "ab");
  deepEqual(ops(asked), ["open", "read", "read", "read"]);
  const [open] = asked;
  if (open?.op !== "open") throw new Error("It wasn't opened first");
  deepEqual([open.method, open.headers, open.body], ["GET", [["x-a", "1"]], null]);
});

Deno.test("a body is sent whole where it's there, and bit by bit where it comes so", async () => {
  const { fetch, asked } = made([]);
  await (await fetch("https://a.example/", { method: "POST", body: "text" })).text();
  deepEqual(asked[0]?.op === "open" && asked[0].body, bytes("text"));
  asked.length = 0;
  const body = ReadableStream.from([bytes("one"), bytes("two")]);
  await (await fetch("https://a.example/", { method: "POST", body })).text();
  await new Promise((resolve) => setTimeout(resolve, 1));
  deepEqual(ops(asked).filter((op) => op !== "read"), ["open", "write", "write", "close"]);
});

Deno.test("who gives up tells the other side, and hears why", async () => {
  const { fetch, asked } = made(["never"]);
  const stop = new AbortController();
  const response = await fetch("https://a.example/", { signal: stop.signal });
  const reading = response.text();
  stop.abort(new RangeError("enough"));
  await rejects(reading, RangeError);
  equal(ops(asked).at(-1), "cancel");
  await rejects(fetch("https://a.example/", { signal: stop.signal }), RangeError);
});

Deno.test("who reads no more tells the other side", async () => {
  const { fetch, asked } = made(["never"]);
  await (await fetch("https://a.example/")).body?.cancel();
  equal(ops(asked).at(-1), "cancel");
});

Deno.test("what goes wrong is a TypeError with its code", async () => {
  const fault = Object.assign(new Error("Cut."), { code: "EGRESS_FAILED" });
  const response = await made([bytes("a"), fault]).fetch("https://a.example/");
  await rejects(response.text(), { name: "TypeError", code: "EGRESS_FAILED", message: "Cut." });
});

Deno.test("what has no body isn't read", async () => {
  const { fetch, asked } = made([], { ...OPENED, status: 204, hasBody: false });
  equal((await fetch("https://a.example/")).body, null);
  deepEqual(ops(asked), ["open"]);
});
