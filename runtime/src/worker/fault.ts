import type { LoadError } from "../wire.ts";
import { shortened } from "./budget.ts";

/** What was thrown, as texts. Whatever it is: to look at it may throw again. */
export function faultOf(thrown: unknown): LoadError {
  return {
    message: textOf(() => thrown instanceof Error ? thrown.message : thrown),
    stack: textOf(() => thrown instanceof Error ? thrown.stack ?? "" : ""),
  };
}

function textOf(read: () => unknown): string {
  try {
    return shortened(String(read()));
  } catch {
    return "Something was thrown that can't be shown";
  }
}
