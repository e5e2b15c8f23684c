/** Short notices in the corner. Good ones leave by themselves; those with a warning or a failure stay until dismissed. */

import { find, on, onCustom, openModal } from "./dom.ts";

export interface Notice {
  tone: "ok" | "busy" | "warn" | "bad";
  title: string;
  text?: string;
  request_id?: string;
}

const SHOWN_FOR = 6000;
const ICONS = { ok: "ok", busy: "clock", warn: "warn", bad: "error" };

const region = find("toasts");

/** Words for the script, translated by the server. */
export function word(name: string): string {
  return region?.dataset[name] ?? "";
}

export function showToast(notice: Notice): void {
  const template = find<HTMLTemplateElement>("toast-template");
  const toast = template?.content.firstElementChild?.cloneNode(true);
  if (!region || !(toast instanceof HTMLElement)) return;
  toast.className = `toast is-${notice.tone}`;
  const title = toast.querySelector("b");
  const text = toast.querySelector("p");
  if (title) title.textContent = notice.title;
  if (text) {
    text.textContent = notice.text ?? "";
    if (notice.request_id) text.append(" ", requestId(notice.request_id));
  }
  const symbol = toast.querySelector(".icon use");
  symbol?.setAttribute("href", (symbol.getAttribute("href") ?? "").replace(/#.*/, `#i-${ICONS[notice.tone]}`));
  // The same failure again, such as of a button pressed twice, replaces its notice
  [...region.children].find((other) => wording(other) === wording(toast))?.remove();
  placeToasts();
  region.append(toast);
  leaveLater(toast);
}

function wording(toast: Element): string {
  return `${toast.className} ${toast.querySelector("b")?.textContent}`;
}

function requestId(id: string): HTMLElement {
  const element = document.createElement("span");
  element.className = "mono tiny";
  element.textContent = id;
  return element;
}

/** Everything outside an open modal dialog is inert and lies below it, so the notices move into it. */
export function placeToasts(): void {
  const home = openModal() ?? document.body;
  if (region && region.parentElement !== home) home.append(region);
}

function leaveLater(toast: HTMLElement): void {
  if (toast.matches(".is-bad, .is-warn")) return;
  let timer = setTimeout(() => toast.remove(), SHOWN_FOR);
  const pause = () => clearTimeout(timer);
  const resume = () => {
    clearTimeout(timer);
    timer = setTimeout(() => toast.remove(), SHOWN_FOR);
  };
  toast.addEventListener("pointerenter", pause);
  toast.addEventListener("pointerleave", resume);
  toast.addEventListener("focusin", pause);
  toast.addEventListener("focusout", resume);
}

export function startToasts(): void {
  onCustom<Notice>("toast", showToast);
  on("click", "[data-dismiss]", (button) => button.closest(".toast, .alert")?.remove());
  region?.querySelectorAll<HTMLElement>(":scope > .toast").forEach(leaveLater);
}
