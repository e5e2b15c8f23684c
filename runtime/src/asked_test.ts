import { deepEqual, equal } from "node:assert/strict";
import { asked, headersOf, isReserved, prefersPage, rawPath } from "./asked.ts";

const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";

/** As Deno gives it: the URL is the host and the path as they came. */
function request(path: string, headers: Record<string, string> = {}): Request {
  const all = new Headers({ host: "gw.dev.localhost", ...headers });
  return { url: `http+unix://${all.get("host")}${path}`, headers: all, method: "GET" } as Request;
}

Deno.test("calls are objects of one shape", () => {
  const own = Object.getOwnPropertyDescriptors(asked(request("/dev/x"), "/dev/x"));
  for (const [name, { get }] of Object.entries(own)) equal(get, undefined, name);
});

Deno.test("a path is taken as it came", () => {
  for (
    const path of ["/", "/dev", "/dev/..%2f_imp/health", "/dev/%2e%2e/_imp/health", "//a//b", "/dev/../x", "/a%zz"]
  ) {
    equal(rawPath(request(path)), path);
    equal(rawPath(request(`${path}?q=/../_imp/health`)), path);
  }
});

Deno.test("a host that looks like a path is none", () => {
  equal(rawPath(request("/dev/x", { host: "gw/_imp/health?" })), "/dev/x");
});

Deno.test("what has no path of its own is refused", () => {
  equal(rawPath({ url: "http://elsewhere/_imp/health", headers: new Headers({ host: "gw" }) } as Request), undefined);
  equal(rawPath(request(":80")), undefined);
  equal(rawPath(request("*")), undefined);
});

Deno.test("stage, path and request id are told apart", () => {
  const found = asked(request("/dev/user/me", { "x-request-id": "0af7-1" }), "/dev/user/me");
  deepEqual({ ...found }, { method: "GET", stage: "dev", path: "/user/me", requestId: "0af7-1" });
  equal(found.wantsPage, false);
  equal(asked(request("/dev", { accept: BROWSER }), "/dev").wantsPage, true);
  equal(asked(request("/dev"), "/dev").path, "/");
  equal(asked(request("/dev/"), "/dev/").path, "/");
  equal(asked(request("//x"), "//x").stage, "");
});

Deno.test("the gateway's own paths are its own, however they're spelled", () => {
  for (
    const path of ["/_imp", "/_imp/", "/_imp/health", "//_imp/x", "/%5fimp/x", "/%5F%69%6D%70%2fhealth", "/_imp%2Fx"]
  ) {
    equal(isReserved(path), true, path);
  }
  for (const path of ["/", "/imp/x", "/_impossible", "/a/_imp/x", "/_IMP/x", "/%255fimp/x"]) {
    equal(isReserved(path), false, path);
  }
});

Deno.test("a function gets what its caller sent, and nothing of what was said to the gateway alone", () => {
  const headers = new Headers({
    "imp-run": "x",
    "x-envoy-external-address": "::1",
    "x-imp-probe": "1",
    "x-impish": "y",
  });
  headers.append("cookie", "a=1");
  deepEqual(headersOf(headers), ["cookie", "a=1", "x-impish", "y"]);
});

Deno.test("what is no request id isn't repeated", () => {
  for (const id of ["<b>", "a b", "a".repeat(129), '"']) {
    equal(asked(request("/dev", { "x-request-id": id }), "/dev").requestId, "");
  }
});

Deno.test("browsers get a page, all others JSON", () => {
  for (const accept of [BROWSER, "text/html", "TEXT/HTML; q=0.5", "text/html, application/json;q=0.9"]) {
    equal(prefersPage(accept), true, accept);
  }
  for (
    const accept of [
      "",
      "*/*",
      "application/json",
      "application/json, text/html",
      "text/html;q=0",
      "text/html;q=0.1, */*",
      "text/html;q=nonsense",
      "text/plain",
      "application/*, text/html;q=0.9",
    ]
  ) {
    equal(prefersPage(accept), false, accept);
  }
});
