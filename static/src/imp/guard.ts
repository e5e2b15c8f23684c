/** Work that would be lost: forms with data-guard that differ from how they came, and keys nobody has stored yet. */

import { on, onCustom } from "./dom.ts";

const original = new WeakMap<HTMLFormElement, string>();
const saved = new WeakSet<HTMLFormElement>();
let isLeavingOnPurpose = false;

function contentOf(form: HTMLFormElement): string {
  const pairs = [...new FormData(form)].map(([name, value]) => [name, value instanceof File ? value.name : value]);
  return JSON.stringify(pairs);
}

function isChanged(form: HTMLFormElement): boolean {
  // A refused form came with what somebody typed
  if (!saved.has(form) && form.querySelector('[aria-invalid="true"]')) return true;
  const before = original.get(form);
  return before !== undefined && before !== contentOf(form);
}

export function hasUnsavedWork(root: ParentNode = document): boolean {
  return [...root.querySelectorAll<HTMLFormElement>("form[data-guard]")].some(isChanged);
}

/** The tick that says a key was stored, as long as it's missing. */
export function missingTick(root: ParentNode = document): HTMLInputElement | null {
  return root.querySelector<HTMLInputElement>(".secret [data-stored]:not(:checked)");
}

export function startGuard(): void {
  const remember = (element: HTMLElement) => {
    const form = element as HTMLFormElement;
    if (!original.has(form)) original.set(form, contentOf(form));
  };
  on("focusin", "form[data-guard]", remember);
  on("pointerdown", "form[data-guard]", remember);
  on("submit", "form[data-guard]", (_form, event) => {
    isLeavingOnPurpose = !event.defaultPrevented;
  });
  // Before the answer leads elsewhere, which would ask. Its own request: fields ask for previews, which saves nothing
  onCustom<{ elt: Element; xhr: XMLHttpRequest }>("htmx:beforeOnLoad", ({ elt, xhr }) => {
    if (xhr.status >= 400 || !(elt instanceof HTMLFormElement && elt.matches("[data-guard]"))) return;
    original.set(elt, contentOf(elt));
    saved.add(elt);
  });
  on("change", ".secret [data-stored]", (tick) => {
    const done = tick.closest(".secret")?.querySelector<HTMLButtonElement>("[data-stored-done]");
    if (done) done.disabled = !(tick as HTMLInputElement).checked;
  });
  globalThis.addEventListener("beforeunload", (event) => {
    if (!isLeavingOnPurpose && (hasUnsavedWork() || missingTick())) event.preventDefault();
  });
}
