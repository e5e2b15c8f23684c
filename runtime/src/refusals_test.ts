import { equal } from "node:assert/strict";
import { allowed, allows, notTaken, whyNone } from "./refusals.ts";
import { NoAnswer } from "./waiting.ts";

Deno.test("no methods named are all of them, and HEAD goes with GET", () => {
  equal(allows([], "PROPFIND"), true);
  equal(allows(["GET"], "HEAD"), true);
  equal(allows(["POST"], "HEAD"), false);
  equal(allows(["POST"], "GET"), false);
  equal(allowed(["POST", "GET"]), "GET, HEAD, OPTIONS, POST");
  equal(allowed(["POST"]), "OPTIONS, POST");
});

Deno.test("a refusal says what is taken", () => {
  equal(notTaken("user/me", "PUT", "GET, HEAD").detail, "user/me takes GET, HEAD, and this was PUT.");
});

Deno.test("each fault has its status, and what threw isn't told", () => {
  const statuses = { error: 500, "malformed-body": 400, "answer-too-large": 500, timeout: 504, interrupted: 503 };
  for (const [fault, status] of Object.entries(statuses)) {
    const refusal = whyNone(new NoAnswer(fault as keyof typeof statuses, "of the function"));
    equal(refusal.status, status);
    equal(refusal.detail.includes("of the function"), fault === "malformed-body");
  }
});
