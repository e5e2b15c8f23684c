import { deepEqual, equal, match, rejects, throws } from "node:assert/strict";
import { CallerGone, ImpResponse } from "./response.ts";

/** An answer, and all that was sent of it. */
function made(): { response: ImpResponse; sent: unknown[][] } {
  const sent: unknown[][] = [];
  const note = (what: string) => (...more: unknown[]) => void sent.push([what, ...more]);
  const sender = { done: note("done"), head: note("head"), part: note("part"), end: note("end") };
  return { response: new ImpResponse(sender), sent };
}

async function settled(value: unknown): Promise<unknown[][]> {
  const { response, sent } = made();
  await response.settle(value);
  return sent;
}

const text = (bytes: unknown) => new TextDecoder().decode(bytes as Uint8Array);
const turn = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("what a handler returns is its answer", async () => {
  deepEqual(await settled({ a: 1 }), [["done", 200, [["content-type", "application/json; charset=utf-8"]], '{"a":1}']]);
  deepEqual(await settled("a"), [["done", 200, [["content-type", "text/plain; charset=utf-8"]], "a"]]);
  deepEqual(await settled(undefined), [["done", 204, [], null]]);
  await rejects(settled(1n), TypeError);
  await rejects(settled(() => 1), /function can't be sent as JSON/);
});

Deno.test("unless it has sent one", async () => {
  const { response, sent } = made();
  response.status(201).json(1);
  await response.settle({ ignored: true });
  equal(sent.length, 1);
  throws(() => response.send("again"), /sent before/);
  throws(() => response.set("a", "b"), /sent before/);
});

Deno.test("what comes bit by bit is sent so: a stream, what a generator yields, a file", async () => {
  const generated = (async function* () {
    yield "a";
    yield new Uint8Array([98]);
  })();
  for (const value of [ReadableStream.from(["a", "b"]), generated]) {
    const sent = await settled(value);
    deepEqual(sent.map(([what]) => what), ["head", "part", "part", "end"]);
    equal(text(sent[1]?.[1]) + text(sent[2]?.[1]), "ab");
  }
  const [head] = await settled(new Blob(["a"], { type: "image/svg+xml" }));
  deepEqual(head, ["head", 200, [["content-type", "image/svg+xml"]]]);
});

Deno.test("a stream that nobody waited for is sent whole, or it's said why not", async () => {
  const { response, sent } = made();
  void response.stream(ReadableStream.from(["a", "b"]));
  await response.settle(undefined);
  deepEqual(sent.map(([what]) => what), ["head", "part", "part", "end"]);
  const other = made().response;
  void other.stream((async function* () {
    yield "a";
    throw new Error("broken");
  })());
  await rejects(other.settle(undefined), /broken/);
});

Deno.test("a Response is one answer where it's at hand", async () => {
  deepEqual(await settled(Response.json(1)), [[
    "done",
    200,
    [["content-type", "application/json"]],
    new Uint8Array([49]),
  ]]);
  deepEqual(await settled(new Response(null, { status: 204 })), [["done", 204, [], null]]);
  await rejects(settled(Response.error()), RangeError);
});

Deno.test("a Response that waits has its head sent before", async () => {
  const { response, sent } = made();
  let controller: ReadableStreamDefaultController | undefined;
  const body = new ReadableStream({ start: (found) => void (controller = found) });
  const settling = response.settle(new Response(body, { headers: { "content-type": "text/event-stream" } }));
  await turn();
  deepEqual(sent, [["head", 200, [["content-type", "text/event-stream"]]]]);
  controller?.enqueue(new Uint8Array([1]));
  controller?.close();
  await settling;
  deepEqual(sent.slice(1), [["part", new Uint8Array([1])], ["end", ""]]);
});

Deno.test("who is gone stops what it comes from, also while that has nothing", async () => {
  for (const how of ["returned", "streamed"]) {
    const { response } = made();
    let why: unknown;
    const body = new ReadableStream({ cancel: (reason) => void (why = reason) });
    const settling = how === "returned" ? response.settle(new Response(body)) : response.stream(body);
    await turn();
    response.gone();
    await rejects(settling, CallerGone);
    equal(why instanceof CallerGone, true, how);
  }
});

Deno.test("parts wait for who reads them", async () => {
  const { response, sent } = made();
  let isWritten = false;
  const writing = response.write("x".repeat(300 * 1024)).then(() => isWritten = true);
  await turn();
  equal(isWritten, false);
  equal(sent.filter(([what]) => what === "part").length, 5);
  response.taken(100 * 1024);
  await writing;
  response.end("last");
  deepEqual(sent.slice(-1), [["end", ""]]);
});

Deno.test("who doesn't wait is cut off and told, however large one part may be", async () => {
  const { response, sent } = made();
  response.write("x".repeat(17 * 2 ** 20));
  await rejects(response.write("y"), /await res.write/);
  throws(() => response.end(), /await res.write/);
  await rejects(response.settle(undefined), /await res.write/);
  match(String(sent.at(-1)?.[1]), /slower/);
});

Deno.test("headers, cookies and redirects", () => {
  const { response, sent } = made();
  response.set({ "X-A": 1 }).append("x-a", "2").type("csv").cookie("a", "b").clearCookie("c", { maxAge: 9 });
  response.redirect(307, "http://[::1]/ü?a=%5B[]%");
  deepEqual(sent, [["done", 307, [
    ["x-a", "1"],
    ["x-a", "2"],
    ["content-type", "text/csv; charset=utf-8"],
    ["set-cookie", "a=b; Path=/"],
    ["set-cookie", "c=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"],
    ["location", "http://[::1]/%C3%BC?a=%5B[]%"],
  ], null]]);
  throws(() => made().response.set("a", "b\r\nc: d"), TypeError);
  throws(() => made().response.status(600), RangeError);
});

Deno.test("what has begun is broken off; what is whole isn't", async () => {
  const { response, sent } = made();
  response.breakOff("why");
  deepEqual(sent, []);
  await response.write("a");
  response.breakOff("why");
  deepEqual(sent.at(-1), ["end", "why"]);
  const whole = made();
  whole.response.json(1);
  whole.response.breakOff("why");
  equal(whole.sent.length, 1);
});
