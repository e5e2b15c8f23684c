/** What runs in an isolate of a stage, before and around its functions. It may do nothing but talk to the main one. */
import { type Beginning, type FromWorker, type LoadError, type ToWorker, unpacked } from "../wire.ts";
import { Calling } from "./calling.ts";
import { faultOf } from "./fault.ts";
import { Functions } from "./functions.ts";
import { harden } from "./hardening.ts";
import { maker } from "./imp.ts";
import { Logging } from "./logging.ts";
import { Post } from "./post.ts";

const globals = globalThis as unknown as DedicatedWorkerGlobal;
interface DedicatedWorkerGlobal {
  postMessage(message: unknown): void;
  addEventListener(type: string, listener: (event: Event) => void): void;
}

const post = new Post(globals.postMessage.bind(globals));
const memoryUsage = Deno.memoryUsage.bind(Deno);
const logging = new Logging((line) => post.sendSoon(["log", line]));
const send = (message: FromWorker) => post.send(message);
let calling: Calling | undefined;
let functions: Functions | undefined;

function begin(beginning: Beginning): void {
  functions = new Functions(maker({
    beginning,
    ask: (service, message) => present(calling).ask(service, message),
    log: (...line) => present(calling).log(...line),
    requestId: () => present(calling).requestId(),
    uncaught: (error) => present(calling).uncaught("Uncaught", error),
  }));
  calling = new Calling(new Int32Array(beginning.seats), functions, logging, send);
  harden(globalThis);
  send(["ready"]);
}

function hear(message: ToWorker): void {
  switch (message[0]) {
    case "call":
      return present(calling).begin(message[1]);
    case "answered":
      return present(calling).answered(message[1], message[2], message[3]);
    case "taken":
      return present(calling).taken(message[1], message[2]);
    case "gone":
      return present(calling).gone(message[1]);
    case "load":
      return load(message[1].function, message[1].revision, () => present(functions).load(message[1]));
    case "vendor":
      return load("", message[1], () => present(functions).addVendor(message[1], message[2]));
    case "unload":
      return present(functions).unload(message[1]);
    case "ping":
      return send(["pong", message[1], memoryUsage().heapUsed]);
    case "begin":
      return begin(message[1]);
  }
}

function load(name: string, revision: string, go: () => void): void {
  const begun = performance.now();
  let fault: LoadError | null = null;
  try {
    go();
  } catch (error) {
    fault = faultOf(error);
  }
  send(["loaded", name, revision, performance.now() - begun, fault]);
}

function present<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error("The worker hasn't begun");
  return value;
}

globals.addEventListener("message", (event) => {
  // A function could make up an event of its own
  if (!event.isTrusted) return;
  event.stopImmediatePropagation();
  for (const message of unpacked<ToWorker>((event as MessageEvent).data)) hear(message);
});
globals.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  calling?.uncaught("Unhandled rejection", (event as PromiseRejectionEvent).reason);
});
globals.addEventListener("error", (event) => {
  event.preventDefault();
  calling?.uncaught("Uncaught", (event as ErrorEvent).error);
});
