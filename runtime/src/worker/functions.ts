import type { Load } from "../wire.ts";
import { ownGlobal } from "./hardening.ts";
import { Life } from "./life.ts";

export type Handler = (request: unknown, response: unknown) => unknown;
export type WebHandler = (request: Request) => unknown;
/** As servers of the web's standards have it: the environment's variables, and what to do beside the answer. */
type Fetch = (request: Request, env: unknown, context: Context) => unknown;

/** What has begun goes on here, waited for or not; but its timers end with their version, unless that is told of it. */
interface Context {
  waitUntil(going: unknown): void;
  passThroughOnException(): void;
}

export interface Loaded {
  readonly function: string;
  readonly version: number;
  readonly life: Life;
  readonly handler?: Handler;
  /** Takes a Request, and returns a Response. */
  readonly web?: WebHandler;
}

// Indirect: sees nothing of this module. Also frees the code of former versions, which modules never do
const evaluate = globalThis.eval;

/** What is loaded in a worker: functions by name, and the packages they were built with. */
export class Functions {
  readonly #loaded = new Map<string, Loaded>();
  readonly #vendors = new Map<string, (given: Record<string, unknown>) => void>();

  /** `own`: what a function has as globals of its own, by its name. What they begin ends with its version's life. */
  constructor(readonly own: (name: string, version: number, life: Life) => Record<string, unknown>) {}

  get(name: string): Loaded | undefined {
    return this.#loaded.get(name);
  }

  /** Replaces what was there; calls that have begun go on with it. Throws what its module throws. */
  load({ function: name, revision, version, code, vendor }: Load): void {
    const life = new Life();
    try {
      const own = this.own(name, version, life);
      const module = { exports: {} as Record<string, unknown> };
      const url = `imp:///${name}@${revision}.js`;
      run(code, url, { module, exports: module.exports, require: this.#requireFrom(vendor, own), ...own });
      const { env } = own.imp as { env: unknown };
      const handler = handlerOf(module.exports, env, life);
      this.unload(name);
      this.#loaded.set(name, { function: name, version, life, ...handler });
    } catch (error) {
      life.close();
      throw error;
    }
  }

  unload(name: string): void {
    this.#loaded.get(name)?.life.close();
    this.#loaded.delete(name);
  }

  /** The packages of a lock: a module that exports a `require` of them. */
  addVendor(digest: string, code: string): void {
    const life = new Life();
    const own = this.own("", 0, life);
    const url = `imp:///packages@${digest.slice(0, 12)}.js`;
    this.#vendors.set(digest, compiled(code, url, ["module", "exports", ...Object.keys(own)]));
    try {
      this.#requireFrom(digest, own);
    } finally {
      life.close();
    }
  }

  /** Of packages that are the function's alone: what it changes of them, no other function sees. */
  #requireFrom(digest: string, own: Record<string, unknown>): (name: string) => unknown {
    if (digest === "") {
      return (name) => {
        throw notThere(name);
      };
    }
    const found = this.#vendors.get(digest);
    if (!found) throw new Error("The packages it was built with aren't here");
    const module = { exports: {} as unknown };
    found({ module, exports: module.exports, ...own });
    const { exports } = module;
    if (typeof exports !== "function") throw new TypeError("The packages' bundle exports no function");
    return exports as (name: string) => unknown;
  }
}

function notThere(name: string): Error {
  return new Error(`${JSON.stringify(name)} is none of this gateway's packages: add it to its dependencies`);
}

function run(code: string, url: string, given: Record<string, unknown>): void {
  compiled(code, url, Object.keys(given))(given);
}

/** The first line is the wrapper's: what is in the code begins on the second. */
function compiled(code: string, url: string, names: string[]): (given: Record<string, unknown>) => void {
  const wrapped = `(function (${names.join(", ")}) {\n${code}\n})\n//# sourceURL=${url}`;
  const made = evaluate(wrapped) as (...values: unknown[]) => void;
  return (given) => made.apply(undefined, names.map((name) => given[name]));
}

/** The code's own globals: what it assigns to them is its alone. */
export function globalsOf(given: Record<string, unknown>): Record<string, unknown> {
  const own = ownGlobal(globalThis, given);
  return { ...given, globalThis: own, self: own, global: own };
}

export function handlerOf(
  exports: Record<string, unknown>,
  env: unknown,
  life: Life,
): { handler?: Handler; web?: WebHandler } {
  const main = "default" in exports ? exports.default : exports;
  if (typeof main === "function") return { handler: main as Handler };
  for (const each of [main, exports]) {
    const fetch = typeof each === "object" && each !== null ? (each as { fetch?: unknown }).fetch : undefined;
    if (typeof fetch !== "function") continue;
    const context = contextOf(life);
    return { web: (request) => (fetch as Fetch).call(each, request, env, context) };
  }
  throw new TypeError("It exports no handler: export default async (req, res) => …, or a function named fetch");
}

function contextOf(life: Life): Context {
  return Object.freeze({
    waitUntil: Object.freeze((going: unknown) => life.during(going)),
    passThroughOnException: Object.freeze(() => {}),
  });
}
