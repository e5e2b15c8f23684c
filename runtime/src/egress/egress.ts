import type { Egress as Rules } from "../config.ts";
import { type Caller, ServiceError } from "../services.ts";

/** Sends what functions fetch through the proxy that decides where they may reach. */
export class Egress {
  constructor(readonly rules: Rules) {}

  /** What `client.ts` asks for. */
  answer(_message: unknown, _caller: Caller): Promise<unknown> {
    return Promise.reject(new ServiceError("FetchError", "EGRESS_REFUSED", "This gateway reaches no other server."));
  }
}
