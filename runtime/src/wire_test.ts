import { deepEqual, equal } from "node:assert/strict";
import { type FromWorker, packed, take, type ToWorker, unpacked } from "./wire.ts";

Deno.test("messages go as JSON, unless there are bytes in them", () => {
  const plain: FromWorker[] = [["ready"], ["done", 1, 200, [["a", "b"]], "{}"], ["ask", 1, 2, "documents", { a: [1] }]];
  equal(typeof packed(plain), "string");
  deepEqual(unpacked(packed(plain)), plain);
  const bytes = new Uint8Array([1]);
  const others: (FromWorker | ToWorker)[] = [
    ["done", 1, 200, [], bytes],
    ["part", 1, bytes],
    ["ask", 1, 2, "fetch", { body: bytes }],
    ["answered", 1, null, bytes],
  ];
  for (const message of others) equal(packed([message])[0], message);
});

Deno.test("a call is taken once, and a later one in its seat isn't taken for it", () => {
  const seats = new Int32Array(new SharedArrayBuffer(8));
  Atomics.store(seats, 1, 5);
  equal(take(seats, { id: 5, seat: 1 }), true);
  equal(take(seats, { id: 5, seat: 1 }), false);
  Atomics.store(seats, 1, 6);
  equal(take(seats, { id: 5, seat: 1 }), false);
  equal(take(seats, { id: 6, seat: 1 }), true);
});
