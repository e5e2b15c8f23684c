import { equal } from "node:assert/strict";
import { takeIn } from "./body.ts";

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
  equal(await takeIn(post(null), 100), true);
  equal(await takeIn(post("a".repeat(100)), 100), true);
});

Deno.test("what says that it is too large isn't looked at", async () => {
  const { body, taken } = endless();
  equal(await takeIn(post(body, { "content-length": "101" }), 100), false);
  equal(taken(), 0);
});

Deno.test("what doesn't say its size is stopped when it's too large", async () => {
  const { body, taken } = endless();
  equal(await takeIn(post(body), 100), false);
  equal(taken(), 110);
});
