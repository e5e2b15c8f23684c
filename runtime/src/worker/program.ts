/** The text of a worker's program. For tests: the bundle has it inside. */
export default Deno.readTextFileSync(new URL("../../dist/main.txt", import.meta.url));
