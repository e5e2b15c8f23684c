import type { Data } from "./asking.ts";
import { type DocumentsError, statusOf } from "./documents/errors.ts";

/** What people see and change of functions' data, in the portal. */
export class DataConsole {
  constructor(readonly data: Data | undefined) {}

  /** `body`: JSON of `{op, collection, args}`. */
  async answer(body: Uint8Array): Promise<Response> {
    if (!this.data) return refusal(503, "unavailable", "This gateway has no database.");
    let asked: { op: string; collection: string; args: unknown[] };
    try {
      asked = JSON.parse(new TextDecoder().decode(body));
    } catch {
      return refusal(400, "bad-query", "The body is no JSON.");
    }
    try {
      return Response.json(await this.data.execData(asked.op, asked.collection, asked.args) ?? null);
    } catch (error) {
      if ((error as Error).name !== "DocumentsError") throw error;
      const { code, message, field } = error as DocumentsError;
      return refusal(statusOf(error as DocumentsError), code, message, field);
    }
  }
}

function refusal(status: number, code: string, message: string, field = ""): Response {
  return Response.json({ error: { code, message, field } }, { status });
}
