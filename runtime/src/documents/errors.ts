/** Why something couldn't be done, for whoever wrote the function or looks at the data. */
export type DocumentsErrorCode =
  | "bad-query"
  | "unsupported"
  | "bad-value"
  | "too-large"
  | "duplicate-key"
  | "no-such-index"
  | "changed-meanwhile"
  | "timeout"
  | "unavailable";

export class DocumentsError extends Error {
  override readonly name = "DocumentsError";

  constructor(readonly code: DocumentsErrorCode, message: string) {
    super(message);
  }
}
