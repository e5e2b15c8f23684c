/** A process that runs functions of some stages of one gateway. */
import { Asking, type Data } from "./asking.ts";
import { rawPath } from "./asked.ts";
import { Calls } from "./calls.ts";
import { type Config, ConfigError, readConfig } from "./config.ts";
import { DataConsole } from "./data_console.ts";
import { CONNECTIONS, Documents } from "./documents/documents.ts";
import { drain } from "./drain.ts";
import { Egress } from "./egress/egress.ts";
import { Feed } from "./feed/feed.ts";
import { readSourceMap } from "./feed/sql.ts";
import { Health } from "./health.ts";
import { log } from "./log.ts";
import { DatabaseSink, PrintingSink, type Sink } from "./logs/sink.ts";
import { answer } from "./problem.ts";
import { Runs } from "./runs.ts";
import { Stacks } from "./stacks.ts";
import { Stages } from "./stages/stages.ts";
import { connect } from "./store/connect.ts";
import program from "worker-program";

const BAD_CONFIG = 78;
const END_WITHIN_MS = 2000;
// There may be hundreds of gateways on one server, and each connection is a process there
const LOGS_IDLE_SECONDS = 5;
// Of the heap that a process is started with
const RECYCLE_HEAP_BYTES = 96 * 2 ** 20;

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

function dataOf({ databaseUrl }: Config): Data | undefined {
  if (databaseUrl === "") return undefined;
  const lane = (onclose: () => void) => connect(databaseUrl, { ...CONNECTIONS, max: 1, onclose });
  return new Documents(connect(databaseUrl, CONNECTIONS), lane);
}

/** Everything is there, and what is published is loaded, before the first call. */
async function begin(
  config: Config,
): Promise<{ calls: Calls; health: Health; leave: () => Promise<void>; end: () => Promise<void> }> {
  const data = dataOf(config);
  // What functions write, while they do; all else that the platform keeps there goes over the feed's own connection
  const sql = config.runtimeUrl === ""
    ? undefined
    : connect(config.runtimeUrl, { max: 1, idle_timeout: LOGS_IDLE_SECONDS });
  const sink: Sink = sql && config.logs === "database" ? new DatabaseSink(sql) : new PrintingSink();
  const stacks = new Stacks(async (artifact) => sql && await readSourceMap(sql, artifact));
  const stages = new Stages(
    config.stages,
    { gateway: config.gateway, environment: { ...config.variables, ...config.secrets } },
    { program, recycleHeap: RECYCLE_HEAP_BYTES },
    new Asking(data, new Egress(config.egress)),
    sink,
    stacks,
  );
  const feed = sql && new Feed({
    url: config.runtimeUrl,
    instance: config.instance,
    process: config.process,
    stages,
  });
  await feed?.start();
  const calls = new Calls(config, stages, new Runs(config.runKey), new DataConsole(data), () => stages.said());
  return {
    calls,
    health: new Health(config, calls, stages),
    leave: async () => await feed?.signOff(),
    end: async () => {
      await sink.end();
      await feed?.end();
    },
  };
}

const config = await configured();
const { calls, health, leave, end } = await begin(config);
serve(config, calls, health);

let isEnding = false;
Deno.addSignalListener("SIGTERM", async () => {
  if (isEnding) return;
  isEnding = true;
  health.end();
  log("draining", { in_flight: calls.inFlight });
  leave().catch((error) => log("error", { message: `It couldn't sign off: ${error}` }));
  const cut = await drain(calls, config.drainSeconds * 1000);
  log("drained", { cut });
  await Promise.race([end(), new Promise((resolve) => setTimeout(resolve, END_WITHIN_MS))]);
  Deno.exit(0);
});
