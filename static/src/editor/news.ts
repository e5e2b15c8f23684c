/** What others do meanwhile: who edits it too, and who has saved. Heard by the event stream. */

import { showToast } from "../imp/toasts.ts";
import { h, later, need, page, say, type Standing } from "./dom.ts";
import type { Drafts } from "./drafts.ts";
import type { Project } from "./project.ts";
import type { Saving } from "./saving.ts";
import { askJson } from "./server.ts";

// After that somebody who said nothing more has stopped
const FORGOTTEN_AFTER = 95_000;
const GATHER = 60;

export class News {
  readonly #project: Project;
  readonly #saving: Saving;
  readonly #drafts: Drafts;
  #editors = page.editors;
  #overtakenBy: Standing | null = null;
  #asking = false;
  readonly #ask = later(() => void this.#hear(), GATHER);
  readonly #forget = later(() => void this.#hear(), FORGOTTEN_AFTER);

  constructor(project: Project, saving: Saving, drafts: Drafts) {
    this.#project = project;
    this.#saving = saving;
    this.#drafts = drafts;
    need("editor-live").addEventListener("live", () => this.#ask());
    if (project.base < saving.version) {
      this.#overtakenBy = page.standing;
      this.#ask();
    }
    project.listen((change) => {
      if (change === "saved") this.#overtakenBy = null;
      if (change === "saved") this.draw();
    });
    this.draw();
    if (this.#editors.length) this.#forget();
  }

  async #hear(): Promise<void> {
    if (this.#asking) return this.#ask();
    this.#asking = true;
    const asked = `?since=${this.#project.base}${this.#project.isDirty ? "" : "&files"}`;
    const told = await askJson<Standing>(page.urls.standing + asked).catch(() => null);
    this.#asking = false;
    if (!told) return;
    this.#editors = told.editors ?? [];
    if (this.#editors.length) this.#forget();
    if (told.version > this.#project.base) this.#overtaken(told);
    this.#saving.hear(told);
    this.draw();
  }

  #overtaken(told: Standing): void {
    const { saved, savedEntrypoint } = this.#project;
    // Only its settings or its name are other ones
    if (told.is_same && this.#project.isDirty) this.#project.settle(saved, savedEntrypoint, told.version);
    else if (told.files && !this.#project.isDirty) {
      this.#project.settle(told.files, told.entrypoint ?? "", told.version);
      this.#project.take(told.files, told.entrypoint ?? "", told.version);
      const name = told.saved_by;
      if (told.saved_by_id !== page.person) {
        showToast({ tone: "ok", title: say("updated", { name, version: told.version }) });
      }
    } else this.#overtakenBy = told;
  }

  /** Another window of one's own has another draft. */
  elsewhere(take: () => void, keep: () => void): void {
    const button = (words: string, press: () => void) => {
      const done = () => {
        press();
        this.draw();
      };
      return h("button", { class: "btn is-sm", type: "button", click: done }, say(words));
    };
    this.#show(say("draftElsewhere"), button("takeOther", take), button("keepThis", keep));
  }

  draw(): void {
    const saved = this.#overtakenBy;
    if (saved && saved.version > this.#project.base) {
      const isMine = saved.saved_by_id === page.person;
      const words = { name: saved.saved_by, version: saved.version };
      const link = h("a", { class: "btn is-sm", href: page.urls.conflict, click: (event) => void this.#leave(event) });
      link.textContent = say("seeDifference");
      this.#show(say(isMine ? "savedElsewhere" : "savedMeanwhile", words), page.may_save && link);
    } else if (this.#editors.length) {
      const names = this.#editors.join(", ");
      this.#show(say(this.#editors.length > 1 ? "areEditing" : "isEditing", { names }));
    } else need("notice").hidden = true;
  }

  /** The difference is shown of what the server has. */
  async #leave(event: Event): Promise<void> {
    event.preventDefault();
    await this.#drafts.flush();
    location.assign(page.urls.conflict);
  }

  #show(text: string, ...actions: (HTMLElement | false)[]): void {
    const notice = need("notice");
    const words = notice.querySelector("div");
    if (words && words.textContent !== text) words.replaceChildren(h("b", {}, text));
    notice.querySelector(".row")?.replaceChildren(...actions.filter((each): each is HTMLElement => Boolean(each)));
    notice.hidden = false;
  }
}
