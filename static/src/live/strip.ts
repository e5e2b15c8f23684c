/** What a page shows while its stream is lost: a strip under the top bar, and "as of" at its live headings. */

import { find, on } from "../imp/dom.ts";
import type { State } from "./stream.ts";

// A short gap is nobody's business
const PATIENCE = 3_000;

let state: State = { is: "resting" };
let goodUntil = new Date();
let lostSince = 0;
let timer = 0;

export function startStrip(tryNow: () => void): void {
  on("click", "[data-live-retry]", tryNow);
}

export function showState(next: State): void {
  if (next.is === "lost" && state.is !== "lost") lostSince = performance.now();
  if (next.is === "open") goodUntil = new Date();
  // Opening again after a failure isn't good news yet
  if (next.is === "resting" || next.is === "open") hide();
  state = next;
  if (next.is === "lost" && !timer) timer = setInterval(show, 250);
}

function show(): void {
  const strip = find("live-strip");
  if (!strip || state.is !== "lost" || performance.now() - lostSince < PATIENCE) return;
  const seconds = Math.max(0, Math.ceil((state.nextTry - performance.now()) / 1000));
  for (const element of strip.querySelectorAll<HTMLElement>("[data-live-next]")) {
    setText(element, fill(element.dataset.liveNext, "seconds", String(seconds)));
  }
  for (const element of strip.querySelectorAll<HTMLElement>("[data-live-when]")) {
    element.hidden = element.dataset.liveWhen !== (state.signedOut ? "signed-out" : "lost");
  }
  strip.hidden = false;
  for (const heading of document.querySelectorAll<HTMLElement>("[data-live-as-of]")) mark(heading);
}

function hide(): void {
  clearInterval(timer);
  timer = 0;
  const strip = find("live-strip");
  if (strip) strip.hidden = true;
  document.querySelectorAll(".live-as-of").forEach((element) => element.remove());
}

function mark(heading: HTMLElement): void {
  if (heading.querySelector(".live-as-of")) return;
  const time = goodUntil.toLocaleTimeString(document.documentElement.lang, { hourCycle: "h23" });
  const text = document.createElement("small");
  text.className = "live-as-of tiny faint";
  text.textContent = ` ${fill(heading.dataset.liveAsOf, "time", time)}`;
  heading.append(text);
}

/** The words come from the server, in the page's language: "Next try in {seconds} s". */
function fill(words: string | undefined, name: string, value: string): string {
  return (words || `{${name}}`).replace(`{${name}}`, value);
}

function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
