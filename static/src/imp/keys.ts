/** Shortcuts. Letters rest while one types and while a dialog covers the page. */

import { find, openModal } from "./dom.ts";

const SEQUENCE_WITHIN = 1500;
let prefix = "";
let forgetting = 0;

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement &&
    target.matches('input:not([type="checkbox"], [type="radio"], [type="range"]), textarea, select, [contenteditable]');
}

/** The letter on the key: with a Korean input method on, `key` is ㅎ where `code` still says KeyG. */
function letterOf(event: KeyboardEvent): string {
  if (/^[ -~]$/.test(event.key)) return event.key.toLowerCase();
  return /^Key[A-Z]$/.test(event.code) ? event.code.slice(3).toLowerCase() : event.key;
}

function toggle(id: string, invoker: string): void {
  const popover = find(id);
  const source = document.querySelector<HTMLElement>(invoker) ?? undefined;
  // With its button named, the browser places the popover there and takes focus back to it
  if (popover) popover.togglePopover({ source } as TogglePopoverOptions);
}

function focusFilter(): boolean {
  const filters = document.querySelectorAll<HTMLElement>('[data-filter], .filters input[type="search"]');
  const filter = [...filters].find((each) => each.checkVisibility());
  filter?.focus();
  return filter !== undefined;
}

/** `data-keys="g o"` or `data-keys="r"` on a link or button presses it. */
function press(keys: string): boolean {
  const target = document.querySelector<HTMLElement>(`[data-keys="${CSS.escape(keys)}"]`);
  target?.click();
  return target !== null;
}

function handle(event: KeyboardEvent): boolean {
  const letter = letterOf(event);
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && letter === "k") {
    if (!openModal()) toggle("palette", '[popovertarget="palette"]');
    return true;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || openModal()) return false;
  if (event.key === "?") {
    toggle("shortcuts", '[popovertarget="shortcuts"]');
    return true;
  }
  if (event.key === "/") return focusFilter();
  if (prefix) {
    const keys = `${prefix} ${letter}`;
    forget();
    return press(keys);
  }
  if (letter === "g" && document.querySelector('[data-keys^="g "]')) {
    prefix = letter;
    forgetting = setTimeout(forget, SEQUENCE_WITHIN);
    return true;
  }
  return /^[a-z]$/.test(letter) && press(letter);
}

function forget(): void {
  clearTimeout(forgetting);
  prefix = "";
}

export function startKeys(): void {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.repeat) return;
    if (handle(event)) event.preventDefault();
  });
}

interface TogglePopoverOptions {
  force?: boolean;
  source?: HTMLElement;
}
