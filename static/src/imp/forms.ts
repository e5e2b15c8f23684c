/** Small help in forms and tables: codes send themselves, texts are copied, a head's box ticks its column. */

import { on } from "./dom.ts";
import { showToast, word } from "./toasts.ts";

const COPIED_FOR = 1600;
const REFUSED = '[aria-invalid="true"]:enabled';

/** What was refused comes before where a form begins, to which HTMX would lead after a swap. */
export function focusRefused(host: ParentNode): void {
  const refused = host.querySelector<HTMLElement>(REFUSED);
  if (!refused) return;
  for (const field of host.querySelectorAll("[autofocus]")) field.removeAttribute("autofocus");
  refused.focus();
  // Below a long list of choices the reason would be out of sight
  refused.closest(".field")?.querySelector(".error")?.scrollIntoView({ block: "nearest" });
}

/** The text of `data-copy`, or what the element it names by `#id` shows. */
function textToCopy(button: HTMLElement): string {
  const wanted = button.dataset.copy ?? "";
  if (!wanted.startsWith("#")) return wanted;
  const source = document.querySelector<HTMLElement>(wanted);
  return source instanceof HTMLInputElement ? source.value : source?.textContent?.trim() ?? "";
}

async function copy(button: HTMLElement): Promise<void> {
  try {
    await navigator.clipboard.writeText(textToCopy(button));
  } catch {
    // No clipboard without HTTPS, or the person said no
    showToast({ tone: "warn", title: word("notCopied") });
    return;
  }
  const symbol = button.querySelector("use");
  const before = symbol?.getAttribute("href") ?? "";
  if (before.endsWith("#i-check")) return;
  symbol?.setAttribute("href", before.replace(/#.*/, "#i-check"));
  announce(word("copied"));
  setTimeout(() => symbol?.setAttribute("href", before), COPIED_FOR);
}

/** Said to screen readers only: those who see have the tick on the button. */
function announce(text: string): void {
  const line = document.createElement("span");
  line.className = "sr-only";
  line.textContent = text;
  document.getElementById("toasts")?.append(line);
  setTimeout(() => line.remove(), COPIED_FOR);
}

function sendWhenComplete(input: HTMLInputElement): void {
  const digits = input.value.replace(/\D/g, "");
  if (digits !== input.value) input.value = digits;
  const length = input.maxLength > 0 ? input.maxLength : 6;
  if (digits.length === length && !input.dataset.sent) {
    input.dataset.sent = "true";
    input.form?.requestSubmit();
  } else if (digits.length < length) {
    delete input.dataset.sent;
  }
}

function tickColumn(box: HTMLInputElement): void {
  const table = box.closest("table");
  const head = table?.querySelector<HTMLInputElement>("thead [data-tick-all]");
  const boxes = [...table?.querySelectorAll<HTMLInputElement>('tbody td:first-child > input[type="checkbox"]') ?? []];
  if (!head) return;
  if (box === head) boxes.forEach((each) => each.checked = head.checked);
  const ticked = boxes.filter((each) => each.checked).length;
  head.checked = ticked > 0 && ticked === boxes.length;
  head.indeterminate = ticked > 0 && ticked < boxes.length;
  const count = table?.closest("form, .card")?.querySelector("[data-ticked]");
  if (count) count.textContent = String(ticked);
}

/** A name that nobody has written yet follows the title: "Parcel tracking" becomes parcel-tracking. */
function suggestNames(title: HTMLInputElement): void {
  for (const name of document.querySelectorAll<HTMLInputElement>("input[data-name-from]")) {
    if (name.dataset.nameFrom !== title.id || name.value !== (name.dataset.suggested ?? "")) continue;
    name.value = name.dataset.suggested = nameOf(title.value, name.maxLength);
  }
}

function nameOf(title: string, longest: number): string {
  const plain = title.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  return plain.replace(/[^a-z0-9]+/g, "-").replace(/^-/, "").slice(0, longest).replace(/-$/, "");
}

/** A whole page may show refused fields for other reasons, such as the page of parts. */
function isRefusal(): boolean {
  const [navigation] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  return navigation?.responseStatus === 422;
}

export function startForms(): void {
  if (isRefusal()) focusRefused(document);
  on("click", "[data-copy]", copy);
  on("input", "input.otp", (input) => sendWhenComplete(input as HTMLInputElement));
  on("input", "input", (input) => suggestNames(input as HTMLInputElement));
  on("change", '.table input[type="checkbox"]', (box) => tickColumn(box as HTMLInputElement));
}
