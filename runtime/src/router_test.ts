import { deepEqual, equal, throws } from "node:assert/strict";
import { MalformedPath, paramsBy, Router } from "./router.ts";

const NAMES = ["user/me", "user/:id", "user/:id/*rest", ":kind/me/x", "*any", "a/b/c", "a/:x/d"];

function found(path: string, names = NAMES): [string, Record<string, string>] | undefined {
  const route = new Router(names.map((name): [string, string] => [name, name])).find(path);
  return route && [route.target, { ...route.params }];
}

Deno.test("a literal comes before a parameter, and that before the rest", () => {
  deepEqual(found("/user/me"), ["user/me", {}]);
  deepEqual(found("/user/5"), ["user/:id", { id: "5" }]);
  deepEqual(found("/user/5/a/b"), ["user/:id/*rest", { id: "5", rest: "a/b" }]);
  deepEqual(found("/group/me/x"), [":kind/me/x", { kind: "group" }]);
  deepEqual(found("/other"), ["*any", { any: "other" }]);
});

Deno.test("where the nearest leads nowhere, the next one is tried", () => {
  deepEqual(found("/a/b/d"), ["a/:x/d", { x: "b" }]);
  deepEqual(found("/a/b/e"), ["*any", { any: "a/b/e" }]);
});

Deno.test("a slash at the end means nothing, and no parameter is empty", () => {
  deepEqual(found("/user/me/"), ["user/me", {}]);
  equal(found("/", ["*any", ":one"]), undefined);
  equal(found("/user//", ["user/:id"]), undefined);
});

Deno.test("a function called index answers where nothing is named, and no other path", () => {
  const names = ["index", "index/:id", ":one"];
  deepEqual(found("/", names), ["index", {}]);
  deepEqual(found("/index", names), [":one", { one: "index" }]);
  deepEqual(found("/index/5", names), ["index/:id", { id: "5" }]);
  equal(found("//5", names), undefined);
  deepEqual(paramsBy("index", "/"), Object.create(null));
  equal(paramsBy("index", "/index"), undefined);
});

Deno.test("segments are decoded one by one", () => {
  deepEqual(found("/user/a%2Fb%20c"), ["user/:id", { id: "a/b c" }]);
  deepEqual(found("/user/%6de"), ["user/me", {}]);
  throws(() => found("/user/%zz"), MalformedPath);
});

Deno.test("of two for the very same calls, one counts, whatever came first", () => {
  deepEqual(found("/x/1", ["x/:b", "x/:a"]), found("/x/1", ["x/:a", "x/:b"]));
});

Deno.test("what a parameter is called touches nothing else", () => {
  deepEqual(Object.keys(paramsBy(":__proto__/:constructor", "/a/b") ?? {}), ["__proto__", "constructor"]);
  equal(paramsBy("user/:id", "/group/1"), undefined);
});

Deno.test("a path that is none is for no pattern", () => {
  equal(paramsBy("user/:id", "/user/%"), undefined);
  equal(paramsBy("user/:id", "/user/%ff"), undefined);
  equal(paramsBy("user/:id", "/user/%41")?.["id"], "A");
});
