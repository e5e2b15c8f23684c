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
      return problem(
        404,
        "no-such-stage",
        "There is no such stage here",
        `${gateway.name} runs ${stages.join(", ")} in this process.`,
        about
      );
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
      {
        ok: !this.#isDraining,
        gateway: gateway.id,
        process,
        stages,
        in_flight: this.#inFlight,
        rss: Deno.memoryUsage().rss
      },
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
//# sourceMappingURL=data:application/json;base64,ewogICJ2ZXJzaW9uIjogMywKICAic291cmNlcyI6IFsiLi4vc3JjL3Byb2JsZW0udHMiLCAiLi4vc3JjL2NhbGxzLnRzIiwgIi4uL3NyYy9jb25maWcudHMiLCAiLi4vc3JjL2xvZy50cyIsICIuLi9zcmMvbWFpbi50cyJdLAogICJtYXBwaW5ncyI6ICI7QUFDTyxTQUFTLFFBQ2QsUUFDQSxNQUNBLE9BQ0EsUUFDQSxPQUFnQyxDQUFDLEdBQ3ZCO0FBQ1YsUUFBTSxPQUFPLEVBQUUsTUFBTSxXQUFXLElBQUksSUFBSSxPQUFPLFFBQVEsUUFBUSxHQUFHLEtBQUs7QUFDdkUsU0FBTyxJQUFJLFNBQVMsS0FBSyxVQUFVLElBQUksR0FBRyxFQUFFLFFBQVEsU0FBUyxFQUFFLGdCQUFnQiwyQkFBMkIsRUFBRSxDQUFDO0FBQy9HOzs7QUNQQSxJQUFNLFNBQVM7QUFHUixJQUFNLFFBQU4sTUFBWTtBQUFBLEVBSWpCLFlBQXFCQSxTQUFnQjtBQUFoQixrQkFBQUE7QUFBQSxFQUFpQjtBQUFBLEVBQWpCO0FBQUEsRUFIckIsWUFBWTtBQUFBLEVBQ1osY0FBYztBQUFBLEVBSWQsUUFBYztBQUNaLFNBQUssY0FBYztBQUFBLEVBQ3JCO0FBQUEsRUFFQSxNQUFNLE9BQU8sU0FBcUM7QUFDaEQsVUFBTSxPQUFPLElBQUksSUFBSSxRQUFRLEdBQUcsRUFBRTtBQUNsQyxRQUFJLFNBQVMsT0FBUSxRQUFPLEtBQUssUUFBUTtBQUN6QyxTQUFLO0FBQ0wsUUFBSTtBQUNGLFlBQU0sV0FBVyxNQUFNLEtBQUssTUFBTSxTQUFTLElBQUk7QUFDL0MsZUFBUyxRQUFRLElBQUksaUJBQWlCLEtBQUssT0FBTyxRQUFRLEVBQUU7QUFDNUQsYUFBTztBQUFBLElBQ1QsVUFBRTtBQUNBLFdBQUs7QUFBQSxJQUNQO0FBQUEsRUFDRjtBQUFBLEVBRUEsTUFBTSxTQUFrQixNQUF3QjtBQUM5QyxVQUFNLENBQUMsRUFBRSxRQUFRLElBQUksR0FBRyxJQUFJLElBQUksS0FBSyxNQUFNLEdBQUc7QUFDOUMsVUFBTSxFQUFFLFNBQVMsT0FBTyxJQUFJLEtBQUs7QUFDakMsVUFBTSxRQUFRLEVBQUUsU0FBUyxRQUFRLE1BQU0sT0FBTyxZQUFZLFFBQVEsUUFBUSxJQUFJLGNBQWMsS0FBSyxHQUFHO0FBQ3BHLFFBQUksQ0FBQyxPQUFPLFNBQVMsS0FBSyxHQUFHO0FBQzNCLGFBQU87QUFBQSxRQUNMO0FBQUEsUUFDQTtBQUFBLFFBQ0E7QUFBQSxRQUNBLEdBQUcsUUFBUSxJQUFJLFNBQVMsT0FBTyxLQUFLLElBQUksQ0FBQztBQUFBLFFBQ3pDO0FBQUEsTUFDRjtBQUFBLElBQ0Y7QUFDQSxVQUFNLE9BQU8sS0FBSyxLQUFLLEdBQUc7QUFDMUIsVUFBTSxTQUFTLE9BQU8sZUFBZSxLQUFLLElBQUksSUFBSSxLQUFLLDhCQUE4QixLQUFLO0FBQzFGLFdBQU87QUFBQSxNQUNMO0FBQUEsTUFDQTtBQUFBLE1BQ0E7QUFBQSxNQUNBLEdBQUcsUUFBUSxLQUFLLEtBQUssUUFBUSxJQUFJLHlCQUF5QixLQUFLLFFBQVEsTUFBTTtBQUFBLE1BQzdFLEVBQUUsR0FBRyxPQUFPLE1BQU0sSUFBSSxJQUFJLEdBQUc7QUFBQSxJQUMvQjtBQUFBLEVBQ0Y7QUFBQSxFQUVBLFVBQW9CO0FBQ2xCLFVBQU0sRUFBRSxTQUFTLFNBQVMsT0FBTyxJQUFJLEtBQUs7QUFDMUMsVUFBTSxTQUFTLEtBQUssY0FBYyxNQUFNO0FBQ3hDLFdBQU8sU0FBUztBQUFBLE1BQ2Q7QUFBQSxRQUNFLElBQUksQ0FBQyxLQUFLO0FBQUEsUUFDVixTQUFTLFFBQVE7QUFBQSxRQUNqQjtBQUFBLFFBQ0E7QUFBQSxRQUNBLFdBQVcsS0FBSztBQUFBLFFBQ2hCLEtBQUssS0FBSyxZQUFZLEVBQUU7QUFBQSxNQUMxQjtBQUFBLE1BQ0EsRUFBRSxPQUFPO0FBQUEsSUFDWDtBQUFBLEVBQ0Y7QUFDRjs7O0FDdERBLGVBQXNCLFdBQVcsT0FBb0Q7QUFDbkYsU0FBTyxLQUFLLE1BQU0sTUFBTSxJQUFJLFNBQVMsS0FBSyxFQUFFLEtBQUssQ0FBQztBQUNwRDs7O0FDZkEsSUFBTSxVQUFVLElBQUksWUFBWTtBQUV6QixTQUFTLElBQUksT0FBZSxPQUFnQyxDQUFDLEdBQVM7QUFDM0UsT0FBSyxPQUFPLFVBQVUsUUFBUSxPQUFPLEtBQUssVUFBVSxFQUFFLE9BQU8sR0FBRyxLQUFLLENBQUMsSUFBSSxJQUFJLENBQUM7QUFDakY7OztBQ0FBLElBQU0sU0FBUyxNQUFNLFdBQVcsS0FBSyxNQUFNLFFBQVE7QUFDbkQsSUFBTSxRQUFRLElBQUksTUFBTSxNQUFNO0FBQzlCLElBQU0sU0FBUyxLQUFLO0FBQUEsRUFDbEI7QUFBQSxJQUNFLE1BQU0sT0FBTztBQUFBLElBQ2IsVUFBVSxNQUFNLElBQUksU0FBUyxFQUFFLElBQUksS0FBSyxNQUFNLFlBQVksSUFBSSxDQUFDLEdBQUcsS0FBSyxLQUFLLFlBQVksRUFBRSxJQUFJLENBQUM7QUFBQSxJQUMvRixTQUFTLENBQUMsVUFBVTtBQUNsQixVQUFJLFNBQVMsRUFBRSxTQUFTLE9BQU8sS0FBSyxFQUFFLENBQUM7QUFDdkMsYUFBTyxJQUFJLFNBQVMsTUFBTSxFQUFFLFFBQVEsSUFBSSxDQUFDO0FBQUEsSUFDM0M7QUFBQSxFQUNGO0FBQUEsRUFDQSxDQUFDLFlBQVksTUFBTSxPQUFPLE9BQU87QUFDbkM7QUFFQSxLQUFLLGtCQUFrQixXQUFXLFlBQVk7QUFDNUMsUUFBTSxNQUFNO0FBQ1osTUFBSSxVQUFVO0FBQ2QsUUFBTSxPQUFPLFdBQVcsTUFBTSxLQUFLLEtBQUssQ0FBQyxHQUFHLE9BQU8sZUFBZSxHQUFJO0FBQ3RFLFFBQU0sT0FBTyxTQUFTO0FBQ3RCLGVBQWEsSUFBSTtBQUNqQixPQUFLLEtBQUssQ0FBQztBQUNiLENBQUM7IiwKICAibmFtZXMiOiBbImNvbmZpZyJdCn0K
