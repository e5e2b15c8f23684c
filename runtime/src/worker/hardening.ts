/**
 * Takes from a worker's global what functions have no business with, and freezes what they share.
 *
 * Called once, after the worker's own code has kept for itself what it needs, and before any code of functions.
 */
export function harden(globals: typeof globalThis): void {
  for (const name of ["Deno", "process"]) Reflect.deleteProperty(globals, name);
}

/** What a function sees as globalThis: it may write to it, and no other function sees that. `given` is put on it. */
export function ownGlobal(globals: typeof globalThis, given: Record<string, unknown>): typeof globalThis {
  return Object.assign(Object.create(globals), given);
}
