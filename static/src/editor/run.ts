/** The panel that calls the function: as it's saved, or, where something isn't, one's draft. */

import { h, maybe, need, page, say } from "./dom.ts";
import type { Code } from "./code.ts";
import type { Drafts } from "./drafts.ts";
import type { Project } from "./project.ts";
import { askPiece, Refused } from "./server.ts";

type Pair = [string, string];

interface Past {
  method: string;
  path: string;
  query: Pair[];
  headers: Pair[];
  body: string;
}

/** A parameter that still stands in the path would be called by its name. */
function isFilled(): boolean {
  const segments = need<HTMLInputElement>("run-path").value.split("/");
  const missing = parameters().find((field) => segments.includes(`:${field.dataset.parameter}`));
  if (!missing) return true;
  missing.required = true;
  missing.reportValidity();
  missing.required = false;
  return false;
}

export class Run {
  readonly #project: Project;
  readonly #code: Code;
  readonly #drafts: Drafts;
  #isCalling = false;

  constructor(project: Project, code: Code, drafts: Drafts) {
    this.#project = project;
    this.#code = code;
    this.#drafts = drafts;
    const form = maybe<HTMLFormElement>("run");
    if (!form) return;
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.call();
    });
    for (const id of ["run-query", "run-headers"]) {
      fill(id, []);
      need(id).addEventListener("input", () => grow(id));
    }
    for (const field of parameters()) field.addEventListener("input", () => this.#path());
    const calls = need("calls");
    calls.addEventListener("toggle", () => void this.#past());
    calls.addEventListener("click", (event) => this.#again(event, calls));
  }

  #path(): void {
    const values = new Map(parameters().map((field) => [field.dataset.parameter ?? "", field.value]));
    const segments = page.pattern.split("/").map((segment) => {
      const value = values.get(segment.slice(1));
      if (!value || !/^[:*]/.test(segment)) return segment;
      return segment.startsWith("*") ? value.split("/").map(encodeURIComponent).join("/") : encodeURIComponent(value);
    });
    need<HTMLInputElement>("run-path").value = segments.join("/");
  }

  async call(): Promise<void> {
    const form = maybe<HTMLFormElement>("run");
    if (!form || this.#isCalling || !isFilled()) return;
    const button = form.querySelector<HTMLButtonElement>("[type=submit]");
    this.#isCalling = true;
    button?.classList.add("htmx-request");
    button?.setAttribute("aria-busy", "true");
    const draft = page.may_save && this.#project.isDirty;
    try {
      if (draft && !(await this.#drafts.flush())) throw new Refused(0, {});
      const body = {
        method: need<HTMLSelectElement>("run-method").value,
        path: need<HTMLInputElement>("run-path").value,
        query: pairs("run-query"),
        headers: pairs("run-headers"),
        body: need<HTMLTextAreaElement>("run-body").value,
        draft,
      };
      need("answer").replaceChildren(...await askPiece(page.urls.run, { method: "POST", body }));
    } catch (refusal) {
      if (!(refusal instanceof Refused)) throw refusal;
      const findings = refusal.problem.findings ?? [];
      if (draft) this.#code.mark(findings);
      const alert = h("div", { class: "alert is-bad", role: "alert" });
      alert.append(
        h("div", {}, h("b", {}, refusal.problem.title ?? say("noAnswer")), " ", refusal.told || say("offline")),
      );
      need("answer").replaceChildren(h("div", { class: "card-body" }, alert));
    }
    this.#isCalling = false;
    button?.classList.remove("htmx-request");
    button?.removeAttribute("aria-busy");
  }

  async #past(): Promise<void> {
    const menu = need("calls");
    if (!menu.matches(":popover-open")) return;
    menu.replaceChildren(...await askPiece(page.urls.run).catch(() => []));
  }

  #again(event: Event, menu: HTMLElement): void {
    const button = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-call]") : null;
    if (!button) return;
    const past = JSON.parse(button.dataset.call ?? "{}") as Past;
    const method = need<HTMLSelectElement>("run-method");
    if (![...method.options].some((option) => option.value === past.method)) {
      method.append(h("option", {}, past.method));
    }
    method.value = past.method;
    need<HTMLInputElement>("run-path").value = past.path;
    need<HTMLTextAreaElement>("run-body").value = past.body;
    fill("run-query", past.query);
    fill("run-headers", past.headers);
    menu.hidePopover();
    need("run-path").focus();
  }
}

function parameters(): HTMLInputElement[] {
  return [...document.querySelectorAll<HTMLInputElement>("[data-parameter]")];
}

function fields(id: string): HTMLInputElement[] {
  return [...need(id).querySelectorAll("input")];
}

function pairs(id: string): Pair[] {
  const values = fields(id).map((field) => field.value);
  const rows: Pair[] = [];
  for (let at = 0; at < values.length; at += 2) rows.push([values[at] ?? "", values[at + 1] ?? ""]);
  return rows.filter(([name]) => name.trim());
}

/** There is always an empty row to write into. */
function grow(id: string): void {
  const [name, value] = fields(id).slice(-2);
  if (!name || !value || name.value || value.value) append(id, "", "");
  const count = maybe(id.replace("run-", "") + "-count");
  if (!count) return;
  count.textContent = `${pairs(id).length}`;
  count.hidden = !pairs(id).length;
}

function fill(id: string, rows: Pair[]): void {
  need(id).replaceChildren();
  for (const [name, value] of rows) append(id, name, value);
  grow(id);
}

function append(id: string, name: string, value: string): void {
  const number = fields(id).length / 2 + 1;
  const isHeader = id === "run-headers";
  const field = (word: string, text: string, label = word) => {
    const input = h("input", { class: "mono", "aria-label": say(label, { number }), autocomplete: "off" });
    input.placeholder = say(word, { number: "" }).trim().toLowerCase();
    input.value = text;
    return input;
  };
  need(id).append(
    field("name", name, isHeader ? "header" : "name"),
    field("value", value, isHeader ? "headerValue" : "value"),
  );
}
