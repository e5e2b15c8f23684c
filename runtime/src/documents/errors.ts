/** Why something couldn't be done, for whoever wrote the function or looks at the data. */
export type DocumentsErrorCode =
  | "bad-query"
  | "unsupported"
  | "bad-value"
  | "too-large"
  | "duplicate-key"
  | "no-such-collection"
  | "no-such-index"
  | "no-such-document"
  | "changed-meanwhile"
  | "timeout"
  | "unanswered"
  | "unavailable";

const STATUSES: Record<DocumentsErrorCode, number> = {
  "bad-query": 400,
  unsupported: 400,
  "bad-value": 400,
  "too-large": 413,
  "duplicate-key": 409,
  "no-such-collection": 404,
  "no-such-index": 404,
  "no-such-document": 404,
  "changed-meanwhile": 409,
  timeout: 504,
  unanswered: 503,
  unavailable: 503,
};

export class DocumentsError extends Error {
  override readonly name = "DocumentsError";

  /** `field`: of what the console has sent, where that is known. */
  constructor(readonly code: DocumentsErrorCode, message: string, readonly field = "") {
    super(message);
  }
}

/** What an answer over HTTP says of it. */
export function statusOf(error: DocumentsError): number {
  return STATUSES[error.code];
}

export function badQuery(message: string): never {
  throw new DocumentsError("bad-query", message);
}

export function unsupported(message: string): never {
  throw new DocumentsError("unsupported", message);
}

export function badValue(message: string): never {
  throw new DocumentsError("bad-value", message);
}

export function unreachable(): DocumentsError {
  return new DocumentsError("unavailable", "The gateway's database can't be reached at the moment; try it again.");
}
