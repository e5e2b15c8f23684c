/** One JSON object a line on standard output: who runs this process reads it. */
const encoder = new TextEncoder();

export function log(event: string, more: Record<string, unknown> = {}): void {
  Deno.stdout.writeSync(encoder.encode(JSON.stringify({ event, ...more }) + "\n"));
}
