/** A process that runs functions of some stages of one gateway. */
import { rawPath } from "./asked.ts";
import { Calls } from "./calls.ts";
import { type Config, ConfigError, readConfig } from "./config.ts";
import { drain } from "./drain.ts";
import { Health } from "./health.ts";
import { log } from "./log.ts";
import { answer } from "./problem.ts";

const BAD_CONFIG = 78;

async function configured(): Promise<Config> {
  try {
    return await readConfig(Deno.stdin.readable);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(`The configuration can't be used: ${error.message}.`);
    Deno.exit(BAD_CONFIG);
  }
}

function failed(config: Config, error: unknown): Response {
  log("error", { message: String(error), stack: error instanceof Error ? error.stack : undefined });
  return answer(
    {
      status: 500,
      slug: "internal-error",
      title: "That went wrong on our side",
      detail: "It was written down. Try again in a moment.",
      about: { gateway: config.gateway.name },
    },
    config.problemTypes,
  );
}

function serve(config: Config, calls: Calls, health: Health): void {
  const onListen = () => log("ready", { ms: Math.round(performance.now()), rss: Deno.memoryUsage().rss });
  const onError = (error: unknown) => failed(config, error);
  try {
    Deno.serve(
      { path: config.listen, onListen, onError },
      (request, { completed }) =>
        health.isAsked(rawPath(request), request.headers) ? health.answer() : calls.answer(request, completed),
    );
  } catch (error) {
    console.error(`It can't listen on ${config.listen}: ${error}.`);
    Deno.exit(1);
  }
}

const config = await configured();
const calls = new Calls(config);
const health = new Health(config, calls);
serve(config, calls, health);

let isEnding = false;
Deno.addSignalListener("SIGTERM", async () => {
  if (isEnding) return;
  isEnding = true;
  health.end();
  log("draining", { in_flight: calls.inFlight });
  const cut = await drain(calls, config.drainSeconds * 1000);
  log("drained", { cut });
  Deno.exit(0);
});
