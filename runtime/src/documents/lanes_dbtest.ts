/** What functions' own SQL does to its session, and what of it the next one meets: nothing. */
import { deepEqual, equal, rejects } from "node:assert/strict";
import { documentsForTests, refusedWith, test } from "./testing.ts";

const { documents, end, exec, fresh } = documentsForTests();

async function run(text: string, id?: string): Promise<Record<string, unknown>[]> {
  const { rows } = await documents.exec("sql.run", "", [[text], [], id], "f") as { rows: Record<string, unknown>[] };
  return rows;
}

/** On as many connections as there are, and more. */
async function everywhere(text: string): Promise<unknown[]> {
  const found = await Promise.all(Array.from({ length: 12 }, () => run(text)));
  return [...new Set(found.map(([row]) => Object.values(row ?? {})[0]))];
}

async function begin(): Promise<string> {
  return await documents.exec("sql.begin", "", [], "f") as string;
}

test("what a statement sets ends with it", async () => {
  await fresh("seen", [{ a: 1 }]);
  for (
    const [name, value] of [
      ["statement_timeout", "0"],
      ["search_path", "nowhere"],
      ["default_transaction_read_only", "on"],
    ]
  ) {
    const shown = `SELECT current_setting('${name}')`;
    const before = await everywhere(shown);
    equal(before.length, 1);
    await everywhere(`SELECT set_config('${name}', '${value}', false)`);
    await everywhere(`/* not */ SET ${name} = '${value}'`).catch(() => {});
    await everywhere(`DO $$ BEGIN PERFORM set_config('${name}', '${value}', false); END $$`);
    deepEqual(await everywhere(shown), before, name);
    const id = await begin();
    await run(`SELECT set_config('${name}', '${value}', false)`, id);
    await documents.exec("sql.commit", "", [id], "f");
    deepEqual(await everywhere(shown), before, `${name} of a transaction`);
  }
  await exec("insertOne", "seen", { a: 2 });
});

test("what a statement holds ends with it", async () => {
  await everywhere("DECLARE kept CURSOR WITH HOLD FOR SELECT 1");
  await everywhere("-- alone\nBEGIN");
  await run("CREATE TABLE IF NOT EXISTS held (a int)");
  deepEqual(await everywhere("SELECT (count(*) FILTER (WHERE name = 'kept'))::text FROM pg_cursors"), ["0"]);
  deepEqual(await everywhere("SELECT (now() = statement_timestamp())::text"), ["true"]);
  await run("DROP TABLE held");
});

test("COPY takes no connection away", async () => {
  await run("CREATE TABLE IF NOT EXISTS copied (a int)");
  for (let n = 0; n < 12; n++) {
    const way = n % 2 ? "FROM STDIN" : "TO STDOUT";
    await rejects(run(`/* not */ COPY copied ${way}`), refusedWith("bad-query"));
  }
  deepEqual(await everywhere("SELECT count(*)::int FROM copied"), [0]);
  const id = await begin();
  await rejects(run("/* not */ COPY copied FROM STDIN", id), refusedWith("bad-query"));
  await rejects(documents.exec("sql.commit", "", [id], "f"));
  deepEqual(await everywhere("SELECT count(*)::int FROM copied"), [0]);
});

test("a session that ends in the middle takes its transaction with it, and nothing else", async () => {
  await fresh("after");
  await run("CREATE TABLE IF NOT EXISTS ended (a int)");
  await run("DELETE FROM ended");
  for (let n = 0; n < 4; n++) {
    const id = await begin();
    await run("INSERT INTO ended VALUES (1)", id);
    await rejects(run("SELECT pg_terminate_backend(pg_backend_pid())", id), refusedWith("unavailable"));
    await rejects(run("INSERT INTO ended VALUES (2)", id));
    await rejects(documents.exec("sql.commit", "", [id], "f"));
    // By somebody else, while nothing is asked
    const other = await begin();
    const [{ pid } = {}] = await run("SELECT pg_backend_pid() AS pid", other);
    await run("INSERT INTO ended VALUES (3)", other);
    await run(`SELECT pg_terminate_backend(${pid})`);
    await new Promise((done) => setTimeout(done, 100));
    await rejects(run("INSERT INTO ended VALUES (4)", other), refusedWith("unavailable"));
    await rejects(documents.exec("sql.commit", "", [other], "f"));
    await rejects(run("SELECT pg_terminate_backend(pg_backend_pid())"), refusedWith("unavailable"));
  }
  deepEqual(await everywhere("SELECT count(*)::int FROM ended"), [0]);
  await exec("insertOne", "after", {});
});

test("a statement that returns too much is ended before it has returned it all", async () => {
  const much = [
    "SELECT generate_series(1, 1000000000)",
    "SELECT repeat('x', 1000000) FROM generate_series(1, 5000)",
    "SELECT jsonb_build_array(repeat('x', 1000000)) FROM generate_series(1, 5000)",
  ];
  for (const text of much) {
    await rejects(run(text), refusedWith("too-large"), text);
    const id = await begin();
    await rejects(run(text, id), refusedWith("too-large"), text);
    await documents.exec("sql.rollback", "", [id], "f").catch(() => {});
  }
  deepEqual(await everywhere("SELECT 1"), [1]);
  equal((await run("SELECT repeat('x', 1000000) FROM generate_series(1, 15)")).length, 15);
});

test("a statement ends in time, whatever it sets and catches", async () => {
  const endless = `DO $$ BEGIN
    PERFORM set_config('statement_timeout', '0', false);
    LOOP BEGIN PERFORM pg_sleep(3600); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP;
  END $$`;
  const id = await begin();
  await run("/* not */ SET LOCAL statement_timeout = 0", id);
  await Promise.all([
    rejects(run(endless), refusedWith("timeout")),
    rejects(run("SELECT pg_sleep(3600)", id), refusedWith("timeout")),
    rejects(run("SELECT set_config('statement_timeout', '0', false), pg_sleep(3600)"), refusedWith("timeout")),
  ]);
  deepEqual(await everywhere("SELECT 1"), [1]);
});

test("the end", end);
