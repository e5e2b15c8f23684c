/** What a process is told at its start, as JSON on its standard input: nothing of it is in the environment. */
export interface Config {
  gateway: { id: string; name: string; title: string };
  process: string;
  stages: string[];
  /** The unix socket to listen on. */
  listen: string;
  /** Calls in flight may go on for this long after the process is asked to end. */
  drainSeconds: number;
  variables: Record<string, string>;
  secrets: Record<string, string>;
  databaseUrl: string;
}

export async function readConfig(input: ReadableStream<Uint8Array>): Promise<Config> {
  return JSON.parse(await new Response(input).text());
}
