import { deepEqual, equal, rejects } from "node:assert/strict";
import type { Data } from "./asking.ts";
import { DataConsole } from "./data_console.ts";
import { DocumentsError } from "./documents/errors.ts";

function body(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function console(exec: () => Promise<unknown>): DataConsole {
  return new DataConsole({ execData: exec } as unknown as Data);
}

Deno.test("an answer is JSON, nothing too", async () => {
  deepEqual(await (await console(() => Promise.resolve([1])).answer(body({}))).json(), [1]);
  equal(await (await console(() => Promise.resolve()).answer(body({}))).json(), null);
});

Deno.test("what can't be done says why, with a status", async () => {
  const response = await console(() => Promise.reject(new DocumentsError("duplicate-key", "Twice.", "sort"))).answer(
    body({}),
  );
  equal(response.status, 409);
  deepEqual(await response.json(), { error: { code: "duplicate-key", message: "Twice.", field: "sort" } });
});

Deno.test("what is no JSON is refused, and without a database everything is", async () => {
  equal((await console(() => Promise.resolve()).answer(new Uint8Array([0x7b]))).status, 400);
  equal((await new DataConsole(undefined).answer(body({}))).status, 503);
});

Deno.test("what is nobody's fault isn't hidden", async () => {
  await rejects(console(() => Promise.reject(new Error("ours"))).answer(body({})), /ours/);
});
