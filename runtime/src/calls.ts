import { asked, isReserved, rawPath } from "./asked.ts";
import type { Asked } from "./asked.ts";
import { takeIn } from "./body.ts";
import type { Config } from "./config.ts";
import { answer } from "./problem.ts";
import type { Problem } from "./problem.ts";

// Enough to be recognised
const LONGEST_PATH = 300;

/** Answers calls, and counts those that are under way. */
export class Calls {
  #inFlight = 0;
  #lastAt = performance.now();
  #isClosing = false;

  constructor(readonly config: Config) {}

  get inFlight(): number {
    return this.#inFlight;
  }

  /** From now on each answer asks to connect elsewhere for the next call. */
  close(): void {
    this.#isClosing = true;
    this.#lastAt = performance.now();
  }

  /** Since the last call came. */
  get quietMs(): number {
    return performance.now() - this.#lastAt;
  }

  /** `completed` is settled when the caller has the whole answer, or is gone. */
  async answer(request: Request, completed: Promise<void>): Promise<Response> {
    this.#inFlight++;
    this.#lastAt = performance.now();
    const done = () => void this.#inFlight--;
    completed.then(done, done);
    const response = await this.#call(request);
    response.headers.set("x-imp-gateway", this.config.gateway.id);
    if (this.#isClosing) response.headers.set("connection", "close");
    return response;
  }

  async #call(request: Request): Promise<Response> {
    const path = rawPath(request);
    const { problemTypes } = this.config;
    if (path === undefined) {
      return answer(
        {
          status: 400,
          slug: "malformed-request",
          title: "The request can't be read",
          detail: "It names no host, or no path that begins with a slash.",
          about: { gateway: this.config.gateway.name },
        },
        problemTypes,
      );
    }
    const call = asked(request, path);
    const isSmall = await takeIn(request);
    const problem = isSmall ? this.#nobody(call) : this.#tooLarge();
    const about = {
      gateway: this.config.gateway.name,
      stage: call.stage,
      method: call.method,
      path: shortened(call.path),
      request_id: call.requestId,
    };
    return answer({ ...problem, about }, problemTypes, call.wantsPage);
  }

  #nobody({ method, stage, path }: Asked): Omit<Problem, "about"> {
    const { gateway, stages } = this.config;
    if (!stages.includes(stage)) {
      return {
        status: 404,
        slug: "no-such-stage",
        title: "There is no such stage here",
        detail: `${gateway.name} answers here for ${stages.join(", ")} alone. Check the address.`,
      };
    }
    // Before anything looks for a function
    if (isReserved(path)) {
      return {
        status: 404,
        slug: "no-such-function",
        title: "There is no function here",
        detail: "Paths that begin with /_imp/ are the gateway's own. Give the function another path.",
      };
    }
    return {
      status: 404,
      slug: "no-such-function",
      title: "There is no function here",
      detail: `${gateway.title} (${gateway.name}) runs, and its stage ${stage} has no function for ` +
        `${method} ${shortened(path)}. If it's yours, save one in the console; otherwise check the address.`,
    };
  }

  #tooLarge(): Omit<Problem, "about"> {
    return {
      status: 413,
      slug: "too-large",
      title: "The request is too large",
      detail: "A call may bring 10 MiB. Send less in one call.",
    };
  }
}

function shortened(path: string): string {
  return path.length > LONGEST_PATH ? `${path.slice(0, LONGEST_PATH)}…` : path;
}
