/** A process that runs functions of some stages of one gateway. */
import { Calls } from "./calls.ts";
import { readConfig } from "./config.ts";
import { log } from "./log.ts";

const config = await readConfig(Deno.stdin.readable);
const calls = new Calls(config);
const server = Deno.serve(
  {
    path: config.listen,
    onListen: () => log("ready", { ms: Math.round(performance.now()), rss: Deno.memoryUsage().rss }),
    onError: (error) => {
      log("error", { message: String(error) });
      return new Response(null, { status: 500 });
    },
  },
  (request) => calls.answer(request),
);

Deno.addSignalListener("SIGTERM", async () => {
  calls.drain();
  log("draining");
  const late = setTimeout(() => Deno.exit(0), config.drainSeconds * 1000);
  await server.shutdown();
  clearTimeout(late);
  Deno.exit(0);
});
