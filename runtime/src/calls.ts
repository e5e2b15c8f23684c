import type { Config } from "./config.ts";
import { problem } from "./problem.ts";

const HEALTH = "/_imp/health";

/** Answers calls. Their paths begin with the stage, which the route before this process has put there. */
export class Calls {
  #inFlight = 0;
  #isDraining = false;

  constructor(readonly config: Config) {}

  drain(): void {
    this.#isDraining = true;
  }

  async answer(request: Request): Promise<Response> {
    const path = new URL(request.url).pathname;
    if (path === HEALTH) return this.#health();
    this.#inFlight++;
    try {
      const response = await this.#call(request, path);
      response.headers.set("x-imp-gateway", this.config.gateway.id);
      return response;
    } finally {
      this.#inFlight--;
    }
  }

  #call(request: Request, path: string): Response {
    const [, stage = "", ...rest] = path.split("/");
    const { gateway, stages } = this.config;
    const about = { gateway: gateway.name, stage, request_id: request.headers.get("x-request-id") ?? "" };
    if (!stages.includes(stage)) {
      return problem(
        404,
        "no-such-stage",
        "There is no such stage here",
        `${gateway.name} runs ${stages.join(", ")} in this process.`,
        about,
      );
    }
    const name = rest.join("/");
    const called = name ? `no function ${stage}/${name}` : `no function at the root of ${stage}`;
    return problem(
      404,
      "no-such-function",
      "There is no function here",
      `${gateway.title} (${gateway.name}) runs, and its stage ${stage} has ${called}. Save one in the console, or check the path.`,
      { ...about, path: `/${name}` },
    );
  }

  #health(): Response {
    const { gateway, process, stages } = this.config;
    const status = this.#isDraining ? 503 : 200;
    return Response.json(
      {
        ok: !this.#isDraining,
        gateway: gateway.id,
        process,
        stages,
        in_flight: this.#inFlight,
        rss: Deno.memoryUsage().rss,
      },
      { status },
    );
  }
}
