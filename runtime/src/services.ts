/** What functions ask for beyond their own isolate: their data, other servers. Answered where the sockets are. */
export type Service = "documents" | "fetch";

/** From a worker. What is asked and answered is JSON, or has Uint8Arrays somewhere in it. */
export type Ask = (service: Service, message: unknown) => Promise<unknown>;

/** Who asks. */
export interface Caller {
  readonly stage: string;
  /** Without its stage; empty outside of all functions. */
  readonly function: string;
  readonly requestId: string;
  /**
   * What it holds is let go once nobody waits for the call any more, or its worker is gone; at once where it's over. What
   * may go on beside the answer has `patienceMs` after it. Returns what says that nothing is held any more.
   */
  onEnd(release: () => void, patienceMs?: number): () => void;
}

/** What a function did wrong, or may want to handle: comes out of the function's call as an Error with this name, message and code. */
export class ServiceError extends Error {
  constructor(override readonly name: string, readonly code: string, message: string) {
    super(message);
  }
}
