// An escaped character, whole: what follows an escaped backslash is no escape
const ESCAPED = /\\(u0000|ud[89a-f][0-9a-f]{2}|.)/g;

/**
 * JSON that PostgreSQL takes for jsonb, whatever functions have put into it: zero characters and halves of surrogate
 * pairs, which it refuses with all that is beside them, are replaced.
 */
export function jsonOf(value: unknown): string {
  return JSON.stringify(value).replace(ESCAPED, (whole, what: string) => what.length > 1 ? "\\ufffd" : whole);
}
