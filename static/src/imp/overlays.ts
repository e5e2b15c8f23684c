/** Dialogs and sheets: what HTMX loads into #dialog or #sheet opens as a modal, and focus goes back when it closes. */

import { askToLeave } from "./confirm.ts";
import { find, on, onCustom } from "./dom.ts";
import { focusRefused } from "./forms.ts";
import { hasUnsavedWork, missingTick } from "./guard.ts";
import { placeToasts } from "./toasts.ts";

const HOSTS = new Set(["dialog", "sheet"]);
const FIELDS = "form :is(input:not([type=hidden]), select, textarea):enabled";
const openers = new WeakMap<HTMLDialogElement, HTMLElement>();

function dialogOf(host: Element): HTMLDialogElement | null {
  return HOSTS.has(host.id) ? host.closest("dialog") : null;
}

function open(host: Element, dialog: HTMLDialogElement): void {
  nameAfterHeading(host, dialog);
  if (!dialog.open) {
    dialog.showModal();
    if (!host.querySelector("[autofocus]")) firstField(host)?.focus();
    placeToasts();
  }
  focusRefused(host);
}

/** The browser would begin with what comes first, the button that closes. */
function firstField(host: Element): HTMLElement | undefined {
  const fields = [...host.querySelectorAll<HTMLInputElement>(FIELDS)];
  const first = fields[0];
  return first?.type === "radio" ? fields.find(({ name, checked }) => name === first.name && checked) ?? first : first;
}

function nameAfterHeading(host: Element, dialog: HTMLDialogElement): void {
  const heading = host.querySelector("h1, h2, h3");
  if (!heading) return;
  heading.id ||= `${host.id}-title`;
  dialog.setAttribute("aria-labelledby", heading.id);
}

/** Asks before work is lost; a key that nobody has stored keeps its dialog open. */
async function closeOverlay(dialog: HTMLDialogElement): Promise<void> {
  const tick = missingTick(dialog);
  if (tick) tick.focus();
  else if (!hasUnsavedWork(dialog) || (await askToLeave())) dialog.close();
}

function returnFocus(dialog: HTMLDialogElement): void {
  const opener = openers.get(dialog);
  openers.delete(dialog);
  if (!opener) return;
  const there = opener.isConnected ? opener : opener.id ? find(opener.id) : null;
  const menu = there?.closest("[popover]");
  const reachable = menu && !menu.matches(":popover-open")
    ? document.querySelector<HTMLElement>(`[popovertarget="${menu.id}"]`)
    : there;
  (reachable ?? find("main"))?.focus();
}

export function startOverlays(): void {
  onCustom<{ elt: HTMLElement; target: Element }>("htmx:beforeRequest", ({ elt, target }) => {
    const dialog = dialogOf(target);
    if (dialog && !dialog.open) openers.set(dialog, elt);
  });
  onCustom<{ target: Element }>("htmx:afterSwap", ({ target }) => {
    const dialog = dialogOf(target);
    if (dialog && target.childElementCount) open(target, dialog);
  });
  onCustom("close", (_detail, event) => {
    const origin = event.target instanceof Element ? event.target.closest<HTMLDialogElement>("dialog[open]") : null;
    (origin ?? document.querySelector<HTMLDialogElement>("dialog[data-overlay][open]"))?.close();
  });
  on("click", "[data-close]", (button, event) => {
    const dialog = button.closest("dialog");
    if (!dialog) return;
    event.preventDefault();
    closeOverlay(dialog);
  });
  on("pointerdown", "dialog[data-overlay]", (dialog, event) => {
    if (event.target === dialog && isOutside(dialog, event)) closeOverlay(dialog as HTMLDialogElement);
  });
  // These two don't bubble
  document.addEventListener("cancel", (event) => {
    const dialog = event.target;
    if (!(dialog instanceof HTMLDialogElement) || !dialog.matches("[data-overlay]")) return;
    event.preventDefault();
    closeOverlay(dialog);
  }, { capture: true });
  document.addEventListener("close", (event) => {
    const dialog = event.target;
    if (!(dialog instanceof HTMLDialogElement)) return;
    placeToasts();
    if (!dialog.matches("[data-overlay]")) return;
    dialog.querySelector(".overlay")?.replaceChildren();
    returnFocus(dialog);
  }, { capture: true });
}

function isOutside(dialog: HTMLElement, { clientX, clientY }: PointerEvent): boolean {
  const { left, right, top, bottom } = dialog.getBoundingClientRect();
  return clientX < left || clientX > right || clientY < top || clientY > bottom;
}
