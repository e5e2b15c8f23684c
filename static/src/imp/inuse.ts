/**
 * A part that refreshes itself waits while somebody is in it: a menu is open, or rows are chosen. It waits, too, while
 * a click is under way anywhere: what was pressed, or what has asked for something, must still be there when that ends.
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

interface Sent {
  target: Element;
  xhr: XMLHttpRequest;
  // The event's own `elt` is the one it happens to
  requestConfig: { elt: HTMLElement; triggeringEvent?: Event };
}

interface Swapping extends Sent {
  shouldSwap: boolean;
}

const held = new WeakSet<Element>();
// Requests under way, with the elements that ask
const asking = new Map<XMLHttpRequest, HTMLElement>();
const unfolded = new Set<string>();
let pressedAt = -LONGEST_PRESS;

export function startInUse(): void {
  onCustom<Asking>("htmx:confirm", ({ elt, target, triggeringEvent }, event) => {
    if (!isLive(elt) || !isInUse(target)) return;
    event.preventDefault();
    askLater(elt, target, triggeringEvent);
  });
  // Between the question and its answer somebody may open a menu, or go on to another page of a list
  onCustom<Swapping>("htmx:beforeSwap", (detail) => {
    const { target, requestConfig: { elt, triggeringEvent } } = detail;
    if (!isLive(elt) || (elt.isConnected && !isInUse(target))) return remember(target);
    detail.shouldSwap = false;
    askLater(elt, target, triggeringEvent);
  });
  // What somebody asks for takes its place in the queue (hx-sync)
  onCustom<Sent>("htmx:sendAbort", ({ target, requestConfig: { elt, triggeringEvent } }) => {
    if (isLive(elt)) askLater(elt, target, triggeringEvent);
  });
  onCustom<{ target: Element }>("htmx:oobBeforeSwap", ({ target }) => remember(target));
  for (const swapped of ["htmx:afterSwap", "htmx:oobAfterSwap"]) onCustom(swapped, unfold);
  followPresses();
  followRequests();
}

/** It's told the same again as soon as nobody is in it; what asks every few seconds will do so by itself. */
function askLater(elt: HTMLElement, target: Element, event: Event | undefined): void {
  if (!event || held.has(elt)) return;
  held.add(elt);
  const look = () => {
    if (elt.isConnected && (isInUse(target) || [...asking.values()].includes(elt))) return setTimeout(look, LOOK_AGAIN);
    held.delete(elt);
    const told = event.target instanceof Element && event.target.isConnected ? event.target : elt;
    told.dispatchEvent(new CustomEvent(event.type));
  };
  setTimeout(look, LOOK_AGAIN);
}

function isLive(elt: Element): boolean {
  return elt.hasAttribute("data-live");
}

function isInUse(target: Element): boolean {
  return performance.now() - pressedAt < LONGEST_PRESS || target.querySelector(IN_USE) !== null ||
    [...asking.values()].some((elt) => !isLive(elt));
}

function followPresses(): void {
  document.addEventListener("pointerdown", () => pressedAt = performance.now(), { capture: true });
  // The click comes right after, and whoever hears of it may ask for something first
  const released = () => setTimeout(() => pressedAt = -LONGEST_PRESS);
  for (const type of ["pointerup", "pointercancel"]) document.addEventListener(type, released, { capture: true });
}

function followRequests(): void {
  onCustom<Sent>("htmx:beforeSend", ({ xhr, requestConfig: { elt } }) => {
    asking.set(xhr, elt);
    xhr.addEventListener("loadend", () => asking.delete(xhr));
  });
}

function remember(target: Element): void {
  for (const { id } of target.querySelectorAll("details[open][id]")) unfolded.add(id);
}

function unfold(): void {
  for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
  unfolded.clear();
}
