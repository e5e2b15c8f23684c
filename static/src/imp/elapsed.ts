/** Seconds that something has taken so far: `<span data-elapsed="8.6">8.6</span>` goes on counting from there. */

import { onCustom } from "./dom.ts";

const TICK = 200;
const begun = new WeakMap<HTMLElement, number>();

function show(element: HTMLElement): void {
  const since = begun.get(element) ?? performance.now() - Number(element.dataset.elapsed) * 1000;
  begun.set(element, since);
  element.textContent = ((performance.now() - since) / 1000).toFixed(1);
}

export function startElapsed(): void {
  let timer = 0;
  const look = () => {
    const counting = document.querySelectorAll<HTMLElement>("[data-elapsed]");
    counting.forEach(show);
    // Nothing ticks on a page on which nothing is under way
    if (counting.length && !timer) timer = setInterval(look, TICK);
    if (!counting.length) {
      clearInterval(timer);
      timer = 0;
    }
  };
  look();
  onCustom("htmx:afterSettle", look);
}
