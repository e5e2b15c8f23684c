import { deepEqual, equal } from "node:assert/strict";
import type { FromWorker } from "../wire.ts";
import { Post } from "./post.ts";

function made(): { post: Post; delivered: unknown[] } {
  const delivered: unknown[] = [];
  return { post: new Post((message) => void delivered.push(message)), delivered };
}

Deno.test("what is said in a turn goes together, in order", async () => {
  const { post, delivered } = made();
  post.send(["over", 1]);
  post.send(["over", 2]);
  equal(delivered.length, 0);
  await Promise.resolve();
  deepEqual(delivered, ['[["over",1],["over",2]]']);
});

Deno.test("a turn that says much doesn't keep all of it", () => {
  const { post, delivered } = made();
  for (let n = 0; n < 64; n++) post.send(["over", n]);
  equal(delivered.length, 1);
});

Deno.test("what is logged goes at once where nothing went for long: no turn may come after this one", () => {
  const { post, delivered } = made();
  post.flush();
  const line = ["log", {}] as unknown as FromWorker;
  post.sendSoon(line);
  post.sendSoon(line);
  equal(delivered.length, 1);
});
