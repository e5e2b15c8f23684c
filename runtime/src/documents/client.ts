/** `imp.db` and `imp.sql` as a function has them: each call is a message to the isolate that holds the connection. */
export type Ask = (op: string, collection: string, args: unknown[]) => Promise<unknown>;
