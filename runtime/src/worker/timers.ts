type Timer = (callback: unknown, ...more: unknown[]) => unknown;

// Kept before functions run
const real = { setTimeout, setInterval, queueMicrotask } as unknown as Record<string, Timer>;

/** As functions have them: what is thrown is told while it's known in whose call. The isolate itself forgets that. */
export function timersTelling(tell: (error: unknown) => void): Record<string, Timer> {
  const timers = Object.entries(real).map(([name, start]) => {
    const telling: Timer = (callback, ...more) => {
      if (typeof callback !== "function") return start(callback, ...more);
      return start((...values: unknown[]) => {
        try {
          callback(...values);
        } catch (error) {
          tell(error);
        }
      }, ...more);
    };
    return [name, Object.freeze(Object.defineProperty(telling, "name", { value: name }))];
  });
  return Object.fromEntries(timers);
}
