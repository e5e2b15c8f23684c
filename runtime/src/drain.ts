import type { Calls } from "./calls.ts";

/** What was sent on before it was heard that this process ends comes within that time. */
export const QUIET_MS = 250;
const LOOK_EVERY_MS = 25;

/**
 * Ends well: goes on to answer until no more calls come and those under way have finished. Returns how many didn't.
 *
 * The server isn't asked to shut down before: it takes the bodies away from calls that are still sending them.
 */
export async function drain(calls: Calls, limitMs: number): Promise<number> {
  const end = performance.now() + limitMs;
  calls.close();
  while ((calls.quietMs < QUIET_MS || calls.inFlight > 0) && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  return calls.inFlight;
}
