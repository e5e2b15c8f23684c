import { type Asked, asked, headersOf, ipOf, isReserved, rawPath, targetOf } from "./asked.ts";
import { BodyCut, BodyTooLarge, portable, readBody } from "./body.ts";
import type { Config } from "./config.ts";
import type { DataConsole } from "./data_console.ts";
import { baseNameOf } from "./names.ts";
import { answer } from "./problem.ts";
import {
  allowed,
  allows,
  AWAY,
  BROKEN,
  CUT_BODY,
  MALFORMED_PATH,
  NO_RUN,
  notTaken,
  type Refusal,
  RESERVED,
  RUN_USED,
  TOO_BUSY,
  TOO_LARGE,
  whyNone,
} from "./refusals.ts";
import { MalformedPath, paramsBy } from "./router.ts";
import { DATA_PATH, digestOf, type Run, RUN_HEADER, RUN_PATH, type Runs } from "./runs.ts";
import type { Published } from "./stages/published.ts";
import type { Stages } from "./stages/stages.ts";
import { NoAnswer, Waiting } from "./waiting.ts";
import type { CallKind } from "./wire.ts";

// Enough to be recognised
const LONGEST_PATH = 300;
/** An answer that comes in parts may go on for so long. */
const STREAM_MS = 15 * 60_000;

interface Wanted {
  published: Published;
  params: Record<string, string>;
  kind: CallKind;
  requestId: string;
  target: string;
  isFollowed: boolean;
}

/** Answers calls, and counts those that are under way. */
export class Calls {
  #inFlight = 0;
  #lastAt = performance.now();
  #isClosing = false;
  #number = 0;

  constructor(
    readonly config: Config,
    readonly stages: Stages,
    readonly runs: Runs,
    readonly data: DataConsole,
    /** Until the log of a call is where its lines go. */
    readonly logged: () => Promise<void>,
  ) {}

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
    if (this.#isClosing) response.headers.set("connection", "close");
    return response;
  }

  async #call(request: Request): Promise<Response> {
    const path = rawPath(request);
    if (path === undefined) {
      return this.#refuse({
        status: 400,
        slug: "malformed-request",
        title: "The request can't be read",
        detail: "It names no host, or no path that begins with a slash.",
      });
    }
    const call = asked(request, path);
    try {
      const body = request.body === null ? null : await readBody(request);
      const finding = this.#find(call, request, path, body);
      const found = finding instanceof Promise ? await finding : finding;
      if (found instanceof Response) return this.#ours(found);
      return "published" in found ? await this.#ask(found, call, request, body) : this.#refuse(found, call);
    } catch (error) {
      if (error instanceof BodyTooLarge) return this.#refuse(TOO_LARGE, call);
      if (error instanceof BodyCut) return this.#refuse(CUT_BODY, call);
      if (error instanceof NoAnswer) return this.#refuse(whyNone(error), call);
      throw error;
    }
  }

  #find(
    call: Asked,
    request: Request,
    path: string,
    body: Uint8Array | null,
  ): Wanted | Refusal | Promise<Wanted | Refusal | Response> {
    const stage = this.stages.get(call.stage);
    if (!stage) {
      const { gateway, stages } = this.config;
      return {
        status: 404,
        slug: "no-such-stage",
        title: "There is no such stage here",
        detail: `${gateway.name} answers here for ${stages.join(", ")} alone. Check the address.`,
      };
    }
    const target = targetOf(request, path, call.stage);
    // Before anything looks for a function
    if (isReserved(call.path)) return this.#run(call, request, target, body).then((found) => found ?? RESERVED);
    let route;
    try {
      route = stage.router.find(call.path);
    } catch (error) {
      if (error instanceof MalformedPath) return MALFORMED_PATH;
      throw error;
    }
    if (!route) return this.#nobody(call);
    return {
      published: route.target,
      params: route.params,
      kind: "call",
      requestId: call.requestId,
      target,
      isFollowed: false,
    };
  }

  /** What the portal runs; undefined where the portal doesn't say so. */
  async #run(
    call: Asked,
    request: Request,
    target: string,
    body: Uint8Array | null,
  ): Promise<Wanted | Refusal | Response | undefined> {
    const header = request.headers.get(RUN_HEADER);
    const isRun = call.path.startsWith(`${RUN_PATH}/`);
    if (header === null || !(isRun || call.path === DATA_PATH)) return undefined;
    const run = await this.runs.read(header);
    if (!run || (run.kind === "data") === isRun) return undefined;
    call.requestId = run.request_id;
    if (isRun) return this.#runOf(run, call, target.slice(RUN_PATH.length));
    if (request.method !== "POST" || await digestOf(body ?? new Uint8Array()) !== run.body_sha256) return undefined;
    if (!this.runs.take(run)) return RUN_USED;
    return await this.data.answer(body ?? new Uint8Array());
  }

  #runOf(run: Run, call: Asked, target: string): Wanted | Refusal {
    const path = call.path = target.split("?", 1)[0] ?? "/";
    const at = run.function.indexOf("/");
    const name = run.function.slice(at + 1);
    const stage = run.function.slice(0, at) === call.stage ? this.stages.get(call.stage) : undefined;
    const published = stage?.functions.get(name) ?? stage?.broken.get(name);
    if (!published || (published.expiresAt ?? Infinity) < Date.now()) return NO_RUN;
    const params = paramsBy(baseNameOf(name), path);
    if (!params) return NO_RUN;
    if (!this.runs.take(run)) return RUN_USED;
    return { published, params, kind: run.kind as CallKind, requestId: run.request_id, target, isFollowed: true };
  }

  async #ask(wanted: Wanted, call: Asked, request: Request, body: Uint8Array | null): Promise<Response> {
    const { published } = wanted;
    const { method } = request;
    const stage = this.stages.get(published.stage);
    const isTaken = allows(published.methods, method);
    if (!isTaken) {
      const allow = allowed(published.methods);
      if (method === "OPTIONS") return this.#ours(new Response(null, { status: 204, headers: { allow } }));
      const response = this.#refuse(notTaken(baseNameOf(published.name), method, allow), call);
      response.headers.set("allow", allow);
      return response;
    }
    if (!stage || stage.broken.has(published.name)) return this.#refuse(BROKEN, call);
    const number = this.#number = this.#number % 0x7fff_fffe + 1;
    const waiting = new Waiting(
      {
        id: number,
        seat: 0,
        function: published.name,
        method,
        target: wanted.target,
        headers: headersOf(request.headers),
        params: flat(wanted.params),
        body: portable(body, body && request.headers.get("content-type")),
        requestId: wanted.requestId || `req_${crypto.randomUUID()}`,
        ip: ipOf(request.headers),
        kind: wanted.kind,
        isFollowed: wanted.isFollowed,
      },
      published.timeoutMs,
      STREAM_MS,
      [["x-imp-gateway", this.config.gateway.id]],
      (holder, isAnswered) => this.stages.asking.release(holder.name, number, isAnswered),
      (left) => request.signal.aborted ? left() : request.signal.addEventListener("abort", left),
    );
    const refused = stage.begin(waiting);
    if (refused) return this.#refuse(refused === "full" ? TOO_BUSY : AWAY, call);
    this.stages.watch();
    if (!wanted.isFollowed) return await waiting.answer;
    return await this.#followed(waiting, call);
  }

  /** The answer ends only once all that the call logged is there. */
  async #followed(waiting: Waiting, call: Asked): Promise<Response> {
    const response = await waiting.answer.catch((error) => {
      if (error instanceof NoAnswer) return this.#refuse(whyNone(error), call);
      throw error;
    });
    const settle = async () => {
      await waiting.settled;
      await this.logged();
    };
    if (!waiting.isStream || !response.body) {
      await settle();
      return response;
    }
    const until = new TransformStream({ flush: settle });
    return new Response(response.body.pipeThrough(until), response);
  }

  #refuse(refusal: Refusal, call?: Asked): Response {
    const about: Record<string, string> = { gateway: this.config.gateway.name };
    if (call) {
      Object.assign(about, {
        stage: call.stage,
        method: call.method,
        path: shortened(call.path),
        request_id: call.requestId,
      });
    }
    return this.#ours(answer({ ...refusal, about }, this.config.problemTypes, call?.wantsPage));
  }

  /** Says whose gateway answers; a function's own answer says so from the beginning. */
  #ours(response: Response): Response {
    response.headers.set("x-imp-gateway", this.config.gateway.id);
    return response;
  }

  #nobody({ method, stage, path }: Asked): Refusal {
    const { gateway } = this.config;
    return {
      status: 404,
      slug: "no-such-function",
      title: "There is no function here",
      detail: `${gateway.title} (${gateway.name}) runs, and its stage ${stage} has no function for ` +
        `${method} ${shortened(path)}. If it's yours, save one in the console; otherwise check the address.`,
    };
  }
}

function flat(values: Record<string, string>): string[] {
  const list: string[] = [];
  for (const name in values) list.push(name, values[name] ?? "");
  return list;
}

function shortened(path: string): string {
  return path.length > LONGEST_PATH ? `${path.slice(0, LONGEST_PATH)}…` : path;
}
