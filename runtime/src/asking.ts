import type { Egress } from "./egress/egress.ts";
import { type Caller, type Service, ServiceError } from "./services.ts";
import type { Crew } from "./stages/crew.ts";

/** What is asked of the gateway's database for its functions; `owner` names the call that holds what it opens. */
export interface Data {
  exec(op: string, collection: string, args: unknown[], owner: string): Promise<unknown>;
  /** The same for people who look at data: of fewer operations. */
  execData(op: string, collection: string, args: unknown[]): Promise<unknown>;
  release(owner: string): void;
}

/** Answers what functions ask for beyond their isolate, and lets go what a call held once it's over. */
export class Asking {
  readonly #held = new Map<string, Map<() => void, number>>();
  readonly #ending = new Map<() => void, ReturnType<typeof setTimeout>>();

  constructor(readonly documents: Data | undefined, readonly egress: Egress) {}

  async answer(
    crew: Crew,
    stage: string,
    number: number,
    call: number,
    service: Service,
    asked: unknown,
  ): Promise<void> {
    const owner = `${crew.name}#${call}`;
    let error: { name: string; code: string; message: string } | null = null;
    let value: unknown;
    try {
      value = await this.#answer(owner, crew, stage, call, service, asked) ?? null;
    } catch (fault) {
      const { name, code, message } = fault as ServiceError;
      error = { name: String(name ?? "Error"), code: String(code ?? ""), message: String(message ?? fault) };
    }
    crew.send(["answered", number, error, value]);
  }

  async #answer(
    owner: string,
    crew: Crew,
    stage: string,
    call: number,
    service: Service,
    asked: unknown,
  ): Promise<unknown> {
    const pending = crew.pending.get(call);
    const caller: Caller = {
      stage,
      function: pending?.call.function ?? "",
      requestId: pending?.call.requestId ?? "",
      onEnd: (release, patienceMs = 0) => {
        if (pending) this.#hold(owner, release, patienceMs);
        else this.#end(release, patienceMs);
        return () => this.#forget(owner, release);
      },
    };
    if (service === "fetch") return await this.egress.answer(asked, caller);
    if (!this.documents) throw new ServiceError("DatabaseError", "NO_DATABASE", "This gateway has no database");
    const { op, collection, args } = asked as { op: string; collection: string; args: unknown[] };
    if (op === "sql.begin") caller.onEnd(() => this.documents?.release(owner));
    return await this.documents.exec(op, collection, args, owner);
  }

  #hold(owner: string, release: () => void, patienceMs: number): void {
    const held = this.#held.get(owner);
    if (held) held.set(release, patienceMs);
    else this.#held.set(owner, new Map([[release, patienceMs]]));
  }

  #end(release: () => void, afterMs: number): void {
    if (afterMs === 0) return release();
    const ended = () => {
      this.#ending.delete(release);
      release();
    };
    this.#ending.set(release, setTimeout(ended, afterMs));
  }

  #forget(owner: string, release: () => void): void {
    this.#held.get(owner)?.delete(release);
    clearTimeout(this.#ending.get(release));
    this.#ending.delete(release);
  }

  /** A call is over: answered, or given up. */
  release(crew: string, call: number, isAnswered: boolean): void {
    // As most hold nothing
    if (this.#held.size === 0) return;
    const owner = `${crew}#${call}`;
    const held = this.#held.get(owner);
    if (!held) return;
    this.#held.delete(owner);
    for (const [release, patienceMs] of held) this.#end(release, isAnswered ? patienceMs : 0);
  }
}
