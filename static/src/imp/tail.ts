/**
 * The log that goes on: `<ol data-tail="…/live/logs?…" data-since="…">` gets what is written from there on.
 *
 * Lines are made of the page's own template, and text goes in as text. Who scrolls up or pauses isn't moved; what comes
 * meanwhile waits behind the button. Only a visible page listens, and one that is shown again is told what it missed.
 */

import { readMessages } from "../live/messages.ts";
import { whileVisible } from "../live/visible.ts";
import { find } from "./dom.ts";

interface Line {
  at: string;
  stage: string;
  function: string;
  version: number;
  request_id: string;
  level: string;
  source: string;
  text: string;
  fields: unknown;
}

// In the page, and waiting while it's paused
const MOST_LINES = 2_000;
const MOST_WAITING = 1_000;
const SILENCE = 25_000;
const FIRST_DELAY = 400;
const LONGEST_DELAY = 30_000;
const LONGEST_BRIEF = 160;
const TONES: Record<string, string> = { error: "is-bad", warn: "is-warn", info: "is-busy" };

let tail: Tail | null = null;

export function startTail(): void {
  const look = whileVisible(() => tail?.listen(), () => tail?.rest());
  const meet = () => {
    const list = find("log-lines");
    if (!list?.dataset.tail) {
      tail?.rest();
      tail = null;
      return;
    }
    if (tail?.list !== list) {
      tail?.rest();
      tail = new Tail(list);
      tail.show();
    }
    look();
  };
  document.addEventListener("htmx:afterSettle", meet);
  document.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("#tail-pause")) tail?.toggle();
  });
  meet();
}

class Tail {
  #attempt: AbortController | null = null;
  #timer = 0;
  #failures = 0;
  #last: string;
  #isPaused = false;
  #waiting: Line[] = [];
  #skipped = 0;
  #isOver = false;

  constructor(readonly list: HTMLElement) {
    this.#last = list.dataset.since ?? "";
    const pause = find("tail-pause");
    if (pause) pause.hidden = false;
    list.addEventListener("scroll", () => {
      if (this.#isPaused && this.#isAtEnd && !this.#byButton) this.#setPaused(false);
      else if (!this.#isPaused && !this.#isAtEnd) this.#setPaused(true);
    });
  }

  #byButton = false;

  /** The newest line is what one comes for. */
  show(): void {
    this.list.scrollTop = this.list.scrollHeight;
  }

  listen(): void {
    if (this.#attempt || this.#timer || this.#isOver) return;
    const attempt = new AbortController();
    this.#attempt = attempt;
    this.#read(attempt).catch(() => undefined).then(() => {
      if (this.#attempt !== attempt) return;
      this.#attempt = null;
      if (this.#isOver) return;
      this.#say("lost");
      const delay = Math.min(FIRST_DELAY * 2 ** this.#failures, LONGEST_DELAY) * (0.5 + Math.random() / 2);
      this.#failures += 1;
      this.#timer = setTimeout(() => {
        this.#timer = 0;
        this.listen();
      }, delay);
    });
  }

  rest(): void {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#attempt?.abort();
    this.#attempt = null;
  }

  toggle(): void {
    this.#byButton = !this.#isPaused;
    this.#setPaused(!this.#isPaused);
  }

  async #read(attempt: AbortController): Promise<void> {
    let watchdog = setTimeout(() => attempt.abort(), SILENCE);
    try {
      const address = `${this.list.dataset.tail}&since=${encodeURIComponent(this.#last)}`;
      const response = await fetch(address, { credentials: "include", cache: "no-store", signal: attempt.signal });
      if ([401, 403, 404].includes(response.status)) this.#end();
      if (!response.ok || !response.body) return;
      for await (const message of readMessages(response.body)) {
        if (this.#attempt !== attempt) return;
        clearTimeout(watchdog);
        watchdog = setTimeout(() => attempt.abort(), SILENCE);
        this.#failures = 0;
        const data: unknown = JSON.parse(message.data);
        if (message.event === "ended" && (data as { because: string }).because === "not-allowed") return this.#end();
        if (message.event === "away") this.#say("away");
        else this.#say(this.#isPaused ? "paused" : "live");
        if (message.event === "skipped") this.#skip((data as { count: number }).count);
        if (message.event === "message") this.#take(data as Line);
        if (message.id) this.#last = message.id;
      }
    } finally {
      clearTimeout(watchdog);
      attempt.abort();
    }
  }

  #end(): void {
    this.#isOver = true;
    this.#say("ended");
  }

  #take(line: Line): void {
    if (this.#isPaused) {
      this.#waiting.push(line);
      if (this.#waiting.length > MOST_WAITING) {
        this.#waiting.shift();
        this.#skipped += 1;
      }
      this.#label();
      return;
    }
    this.#add(this.#made(line));
  }

  #skip(count: number): void {
    this.#skipped += count;
    if (!this.#isPaused) this.#tellSkipped();
  }

  #tellSkipped(): void {
    if (!this.#skipped) return;
    const item = document.createElement("li");
    item.className = "is-warn";
    const text = document.createElement("div");
    text.textContent = `${this.#skipped.toLocaleString(document.documentElement.lang)} ${word("skipped")}`;
    item.append(document.createElement("span"), document.createElement("span"), text);
    this.#skipped = 0;
    this.#add(item);
  }

  #add(item: HTMLElement): void {
    const none = find("log-none");
    if (none) none.hidden = true;
    this.list.hidden = false;
    this.list.append(item);
    while (this.list.childElementCount > MOST_LINES) this.list.firstElementChild?.remove();
    this.show();
  }

  #made(line: Line): HTMLElement {
    const made = find<HTMLTemplateElement & HTMLElement>("log-line")!.content.cloneNode(true) as DocumentFragment;
    const item = made.querySelector("li")!;
    const tone = TONES[line.level] ?? "";
    item.dataset.level = line.level;
    if (line.source === "system") item.dataset.source = "system";
    if (tone && tone !== "is-busy") item.className = tone;
    const time = item.querySelector("time")!;
    time.dateTime = line.at;
    time.textContent = this.#time(line.at);
    time.removeAttribute("title");
    const level = item.querySelector(".level")!;
    level.textContent = line.level;
    level.className = `level ${tone}`.trim();
    const name = line.function ? `${line.stage}/${line.function}` : line.stage;
    // Only what isn't saved has no version
    const isDraft = line.function && line.version === 0;
    item.querySelector(".from")!.textContent = isDraft ? `${name} (${word("draft")})` : name;
    item.querySelector(".said")!.textContent = line.text;
    const call = item.querySelector<HTMLAnchorElement>(".rid")!;
    if (line.request_id) {
      call.textContent = line.request_id;
      call.href = `${location.pathname}?${new URLSearchParams({ request_id: line.request_id })}`;
    } else call.remove();
    fillDetails(item.querySelector("details")!, line.fields);
    return item;
  }

  #time(at: string): string {
    const moment = new Date(at);
    const clock = moment.toLocaleTimeString("en-GB", { timeZone: this.list.dataset.zone, hour12: false });
    return `${clock}.${String(moment.getUTCMilliseconds()).padStart(3, "0")}`;
  }

  get #isAtEnd(): boolean {
    return this.list.scrollTop + this.list.clientHeight >= this.list.scrollHeight - 24;
  }

  #setPaused(isPaused: boolean): void {
    this.#isPaused = isPaused;
    if (!isPaused) {
      this.#byButton = false;
      this.#tellSkipped();
      for (const line of this.#waiting.splice(0)) this.#add(this.#made(line));
      this.show();
    }
    this.#say(isPaused ? "paused" : this.#attempt ? "live" : "lost");
    this.#label();
  }

  #label(): void {
    const button = find("tail-pause");
    if (!button) return;
    button.setAttribute("aria-pressed", String(this.#isPaused));
    const count = this.#waiting.length ? ` (${this.#waiting.length})` : "";
    button.querySelector("span")!.textContent = this.#isPaused ? word("follow") + count : word("pause");
  }

  #say(state: string): void {
    const told = find("tail-word");
    const dot = find("tail-state")?.querySelector(".dot");
    if (!told || !dot || (state === "live" && this.#isPaused)) return;
    // Read out once, not with each line
    if (told.textContent !== word(state)) told.textContent = word(state);
    dot.className = `dot ${state === "live" ? "is-ok" : state === "paused" ? "" : "is-warn"}`.trim();
    find("tail-state")!.dataset.state = state;
  }
}

function fillDetails(details: HTMLElement, fields: unknown): void {
  const isObject = typeof fields === "object" && fields !== null && !Array.isArray(fields);
  const { stack, ...others } = isObject ? fields as Record<string, unknown> : { stack: undefined };
  const rest = isObject ? (Object.keys(others).length ? others : null) : fields;
  const isStack = typeof stack === "string" && stack !== "";
  if (!isStack && rest === null) return details.remove();
  const trace = details.querySelector<HTMLElement>(".stack-trace")!;
  const told = details.querySelector<HTMLElement>(".log-fields")!;
  details.querySelector("summary")!.textContent = isStack ? word("stack") : brief(isObject ? others : { "": fields });
  if (isStack) trace.textContent = stack;
  else trace.remove();
  if (rest === null) told.remove();
  else told.textContent = JSON.stringify(rest, null, 2);
}

/** As apps/logs/views/shown.py says it. */
function brief(fields: Record<string, unknown>): string {
  const short = (value: unknown) => typeof value === "string" ? value : JSON.stringify(value);
  const text = Object.entries(fields).map(([name, value]) => name ? `${name}: ${short(value)}` : short(value)).join(
    ", ",
  );
  return text.length <= LONGEST_BRIEF ? text : `${text.slice(0, LONGEST_BRIEF - 1)}…`;
}

function word(name: string): string {
  return find("tail-words")?.getAttribute(`data-said-${name}`) ?? "";
}
