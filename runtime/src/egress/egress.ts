import type { Egress as Rules } from "../config.ts";
import type { Caller } from "../services.ts";
import type { Asked, Opened, Pair, Read } from "./wire.ts";
import { fault, Transfer } from "./transfer.ts";

/** Of one stage at once. */
export const MOST_AT_ONCE = 100;
/** What a function still fetches when its answer is sent may go on for so long. */
export const AFTER_ANSWER_MS = 30_000;
const LONGEST_URL = 16 * 1024, MOST_HEADER_CHARACTERS = 48 * 1024;
/** What is about a connection, or the proxy's own, isn't for functions to say. */
const NOT_SENT =
  /^(connection|content-length|expect|host|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|x-imp-.*)$/;

/** Sends what functions fetch through the proxy that decides where they may reach. */
export class Egress {
  readonly #transfers = new Map<string, Transfer>();
  readonly #client: Deno.HttpClient | undefined;

  constructor(readonly rules: Rules) {
    if (!rules.proxy) return;
    // None is kept for another request: behind each there is a connection of its own
    this.#client = Deno.createHttpClient({
      proxy: { transport: "unix", path: rules.proxy },
      poolMaxIdlePerHost: 0,
    });
  }

  /** Those that are under way. */
  get size(): number {
    return this.#transfers.size;
  }

  /** What `client.ts` asks for. A transfer is its stage's alone. */
  async answer(message: unknown, caller: Caller): Promise<Opened | Read> {
    const asked = message as Asked;
    const key = `${caller.stage} ${asked.id}`;
    if (asked.op === "open") return await this.#open(asked, key, caller);
    const transfer = this.#transfers.get(key);
    if (asked.op === "cancel") {
      transfer?.end();
      return null;
    }
    if (!transfer) throw fault("EGRESS_ENDED", "The call that fetched this is over, so nothing more of it comes.");
    switch (asked.op) {
      case "write":
        await transfer.write(asked.chunk);
        return null;
      case "close":
        await transfer.close();
        return null;
      case "read":
        return await transfer.read();
    }
  }

  async #open(asked: Asked & { op: "open" }, key: string, caller: Caller): Promise<Opened> {
    if (!this.#client || this.rules.mode === "none") {
      throw fault("EGRESS_HOST", "This gateway's functions may connect nowhere (Settings, Outgoing calls).");
    }
    const under = [...this.#transfers.keys()].filter((each) => each.startsWith(`${caller.stage} `)).length;
    if (under >= MOST_AT_ONCE) {
      throw fault(
        "EGRESS_BUSY",
        `${MOST_AT_ONCE} calls to other servers are under way in this stage. Try again later.`,
      );
    }
    if (asked.url.length > LONGEST_URL) throw fault("EGRESS_ADDRESS", "The address is too long.");
    let forget = () => {};
    const transfer = new Transfer(this.#client, asked.body, () => {
      this.#transfers.delete(key);
      // A call that lasts may fetch again and again
      forget();
    });
    this.#transfers.set(key, transfer);
    forget = caller.onEnd(() => transfer.end(), AFTER_ANSWER_MS);
    try {
      return await transfer.open({ ...asked, headers: sendable(asked.headers) });
    } catch (error) {
      transfer.end();
      throw error;
    }
  }
}

function sendable(headers: Pair[]): Pair[] {
  const kept = headers.filter(([name]) => !NOT_SENT.test(name.toLowerCase()));
  if (kept.reduce((sum, [name, value]) => sum + name.length + value.length, 0) > MOST_HEADER_CHARACTERS) {
    throw fault("EGRESS_HEADERS", "The headers are too large.");
  }
  return kept;
}
