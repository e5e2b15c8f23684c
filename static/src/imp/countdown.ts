/** Seconds until one may try again: `<span data-countdown="38">38</span>`; then what waits for it is free. */

import { onCustom } from "./dom.ts";

const running = new WeakSet<Element>();

function count(element: HTMLElement): void {
  running.add(element);
  const until = Date.now() + Number(element.dataset.countdown) * 1000;
  const timer = setInterval(() => {
    // A tab in the background ticks late, so the clock counts and not the ticks
    const left = Math.max(0, Math.ceil((until - Date.now()) / 1000));
    element.textContent = String(left);
    if (left > 0 && element.isConnected) return;
    clearInterval(timer);
    document.querySelectorAll("[data-after-countdown]").forEach(free);
  }, 250);
}

function free(element: Element): void {
  element.removeAttribute("disabled");
  element.removeAttribute("aria-disabled");
}

export function startCountdown(): void {
  const begin = () => {
    for (const element of document.querySelectorAll<HTMLElement>("[data-countdown]")) {
      if (!running.has(element)) count(element);
    }
  };
  begin();
  onCustom("htmx:afterSettle", begin);
}
