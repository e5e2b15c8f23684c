import { makeDb, makeSql } from "../documents/client.ts";
import { makeFetch } from "../egress/client.ts";
import { baseNameOf } from "../names.ts";
import type { Service } from "../services.ts";
import type { Beginning, Level, LogSource } from "../wire.ts";
import { globalsOf } from "./functions.ts";
import type { Life } from "./life.ts";
import { formatted } from "./logging.ts";
import { Timers } from "./timers.ts";

/** What the worker does for what functions have in their hands. */
export interface Hands {
  beginning: Beginning;
  ask(service: Service, message: unknown): Promise<unknown>;
  log(name: string, version: number, level: Level, source: LogSource, text: string, fields?: unknown): void;
  requestId(): string;
  /** In a function's callback, or outside of all calls. */
  uncaught(error: unknown): void;
}

/** Makes the globals that each function has as its own; what they begin ends with the function's life. */
export function maker(hands: Hands): (name: string, version: number, life: Life) => Record<string, unknown> {
  const { gateway, stage, environment } = hands.beginning;
  const askDocuments = (op: string, collection: string, args: unknown[]) =>
    hands.ask("documents", { op, collection, args });
  const fetch = makeFetch(hands.ask);
  const shared = {
    db: makeDb(askDocuments),
    sql: makeSql(askDocuments),
    fetch,
    env: Object.freeze({ ...environment }),
    gateway: Object.freeze({ ...gateway }),
    stage,
  };
  return (name, version, life) => {
    const timers = new Timers(hands.uncaught);
    life.atEnd(() => timers.end());
    const console = makeConsole((level, values) => hands.log(name, version, level, "console", formatted(values)));
    const say = (level: Level) => (text: unknown, fields?: unknown) =>
      hands.log(name, version, level, "console", typeof text === "string" ? text : formatted([text]), fields);
    const imp = Object.freeze({
      ...shared,
      function: baseNameOf(name),
      log: Object.freeze({ debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") }),
      get requestId() {
        return hands.requestId();
      },
    });
    return globalsOf({ imp, console, fetch, ...timers.given });
  };
}

function makeConsole(log: (level: Level, values: unknown[]) => void): Record<string, unknown> {
  const at = (level: Level) => (...values: unknown[]) => log(level, values);
  const counts = new Map<string, number>();
  const timers = new Map<string, number>();
  const elapsed = (label: string) =>
    `${label}: ${(performance.now() - (timers.get(label) ?? performance.now())).toFixed(1)} ms`;
  return Object.freeze({
    debug: at("debug"),
    log: at("info"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    clear: () => {},
    trace: (...values: unknown[]) => log("debug", [...values, new Error("Trace").stack]),
    dir: (value: unknown) => log("info", [value]),
    dirxml: at("info"),
    table: (value: unknown) => log("info", [value]),
    assert: (isSo?: unknown, ...values: unknown[]) => {
      if (!isSo) log("error", ["Assertion failed:", ...values]);
    },
    count: (label = "default") => {
      counts.set(label, (counts.get(label) ?? 0) + 1);
      log("info", [`${label}: ${counts.get(label)}`]);
    },
    countReset: (label = "default") => void counts.delete(label),
    time: (label = "default") => void timers.set(label, performance.now()),
    timeLog: (label = "default", ...values: unknown[]) => log("info", [elapsed(label), ...values]),
    timeEnd: (label = "default") => {
      log("info", [elapsed(label)]);
      timers.delete(label);
    },
    group: at("info"),
    groupCollapsed: at("info"),
    groupEnd: () => {},
  });
}
