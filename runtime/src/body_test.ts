import { deepEqual, equal, rejects } from "node:assert/strict";
import { BodyTooLarge, portable, readBody } from "./body.ts";

/** Sends for ever; counts what was taken of it. */
function endless(): { body: ReadableStream<Uint8Array>; taken: () => number } {
  let taken = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      taken += 10;
      controller.enqueue(new Uint8Array(10));
    },
  }, { highWaterMark: 0 });
  return { body, taken: () => taken };
}

function post(body: BodyInit | null, headers: Record<string, string> = {}): Request {
  return new Request("http://gw/", { method: "POST", body, headers });
}

Deno.test("what is small enough is taken in", async () => {
  equal(await readBody(post(null), 100), null);
  deepEqual(await readBody(post("a".repeat(100)), 100), new TextEncoder().encode("a".repeat(100)));
});

Deno.test("what comes in parts is put together", async () => {
  const body = ReadableStream.from([new Uint8Array([1, 2]), new Uint8Array([3]), new Uint8Array([])]);
  deepEqual(await readBody(post(body)), new Uint8Array([1, 2, 3]));
});

Deno.test("what says that it is too large isn't looked at", async () => {
  const { body, taken } = endless();
  await rejects(readBody(post(body, { "content-length": "101" }), 100), BodyTooLarge);
  equal(taken(), 0);
});

Deno.test("what doesn't say its size is stopped when it's too large", async () => {
  const { body, taken } = endless();
  await rejects(readBody(post(body), 100), BodyTooLarge);
  equal(taken(), 110);
});

Deno.test("texts go as texts, unless a byte would be lost by that", () => {
  const bytes = new TextEncoder().encode("\ufeff{}ä");
  equal(portable(bytes, "application/json; charset=utf-8"), "\ufeff{}ä");
  equal(portable(bytes, "text/csv"), "\ufeff{}ä");
  equal(portable(bytes, "image/png"), bytes);
  equal(portable(bytes, null), bytes);
  const broken = new Uint8Array([0xff, 0xfe]);
  equal(portable(broken, "text/plain"), broken);
  const large = new Uint8Array(64 * 1024 + 1);
  equal(portable(large, "text/plain"), large);
  equal(portable(null, "text/plain"), null);
});
