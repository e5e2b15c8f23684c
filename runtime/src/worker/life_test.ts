import { deepEqual } from "node:assert/strict";
import { Life } from "./life.ts";

function made(): { life: Life; ended: number[] } {
  const life = new Life();
  const ended: number[] = [];
  for (const each of [1, 2]) life.atEnd(() => void ended.push(each));
  return { life, ended };
}

Deno.test("it ends once it's closed and its last call is over, and only then", () => {
  const { life, ended } = made();
  life.begun();
  life.over();
  life.begun();
  life.begun();
  life.close();
  life.over();
  deepEqual(ended, []);
  life.over();
  deepEqual(ended, [1, 2]);
});

Deno.test("without a call it ends at once, and once", () => {
  const { life, ended } = made();
  life.close();
  life.close();
  deepEqual(ended, [1, 2]);
});

Deno.test("what goes on beside calls keeps it, until that is settled", async () => {
  const { life, ended } = made();
  const { promise, resolve } = Promise.withResolvers<void>();
  life.during(promise);
  life.during("nothing to wait for");
  life.close();
  await new Promise((done) => setTimeout(done));
  deepEqual(ended, []);
  resolve();
  await new Promise((done) => setTimeout(done));
  deepEqual(ended, [1, 2]);
});

Deno.test("what goes on and fails is over too, and isn't taken for caught", async () => {
  const { life, ended } = made();
  const uncaught: unknown[] = [];
  const hear = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    uncaught.push(event.reason);
  };
  globalThis.addEventListener("unhandledrejection", hear);
  life.during(Promise.reject("late"));
  life.close();
  await new Promise((done) => setTimeout(done, 5));
  globalThis.removeEventListener("unhandledrejection", hear);
  deepEqual([ended, uncaught], [[1, 2], ["late"]]);
});
