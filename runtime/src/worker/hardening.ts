/**
 * Makes a worker's isolate one that functions can share: nobody can change what another sees, nor get at what runs them.
 *
 * What is shared is frozen, what leads out is gone, and text becomes code only where it imports nothing.
 */

/** What a function has no business with, or only with its own; what would let one hear of another, or end what's its. */
const REMOVED = [
  "BroadcastChannel",
  "Cache",
  "CacheStorage",
  "DedicatedWorkerGlobalScope",
  "Deno",
  "ErrorEvent",
  "EventSource",
  "Lock",
  "LockManager",
  "NavigatorUAData",
  "Performance",
  "PerformanceEntry",
  "PerformanceMark",
  "PerformanceMeasure",
  "PerformanceObserver",
  "PerformanceObserverEntryList",
  "PromiseRejectionEvent",
  "SharedArrayBuffer",
  "WebSocket",
  "Worker",
  "WorkerGlobalScope",
  "WorkerLocation",
  "WorkerNavigator",
  "caches",
  "clearImmediate",
  "clearInterval",
  "clearTimeout",
  "close",
  "console",
  "fetch",
  "location",
  "name",
  "navigator",
  "nodeBootstrap",
  "onerror",
  "onmessage",
  "onunhandledrejection",
  "postMessage",
  "process",
  "reportError",
  "setImmediate",
  "setInterval",
  "setTimeout",
];

const GRAPHICS = /^(GPU|OffscreenCanvas|ImageBitmap|ImageData|createImageBitmap|DOMMatrix|DOMPoint|DOMQuad|DOMRect)/;

/** What is written to instances although their prototype has it: by classes of old, by libraries that mock. */
const OFTEN_OVERRIDDEN = new Set(["constructor", "toString", "toLocaleString", "toJSON", "valueOf", "name", "message"]);

/** All of these; of ports by Deno itself, as it makes them fit for Node's modules. */
const WHOLLY_OVERRIDDEN: Set<object> = new Set([Object.prototype, Error.prototype, MessagePort.prototype]);

/** The engine looks for it at each await, map, slice, split: were it an accessor, all of these would be slower. */
const LOOKED_UP: Set<object> = new Set(
  [Array, Promise, RegExp, ArrayBuffer, Object.getPrototypeOf(Uint8Array)].map((each) => each.prototype),
);

const IMPORTS = /\bimport\b/;

/** Called once: after the worker has kept what it needs for itself, before any code of functions. */
export function harden(globals: typeof globalThis): void {
  const told = [PromiseRejectionEvent.prototype, ErrorEvent.prototype];
  resolveLazily(globals);
  closeTheWorld(globals);
  guardCode(globals);
  forgetMatches();
  guardEvents(globals, told);
  freezeAll(globals);
}

/** What a function sees as globalThis: it may write to it, and no other function sees that. `given` is put on it. */
export function ownGlobal(globals: typeof globalThis, given: Record<string, unknown>): typeof globalThis {
  const own: Record<string, unknown> = Object.create(null);
  for (const name of Object.getOwnPropertyNames(globals)) {
    const value = (globals as unknown as Record<string, unknown>)[name];
    Object.defineProperty(own, name, { value, writable: true, configurable: true });
  }
  for (const name of ["globalThis", "self", "global"]) {
    Object.defineProperty(own, name, { value: own, writable: true, configurable: true });
  }
  for (const [name, value] of Object.entries(given)) {
    Object.defineProperty(own, name, { value, writable: true, configurable: true, enumerable: true });
  }
  return own as unknown as typeof globalThis;
}

/** Values in the place of what makes itself at first use, which a frozen object couldn't. */
function resolveLazily(globals: typeof globalThis): void {
  globals.queueMicrotask(() => {});
  for (const [name, { get, configurable }] of Object.entries(Object.getOwnPropertyDescriptors(globals))) {
    if (!get || !configurable || isUnwanted(name)) continue;
    Object.defineProperty(globals, name, { value: Reflect.get(globals, name), writable: true, configurable: true });
  }
}

function closeTheWorld(globals: object): void {
  for (const name of Object.getOwnPropertyNames(globals)) if (isUnwanted(name)) remove(globals, name);
  // A module made of a text would share what it holds with whoever imports the same text
  remove(URL, "createObjectURL");
  remove(URL, "revokeObjectURL");
  // These stop the isolate
  remove(Atomics, "wait");
  remove(Atomics, "waitAsync");
  remove(performance, "mark");
  // Marks are seen by all
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(performance))) {
    if (name !== "now" && name !== "timeOrigin" && name !== "constructor") {
      remove(Object.getPrototypeOf(performance), name);
    }
  }
  const memory = WebAssembly.Memory;
  const closed: typeof memory = new Proxy(memory, {
    construct(target, [descriptor], newTarget): object {
      if (descriptor?.shared) throw new TypeError("Functions have no memory that is shared");
      return Reflect.construct(target, [descriptor], newTarget === closed ? target : newTarget);
    },
  });
  Object.defineProperty(WebAssembly, "Memory", { value: closed });
  Object.defineProperty(memory.prototype, "constructor", { value: closed });
}

function isUnwanted(name: string): boolean {
  return REMOVED.includes(name) || GRAPHICS.test(name);
}

function remove(object: object, name: string): void {
  if (Reflect.deleteProperty(object, name)) return;
  Object.defineProperty(object, name, { value: undefined, writable: false });
}

/**
 * Text becomes code only where it imports nothing: import() asks the process for a module, and gets one of the text that
 * it names. Code that is compiled beforehand has no import() any more.
 */
function guardCode(globals: typeof globalThis): void {
  const evaluate = globals.eval;
  const text = String;
  const imports = IMPORTS.test.bind(IMPORTS);
  const refuse = (parts: unknown[]) => {
    // Once and for all: what is looked at is what is compiled
    const texts = parts.map((part) => typeof part === "object" || typeof part === "function" ? text(part) : part);
    if (texts.some((part) => imports(text(part)))) {
      throw new EvalError("Code that is made at run time can't import: use import at the top of a file");
    }
    return texts;
  };
  define(globals, "eval", (code: unknown) => typeof code === "string" ? evaluate(refuse([code])[0] as string) : code);
  for (const make of [Function, (async () => {}).constructor, (function* () {}).constructor, asyncGenerator()]) {
    const real = make as FunctionConstructor;
    const guarded: FunctionConstructor = new Proxy(real, {
      apply: (target, _this, parts) => Reflect.apply(target, undefined, refuse(parts)),
      construct: (target, parts, newTarget): object =>
        Reflect.construct(target, refuse(parts), newTarget === guarded ? target : newTarget),
    });
    Object.defineProperty(real.prototype, "constructor", { value: guarded, writable: true, configurable: true });
    if (real === Function) define(globals, "Function", guarded);
    else Object.setPrototypeOf(real, globals.Function);
  }
}

function asyncGenerator(): unknown {
  return (async function* () {}).constructor;
}

/** What the last regular expression matched, whosever it was. */
function forgetMatches(): void {
  for (const name of Object.getOwnPropertyNames(RegExp)) {
    if (!["length", "name", "prototype", "escape"].includes(name)) remove(RegExp, name);
  }
  remove(RegExp.prototype, "compile");
}

/**
 * At the isolate's own global, there would be everybody's messages and errors.
 *
 * Deno itself tells it of errors that nobody caught. Functions have neither of these two classes, so they can't forge one.
 */
function guardEvents(globals: typeof globalThis, told: readonly object[]): void {
  const { prototype } = EventTarget;
  const dispatch = prototype.dispatchEvent;
  const isOf = (event: Event) => told.some((each) => Object.prototype.isPrototypeOf.call(each, event));
  for (const name of ["addEventListener", "removeEventListener", "dispatchEvent"] as const) {
    const real = prototype[name] as (...parts: unknown[]) => unknown;
    define(prototype, name, function (this: unknown, ...parts: unknown[]) {
      if (this === undefined || this === null || this === globals) {
        throw new TypeError(`${name} needs an EventTarget of the function's own`);
      }
      return Reflect.apply(real, this, parts);
    });
  }
  define(globals, "dispatchEvent", (event: Event) => isOf(event) ? Reflect.apply(dispatch, globals, [event]) : true);
  remove(prototype, "getParent");
}

function define(object: object, name: string, value: unknown): void {
  if (typeof value === "function" && value.name !== name) Object.defineProperty(value, "name", { value: name });
  Object.defineProperty(object, name, { value, writable: true, configurable: true, enumerable: false });
}

/** All that can be reached from the global, and what syntax alone leads to. */
function freezeAll(globals: object): void {
  const seen = new Set<object>();
  const left: object[] = [globals, ...ofSyntax()];
  for (let object = left.pop(); object !== undefined; object = left.pop()) {
    if (seen.has(object)) continue;
    seen.add(object);
    const next: unknown[] = [Object.getPrototypeOf(object)];
    for (const each of Object.values(Object.getOwnPropertyDescriptors(object)).concat(symbolsOf(object))) {
      next.push(each.value, each.get, each.set);
    }
    for (const each of next) if (isObject(each)) left.push(each);
  }
  // Before the first is frozen: an accessor of one is an object of its own
  for (const object of seen) if (object !== globals) healOverrides(object);
  for (const object of seen) Object.freeze(object);
}

function isObject(value: unknown): value is object {
  return typeof value === "function" || (typeof value === "object" && value !== null);
}

function symbolsOf(object: object): PropertyDescriptor[] {
  return Object.getOwnPropertySymbols(object).map((each) =>
    Object.getOwnPropertyDescriptor(object, each) as PropertyDescriptor
  );
}

function ofSyntax(): object[] {
  const generator = function* () {};
  const asynchronous = async function* () {};
  const iterators = [[].values(), new Map().values(), new Set().values(), "".matchAll(/./g), ""[Symbol.iterator]()];
  return [
    async () => {},
    generator,
    generator(),
    asynchronous,
    asynchronous(),
    ...iterators,
    Iterator.from({ next: () => ({ done: true, value: undefined }) }),
    [].values().map((each) => each),
    new URLSearchParams().entries(),
    new Headers().entries(),
    new FormData().entries(),
    new ReadableStream().values(),
    Object.getPrototypeOf(Uint8Array),
    new AbortController(),
    new MessageChannel(),
    new Intl.Segmenter().segment(""),
    new Intl.Segmenter().segment("")[Symbol.iterator](),
    (function () {
      "use strict";
      // deno-lint-ignore no-explicit-any
      return Object.getOwnPropertyDescriptor(arguments, "callee")?.get as any;
    })(),
  ].filter(isObject);
}

/**
 * A property that is frozen on a prototype can't be assigned to on what inherits from it. As an accessor it can: the
 * setter puts it on the object itself.
 */
function healOverrides(prototype: object): void {
  const all = WHOLLY_OVERRIDDEN.has(prototype);
  if (!all && !isPrototype(prototype)) return;
  for (const [name, found] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    if (!("value" in found) || !found.configurable || !(all || OFTEN_OVERRIDDEN.has(name))) continue;
    const { value, enumerable } = found;
    if (name === "constructor" && LOOKED_UP.has(prototype)) continue;
    Object.defineProperty(prototype, name, {
      get: accessor(() => value),
      set: accessor(function (this: object, other: unknown) {
        if (this === prototype) throw new TypeError(`${name} is shared by all functions and can't be changed`);
        Object.defineProperty(this, name, { value: other, writable: true, enumerable: true, configurable: true });
      }),
      enumerable,
      configurable: true,
    });
  }
}

function accessor<F extends (...parts: never[]) => unknown>(made: F): F {
  return Object.freeze(made);
}

function isPrototype(object: object): boolean {
  const maker = Object.getOwnPropertyDescriptor(object, "constructor")?.value;
  return typeof maker === "function" && maker.prototype === object;
}
