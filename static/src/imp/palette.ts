/** Search and commands: the field keeps the focus, the arrows choose, Enter opens. */

import { find, on, onCustom } from "./dom.ts";

const input = find<HTMLInputElement>("palette-input");

function options(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>("#palette-results [role=option]")];
}

function chosen(): HTMLElement | undefined {
  return options().find((option) => option.ariaSelected === "true");
}

function choose(next: HTMLElement | undefined): void {
  for (const option of options()) option.ariaSelected = String(option === next);
  if (next) {
    next.id ||= "palette-option";
    next.scrollIntoView({ block: "nearest" });
    input?.setAttribute("aria-activedescendant", next.id);
  } else {
    input?.removeAttribute("aria-activedescendant");
  }
}

function move(step: number): void {
  const all = options();
  const at = all.findIndex((option) => option === chosen());
  choose(all[(at + step + all.length) % all.length]);
}

export function startPalette(): void {
  const palette = find("palette");
  if (!palette || !input) return;
  palette.addEventListener("toggle", (event) => {
    // Emptied when it closes: the event of opening may come after the first letters of a fast typist
    if ((event as ToggleEvent).newState === "open") input.dispatchEvent(new CustomEvent("palette"));
    else input.value = "";
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown") move(1);
    else if (event.key === "ArrowUp") move(-1);
    else if (event.key === "Enter" && chosen()) chosen()?.click();
    else return;
    event.preventDefault();
  });
  on("click", "#palette-results [role=option]", (option) => {
    palette.hidePopover();
    // A command that is a control elsewhere, such as a theme of the account's menu
    if (option.dataset.clicks) find(option.dataset.clicks)?.click();
  });
  onCustom<{ target: Element }>("htmx:afterSwap", ({ target }) => {
    if (target.id !== "palette-results") return;
    options().forEach((option, index) => option.id = `palette-option-${index}`);
    choose(options()[0]);
  });
}
