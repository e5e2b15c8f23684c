import { deepEqual, equal, rejects, throws } from "node:assert/strict";
import { checkConfig, ConfigError, readConfig } from "./config.ts";

const GOOD = {
  gateway: { id: "gw_1", name: "parcel-tracking", title: "Parcel tracking" },
  process: "main",
  stages: ["dev", "prod"],
  listen: "/run/r.sock",
  drainSeconds: 10,
  problemTypes: "/errors/",
  variables: { REGION: "eu" },
  secrets: { KEY: "never-said" },
  instance: "main-1",
  runtimeUrl: "",
  databaseUrl: "",
  runKey: "",
  egress: { proxy: "", mode: "listed", hosts: ["api.example.com"] },
  logs: "database",
};

/** What is missing of parts that have parts. */
const NAMED: Record<string, string> = { gateway: "gateway.id", egress: "egress.proxy" };

function complaint(value: unknown): string {
  let said = "";
  throws(() => checkConfig(value), (error) => {
    said = error instanceof ConfigError ? error.message : "";
    return said !== "";
  });
  return said;
}

Deno.test("what is good is taken as it is", async () => {
  const input = new Response(JSON.stringify(GOOD)).body;
  deepEqual(await readConfig(input as ReadableStream<Uint8Array>), GOOD);
});

Deno.test("what is no JSON is refused", async () => {
  await rejects(readConfig(new Response("{").body as ReadableStream<Uint8Array>), /standard input is no JSON/);
  for (const value of [null, [], "text", 1]) equal(complaint(value), "it is no object");
});

Deno.test("all that is wrong is said at once", () => {
  const said = complaint({
    ...GOOD,
    gateway: { id: "" },
    stages: [],
    listen: 5,
    drainSeconds: -1,
    variables: { A: 1 },
  });
  equal(
    said,
    "gateway.id is no text, or empty; gateway.name is missing; gateway.title is missing; stages is no list of stages; " +
      "listen is no text, or empty; drainSeconds is no number of seconds; variables has values that are no text: A",
  );
});

Deno.test("every part is needed", () => {
  const parts = Object.keys(GOOD) as (keyof typeof GOOD)[];
  for (const part of parts) {
    const { [part]: _gone, ...rest } = GOOD;
    equal(complaint(rest).includes(`${NAMED[part] ?? part} is missing`), true, part);
  }
});

Deno.test("a stage is a name, and there once", () => {
  for (const stage of ["", "_imp", "a/b", "..", "Dev", "-a", 5]) {
    equal(complaint({ ...GOOD, stages: ["dev", stage] }), "stages has a stage that is no name");
  }
  equal(complaint({ ...GOOD, stages: ["dev", "dev"] }), "stages has a stage twice");
});

Deno.test("no value is told, there may be a secret in it", () => {
  const said = complaint({ ...GOOD, secrets: { KEY: { inner: "never-said" } }, databaseUrl: ["never-said"] });
  equal(said, "secrets has values that are no text: KEY; databaseUrl is no text");
});

Deno.test("what a prototype has isn't what was given", () => {
  equal(complaint({ ...GOOD, gateway: Object.create(GOOD.gateway) }).startsWith("gateway.id is missing"), true);
});
