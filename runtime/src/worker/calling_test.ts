import { deepEqual, equal, match } from "node:assert/strict";
import type { Call, FromWorker, Line } from "../wire.ts";
import { Calling } from "./calling.ts";
import { Functions, globalsOf } from "./functions.ts";
import { Logging } from "./logging.ts";

const turn = (ms = 0) => new Promise((resolve) => setTimeout(resolve, ms));

interface World {
  calling: Calling;
  functions: Functions;
  seats: Int32Array;
  sent: FromWorker[];
  lines: Line[];
  begin(id: number, more?: Partial<Call>): void;
}

/** All of a worker but the isolate around it. */
function world(code: string): World {
  const sent: FromWorker[] = [];
  const lines: Line[] = [];
  const seats = new Int32Array(new SharedArrayBuffer(16));
  const functions = new Functions((name, version) =>
    globalsOf({
      imp: { env: {}, ask: (message: unknown) => calling.ask("documents", message), id: () => calling.requestId() },
      console: { log: (text: string) => calling.log(name, version, "info", "console", text) },
    })
  );
  const logging = new Logging((line) => void lines.push(line));
  const calling = new Calling(seats, functions, logging, (message) => void sent.push(message));
  functions.load({ function: "a", revision: "1", version: 3, code: `module.exports = ${code}`, vendor: "" });
  const begin = (id: number, more: Partial<Call> = {}) => {
    seats[0] = id;
    calling.begin({
      id,
      seat: 0,
      function: "a",
      method: "GET",
      target: "/a",
      headers: [],
      params: [],
      body: null,
      requestId: `req_${id}`,
      ip: "",
      kind: "call",
      isFollowed: false,
      ...more,
    });
  };
  return { calling, functions, seats, sent, lines, begin };
}

Deno.test("a call is answered by what its handler returns", async () => {
  const { sent, begin } = world("() => 'text'");
  begin(1);
  await turn();
  deepEqual(sent, [["done", 1, 200, [["content-type", "text/plain; charset=utf-8"]], "text"]]);
});

Deno.test("what was taken back isn't begun", async () => {
  const { seats, calling, sent, begin } = world("() => 1");
  begin(1);
  await turn();
  sent.length = 0;
  seats[0] = 9;
  calling.begin({ id: 1, seat: 0, function: "a" } as Call);
  await turn();
  deepEqual([sent, seats[0]], [[], 9]);
});

Deno.test("what is thrown is logged with its call, and told to nobody else", async () => {
  for (const thrown of ["new RangeError('secret')", "null", "'secret'", "undefined"]) {
    const { sent, lines, begin } = world(`async () => { await null; throw ${thrown}; }`);
    begin(1);
    await turn();
    deepEqual(sent, [["failed", 1, "error", ""]]);
    deepEqual(lines.map((each) => [each.level, each.source, each.requestId]), [["error", "call", "req_1"]]);
  }
});

Deno.test("lines are of the call that logs them, however they're mixed, also after it", async () => {
  const { lines, begin } = world(`async (req) => {
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
    console.log(req.requestId);
    setTimeout(() => console.log(imp.id()), 1);
  }`);
  for (let id = 1; id <= 50; id++) begin(id);
  await turn(30);
  equal(lines.length, 100);
  for (const line of lines) equal(line.text, line.requestId);
});

Deno.test("what is asked is answered, with what went wrong", async () => {
  const { calling, sent, begin } = world("async () => { try { return await imp.ask(5) } catch (e) { return e.code } }");
  begin(1);
  begin(2);
  await turn();
  deepEqual(sent, [["ask", 1, 1, "documents", 5], ["ask", 2, 2, "documents", 5]]);
  calling.answered(1, null, { found: true });
  calling.answered(2, { name: "DocumentsError", code: "timeout", message: "No." }, null);
  await turn();
  deepEqual(sent.slice(2).map((each) => each[4]), ['{"found":true}', "timeout"]);
});

Deno.test("who goes away is told to the handler, and its end is no error", async () => {
  const { calling, sent, lines, begin } = world(`async (req, res) => {
    await res.write("a");
    await new Promise((_, reject) => req.signal.addEventListener("abort", () => reject(req.signal.reason)));
  }`);
  begin(1);
  await turn();
  calling.gone(1);
  await turn();
  deepEqual([sent.at(-1), lines], [["end", 1, ""], []]);
});

Deno.test("who follows hears when all is over, after its answer", async () => {
  const { sent, begin } = world("async (req, res) => { res.json(1); await new Promise((r) => setTimeout(r, 5)); }");
  begin(1, { isFollowed: true });
  await turn(20);
  deepEqual(sent.map(([what]) => what), ["done", "over"]);
});

Deno.test("JSON that is none is the caller's fault, and no line", async () => {
  const { sent, lines, begin } = world("(req) => req.body");
  begin(1, { headers: ["content-type", "application/json"], body: "{" });
  await turn();
  deepEqual([sent[0]?.slice(0, 3), lines], [["failed", 1, "malformed-body"], []]);
});

Deno.test("what nobody caught is told of the function that its stack names", () => {
  const { calling, lines } = world("() => 1");
  calling.uncaught("Uncaught", Object.assign(new Error("late"), { stack: "Error: late\n    at imp:///a@1.js:2:3" }));
  deepEqual([lines[0]?.function, lines[0]?.version, lines[0]?.source], ["a", 3, "system"]);
  match(lines[0]?.text ?? "", /^Uncaught: Error: late/);
});

Deno.test("a call keeps its version until it's over, or nobody waits for it", async () => {
  for (const isLeft of [false, true]) {
    const { calling, functions, begin } = world("() => new Promise((resolve) => setTimeout(resolve, 20))");
    let isEnded = false;
    functions.get("a")?.life.atEnd(() => void (isEnded = true));
    begin(1);
    begin(2);
    functions.unload("a");
    await turn();
    equal(isEnded, false);
    if (isLeft) { for (const id of [1, 1, 2, 3]) calling.gone(id); }
    equal(isEnded, isLeft);
    await turn(40);
    equal(isEnded, true);
  }
});
