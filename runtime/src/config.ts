/** What a process is told at its start, as JSON on its standard input: nothing of it is in the environment. */
export interface Config {
  gateway: { id: string; name: string; title: string };
  process: string;
  stages: string[];
  /** The unix socket to listen on. */
  listen: string;
  /** Calls in flight may go on for this long after the process is asked to end. */
  drainSeconds: number;
  /** Where the pages about problems are, with a slash at the end. */
  problemTypes: string;
  variables: Record<string, string>;
  secrets: Record<string, string>;
  /** Which of the gateway's processes this is, also after it's gone. */
  instance: string;
  /** As the role that reads what is published; empty: nothing is. */
  runtimeUrl: string;
  /** As the role of the functions' own data; empty: they have none. */
  databaseUrl: string;
  /** What runs of the portal are signed with, in base64url; empty: it may run nothing. */
  runKey: string;
  egress: Egress;
  /** Where lines of functions go. */
  logs: "database" | "stdout";
}

/** Where functions may reach to, and the unix socket of who brings them there; empty: nobody does. */
export interface Egress {
  proxy: string;
  mode: "public" | "listed" | "none";
  hosts: string[];
}

/** Names all that is wrong with it, and no value: there may be secrets among them. */
export class ConfigError extends Error {}

type Check = (value: unknown) => string | undefined;

const text: Check = (value) => typeof value === "string" ? undefined : "is no text";
const someText: Check = (value) => typeof value === "string" && value !== "" ? undefined : "is no text, or empty";
const seconds: Check = (value) => typeof value === "number" && value >= 0 ? undefined : "is no number of seconds";

const stages: Check = (value) => {
  if (!Array.isArray(value) || value.length === 0) return "is no list of stages";
  if (value.some((each) => typeof each !== "string" || !/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(each))) {
    return "has a stage that is no name";
  }
  return new Set(value).size === value.length ? undefined : "has a stage twice";
};

const texts: Check = (value) => {
  if (!isObject(value)) return "is no object";
  const wrong = Object.keys(value).filter((name) => typeof value[name] !== "string");
  return wrong.length === 0 ? undefined : `has values that are no text: ${wrong.join(", ")}`;
};

const listOfTexts: Check = (value) =>
  Array.isArray(value) && value.every((each) => typeof each === "string") ? undefined : "is no list of texts";

function oneOf(...known: string[]): Check {
  return (value) => known.includes(value as string) ? undefined : `is none of ${known.join(", ")}`;
}

const CHECKS: Record<string, Check> = {
  "gateway.id": someText,
  "gateway.name": someText,
  "gateway.title": text,
  process: someText,
  stages,
  listen: someText,
  drainSeconds: seconds,
  problemTypes: someText,
  variables: texts,
  secrets: texts,
  instance: someText,
  runtimeUrl: text,
  databaseUrl: text,
  runKey: text,
  "egress.proxy": text,
  "egress.mode": oneOf("public", "listed", "none"),
  "egress.hosts": listOfTexts,
  logs: oneOf("database", "stdout"),
};

export async function readConfig(input: ReadableStream<Uint8Array>): Promise<Config> {
  let value: unknown;
  try {
    value = JSON.parse(await new Response(input).text());
  } catch {
    throw new ConfigError("standard input is no JSON");
  }
  return checkConfig(value);
}

export function checkConfig(value: unknown): Config {
  if (!isObject(value)) throw new ConfigError("it is no object");
  const problems: string[] = [];
  for (const [path, check] of Object.entries(CHECKS)) {
    const found = valueAt(value, path);
    const problem = found === undefined ? "is missing" : check(found);
    if (problem) problems.push(`${path} ${problem}`);
  }
  if (problems.length > 0) throw new ConfigError(problems.join("; "));
  return value as unknown as Config;
}

function valueAt(value: Record<string, unknown>, path: string): unknown {
  const [name = "", inner] = path.split(".");
  const found = Object.hasOwn(value, name) ? value[name] : undefined;
  if (inner === undefined) return found;
  return isObject(found) && Object.hasOwn(found, inner) ? found[inner] : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
