import { deepEqual, equal, rejects } from "node:assert/strict";
import type { Caller } from "../services.ts";
import { Egress } from "./egress.ts";

const CALLER: Caller = { stage: "dev", function: "a", requestId: "req_1", onEnd: () => () => {} };
const OPEN = {
  op: "open",
  id: "1",
  url: "https://a.example/",
  method: "GET",
  headers: [],
  body: null,
  redirect: "follow",
};

Deno.test("without a way out there is none", async () => {
  for (const mode of ["none", "public"] as const) {
    const egress = new Egress({ proxy: "", mode, hosts: [] });
    await rejects(egress.answer(OPEN, CALLER), { name: "TypeError", code: "EGRESS_HOST" });
    equal(egress.size, 0);
  }
});

Deno.test("of what isn't under way there is nothing more", async () => {
  const egress = new Egress({ proxy: "", mode: "public", hosts: [] });
  for (const op of ["read", "close"]) await rejects(egress.answer({ op, id: "1" }, CALLER), { code: "EGRESS_ENDED" });
  deepEqual(await egress.answer({ op: "cancel", id: "1" }, CALLER), null);
});
