import type { Level, Line, LogSource } from "../wire.ts";
import { Budget, nothingSpent, shortened, type Spent } from "./budget.ts";
import { faultOf } from "./fault.ts";

const NOTICE_AFTER_MS = 1000;
const FIELDS_CHARACTERS = 16 * 1024;

/** Whose line it is. */
export interface Scope {
  function: string;
  version: number;
  requestId: string;
  spent: Spent;
}

// Kept before functions run, which may not have it
const inspect = Deno.inspect;
const later = setTimeout;

/** Takes the lines of functions: each with its call, and no more than the budgets allow. */
export class Logging {
  readonly #budget: Budget;
  #isNoticing = false;
  /** Lines outside of calls have one budget of their own, anew every second. */
  #outside = nothingSpent();
  #outsideSince = 0;

  constructor(readonly say: (line: Line) => void, budget = new Budget()) {
    this.#budget = budget;
  }

  log(
    scope: Omit<Scope, "spent"> & { spent?: Spent },
    level: Level,
    source: LogSource,
    text: string,
    fields?: unknown,
  ): void {
    const said = shortened(text);
    const shown = fieldsOf(fields);
    if (!this.#budget.takes(said.length + shown.characters, scope.spent ?? this.#spentOutside())) {
      this.#noticeSoon();
      return;
    }
    this.#say(scope, level, source, said, shown.fields);
  }

  /** A call is over. */
  close(scope: Scope): void {
    const { leftOut } = scope.spent;
    if (leftOut === 0) return;
    scope.spent.leftOut = 0;
    this.#say(scope, "warn", "system", `${counted(leftOut, "of this call")} left out: it logged too much.`, {
      left_out: leftOut,
    });
  }

  #say(scope: Omit<Scope, "spent">, level: Level, source: LogSource, text: string, fields: Line["fields"]): void {
    const { function: name, version, requestId } = scope;
    this.say({
      at: performance.timeOrigin + performance.now(),
      function: name,
      version,
      requestId,
      level,
      source,
      text,
      fields,
    });
  }

  #spentOutside(): Spent {
    const now = performance.now();
    if (now - this.#outsideSince > NOTICE_AFTER_MS) {
      this.#outside = nothingSpent();
      this.#outsideSince = now;
    }
    return this.#outside;
  }

  #noticeSoon(): void {
    if (this.#isNoticing) return;
    this.#isNoticing = true;
    later(() => {
      this.#isNoticing = false;
      const leftOut = this.#budget.leftOut;
      this.#budget.leftOut = 0;
      if (leftOut === 0) return;
      const text = `${counted(leftOut, "of this stage")} left out: its functions logged too much.`;
      this.#say({ function: "", version: 0, requestId: "" }, "warn", "system", text, { left_out: leftOut });
    }, NOTICE_AFTER_MS);
  }
}

function counted(lines: number, whose: string): string {
  return lines === 1 ? `1 line ${whose} was` : `${lines.toLocaleString("en")} lines ${whose} were`;
}

/** As consoles show it: texts as they are, with what their placeholders stand for. */
export function formatted(values: unknown[]): string {
  const [first, ...rest] = values;
  if (typeof first !== "string") return values.map(shown).join(" ");
  const text = first.replace(/%([sdifoOjc%])/g, (found, kind: string) => {
    if (kind === "%") return "%";
    if (rest.length === 0) return found;
    const value = rest.shift();
    switch (kind) {
      case "s":
        return typeof value === "string" ? value : shown(value);
      case "d":
      case "f":
        return String(numberOf(value));
      case "i":
        return String(Math.trunc(numberOf(value)));
      case "j":
        return jsonOf(value);
      case "c":
        return "";
      default:
        return inspected(value);
    }
  });
  return [text, ...rest.map(shown)].join(" ");
}

/** To log something never throws, whatever it is. */
function numberOf(value: unknown): number {
  try {
    return Number(value);
  } catch {
    return NaN;
  }
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "undefined";
  } catch {
    return inspected(value);
  }
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : inspected(value);
}

export function inspected(value: unknown): string {
  try {
    return inspect(value, { depth: 4, strAbbreviateSize: 4096, iterableLimit: 100 });
  } catch (error) {
    return `[can't be shown: ${faultOf(error).message}]`;
  }
}

function fieldsOf(fields: unknown): { fields: Line["fields"]; characters: number } {
  if (fields === undefined || fields === null) return { fields: null, characters: 0 };
  let text: string | undefined;
  try {
    text = JSON.stringify(
      fields,
      (_, value) => value instanceof Error ? inspected(value) : typeof value === "bigint" ? String(value) : value,
    );
  } catch {
    text = undefined;
  }
  if (text === undefined || text.length > FIELDS_CHARACTERS) {
    const value = shortened(inspected(fields));
    return { fields: { value }, characters: value.length };
  }
  const value = JSON.parse(text);
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return { fields: isObject ? value : { value }, characters: text.length };
}
