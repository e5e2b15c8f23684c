/** Building what the panes show, and what the page was given by the server. */

export interface Bar {
  tone: string;
  icon: string;
  title: string;
  detail: string;
  is_settled: boolean;
}

export interface Standing {
  version: number;
  saved_by: string;
  saved_by_id: string;
  bar: Bar;
  editors?: string[];
  files?: Record<string, string>;
  entrypoint?: string;
  /** It has the code of the version that was asked about. */
  is_same?: boolean;
}

export interface KeptDraft {
  files: Record<string, string>;
  entrypoint: string;
  base_version: number;
  revision: number;
  at: number;
}

export interface PageData {
  id: string;
  pattern: string;
  person: string;
  files: Record<string, string>;
  entrypoint: string;
  standing: Standing;
  editors: string[];
  draft: KeptDraft | null;
  may_save: boolean;
  urls: Record<"save" | "standing" | "draft" | "run" | "conflict" | "types", string>;
  words: Record<string, string>;
}

export const page = JSON.parse(document.getElementById("editor-data")?.textContent ?? "{}") as PageData;
export const script = document.getElementById("editor-script") as HTMLScriptElement;

type Child = Node | string | null | undefined | false;
type Attributes = Record<string, string | boolean | ((event: Event) => void) | undefined>;

/** `h("a", {href: "#", click: open}, "words")`: a function listens, `true` is an attribute without a value. */
export function h<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key, value);
    else if (value === true) element.setAttribute(key, "");
    else if (typeof value === "string") element.setAttribute(key, value);
  }
  element.append(...children.filter((child): child is Node | string => Boolean(child) || child === ""));
  return element;
}

export function icon(name: string, classes = "", label = ""): SVGSVGElement {
  const space = document.querySelector("svg")?.namespaceURI ?? null;
  const svg = document.createElementNS(space, "svg") as SVGSVGElement;
  svg.setAttribute("class", `icon ${classes}`.trim());
  if (label) {
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", label);
  } else svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `${script.dataset.icons}#i-${name}`);
  svg.append(use);
  return svg;
}

/** A sentence in the person's language, with its {names} filled in. */
export function say(name: string, values: Record<string, string | number> = {}): string {
  return (page.words[name] ?? name).replace(/\{(\w+)\}/g, (whole, key: string) => `${values[key] ?? whole}`);
}

export function need<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no #${id}`);
  return found as T;
}

export function maybe<T extends HTMLElement = HTMLElement>(id: string): T | null {
  return document.getElementById(id) as T | null;
}

/** Draws anew what is in it. What had the focus has it again, by its data-key; where it's gone, what is current has. */
export function redraw(element: HTMLElement, ...children: Node[]): void {
  const focused = document.activeElement;
  const key = focused && element.contains(focused) ? focused.getAttribute("data-key") ?? "" : null;
  element.replaceChildren(...children);
  if (key === null) return;
  const again = element.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`);
  (again ?? element.querySelector<HTMLElement>("[aria-current]"))?.focus();
}

/** Runs it once nothing more has come for a while. */
export function later(run: () => void, after: number): { (): void; now(): void; drop(): void } {
  let timer = 0;
  const drop = () => {
    clearTimeout(timer);
    timer = 0;
  };
  const ask = () => {
    drop();
    timer = setTimeout(() => {
      timer = 0;
      run();
    }, after);
  };
  return Object.assign(ask, {
    drop,
    now: () => {
      if (!timer) return;
      drop();
      run();
    },
  });
}
