import { deepEqual, equal } from "node:assert/strict";
import { NoAnswer, Waiting } from "../waiting.ts";
import { type Call, SEATS } from "../wire.ts";
import { Room } from "./room.ts";

let number = 0;

function waiting(timeoutMs: number): { waiting: Waiting; why: Promise<string>; over: () => number } {
  let over = 0;
  const made = new Waiting({ id: ++number, isFollowed: true } as Call, timeoutMs, 1000, [], () => void over++);
  const why = made.answer.then(() => "", (error) => error instanceof NoAnswer ? error.fault : String(error));
  return { waiting: made, why, over: () => over };
}

Deno.test("who waits is given to a worker, in order", () => {
  const room = new Room();
  const all = [waiting(1000), waiting(1000)].map((each) => each.waiting);
  for (const each of all) room.take(each);
  equal(room.size, 2);
  deepEqual(room.takeBack(), all);
  equal(room.size, 0);
});

Deno.test("who can't be given to one is told so, once its time is up or at once", async () => {
  const room = new Room();
  const [soon, late] = [waiting(10), waiting(10_000)];
  for (const each of [soon, late]) room.take(each.waiting);
  room.look(performance.now() + 100);
  deepEqual([await soon.why, room.size, soon.over()], ["away", 1, 1]);
  room.turnAway();
  deepEqual([await late.why, room.size, late.over()], ["away", 0, 1]);
  // Nothing of it is logged any more
  await Promise.all([soon, late].map((each) => each.waiting.settled));
});

Deno.test("who leaves waits no longer", async () => {
  const room = new Room();
  const { waiting: left, over } = waiting(1000);
  room.take(left);
  left.leave();
  deepEqual([room.size, room.takeBack(), over()], [0, [], 1]);
  await left.settled;
});

Deno.test("it takes no more than a worker would", () => {
  const room = new Room();
  for (let each = 0; each < SEATS; each++) {
    equal(room.isFull, false);
    room.take(waiting(1000).waiting);
  }
  equal(room.isFull, true);
});
