import type { LoadError } from "../wire.ts";
import { shortened } from "./budget.ts";

const UNSHOWN = "Something was thrown that can't be shown";

/** What was thrown, as texts. Whatever it is: to look at it may throw again. */
export function faultOf(thrown: unknown): LoadError {
  return {
    message: textOf(() => thrown instanceof Error ? thrown.message : thrown),
    stack: textOf(() => thrown instanceof Error ? thrown.stack ?? "" : ""),
  };
}

/** What was thrown, unless to ask what it is throws again. */
export function harmless(thrown: unknown): unknown {
  try {
    void (thrown instanceof Error);
    return thrown;
  } catch {
    return new Error(UNSHOWN);
  }
}

function textOf(read: () => unknown): string {
  try {
    return shortened(String(read()));
  } catch {
    return UNSHOWN;
  }
}
