import type { Calls } from "./calls.ts";

/** What was sent on before it was heard that this process ends comes within that time. */
export const QUIET_MS = 250;
const LOOK_EVERY_MS = 25;

/**
 * Ends well: goes on to answer until no more calls come, then lets those under way finish.
 *
 * Returns how many had to be cut off at the limit.
 */
export async function drain(calls: Calls, server: Pick<Deno.HttpServer, "shutdown">, limitMs: number): Promise<number> {
  const began = performance.now();
  const left = () => limitMs - (performance.now() - began);
  calls.close();
  while (calls.quietMs < QUIET_MS && left() > 0) await pause(LOOK_EVERY_MS);
  const finished = server.shutdown().then(() => 0);
  const late = pause(Math.max(0, left())).then(() => calls.inFlight);
  return await Promise.race([finished, late]);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
