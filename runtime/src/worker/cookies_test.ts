import { deepEqual, equal, throws } from "node:assert/strict";
import { readCookies, writeCookie } from "./cookies.ts";

Deno.test("cookies are read as they were meant", () => {
  deepEqual({ ...readCookies('a=1; b="x%20y"; a=2; c=%zz; =no; d') }, { a: "1", b: "x y", c: "%zz" });
  deepEqual(Object.keys(readCookies("__proto__=1")), ["__proto__"]);
});

Deno.test("a cookie says what was asked for, and nothing else", () => {
  equal(writeCookie("a", "b; c"), "a=b%3B%20c; Path=/");
  equal(
    writeCookie("a", "b", { domain: "example.com", path: "/x", maxAge: 5, httpOnly: true, sameSite: "none" }),
    "a=b; Path=/x; Domain=example.com; Max-Age=5; HttpOnly; Secure; SameSite=None",
  );
  for (const name of ["", "a b", "a;b", "a\r\nb"]) throws(() => writeCookie(name, ""), TypeError);
  throws(() => writeCookie("a", "b", { path: "/; HttpOnly" }), TypeError);
  throws(() => writeCookie("a", "b", { maxAge: 1.5 }), TypeError);
});
