import { deepEqual, equal, match, rejects } from "node:assert/strict";
import type { FromWorker } from "../wire.ts";
import { Crew } from "./crew.ts";
import { BROKEN, MORTAL, PROGRAM, published, until } from "./testing.ts";

const BEGINNING = { gateway: { id: "gw_1", name: "parcels", title: "" }, stage: "dev", environment: {} };

async function started(program = PROGRAM): Promise<{ crew: Crew; heard: FromWorker[]; died: string[] }> {
  const heard: FromWorker[] = [];
  const died: string[] = [];
  const crew = await Crew.start(
    "dev 1",
    program,
    BEGINNING,
    (_crew, message) => void heard.push(message),
    (_crew, why) => void died.push(why),
  );
  return { crew, heard, died };
}

Deno.test("a worker says what it has loaded, and what its functions say", async () => {
  const { crew, heard } = await started();
  const { error } = await crew.load(published("a", "console.log('loaded'); module.exports = () => 1;"));
  equal(error, null);
  match((await crew.load(published("b", "throw new Error('no')"))).error?.message ?? "", /no/);
  deepEqual(heard.map((message) => message[0] === "log" && [message[1].function, message[1].text]), [["a", "loaded"]]);
  equal(crew.loaded, 2);
  crew.end();
});

Deno.test("what is loaded into one that is gone has failed at once", async () => {
  const { crew } = await started();
  const loading = crew.load(published("a", "module.exports = () => 1;"));
  crew.end();
  for (const load of [loading, crew.load(published("b", ""))]) {
    match((await load).error?.message ?? "", /didn't finish/);
  }
  await crew.addVendor("d1", "");
});

Deno.test("one that ends by itself says so; one that can't begin isn't started", async () => {
  const { crew, died } = await started(MORTAL);
  await crew.load(published("a", "Promise.reject(new Error('dies')); module.exports = () => 1;"));
  await until(() => died.length > 0, "its end");
  match(died[0] ?? "", /dies/);
  crew.end();
  await rejects(started(BROKEN), /no memory left/);
});
