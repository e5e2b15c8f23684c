/** A call as its caller made it, before this process was found for it; of a run, as the portal's user asked for it. */
export class Asked {
  // A getter in a literal would give each call's object a shape of its own, which only a full collection frees
  readonly #headers: Headers;
  readonly method: string;

  constructor(
    request: Request,
    readonly stage: string,
    /** Without the stage, which the route before this process has put in front, and without the query. */
    public path: string,
    public requestId: string,
  ) {
    this.method = request.method;
    this.#headers = request.headers;
  }

  /** Asked where there is a problem alone. */
  get wantsPage(): boolean {
    return prefersPage(this.#headers.get("accept") ?? "");
  }
}

const SCHEME = "http+unix://";
const OURS = /^(imp-run|x-imp-probe|x-envoy-.*)$/;
const REQUEST_ID = /^[\w.-]{1,128}$/;

/**
 * The path as it came, byte by byte; undefined where there is none.
 *
 * Not by `new URL`: that would resolve what the route before this process has left alone, and lead out of the stage.
 */
export function rawPath(request: Request): string | undefined {
  const before = SCHEME + (request.headers.get("host") ?? "");
  const path = request.url.startsWith(before) ? request.url.slice(before.length) : "";
  return path.startsWith("/") ? path.split("?", 1)[0] : undefined;
}

/** Path and query as they came, without the stage. */
export function targetOf(request: Request, path: string, stage: string): string {
  const begin = SCHEME.length + (request.headers.get("host") ?? "").length + 1 + stage.length;
  const target = request.url.slice(begin);
  return path.length > 1 + stage.length ? target : `/${target.startsWith("?") ? target : ""}`;
}

/** Whoever sent it to the gateway's door. */
export function ipOf(headers: Headers): string {
  return headers.get("x-envoy-external-address") ?? headers.get("x-forwarded-for")?.split(",").at(-1)?.trim() ?? "";
}

/** What a function gets of them: what was said to the gateway alone isn't a caller's. */
export function headersOf(headers: Headers): string[] {
  const list: string[] = [];
  for (const [name, value] of headers) if (!OURS.test(name)) list.push(name, value);
  return list;
}

export function asked(request: Request, path: string): Asked {
  const stage = path.slice(1).split("/", 1)[0] ?? "";
  const requestId = request.headers.get("x-request-id") ?? "";
  return new Asked(request, stage, path.slice(1 + stage.length) || "/", REQUEST_ID.test(requestId) ? requestId : "");
}

/** The gateway's own part of each stage, however it's spelled: no function is ever asked for it. */
export function isReserved(path: string): boolean {
  if (!path.includes("_imp") && !path.includes("%")) return false;
  return /^\/+_imp(\/|$)/.test(path.replace(/%(?:2f|5f|69|6d|70)/gi, (code) => decodeURIComponent(code)));
}

/** Browsers name text/html and like it best; what takes anything gets JSON. */
export function prefersPage(accept: string): boolean {
  const qualities = new Map(accept.split(",").map(quality));
  const page = qualities.get("text/html") ?? 0;
  const json = ["application/problem+json", "application/json", "application/*", "*/*"]
    .map((type) => qualities.get(type))
    .find((found) => found !== undefined);
  return page > (json ?? 0);
}

function quality(range: string): [string, number] {
  const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
  const given = parameters.find((each) => each.startsWith("q="))?.slice(2) ?? "1";
  const value = Number(given);
  return [type, value >= 0 && value <= 1 ? value : 0];
}
