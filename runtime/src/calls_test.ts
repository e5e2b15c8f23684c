import { deepEqual, equal, match } from "node:assert/strict";
import { Calls } from "./calls.ts";
import type { Config } from "./config.ts";
import { DataConsole } from "./data_console.ts";
import { Router } from "./router.ts";
import { Runs } from "./runs.ts";
import type { Published } from "./stages/published.ts";
import type { Stages } from "./stages/stages.ts";

const CONFIG: Config = {
  gateway: { id: "gw_1", name: "parcel-tracking", title: "Parcel tracking" },
  process: "main",
  stages: ["dev", "staging"],
  listen: "/run/r.sock",
  drainSeconds: 10,
  problemTypes: "/errors/",
  variables: {},
  secrets: {},
  databaseUrl: "",
  instance: "ins_1",
  runtimeUrl: "",
  runKey: "",
  egress: { proxy: "", mode: "none", hosts: [] },
  logs: "stdout",
};

const DONE = Promise.resolve();
const EMPTY = { router: new Router<Published>([]), functions: new Map(), broken: new Map() };
const STAGES = { get: (name: string) => CONFIG.stages.includes(name) ? EMPTY : undefined } as unknown as Stages;

function made(): Calls {
  return new Calls(CONFIG, STAGES, new Runs(CONFIG.runKey), new DataConsole(undefined), () => Promise.resolve());
}

function request(path: string, more: Partial<Request> = {}): Request {
  const headers = new Headers({ host: "gw" });
  return { url: `http+unix://gw${path}`, headers, method: "GET", body: null, ...more } as Request;
}

Deno.test("a call to no function says what was asked and what to do", async () => {
  const response = await made().answer(request("/dev/user/me?token=1", { method: "DELETE" }), DONE);
  equal(response.status, 404);
  equal(response.headers.get("x-imp-gateway"), "gw_1");
  deepEqual(await response.json(), {
    type: "/errors/no-such-function",
    title: "There is no function here",
    status: 404,
    detail: "Parcel tracking (parcel-tracking) runs, and its stage dev has no function for DELETE /user/me. " +
      "If it's yours, save one in the console; otherwise check the address.",
    gateway: "parcel-tracking",
    stage: "dev",
    method: "DELETE",
    path: "/user/me",
    request_id: "",
  });
});

Deno.test("a stage that isn't in this process isn't answered for", async () => {
  const problem = await (await made().answer(request("/prod/user/me"), DONE)).json();
  equal(problem.type, "/errors/no-such-stage");
  equal(problem.detail, "parcel-tracking answers here for dev, staging alone. Check the address.");
});

Deno.test("a path of the gateway's own is nobody's", async () => {
  const response = await made().answer(request("/dev/_imp/health"), DONE);
  equal(response.status, 404);
  match((await response.json()).detail, /^Paths that begin with \/_imp\/ are the gateway's own/);
});

Deno.test("a long path isn't repeated in full", async () => {
  const problem = await (await made().answer(request(`/dev/${"a".repeat(5000)}`), DONE)).json();
  equal(problem.path, `/${"a".repeat(299)}…`);
  equal(problem.detail.length < 1000, true);
});

Deno.test("what names no path is refused", async () => {
  const response = await made().answer(request(":80", { method: "CONNECT" }), DONE);
  equal(response.status, 400);
  match((await response.json()).detail, /names no host, or no path/);
});

Deno.test("a body that is too large is refused", async () => {
  const headers = new Headers({ host: "gw", "content-length": String(10 * 1024 * 1024 + 1) });
  const response = await made().answer(
    request("/dev/x", { method: "POST", headers, body: new ReadableStream() }),
    DONE,
  );
  equal(response.status, 413);
  equal((await response.json()).type, "/errors/too-large");
});

Deno.test("calls are under way until their callers have all of the answer, or are gone", async () => {
  const calls = made();
  for (const isGone of [false, true]) {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    equal((await calls.answer(request("/dev"), promise)).status, 404);
    equal(calls.inFlight, 1);
    if (isGone) reject(new Error("reset"));
    else resolve();
    await new Promise((resolve) => setTimeout(resolve));
    equal(calls.inFlight, 0);
  }
});

Deno.test("while it closes each answer asks to connect elsewhere", async () => {
  const calls = made();
  equal((await calls.answer(request("/dev"), DONE)).headers.get("connection"), null);
  calls.close();
  equal((await calls.answer(request("/dev"), DONE)).headers.get("connection"), "close");
});

Deno.test("where a stage has no worker, or no room, its callers are told so", async () => {
  for (const [why, type] of [["away", "/errors/runtime-away"], ["full", "/errors/too-many-calls"]]) {
    const published = { stage: "dev", name: "a", methods: [] as string[], timeoutMs: 1000 } as Published;
    const stage = { ...EMPTY, router: new Router([["a", published]]), begin: () => why };
    const stages = { get: () => stage } as unknown as Stages;
    const calls = new Calls(CONFIG, stages, new Runs(""), new DataConsole(undefined), () => Promise.resolve());
    const response = await calls.answer(request("/dev/a"), DONE);
    deepEqual([response.status, response.headers.get("content-type")], [503, "application/problem+json"]);
    equal((await response.json()).type, type);
  }
});
