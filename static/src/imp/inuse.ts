/** A part that refreshes itself waits while somebody is in it: a menu is open, or rows are chosen. */

import { onCustom } from "./dom.ts";

const IN_USE = ":popover-open, input[name=selected]:checked";
const LOOK_AGAIN = 300;

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

const held = new WeakSet<Element>();

export function startInUse(): void {
  onCustom<Asking>("htmx:confirm", ({ elt, target, triggeringEvent }, event) => {
    if (hold(elt, target, triggeringEvent)) event.preventDefault();
  });
  // Somebody may open a menu between the question and its answer
  onCustom<Swapping>("htmx:beforeSwap", (detail) => {
    if (hold(detail.elt, detail.target, detail.requestConfig.triggeringEvent)) detail.shouldSwap = false;
  });
}

/** Whether it has to wait; then it's told the same again as soon as nobody is in it. */
function hold(elt: HTMLElement, target: Element, event: Event | undefined): boolean {
  if (!event || !elt.hasAttribute("data-live") || !target.querySelector(IN_USE)) return false;
  if (held.has(elt)) return true;
  held.add(elt);
  const look = () => {
    if (elt.isConnected && target.querySelector(IN_USE)) return setTimeout(look, LOOK_AGAIN);
    held.delete(elt);
    const told = event.target instanceof Element && event.target.isConnected ? event.target : elt;
    told.dispatchEvent(new CustomEvent(event.type));
  };
  setTimeout(look, LOOK_AGAIN);
  return true;
}
