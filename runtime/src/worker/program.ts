/** The text of a worker's program. Here for tests: in the bundle, it's inside. */
export default Deno.readTextFileSync(new URL("../../dist/worker.js", import.meta.url));
