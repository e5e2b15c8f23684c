/**
 * A part that refreshes itself waits while somebody is in it: a menu is open, or rows are chosen. It waits, too, while
 * a click is under way anywhere: what was pressed, or what has sent something, must still be there when that ends.
 * What somebody unfolded stays unfolded.
 */

import { onCustom } from "./dom.ts";

const IN_USE = ":popover-open, input[name=selected]:checked";
const LOOK_AGAIN = 100;
// Whoever holds longer selects text, or has let go where the page isn't told
const LONGEST_PRESS = 1_500;

interface Asking {
  elt: HTMLElement;
  target: Element;
  triggeringEvent?: Event;
}

interface Swapping {
  elt: HTMLElement;
  target: Element;
  shouldSwap: boolean;
  requestConfig: { triggeringEvent?: Event };
}

interface Sending {
  xhr: XMLHttpRequest;
  requestConfig: { verb: string };
}

const held = new WeakSet<Element>();
const sending = new Set<XMLHttpRequest>();
const unfolded = new Set<string>();
let pressedAt = -LONGEST_PRESS;

export function startInUse(): void {
  onCustom<Asking>("htmx:confirm", ({ elt, target, triggeringEvent }, event) => {
    if (hold(elt, target, triggeringEvent)) event.preventDefault();
  });
  // Somebody may open a menu between the question and its answer
  onCustom<Swapping>("htmx:beforeSwap", (detail) => {
    if (hold(detail.elt, detail.target, detail.requestConfig.triggeringEvent)) detail.shouldSwap = false;
    else remember(detail.target);
  });
  onCustom<{ target: Element }>("htmx:oobBeforeSwap", ({ target }) => remember(target));
  for (const swapped of ["htmx:afterSwap", "htmx:oobAfterSwap"]) onCustom(swapped, unfold);
  followPresses();
}

/** Whether it has to wait; then it's told the same again as soon as nobody is in it. */
function hold(elt: HTMLElement, target: Element, event: Event | undefined): boolean {
  if (!event || !elt.hasAttribute("data-live") || !isInUse(target)) return false;
  if (held.has(elt)) return true;
  held.add(elt);
  const look = () => {
    if (elt.isConnected && isInUse(target)) return setTimeout(look, LOOK_AGAIN);
    held.delete(elt);
    const told = event.target instanceof Element && event.target.isConnected ? event.target : elt;
    told.dispatchEvent(new CustomEvent(event.type));
  };
  setTimeout(look, LOOK_AGAIN);
  return true;
}

function isInUse(target: Element): boolean {
  return sending.size > 0 || performance.now() - pressedAt < LONGEST_PRESS || target.querySelector(IN_USE) !== null;
}

function followPresses(): void {
  document.addEventListener("pointerdown", () => pressedAt = performance.now(), { capture: true });
  // The click comes right after, and whoever hears of it may ask for something first
  const released = () => setTimeout(() => pressedAt = -LONGEST_PRESS);
  for (const type of ["pointerup", "pointercancel"]) document.addEventListener(type, released, { capture: true });
  onCustom<Sending>("htmx:beforeSend", ({ xhr, requestConfig }) => {
    if (requestConfig.verb === "get") return;
    sending.add(xhr);
    xhr.addEventListener("loadend", () => sending.delete(xhr));
  });
}

function remember(target: Element): void {
  for (const { id } of target.querySelectorAll("details[open][id]")) unfolded.add(id);
}

function unfold(): void {
  for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
  unfolded.clear();
}
