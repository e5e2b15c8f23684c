import { deepEqual, equal, match } from "node:assert/strict";
import { answer, escaped } from "./problem.ts";

const EVIL = `<script>alert("1")</script>'&`;
const PROBLEM = {
  status: 404,
  slug: "no-such-function",
  title: "There is no function here",
  detail: "Parcel tracking runs.",
  about: { gateway: "parcel-tracking", stage: "dev", request_id: "" },
};

Deno.test("programs get a problem whose type leads to its page", async () => {
  const response = answer(PROBLEM, "https://console.example/errors/");
  equal(response.status, 404);
  equal(response.headers.get("content-type"), "application/problem+json");
  equal(response.headers.get("cache-control"), "no-store");
  equal(response.headers.get("vary"), "accept");
  deepEqual(await response.json(), {
    type: "https://console.example/errors/no-such-function",
    title: "There is no function here",
    status: 404,
    detail: "Parcel tracking runs.",
    gateway: "parcel-tracking",
    stage: "dev",
    request_id: "",
  });
});

Deno.test("people get the same words as a page", async () => {
  const response = answer(PROBLEM, "https://console.example/errors/", true);
  equal(response.status, 404);
  equal(response.headers.get("content-type"), "text/html; charset=utf-8");
  const page = await response.text();
  match(page, /<h1>There is no function here<\/h1>\n<p>Parcel tracking runs.<\/p>/);
  match(page, /<dt>Gateway<\/dt><dd>parcel-tracking<\/dd><dt>Stage<\/dt><dd>dev<\/dd><\/dl>/);
  match(page, /href="https:\/\/console.example\/errors\/no-such-function"/);
});

Deno.test("without a portal's address no link leads to a page that isn't there", async () => {
  equal((await answer(PROBLEM, "/errors/", true).text()).includes("href"), false);
});

Deno.test("a page runs nothing and its own style alone counts", async () => {
  const response = answer(PROBLEM, "/errors/", true);
  const style = (await response.text()).match(/<style>([^]*)<\/style>/)?.[1] ?? "";
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(style))).toBase64();
  const policy = response.headers.get("content-security-policy") ?? "";
  match(policy, /^default-src 'none'; style-src 'sha256-/);
  equal(policy.includes(`'sha256-${digest}'`), true);
  equal(policy.includes("unsafe"), false);
});

Deno.test("nothing that a caller sends becomes markup", async () => {
  const evil = { ...PROBLEM, title: EVIL, detail: EVIL, about: { path: EVIL, [EVIL]: EVIL } };
  const page = await answer(evil, `https://x/"${EVIL}`, true).text();
  equal(page.includes("<script"), false);
  equal(page.includes(`"1"`), false);
  equal(escaped(`<&>"'`), "&#60;&#38;&#62;&#34;&#39;");
});
