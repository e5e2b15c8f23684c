import type { Problem } from "./problem.ts";
import type { Fault, NoAnswer } from "./waiting.ts";

/** Why a call gets no answer of a function's own; what is known of the call is put to it. */
export type Refusal = Omit<Problem, "about">;

export const RESERVED: Refusal = {
  status: 404,
  slug: "no-such-function",
  title: "There is no function here",
  detail: "Paths that begin with /_imp/ are the gateway's own. Give the function another path.",
};
export const NO_RUN: Refusal = {
  status: 404,
  slug: "no-such-function",
  title: "There is no function here",
  detail: "What is to be run isn't here, or doesn't answer this path. Save it, and run it again.",
};
export const RUN_USED: Refusal = {
  status: 409,
  slug: "run-used",
  title: "This run was begun before",
  detail: "It's for one call, which came already: the function was called then, and isn't called again.",
};
export const MALFORMED_PATH: Refusal = {
  status: 400,
  slug: "malformed-request",
  title: "The request can't be read",
  detail: "A % in its path isn't followed by the two digits of a character. Write %25 for a % itself.",
};
export const CUT_BODY: Refusal = {
  status: 400,
  slug: "malformed-request",
  title: "The request can't be read",
  detail: "Its body ended before it was whole, or wasn't sent as its headers say.",
};
export const BROKEN: Refusal = {
  status: 503,
  slug: "function-not-loaded",
  title: "The function can't be loaded",
  detail: "Its code fails at its top level. The gateway's log says where; save a version that loads.",
};
export const TOO_BUSY: Refusal = {
  status: 503,
  slug: "too-many-calls",
  title: "The gateway has too many calls at once",
  detail: "This stage has as many calls under way as it takes. Try again in a moment.",
};
/** It wasn't begun, so whoever calls may well try again; triggers do. */
export const AWAY: Refusal = {
  status: 503,
  slug: "runtime-away",
  title: "The gateway is not running",
  detail: "What runs the functions of this stage couldn't be started; that is tried again. Try again in a moment.",
};
export const TOO_LARGE: Refusal = {
  status: 413,
  slug: "too-large",
  title: "The request is too large",
  detail: "A call may bring 10 MiB. Send less in one call.",
};

const FAULTS: Record<Fault, Refusal> = {
  away: AWAY,
  error: {
    status: 500,
    slug: "function-failed",
    title: "The function failed",
    detail: "It threw an error before it had answered. The gateway's log has it with this request id.",
  },
  "malformed-body": {
    status: 400,
    slug: "malformed-body",
    title: "The body can't be read",
    detail: "It isn't what its content-type says.",
  },
  "answer-too-large": {
    status: 500,
    slug: "answer-too-large",
    title: "The answer is too large",
    detail: "A function's answer may have 10 MiB in one piece. Send it with res.stream(…), or send less.",
  },
  timeout: {
    status: 504,
    slug: "function-timeout",
    title: "The function took too long",
    detail: "It hadn't answered within its time limit. The limit is in the function's settings.",
  },
  interrupted: {
    status: 503,
    slug: "function-interrupted",
    title: "The function was interrupted",
    detail: "It had to be stopped before it answered, because what runs it was. It may have done a part of its work.",
  },
};

export function whyNone({ fault, message }: NoAnswer): Refusal {
  const refusal = FAULTS[fault];
  return fault === "malformed-body" && message ? { ...refusal, detail: message } : refusal;
}

export function notTaken(name: string, method: string, allow: string): Refusal {
  return {
    status: 405,
    slug: "method-not-allowed",
    title: "This address doesn't take that method",
    detail: `${name} takes ${allow}, and this was ${method}.`,
  };
}

/** By the methods that a function names; none: it takes all. HEAD is answered as GET is. */
export function allows(methods: string[], method: string): boolean {
  return methods.length === 0 || methods.includes(method) || (method === "HEAD" && methods.includes("GET"));
}

export function allowed(methods: string[]): string {
  const all = new Set(methods);
  if (all.has("GET")) all.add("HEAD");
  return [...all.add("OPTIONS")].sort().join(", ");
}
