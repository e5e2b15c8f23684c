// runtime/src/problem.ts
function problem(status, slug, title, detail, more = {}) {
  const body = { type: `/errors/${slug}`, title, status, detail, ...more };
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/problem+json" } });
}

// runtime/src/calls.ts
var HEALTH = "/_imp/health";
var Calls = class {
  constructor(config2) {
    this.config = config2;
  }
  config;
  #inFlight = 0;
  #isDraining = false;
  drain() {
    this.#isDraining = true;
  }
  async answer(request) {
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
  #call(request, path) {
    const [, stage = "", ...rest] = path.split("/");
    const { gateway, stages } = this.config;
    const about = { gateway: gateway.name, stage, request_id: request.headers.get("x-request-id") ?? "" };
    if (!stages.includes(stage)) {
      return problem(404, "no-such-stage", "There is no such stage here", `${gateway.name} runs ${stages.join(", ")} in this process.`, about);
    }
    const name = rest.join("/");
    const called = name ? `no function ${stage}/${name}` : `no function at the root of ${stage}`;
    return problem(
      404,
      "no-such-function",
      "There is no function here",
      `${gateway.title} (${gateway.name}) runs, and its stage ${stage} has ${called}. Save one in the console, or check the path.`,
      { ...about, path: `/${name}` }
    );
  }
  #health() {
    const { gateway, process, stages } = this.config;
    const status = this.#isDraining ? 503 : 200;
    return Response.json(
      { ok: !this.#isDraining, gateway: gateway.id, process, stages, in_flight: this.#inFlight, rss: Deno.memoryUsage().rss },
      { status }
    );
  }
};

// runtime/src/config.ts
async function readConfig(input) {
  return JSON.parse(await new Response(input).text());
}

// runtime/src/log.ts
var encoder = new TextEncoder();
function log(event, more = {}) {
  Deno.stdout.writeSync(encoder.encode(JSON.stringify({ event, ...more }) + "\n"));
}

// runtime/src/main.ts
var config = await readConfig(Deno.stdin.readable);
var calls = new Calls(config);
var server = Deno.serve(
  {
    path: config.listen,
    onListen: () => log("ready", { ms: Math.round(performance.now()), rss: Deno.memoryUsage().rss }),
    onError: (error) => {
      log("error", { message: String(error) });
      return new Response(null, { status: 500 });
    }
  },
  (request) => calls.answer(request)
);
Deno.addSignalListener("SIGTERM", async () => {
  calls.drain();
  log("draining");
  const late = setTimeout(() => Deno.exit(0), config.drainSeconds * 1e3);
  await server.shutdown();
  clearTimeout(late);
  Deno.exit(0);
});
