import type { CallKind } from "./wire.ts";

/** Runs of the portal: of a function by its name, a draft, a trigger; and what it asks of functions' data. */
// Not x-imp-…, which Envoy takes from every caller
export const RUN_HEADER = "imp-run";
export const RUN_PATH = "/_imp/run";
export const DATA_PATH = "/_imp/data";

/** Nobody signs for longer, so nonces needn't be kept for longer. */
const LONGEST_SECONDS = 10 * 60;

export interface Run {
  /** With its stage; of data: empty. */
  function: string;
  request_id: string;
  kind: CallKind | "data";
  exp: number;
  nonce: string;
  /** Unix seconds. It may have been begun since then, and nobody knows: who asks was interrupted. */
  since?: number;
  body_sha256?: string;
}

const KINDS = ["call", "draft", "trigger", "data"];
const encoder = new TextEncoder();

/** Tells what the portal has signed from what anybody may send. */
export class Runs {
  readonly #key: Promise<CryptoKey> | undefined;
  readonly #used = new Map<string, number>();
  readonly #began: number;

  /** `key`: in base64url; empty: there are no runs. */
  constructor(key: string, readonly now: () => number = () => Date.now() / 1000) {
    this.#began = now();
    if (key === "") return;
    const bytes = Uint8Array.fromBase64(key, { alphabet: "base64url" });
    this.#key = crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
  }

  /** What it's good for; undefined where it's good for nothing. */
  async read(header: string): Promise<Run | undefined> {
    const [payload = "", mac = "", ...more] = header.split(".");
    if (!this.#key || more.length > 0) return undefined;
    let run: Run | null;
    try {
      const signature = Uint8Array.fromBase64(mac, { alphabet: "base64url" });
      // Compares in constant time
      if (!await crypto.subtle.verify("HMAC", await this.#key, signature, encoder.encode(payload))) return undefined;
      run = JSON.parse(new TextDecoder().decode(Uint8Array.fromBase64(payload, { alphabet: "base64url" })));
    } catch {
      return undefined;
    }
    return isRun(run) && this.#isInTime(run) ? run : undefined;
  }

  /** Whether it's known that nobody has begun it before. Asked right before it's begun, for whoever hears no takes it for begun. */
  take({ nonce, since = Infinity }: Run): boolean {
    const now = this.now();
    // What was then is no more remembered, or was the process before this one's
    if (since < Math.max(this.#began, now - LONGEST_SECONDS)) return false;
    for (const [each, until] of this.#used) {
      if (until > now) break;
      this.#used.delete(each);
    }
    if (this.#used.has(nonce)) return false;
    this.#used.set(nonce, now + LONGEST_SECONDS);
    return true;
  }

  #isInTime({ exp }: Run): boolean {
    const now = this.now();
    return exp > now && exp <= now + LONGEST_SECONDS;
  }
}

function isRun(run: Run | null): run is Run {
  if (typeof run !== "object" || run === null) return false;
  const { function: name, request_id, kind, exp, nonce, since, body_sha256 } = run;
  return [name, request_id, nonce, body_sha256 ?? ""].every((each) => typeof each === "string") &&
    KINDS.includes(kind) && Number.isFinite(exp) && (since === undefined || Number.isFinite(since)) && nonce !== "";
}

export async function digestOf(body: Uint8Array): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", body as BufferSource)).toHex();
}
