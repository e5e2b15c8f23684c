import type { Asking } from "../asking.ts";
import type { Sink } from "../logs/sink.ts";
import { baseNameOf } from "../names.ts";
import type { Stacks } from "../stacks.ts";
import type { Beginning, FromWorker, Line } from "../wire.ts";
import type { Crew } from "./crew.ts";
import { Stage, type StageOptions } from "./stage.ts";

const LOOK_EVERY_MS = 50;
/** Later than this, it was this isolate that had no time: nothing is to be said of the others. */
const LATE_MS = 100;
const EXPIRE_EVERY_MS = 60_000;

/** The stages of this process, and what looks after them. */
export class Stages {
  readonly all: Map<string, Stage>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lookedAt = 0;

  constructor(
    names: string[],
    beginning: Omit<Beginning, "seats" | "stage">,
    options: StageOptions,
    readonly asking: Asking,
    readonly sink: Sink,
    readonly stacks: Stacks,
  ) {
    const listen = (stage: Stage, crew: Crew, message: FromWorker) => this.#hear(stage, crew, message);
    this.all = new Map(names.map((name) => [name, new Stage(name, beginning, listen, options, () => this.watch())]));
    setInterval(() => this.#expire(), EXPIRE_EVERY_MS);
  }

  get(name: string): Stage | undefined {
    return this.all.get(name);
  }

  get zombies(): number {
    return [...this.all.values()].reduce((sum, stage) => sum + stage.zombies, 0);
  }

  /** There is something to look after. */
  watch(): void {
    if (this.#timer !== undefined) return;
    this.#lookedAt = performance.now();
    this.#timer = setTimeout(() => this.#look(), LOOK_EVERY_MS);
  }

  /** A line, once the places that it names are those in the sources. A draft's is its function's, of no version. */
  say(stage: string, said: Line): void {
    const line = { stage, ...said, function: baseNameOf(said.function) };
    const fields = line.fields && JSON.stringify(line.fields);
    if (!line.text.includes("imp:///") && !fields?.includes("imp:///")) return this.sink.put(line);
    const mapping = (async () => {
      const text = await this.stacks.mapped(line.text);
      this.sink.put({ ...line, text, fields: fields && JSON.parse(await this.stacks.mapped(fields)) });
    })();
    this.#mapping.add(mapping);
    mapping.finally(() => this.#mapping.delete(mapping));
  }

  readonly #mapping = new Set<Promise<void>>();

  /** Until all that was said before is where lines go. */
  async said(): Promise<void> {
    await Promise.all(this.#mapping);
    await this.sink.flush();
  }

  #hear(stage: Stage, crew: Crew, message: FromWorker): void {
    if (message[0] === "log") this.say(stage.name, message[1]);
    else if (message[0] === "ask") {
      void this.asking.answer(crew, stage.name, message[1], message[2], message[3], message[4]);
    }
  }

  #look(): void {
    this.#timer = undefined;
    const now = performance.now();
    const late = now - this.#lookedAt - LOOK_EVERY_MS;
    const stages = [...this.all.values()];
    if (late > LATE_MS) {
      for (const crew of stages.flatMap((stage) => stage.crews)) crew.excuse(late);
    } else {
      for (const stage of stages) stage.look(now);
    }
    if (stages.some((stage) => stage.isBusy)) this.watch();
  }

  #expire(): void {
    for (const stage of this.all.values()) {
      for (const each of [...stage.functions.values(), ...stage.broken.values()]) {
        if ((each.expiresAt ?? Infinity) < Date.now()) stage.remove(each.name);
      }
    }
  }
}
