import { deepEqual, equal } from "node:assert/strict";
import { log } from "./log.ts";

Deno.test("what is logged is one line, whatever is in it", () => {
  const written: Uint8Array[] = [];
  const original = Deno.stdout.writeSync;
  // A pipe that is nearly full takes a part
  Deno.stdout.writeSync = (bytes) => {
    written.push(bytes.slice(0, 7));
    return Math.min(7, bytes.length);
  };
  try {
    log("said", { message: 'a\n{"event":"ready"}' });
  } finally {
    Deno.stdout.writeSync = original;
  }
  const line = new TextDecoder().decode(new Uint8Array(written.flatMap((part) => [...part])));
  equal(line.indexOf("\n"), line.length - 1);
  equal(line.includes('"event":"ready"'), false);
  deepEqual(JSON.parse(line), { event: "said", message: 'a\n{"event":"ready"}' });
});
