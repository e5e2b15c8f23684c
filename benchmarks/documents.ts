/** Turns of `imp.db` beside the same in SQL by hand, on one connection each; prints the milliseconds of each turn. */
import { CONNECTIONS, Documents } from "../runtime/src/documents/documents.ts";
import { connect } from "../runtime/src/store/connect.ts";

const ROUNDS = Number(Deno.args[1] ?? 400);
const COUNT = 20_000;
const url = Deno.args[0] as string;
const sql = connect(url, { ...CONNECTIONS, max: 1 });
const one = { ...CONNECTIONS, max: 1 };
const documents = new Documents(connect(url, one), (onclose) => connect(url, { ...one, onclose }));
const exec = (op: string, ...args: unknown[]) => documents.exec(op, "orders", args);
const hand = (text: string, ...values: string[]) => sql.unsafe(text, values, { prepare: true });
const status = (n: number) => `s${n % 1000}`;
const id = (n: number) => `order-${String(n % COUNT).padStart(6, "0")}`;
const order = (n: number) => ({
  status: status(n),
  n,
  customer: { name: "Anna", city: "Busan" },
  items: [{ sku: "a", count: 2 }],
});

await exec("createIndex", { status: 1 });
await exec("createIndex", { n: -1 });
await sql.unsafe("CREATE TABLE by_hand (_id text PRIMARY KEY, doc jsonb NOT NULL)");
await sql.unsafe("CREATE INDEX ON by_hand ((doc ->> 'status'))");
await sql.unsafe("CREATE INDEX ON by_hand (((doc -> 'n')::int) DESC)");
for (let n = 0; n < COUNT; n += 1000) {
  const made = Array.from({ length: 1000 }, (_, at) => ({ _id: id(n + at), ...order(n + at) }));
  await exec("insertMany", made);
  await hand(
    "INSERT INTO by_hand SELECT e ->> '_id', e FROM jsonb_array_elements($1::text::jsonb) AS a(e)",
    JSON.stringify(made),
  );
}
await sql.unsafe("ANALYZE by_hand");
await sql.unsafe("ANALYZE orders");

const turns: Record<string, [(n: number) => Promise<unknown>, (n: number) => Promise<unknown>]> = {
  insertOne: [
    (n) => exec("insertOne", order(n)),
    (n) =>
      hand(
        "INSERT INTO by_hand VALUES ($1, $2::text::jsonb)",
        `new-${n}`,
        JSON.stringify({ _id: `new-${n}`, ...order(n) }),
      ),
  ],
  "findOne by _id": [
    (n) => exec("findOne", { _id: id(n * 7919) }),
    (n) => hand("SELECT doc FROM by_hand WHERE _id = $1", id(n * 7919)),
  ],
  "find by an indexed field": [
    (n) => exec("find", { status: status(n * 31) }),
    (n) => hand("SELECT doc FROM by_hand WHERE doc ->> 'status' = $1 ORDER BY _id LIMIT 101", status(n * 31)),
  ],
  "find 50 in an indexed order": [
    () => exec("find", {}, { sort: { n: -1 }, limit: 50 }),
    () => hand("SELECT doc FROM by_hand ORDER BY ((doc -> 'n')::int) DESC LIMIT 50"),
  ],
  "countDocuments of a range without index": [
    (n) => exec("countDocuments", { "items.count": { $gt: 1 }, "customer.city": n % 2 ? "Busan" : "Seoul" }),
    (n) =>
      hand(
        "SELECT count(*) FROM by_hand WHERE (doc #>> '{items,0,count}')::int > 1 AND doc #>> '{customer,city}' = $1",
        n % 2 ? "Busan" : "Seoul",
      ),
  ],
  "updateOne with $set and $inc": [
    (n) => exec("updateOne", { _id: id(n * 7919) }, { $set: { state: `t${n}` }, $inc: { tries: 1 } }),
    (n) =>
      hand(
        "UPDATE by_hand SET doc = jsonb_set(jsonb_set(doc, '{state}', to_jsonb($1::text)), '{tries}', " +
          "to_jsonb(coalesce((doc ->> 'tries')::int, 0) + 1)) WHERE _id = $2",
        `t${n}`,
        id(n * 7919),
      ),
  ],
};

for (const [name, sides] of Object.entries(turns)) {
  const rounds = name.includes("without index") ? Math.ceil(ROUNDS / 10) : ROUNDS;
  const found: [number[], number[]] = [[], []];
  for (let n = -20; n < rounds; n++) {
    const first = n % 2 === 0 ? 0 : 1;
    for (const side of [first, 1 - first] as (0 | 1)[]) {
      const began = performance.now();
      await sides[side](n + 20);
      if (n >= 0) found[side].push(performance.now() - began);
    }
  }
  console.log(JSON.stringify({ name, ours: found[0], hand: found[1] }));
}
Deno.exit(0);
