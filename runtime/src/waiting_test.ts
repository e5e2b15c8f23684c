import { deepEqual, equal, rejects } from "node:assert/strict";
import type { Crew } from "./stages/crew.ts";
import { NoAnswer, Waiting } from "./waiting.ts";
import type { Call } from "./wire.ts";

/** A worker that notes what it's told; and a call that it has. */
function given(timeoutMs = 1000): { waiting: Waiting; told: unknown[][] } {
  const told: unknown[][] = [];
  const note = (what: string) => (...more: unknown[]) => void told.push([what, ...more]);
  const crew = { send: note("send"), forget: note("forget"), finish: note("finish") } as unknown as Crew;
  const call = { id: 1, isFollowed: false } as Call;
  const waiting = new Waiting(call, timeoutMs, 1000, [["x-imp-gateway", "gw_1"]], () => void told.push(["over"]));
  waiting.given(crew);
  return { waiting, told };
}

function faultOf(answer: Promise<Response>): Promise<string> {
  return answer.then(() => "", (error) => error instanceof NoAnswer ? error.fault : String(error));
}

Deno.test("an answer is what the worker says, but for what is about the connection", async () => {
  const { waiting, told } = given();
  waiting.hear(["done", 1, 201, [["a", "b"], ["connection", "upgrade"], ["content-length", "9"], [
    "x-imp-gateway",
    "no",
  ]], "text"]);
  const response = await waiting.answer;
  deepEqual([response.status, response.headers.get("a"), await response.text()], [201, "b", "text"]);
  equal(response.headers.get("x-imp-gateway"), "gw_1");
  deepEqual([response.headers.get("connection"), response.headers.get("content-length")], [null, null]);
  deepEqual(told, [["finish", waiting], ["over"]]);
});

Deno.test("what Envoy would take for its upstream's word isn't said", async () => {
  const { waiting } = given();
  waiting.hear(["done", 1, 200, [["x-envoy-overloaded", "true"], ["x-envoyage", "1"]], "text"]);
  deepEqual([...(await waiting.answer).headers.keys()].filter((name) => name.startsWith("x-envoy")), ["x-envoyage"]);
});

Deno.test("only of a call that lasts is it looked whether its caller is gone, and once", async () => {
  const watched: (() => void)[] = [];
  const call = { id: 1, isFollowed: false } as Call;
  const waiting = new Waiting(call, 1000, 1000, [], () => {}, (left) => void watched.push(left));
  equal(watched.length, 0);
  waiting.lasts();
  waiting.lasts();
  equal(watched.length, 1);
  watched[0]?.();
  equal(await faultOf(waiting.answer), "interrupted");
});

Deno.test("what can have no body has none", async () => {
  const { waiting } = given();
  waiting.hear(["done", 1, 204, [], "text"]);
  equal((await waiting.answer).body, null);
});

Deno.test("a stream that nobody may read is over at its head", async () => {
  for (const [method, status] of [["HEAD", 200], ["GET", 304]] as const) {
    const { waiting, told } = given();
    Object.assign(waiting.call, { method });
    waiting.hear(["head", 1, status, [["a", "b"]]]);
    const response = await waiting.answer;
    deepEqual([response.status, response.headers.get("a"), response.body], [status, "b", null]);
    deepEqual(told.map(([what]) => what), ["forget", "finish", "over"]);
  }
});

Deno.test("parts are taken as they're read, and the worker hears of it", async () => {
  const { waiting, told } = given();
  waiting.hear(["head", 1, 200, []]);
  waiting.hear(["part", 1, new Uint8Array(3)]);
  waiting.hear(["part", 1, new Uint8Array(4)]);
  const reader = (await waiting.answer).body?.getReader();
  equal(told.length, 0);
  equal((await reader?.read())?.value?.length, 3);
  deepEqual(told, [["send", ["taken", 1, 3]]]);
  waiting.hear(["end", 1, ""]);
  equal((await reader?.read())?.value?.length, 4);
  equal((await reader?.read())?.done, true);
});

Deno.test("what broke off isn't taken for the whole", async () => {
  const { waiting } = given();
  waiting.hear(["head", 1, 200, []]);
  waiting.hear(["end", 1, "Error: in the middle"]);
  await rejects((await waiting.answer).text(), /broke off/);
});

Deno.test("it's late, or lost", async () => {
  for (const [timeoutMs, fault] of [[0, "timeout"], [1000, "interrupted"]] as const) {
    const { waiting, told } = given(timeoutMs);
    waiting.lost();
    equal(await faultOf(waiting.answer), fault);
    deepEqual(told.map(([what]) => what), ["forget", "finish", "over"]);
  }
});

Deno.test("who reads no more ends it", async () => {
  const { waiting, told } = given();
  waiting.hear(["head", 1, 200, []]);
  await (await waiting.answer).body?.cancel();
  deepEqual(told.map(([what]) => what), ["forget", "finish", "over"]);
});
