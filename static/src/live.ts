/**
 * Live parts: `<section data-live="gateway:gw_01… audit" hx-get="…" hx-trigger="live">`.
 *
 * An event on one of its topics reaches the element as the DOM events `live` and `live:<kind>`, with
 * `{topic, kind, ref}` as their detail; the element then asks the server for itself. Only visible tabs listen: with
 * HTTP/1.1 a browser has six connections to a host, and a stream takes one. A tab that is shown again is told what
 * it missed.
 */

import { onCustom } from "./imp/dom.ts";
import { type State, Stream, type Told } from "./live/stream.ts";
import { showState, startStrip } from "./live/strip.ts";
import { whileVisible } from "./live/visible.ts";

interface Sent {
  elt: HTMLElement;
  target: Element;
  xhr: XMLHttpRequest;
}

// So long a form may take to lead to its next page
const LEAVING = 10_000;
// A topic on which much happens is told four times a second
const PACE = 250;
const RETRY = 40;
const RESYNC_SPREAD = 1_000;

const waiting = new Map<string, Map<string, Told>>();
const toldAt = new Map<string, number>();
// Requests under way, with the topics of what their answers replace: told now, it would be gone before it has asked
const replacing = new Map<XMLHttpRequest, string[]>();
let flushing = 0;

export function startLive(): void {
  const url = document.querySelector<HTMLMetaElement>('meta[name="live-url"]')?.content;
  if (!url) return;
  const stream = new Stream(url, { told, resync, changed: (state: State) => showState(state) });
  startStrip(() => stream.tryNow());

  let collecting = 0;
  let leaving = 0;
  const collect = () => {
    clearTimeout(collecting);
    collecting = setTimeout(() => {
      if (!document.hidden && !leaving) stream.want(topics());
    }, 50);
  };
  const look = whileVisible(collect, () => stream.rest());
  const stay = () => {
    clearTimeout(leaving);
    leaving = 0;
    look();
  };
  globalThis.addEventListener("pageshow", stay);
  // A form that takes the page along causes no news for it: at signing out, hearing of the session's end would have
  // the page go elsewhere than the form leads
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || (event.target as HTMLFormElement).method !== "post") return;
    leaving = setTimeout(stay, LEAVING);
    stream.rest();
  });
  globalThis.addEventListener("online", () => stream.tryNow());
  new MutationObserver(collect).observe(document.body, {
    subtree: true,
    childList: true,
    attributeFilter: ["data-live"],
  });
  followRequests();
  look();
}

function topics(): string[] {
  const found = new Set<string>();
  for (const element of document.querySelectorAll<HTMLElement>("[data-live]")) {
    for (const topic of topicsOf(element)) found.add(topic);
  }
  return [...found];
}

function topicsOf(element: HTMLElement): string[] {
  return element.dataset.live?.split(/\s+/).filter(Boolean) ?? [];
}

function told(event: Told): void {
  const kinds = waiting.get(event.topic) ?? new Map<string, Told>();
  kinds.delete(event.kind);
  waiting.set(event.topic, kinds.set(event.kind, event));
  if (!flushing) flush();
}

/** Tells what waits, except on topics whose elements are being replaced or were told something a moment ago. */
function flush(): void {
  flushing = 0;
  const now = performance.now();
  const busy = new Set([...replacing.values()].flat());
  const telling = new Map<Element, Told[]>();
  for (const [topic, kinds] of waiting) {
    if (now - (toldAt.get(topic) ?? -PACE) < PACE || busy.has(topic)) continue;
    waiting.delete(topic);
    toldAt.set(topic, now);
    for (const element of document.querySelectorAll(`[data-live~="${CSS.escape(topic)}"]`)) {
      telling.set(element, [...(telling.get(element) ?? []), ...kinds.values()]);
    }
  }
  telling.forEach((events, element) => tell(element, events));
  if (waiting.size) flushing = setTimeout(flush, RETRY);
}

/** One `live` for however much has happened, and one `live:<kind>` for each kind of it. */
function tell(element: Element, events: Told[]): void {
  for (const event of new Map(events.map((event) => [event.kind, event])).values()) {
    element.dispatchEvent(new CustomEvent(`live:${event.kind}`, { detail: event }));
  }
  element.dispatchEvent(new CustomEvent("live", { detail: events[events.length - 1] }));
}

/** Every page may be told at the same moment, so they ask at different ones. */
function resync(): void {
  setTimeout(
    () => topics().forEach((topic) => told({ topic, kind: "resync", ref: "" })),
    Math.random() * RESYNC_SPREAD,
  );
}

function followRequests(): void {
  onCustom<Sent>("htmx:beforeSend", ({ elt, target, xhr }) => {
    const parts = [elt, ...target.querySelectorAll<HTMLElement>("[data-live]")];
    replacing.set(xhr, parts.flatMap(topicsOf));
    // HTMX's own event doesn't get here from an element that another answer has replaced
    xhr.addEventListener("loadend", () => replacing.delete(xhr));
  });
}
