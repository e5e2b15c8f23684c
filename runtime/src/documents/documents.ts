/** Collections of documents in the gateway's own database: what `imp.db()` does, and the console's tab Data. */
import type { Sql } from "postgres";
import { DocumentsError } from "./errors.ts";

export { DocumentsError } from "./errors.ts";

export class Documents {
  constructor(readonly sql: Sql) {}

  /** Does `op` in the collection; arguments and answer are JSON, with a Date as {"$date": "…"}. */
  exec(op: string, _collection: string, _args: unknown[]): Promise<unknown> {
    return Promise.reject(new DocumentsError("bad-query", `There is no operation ${JSON.stringify(op)}.`));
  }
}
