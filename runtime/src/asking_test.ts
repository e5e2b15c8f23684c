import { deepEqual, equal } from "node:assert/strict";
import { Asking, type Data } from "./asking.ts";
import type { Egress } from "./egress/egress.ts";
import { type Caller, ServiceError } from "./services.ts";
import type { Crew } from "./stages/crew.ts";

function world(): { asking: Asking; crew: Crew; told: unknown[]; data: unknown[] } {
  const told: unknown[] = [];
  const data: unknown[] = [];
  const documents: Data = {
    exec: (op, collection, args, owner) => {
      data.push([op, collection, args, owner]);
      return op === "fail"
        ? Promise.reject(new ServiceError("DocumentsError", "bad-query", "No."))
        : Promise.resolve(7);
    },
    execData: () => Promise.resolve(),
    release: (owner) => void data.push(["release", owner]),
  };
  const pending = new Map([[1, { call: { function: "one", requestId: "req_1" } }]]);
  const crew = { name: "dev 1", pending, send: (message: unknown) => void told.push(message) } as unknown as Crew;
  return { asking: new Asking(documents, {} as Egress), crew, told, data };
}

Deno.test("what is asked is answered, with what went wrong", async () => {
  const { asking, crew, told, data } = world();
  await asking.answer(crew, "dev", 5, 1, "documents", { op: "find", collection: "notes", args: [{}] });
  await asking.answer(crew, "dev", 6, 1, "documents", { op: "fail", collection: "notes", args: [] });
  deepEqual(told, [
    ["answered", 5, null, 7],
    ["answered", 6, { name: "DocumentsError", code: "bad-query", message: "No." }, null],
  ]);
  deepEqual(data[0], ["find", "notes", [{}], "dev 1#1"]);
});

Deno.test("what a call holds is let go once, when it's over", async () => {
  const { asking, crew, data } = world();
  await asking.answer(crew, "dev", 5, 1, "documents", { op: "sql.begin", collection: "", args: [] });
  asking.release("dev 1", 1, true);
  asking.release("dev 1", 1, true);
  deepEqual(data.slice(1), [["release", "dev 1#1"]]);
});

Deno.test("what is asked after its call is over holds nothing", async () => {
  const { asking, crew, data } = world();
  await asking.answer(crew, "dev", 5, 99, "documents", { op: "sql.begin", collection: "", args: [] });
  deepEqual(data[0], ["release", "dev 1#99"]);
});

Deno.test("without a database, that is what's said", async () => {
  const { crew, told } = world();
  await new Asking(undefined, {} as Egress).answer(crew, "dev", 5, 1, "documents", { op: "find" });
  deepEqual(told, [["answered", 5, {
    name: "DatabaseError",
    code: "NO_DATABASE",
    message: "This gateway has no database",
  }, null]]);
});

const BUSY = { op: "open", id: "1" };

/** A way out that holds what it's asked for, for as long as it may; what it has let go is counted. */
function holding(patienceMs: number): { asking: Asking; released: () => number; forget: () => void } {
  let count = 0;
  let forget = () => {};
  const egress = {
    answer: (_asked: unknown, caller: Caller) => {
      forget = caller.onEnd(() => void count++, patienceMs);
      return Promise.resolve(null);
    },
  } as unknown as Egress;
  return { asking: new Asking(undefined, egress), released: () => count, forget: () => forget() };
}

Deno.test("what may go on beside an answer has its time, unless nobody waits for it", async () => {
  const { crew } = world();
  for (const [isAnswered, atOnce] of [[true, 0], [false, 1]] as const) {
    const { asking, released } = holding(10);
    await asking.answer(crew, "dev", 5, 1, "fetch", BUSY);
    asking.release("dev 1", 1, isAnswered);
    equal(released(), atOnce);
    await new Promise((resolve) => setTimeout(resolve, 30));
    equal(released(), 1);
  }
});

Deno.test("what is begun after its call has that time as well", async () => {
  const { crew } = world();
  const { asking, released } = holding(10);
  await asking.answer(crew, "dev", 5, 99, "fetch", BUSY);
  equal(released(), 0);
  await new Promise((resolve) => setTimeout(resolve, 30));
  equal(released(), 1);
});

Deno.test("what holds nothing any more is forgotten, during its call and after it", async () => {
  const { crew } = world();
  for (const call of [1, 99]) {
    const { asking, released, forget } = holding(10);
    await asking.answer(crew, "dev", 5, call, "fetch", BUSY);
    forget();
    asking.release("dev 1", call, false);
    await new Promise((resolve) => setTimeout(resolve, 20));
    equal(released(), 0);
  }
});
