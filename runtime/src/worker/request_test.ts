import { deepEqual, equal, rejects, throws } from "node:assert/strict";
import type { Call } from "../wire.ts";
import { ImpRequest, isMultipart, MalformedBody, readForm, webRequest } from "./request.ts";

const NEVER = () => new AbortController().signal;

function call(more: Partial<Call>): Call {
  return {
    id: 1,
    seat: 0,
    function: "user/:id",
    method: "POST",
    target: "/user/5",
    headers: [],
    params: [],
    body: null,
    requestId: "req_1",
    ip: "203.0.113.7",
    kind: "call",
    isFollowed: false,
    ...more,
  };
}

function bodyOf(type: string, body: string | Uint8Array): unknown {
  return new ImpRequest(call({ headers: ["content-type", type], body }), NEVER).body;
}

Deno.test("path, query, parameters, headers and cookies", () => {
  const headers = ["host", "gw", "accept", "a/b", "accept", "c/d", "cookie", "a=1", "cookie", "b=2"];
  const request = new ImpRequest(call({ target: "/user/5?x=1&x=2&__proto__=3", headers, params: ["id", "5"] }), NEVER);
  deepEqual([request.path, request.url], ["/user/5", "/user/5?x=1&x=2&__proto__=3"]);
  deepEqual({ ...request.params }, { id: "5" });
  deepEqual(Object.entries(request.query), [["x", ["1", "2"]], ["__proto__", "3"]]);
  deepEqual([request.get("ACCEPT"), { ...request.cookies }], ["a/b, c/d", { a: "1", b: "2" }]);
  deepEqual(Object.keys(new ImpRequest(call({}), NEVER).query), []);
});

Deno.test("a body is read by its type, once, and can be another", () => {
  deepEqual(bodyOf("application/json", '{"a":1}'), { a: 1 });
  deepEqual(bodyOf("application/problem+json; charset=utf-8", '"b"'), "b");
  deepEqual(bodyOf("image/png", new Uint8Array([1])), new Uint8Array([1]));
  equal(bodyOf("application/json", ""), undefined);
  const request = new ImpRequest(call({ headers: ["content-type", "application/json"], body: "[]" }), NEVER);
  equal(request.body, request.body);
  request.body = 5;
  equal(request.body, 5);
});

Deno.test("in the characters that its type names, without a mark at the beginning", () => {
  const mark = new Uint8Array([0xef, 0xbb, 0xbf, 0x35]);
  deepEqual([bodyOf("application/json", "\ufeff5"), bodyOf("application/json", mark)], [5, 5]);
  equal(bodyOf("text/plain; charset=latin1", new Uint8Array([0xfc])), "ü");
  equal(bodyOf('text/plain; charset="UTF-8"', "ü"), "ü");
  equal(bodyOf("text/plain; charset=nobody's", "ü"), "ü");
});

Deno.test("what isn't JSON is the caller's fault", () => {
  throws(() => bodyOf("application/json", "{"), MalformedBody);
});

Deno.test("its bytes are those that came", () => {
  deepEqual(new ImpRequest(call({ body: "ü" }), NEVER).rawBody, new Uint8Array([0xc3, 0xbc]));
  equal(new ImpRequest(call({}), NEVER).rawBody.length, 0);
});

Deno.test("a form with parts", async () => {
  const body = '--e\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--e--\r\n';
  const sent = call({ headers: ["content-type", "Multipart/Form-Data; boundary=e"], body });
  equal(isMultipart(sent), true);
  equal(isMultipart(call({ headers: sent.headers })), false);
  deepEqual([...await readForm(sent)], [["a", "1"]]);
  await rejects(readForm({ ...sent, headers: ["content-type", "multipart/form-data"] }), MalformedBody);
});

Deno.test("a request of the web's standards", async () => {
  const headers = ["host", "gw.example", "x-forwarded-proto", "https", "content-type", "text/plain"];
  const request = webRequest(call({ target: "/a?b=c", headers, body: "text" }), NEVER());
  deepEqual([request.url, request.method, await request.text()], ["https://gw.example/a?b=c", "POST", "text"]);
  equal(webRequest(call({ method: "GET", body: "text" }), NEVER()).body, null);
});
