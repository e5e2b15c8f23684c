import { equal, match } from "node:assert/strict";
import { faultOf } from "./fault.ts";

Deno.test("an error", () => {
  const fault = faultOf(new RangeError("too far"));
  equal(fault.message, "too far");
  match(fault.stack, /^RangeError: too far\n/);
});

Deno.test("whatever else can be thrown", () => {
  const hidden = Object.defineProperty(new Error(), "message", {
    get: () => {
      throw new Error();
    },
  });
  const trap = new Proxy({}, {
    getPrototypeOf: () => {
      throw new Error();
    },
  });
  for (const each of [hidden, Object.create(null), trap]) {
    equal(typeof faultOf(each).message, "string");
    equal(typeof faultOf(each).stack, "string");
  }
  equal(faultOf("a text").message, "a text");
  equal(faultOf(Object.assign(new Error(), { message: 7n, stack: 8 })).message, "7");
  equal(faultOf(Object.assign(new Error(), { message: 7n, stack: 8 })).stack, "8");
  equal(faultOf(new Error("x".repeat(1e6))).message.length < 10_000, true);
});
