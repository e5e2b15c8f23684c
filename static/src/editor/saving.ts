/** The bar below the editor: saves, and says whether what was saved is live. */

import { ask as askFirst } from "../imp/confirm.ts";
import type { Code } from "./code.ts";
import { type Bar, h, icon, maybe, need, page, say, type Standing } from "./dom.ts";
import type { Drafts } from "./drafts.ts";
import type { Project } from "./project.ts";
import { askJson, type Finding, Refused } from "./server.ts";

// The event stream tells of it sooner; this is for when it's away
const LOOK_AGAIN = 2_000;
const LOOKS = 30;

export class Saving {
  readonly #project: Project;
  readonly #code: Code;
  readonly #drafts: Drafts;
  #standing = page.standing;
  #refusal: Bar | null = null;
  #isSaving = false;
  #looks = 0;

  constructor(project: Project, code: Code, drafts: Drafts) {
    this.#project = project;
    this.#code = code;
    this.#drafts = drafts;
    const actions = maybe("save-actions");
    if (actions) actions.hidden = false;
    this.#press("save", () => this.save());
    this.#press("undo", () => this.undo());
    project.listen((change) => {
      if (change === "text" || change === "files") this.#refusal = null;
      // What is saved did compile
      if (!project.isDirty) code.mark([]);
      this.draw();
    });
    this.draw();
    this.#lookAgain();
  }

  /** The button rests or goes with it, and the focus with the button: by the keyboard, one is in the code again. */
  #press(id: string, act: () => Promise<void>): void {
    maybe(id)?.addEventListener("click", async (event) => {
      await act();
      if (event.detail === 0) this.#code.focus();
    });
  }

  get version(): number {
    return this.#standing.version;
  }

  async save(): Promise<void> {
    if (!page.may_save || this.#isSaving || !this.#project.isDirty) return;
    const { entrypoint, base } = this.#project;
    const files = { ...this.#project.files };
    this.#isSaving = true;
    this.draw();
    await this.#drafts.hold();
    try {
      const body = { files, entrypoint, base_version: base };
      this.#standing = await askJson<Standing>(page.urls.save, { method: "POST", body });
      this.#refusal = null;
      this.#code.mark([]);
      this.#project.settle(files, entrypoint, this.#standing.version);
      this.#drafts.forget();
    } catch (refusal) {
      await this.#refused(refusal);
    }
    this.#isSaving = false;
    this.draw();
    this.#looks = 0;
    this.#lookAgain();
  }

  async #refused(refusal: unknown): Promise<void> {
    if (!(refusal instanceof Refused)) throw refusal;
    if (refusal.slug === "stale-save") {
      await this.#drafts.flush();
      location.assign(page.urls.conflict);
      return;
    }
    const findings = refusal.problem.findings ?? [];
    this.#code.mark(findings);
    const bar = { tone: "bad", icon: "error", is_settled: true };
    if (findings.length) this.#refusal = { ...bar, title: titleOf(findings), detail: this.#keepsServing() };
    else this.#refusal = { ...bar, title: say("notSaved"), detail: refusal.told || say("offline") };
  }

  #keepsServing(): string {
    return say("keepsServing", { version: this.#standing.version });
  }

  async undo(): Promise<void> {
    const words = { title: say("undoTitle"), verb: say("undoVerb"), isDangerous: true };
    if (!(await askFirst({ ...words, text: say("undoText", { version: this.#project.base }) }))) return;
    if (this.#project.base !== this.#standing.version) {
      await this.#drafts.discard();
      location.reload();
      return;
    }
    this.#code.mark([]);
    this.#project.take(this.#project.saved, this.#project.savedEntrypoint, this.#standing.version);
    await this.#drafts.discard();
    this.draw();
  }

  /** News of what is live, of a save that somebody else may have made. */
  hear(standing: Standing): void {
    const { version, bar } = this.#standing;
    // Where the time went is told by the answer to the save alone
    const isKnown = version === standing.version && bar.tone === standing.bar.tone && bar.detail;
    this.#standing = isKnown ? { ...standing, bar } : standing;
    this.draw();
    this.#lookAgain();
  }

  #lookAgain(): void {
    if (this.#standing.bar.is_settled || this.#looks++ > LOOKS) return;
    setTimeout(async () => {
      if (this.#standing.bar.is_settled || document.hidden) return;
      const found = await askJson<Standing>(page.urls.standing).catch(() => null);
      if (found && found.version === this.#standing.version) this.hear(found);
      else this.#lookAgain();
    }, LOOK_AGAIN);
  }

  draw(): void {
    const bar = this.#bar();
    const element = need("savebar");
    element.className = `savebar${bar.tone === "bad" ? " is-bad" : ""}`;
    const [first, second] = element.querySelectorAll<HTMLElement>(":scope > span");
    const isBusy = bar.tone === "busy";
    const symbol = isBusy ? h("span", { class: "spinner", "aria-hidden": "true" }) : icon(bar.icon);
    // The same words again would be read out again
    if (first && first.textContent !== bar.title) first.replaceChildren(symbol, h("b", {}, bar.title));
    if (second && second.textContent !== bar.detail) second.textContent = bar.detail;
    const version = maybe("version");
    if (version) version.textContent = `v${this.#standing.version}`;
    const save = maybe<HTMLButtonElement>("save");
    const undo = maybe<HTMLButtonElement>("undo");
    if (!save || !undo) return;
    const isDirty = this.#project.isDirty;
    save.disabled = !isDirty || this.#isSaving;
    save.classList.toggle("is-primary", isDirty);
    const word = save.querySelector("span");
    if (word) word.textContent = say(this.#isSaving ? "saving" : isDirty ? "save" : "saved");
    undo.hidden = !isDirty || this.#isSaving;
  }

  #bar(): Bar {
    if (this.#isSaving) return { tone: "busy", icon: "clock", title: say("saving"), detail: "", is_settled: false };
    if (this.#refusal) return this.#refusal;
    if (this.#project.isDirty && page.may_save) {
      const detail = say(this.#drafts.isKept ? "draftKept" : "draftHere");
      return { tone: "idle", icon: "edit", title: say("unsaved"), detail, is_settled: true };
    }
    return this.#standing.bar;
  }
}

function titleOf(findings: Finding[]): string {
  const [first] = findings;
  if (findings.length === 1 && first?.file) return say("notLiveOne", { file: first.file });
  return say("notLive", { count: findings.length });
}
