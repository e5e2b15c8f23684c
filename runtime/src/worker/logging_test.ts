import { deepEqual, equal, match } from "node:assert/strict";
import type { Line } from "../wire.ts";
import { CALL_CHARACTERS, nothingSpent } from "./budget.ts";
import { formatted, Logging, type Scope } from "./logging.ts";

const again = () => {
  throw new Error("again");
};

function made(): { logging: Logging; lines: Line[]; scope: Scope } {
  const lines: Line[] = [];
  const scope = { function: "a", version: 3, requestId: "req_1", spent: nothingSpent() };
  return { logging: new Logging((line) => void lines.push(line)), lines, scope };
}

Deno.test("a line says whose it is", () => {
  const { logging, lines, scope } = made();
  logging.log(scope, "warn", "console", "text", { n: 1n, e: new Error("inner") });
  const [line] = lines;
  deepEqual([line?.function, line?.version, line?.requestId, line?.level, line?.source, line?.text], [
    "a",
    3,
    "req_1",
    "warn",
    "console",
    "text",
  ]);
  equal(line?.fields?.n, "1");
  match(String(line?.fields?.e), /^Error: inner\n {4}at /);
});

Deno.test("whatever is given as fields is an object", () => {
  const { logging, lines, scope } = made();
  const loop: Record<string, unknown> = {};
  loop.loop = loop;
  for (const fields of [5, [1], "text", null, loop]) logging.log(scope, "info", "console", "", fields);
  deepEqual(lines.slice(0, 4).map((each) => each.fields), [{ value: 5 }, { value: [1] }, { value: "text" }, null]);
  match(String(lines[4]?.fields?.value), /Circular/);
});

Deno.test("fields count like the text, and what is left out is counted", () => {
  const { logging, lines, scope } = made();
  const size = 16_000;
  for (let n = 0; n < 40; n++) logging.log(scope, "info", "console", "", { all: "x".repeat(size) });
  const kept = Math.floor(CALL_CHARACTERS / (size + '{"all":""}'.length));
  equal(lines.length, kept);
  logging.close(scope);
  deepEqual(lines.at(-1)?.fields, { left_out: 40 - kept });
});

Deno.test("as on consoles", () => {
  equal(formatted(["%s is %d%%", "a", 5, { b: [1] }]), "a is 5% { b: [ 1 ] }");
  equal(formatted(["%i %f %j %c|", 5.5, "1.5", { a: 1 }, "color"]), '5 1.5 {"a":1} |');
  equal(formatted(["%s"]), "%s");
  equal(formatted([1, "a"]), "1 a");
});

Deno.test("nothing that is logged throws", () => {
  const loop: Record<string, unknown> = {};
  loop.loop = loop;
  match(formatted(["%j", loop]), /Circular/);
  equal(formatted(["%d %i %f %j %j", Symbol("s"), Symbol("s"), 1n, undefined, 1n]), "NaN NaN 1 undefined 1n");
  const odd = { [Symbol.for("Deno.customInspect")]: again };
  match(formatted(["%o", odd]), /can't be shown: again/);
  const odder = {
    [Symbol.for("Deno.customInspect")]: () => {
      throw Object.defineProperty(new Error(), "message", { get: again });
    },
  };
  match(formatted([odder]), /can't be shown/);
});
