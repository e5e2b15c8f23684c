/** For tests alone: workers as they are, of their files; and calls to what runs in them. */
import { type Fault, NoAnswer, Waiting } from "../waiting.ts";
import type { Published } from "./published.ts";
import type { Stage } from "./stage.ts";

const MAIN = new URL("../worker/main.ts", import.meta.url).href;
const ENDING = `
const later = setTimeout;
let isEnding = false;
for (const type of ["error", "unhandledrejection"]) {
  addEventListener(type, (event) => event.stopImmediatePropagation());
}
addEventListener("message", (event) => {
  if (isEnding) return event.stopImmediatePropagation();
  if (!/^\\[\\["call",.*"function":"dies"/.test(event.data)) return;
  isEnding = true;
  later(() => { throw new Error("dies"); }, 200);
});`;
const HOLDING = `
if (name.startsWith("held ")) {
  const post = postMessage;
  const channel = new BroadcastChannel("held");
  const heard = new Promise((resolve) => channel.onmessage = resolve);
  globalThis.postMessage = (message) => heard.then(() => post(message));
  heard.then(() => channel.postMessage(""));
}`;

/** What the runtime's bundle has as one text. */
export const PROGRAM = `import ${JSON.stringify(MAIN)};`;
/** The same; but it ends at what nobody caught. Once `dies` is called it ends soon, and begins nothing until then. */
export const MORTAL = `import "data:text/javascript,${encodeURIComponent(ENDING)}"; ${PROGRAM}`;
/** The same; but nothing is heard of the one of a stage called `held` until it's released. */
export const HELD = `import "data:text/javascript,${encodeURIComponent(HOLDING)}"; ${PROGRAM}`;
export const BROKEN = "throw new Error('There is no memory left');";
export const SILENT = "setInterval(() => {}, 1000);";

/** Until such a one knows. */
export async function release(): Promise<void> {
  const channel = new BroadcastChannel("held");
  const timer = setInterval(() => channel.postMessage(""), 10);
  await new Promise((resolve) => channel.onmessage = resolve);
  clearInterval(timer);
  channel.close();
}

export const DIES = "module.exports = () => new Promise(() => {});";

let number = 0;

export function published(name: string, code: string, more: Partial<Published> = {}): Published {
  return {
    stage: "dev",
    name,
    revision: String(++number),
    version: 1,
    artifact: "",
    code,
    vendor: "",
    methods: [],
    timeoutMs: 10_000,
    expiresAt: undefined,
    ...more,
  };
}

/** Its answer's text, or why there is none. */
export async function call(stage: Stage, name: string, timeoutMs = 10_000): Promise<string | Fault | "full"> {
  const waiting = new Waiting(
    {
      id: ++number,
      seat: 0,
      function: name,
      method: "GET",
      target: `/${name}`,
      headers: [],
      params: [],
      body: null,
      requestId: `req_${number}`,
      ip: "",
      kind: "call",
      isFollowed: false,
    },
    timeoutMs,
    1000,
    [],
    () => {},
  );
  const refused = stage.begin(waiting);
  if (refused) return refused;
  try {
    return await (await waiting.answer).text();
  } catch (error) {
    if (error instanceof NoAnswer) return error.fault;
    throw error;
  }
}

export const turn = (ms = 0): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const end = performance.now() + 20_000; performance.now() < end; await turn(10)) if (await isSo()) return;
  throw new Error(`It never came to ${what}`);
}
