/** One JSON object a line on standard output: who runs this process reads it. */
const encoder = new TextEncoder();

export function log(event: string, more: Record<string, unknown> = {}): void {
  const line = encoder.encode(JSON.stringify({ event, ...more }) + "\n");
  for (let written = 0; written < line.length;) written += Deno.stdout.writeSync(line.subarray(written));
}
