import { equal } from "node:assert/strict";
import { baseNameOf, isDraft } from "./names.ts";

Deno.test("a draft has the name of its function, and a mark that no path can have", () => {
  equal(isDraft("~drf_1/user/:id"), true);
  equal(baseNameOf("~drf_1/user/:id"), "user/:id");
  for (const name of ["user/:id", "a~b/c", ""]) {
    equal(isDraft(name), false);
    equal(baseNameOf(name), name);
  }
});
