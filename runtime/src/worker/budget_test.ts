import { equal } from "node:assert/strict";
import { Budget, CALL_CHARACTERS, CALL_LINES, nothingSpent, shortened, STAGE_LINES_AT_ONCE } from "./budget.ts";

Deno.test("a call has its lines and no more", () => {
  const spent = nothingSpent();
  const budget = new Budget(() => 0);
  for (let line = 0; line < CALL_LINES + 5; line++) equal(budget.takes(1, spent), line < CALL_LINES);
  equal(spent.leftOut, 5);
  equal(budget.leftOut, 0);
});

Deno.test("a call has its characters and no more", () => {
  const spent = nothingSpent();
  const budget = new Budget(() => 0);
  equal(budget.takes(CALL_CHARACTERS, spent), true);
  equal(budget.takes(1, spent), false);
});

Deno.test("a stage has so many at once, and again as time goes on", () => {
  let now = 0;
  const budget = new Budget(() => now);
  let taken = 0;
  for (let line = 0; line < STAGE_LINES_AT_ONCE * 2; line++) if (budget.takes(1, nothingSpent())) taken++;
  equal(taken, STAGE_LINES_AT_ONCE);
  equal(budget.leftOut, STAGE_LINES_AT_ONCE);
  now = 10;
  equal([1, 2, 3, 4, 5, 6].filter(() => budget.takes(1, nothingSpent())).length, 5);
});

Deno.test("a long line says how long it was", () => {
  equal(shortened("short"), "short");
  equal(shortened("x".repeat(9000)).endsWith("… (9,000 characters)"), true);
});
