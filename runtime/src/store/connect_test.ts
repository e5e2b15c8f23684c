import { deepEqual, equal } from "node:assert/strict";
import { addressOf, whyAway } from "./connect.ts";

Deno.test("a database on a unix socket", () => {
  deepEqual(addressOf("postgres://gw_1:a%40b%3A%2F@/gw_db?host=/run/pg&port=5433"), {
    username: "gw_1",
    password: "a@b:/",
    database: "gw_db",
    path: "/run/pg/.s.PGSQL.5433",
  });
});

Deno.test("a database elsewhere, with as much of TLS as it says", () => {
  const found = addressOf("postgres://gw_1:pw@db.example:6000/gw_db?sslmode=require");
  deepEqual([found.host, found.port, found.ssl], ["db.example", 6000, "require"]);
  equal(addressOf("postgres://a:b@[::1]/c").host, "::1");
  equal(addressOf("postgres://a:b@c/d").ssl, false);
  equal(addressOf("postgres://a:b@c/d?sslmode=verify-ca").ssl, "verify-full");
});

Deno.test("that connections have run out says what helps", () => {
  const full = Object.assign(new Error("sorry, too many clients already"), { code: "53300" });
  equal(
    whyAway(full),
    "The server has no connection left for it: raise its max_connections, or let fewer gateways use it " +
      "(Error: sorry, too many clients already)",
  );
  equal(whyAway(new Error("gone")), "Error: gone");
});
