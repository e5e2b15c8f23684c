/** What the editor asks the server, and how it says no. */

export interface Finding {
  file: string;
  line: number;
  column: number;
  length: number;
  text: string;
}

export interface Problem {
  type: string;
  title: string;
  detail: string;
  status: number;
  errors?: { pointer?: string; detail?: string }[];
  findings?: Finding[];
  draft?: { files: Record<string, string>; entrypoint: string; base_version: number; revision: number } | null;
}

/** A refusal; with status 0 nobody answered at all. */
export class Refused extends Error {
  constructor(readonly status: number, readonly problem: Partial<Problem>) {
    super(problem.title ?? "");
  }

  get slug(): string {
    return this.problem.type?.split("/").pop() ?? "";
  }

  /** What is wrong, for people: field by field where the server says so. */
  get told(): string {
    const fields = (this.problem.errors ?? []).map((each) => each.detail ?? "").filter(Boolean);
    return fields.length ? fields.join(" ") : this.problem.detail ?? this.problem.title ?? "";
  }
}

const token = document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? "";

export async function ask(url: string, options: { method?: string; body?: unknown; leaving?: boolean } = {}) {
  const { method = "GET", body, leaving = false } = options;
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      credentials: "same-origin",
      keepalive: leaving,
      headers: {
        Accept: "application/json",
        ...(method === "GET" ? {} : { "X-CSRFToken": token }),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Refused(0, {});
  }
  if (response.ok && !response.redirected) return response;
  throw new Refused(response.redirected ? 401 : response.status, await response.json().catch(() => ({})));
}

export async function askJson<T>(url: string, options: Parameters<typeof ask>[1] = {}): Promise<T> {
  return (await (await ask(url, options)).json()) as T;
}

/** A piece of the page, made by the server from values that it has escaped. */
export async function askPiece(url: string, options: Parameters<typeof ask>[1] = {}): Promise<Node[]> {
  const text = await (await ask(url, options)).text();
  return [...new DOMParser().parseFromString(text, "text/html").body.childNodes];
}
