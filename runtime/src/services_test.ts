import { deepEqual } from "node:assert/strict";
import { ServiceError } from "./services.ts";

Deno.test("an error says whose it is, and by a code what it is", () => {
  const { name, code, message } = new ServiceError("FetchError", "EGRESS_REFUSED", "No.");
  deepEqual([name, code, message], ["FetchError", "EGRESS_REFUSED", "No."]);
});
