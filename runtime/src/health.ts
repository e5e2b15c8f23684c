import type { Calls } from "./calls.ts";
import type { Config } from "./config.ts";
import type { Stages } from "./stages/stages.ts";

export const HEALTH = "/_imp/health";

/** For who runs this process: 200 while calls may come, 503 while it ends. */
export class Health {
  #isEnding = false;

  constructor(readonly config: Config, readonly calls: Calls, readonly stages: Stages) {}

  end(): void {
    this.#isEnding = true;
  }

  /** Calls from outside begin with a stage, which begins with no underscore, and bring the address that they're from. */
  isAsked(path: string | undefined, headers: Headers): boolean {
    return path === HEALTH && !headers.has("x-forwarded-for");
  }

  answer(): Response {
    const { gateway, process, stages } = this.config;
    const { inFlight } = this.calls;
    const { zombies } = this.stages;
    const { rss } = Deno.memoryUsage();
    return Response.json(
      { ok: !this.#isEnding, gateway: gateway.id, process, stages, in_flight: inFlight, zombies, rss },
      { status: this.#isEnding ? 503 : 200 },
    );
  }
}
