import { deepEqual, equal } from "node:assert/strict";
import { digestOf, type Run, Runs } from "./runs.ts";

const KEY = new Uint8Array(32).fill(7);
const NOW = 1_000_000;
const RUN: Run = { function: "dev/one", request_id: "req_1", kind: "call", exp: NOW + 30, nonce: "n1" };

function encoded(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

async function signed(run: unknown, key = KEY): Promise<string> {
  const payload = encoded(new TextEncoder().encode(JSON.stringify(run)));
  const made = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const mac = await crypto.subtle.sign("HMAC", made, new TextEncoder().encode(payload));
  return `${payload}.${encoded(new Uint8Array(mac))}`;
}

function runs(key = encoded(KEY), now = () => NOW): Runs {
  return new Runs(key, now);
}

Deno.test("what was signed is read, and taken once", async () => {
  const some = runs();
  deepEqual(await some.read(await signed(RUN)), RUN);
  equal(some.take(RUN), true);
  equal(some.take({ ...RUN, exp: RUN.exp + 5 }), false);
  equal(some.take({ ...RUN, nonce: "n2" }), true);
});

Deno.test("what may have been begun is taken only where it would be remembered", () => {
  let now = NOW;
  const some = runs(encoded(KEY), () => now);
  equal(some.take({ ...RUN, since: NOW - 1 }), false, "by the process before");
  equal(some.take({ ...RUN, since: NOW }), true);
  equal(some.take({ ...RUN, since: NOW }), false);
  now = NOW + 700;
  equal(some.take({ ...RUN, nonce: "n2", since: NOW + 50 }), false, "forgotten since");
  equal(some.take({ ...RUN, nonce: "n2", since: NOW + 100 }), true);
  equal(some.take({ ...RUN, nonce: "n3" }), true);
});

Deno.test("what somebody else has signed, or changed, isn't", async () => {
  const [payload, mac] = (await signed(RUN)).split(".");
  const other = encoded(new TextEncoder().encode(JSON.stringify({ ...RUN, function: "prod/one" })));
  for (const header of ["", ".", payload, `${payload}.`, `.${mac}`, `${other}.${mac}`, `${payload}.${mac}.${mac}`]) {
    equal(await runs().read(header ?? ""), undefined, header);
  }
  equal(await runs().read(await signed(RUN, new Uint8Array(32))), undefined);
});

Deno.test("without a key there is nothing to read", async () => {
  equal(await runs("").read(await signed(RUN, new Uint8Array(1))), undefined);
});

Deno.test("it's good for as long as it says, and for ten minutes at most", async () => {
  for (const exp of [NOW, NOW - 1, NOW + 601, NaN, "soon"]) {
    equal(await runs().read(await signed({ ...RUN, exp })), undefined, String(exp));
  }
});

Deno.test("what isn't whole isn't read", async () => {
  for (const wrong of [{ kind: "other" }, { function: 5 }, { nonce: "" }, { nonce: undefined }, { since: "1" }]) {
    equal(await runs().read(await signed({ ...RUN, ...wrong })), undefined, JSON.stringify(wrong));
  }
  for (const wrong of [null, [], "text"]) equal(await runs().read(await signed(wrong)), undefined);
});

Deno.test("nonces are forgotten once nobody could use them", () => {
  let now = NOW;
  const some = runs(encoded(KEY), () => now);
  equal(some.take(RUN), true);
  now += 599;
  equal(some.take(RUN), false);
  now += 2;
  equal(some.take(RUN), true);
});

Deno.test("a digest is what others say too", async () => {
  equal(await digestOf(new Uint8Array()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
});
