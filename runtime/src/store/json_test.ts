import { deepEqual, equal } from "node:assert/strict";
import { jsonOf } from "./json.ts";

Deno.test("what PostgreSQL refuses is replaced, in names too", () => {
  const said = JSON.parse(jsonOf({ "a\0": "b\0c", d: ["\ud800", "x\udfffy"] }));
  deepEqual(said, { "a\ufffd": "b\ufffdc", d: ["\ufffd", "x\ufffdy"] });
});

Deno.test("all else stays as it is", () => {
  const value = { pair: "😀", written: "\\u0000 \\ud800 \\\\u0000", line: '"a"\n\t\u0001', none: null };
  equal(jsonOf(value), JSON.stringify(value));
});
