/** The files beside the editor: to open, add, rename, make the entry, delete. Folders are what slashes make. */

import { ask as askFirst } from "../imp/confirm.ts";
import { h, icon, maybe, need, page, redraw, say } from "./dom.ts";
import { ENDINGS, type Project } from "./project.ts";

interface Folder {
  folders: Map<string, Folder>;
  files: string[];
}

const SHAPE = /^[\w@()[\]+-][\w.@()[\]+-]*(\/[\w@()[\]+-][\w.@()[\]+-]*)*$/;

export class Tree {
  readonly #project: Project;
  readonly #troubled: (path: string) => number;
  readonly #write: () => void;
  readonly #closed = new Set<string>();
  #chosen = "";

  /** `troubled` tells how many errors a file has; `write` goes to the text of the one that is shown. */
  constructor(project: Project, troubled: (path: string) => number, write: () => void) {
    this.#project = project;
    this.#troubled = troubled;
    this.#write = write;
    const add = maybe("add-file");
    if (add) {
      add.hidden = false;
      add.addEventListener("click", () => this.#ask(""));
    }
    maybe("file-rename")?.addEventListener("click", () => this.#ask(this.#chosen));
    maybe("file-delete")?.addEventListener("click", () => this.#delete(this.#chosen));
    maybe("file-entry")?.addEventListener("click", () => {
      maybe("file-menu")?.hidePopover();
      project.enter(this.#chosen);
    });
    need("tree").addEventListener("keydown", (event) => this.#key(event));
    project.listen(() => this.draw());
    this.draw();
  }

  draw(): void {
    const root: Folder = { folders: new Map(), files: [] };
    for (const path of this.#project.paths) {
      const parts = path.split("/");
      let folder = root;
      for (const part of parts.slice(0, -1)) {
        if (!folder.folders.has(part)) folder.folders.set(part, { folders: new Map(), files: [] });
        folder = folder.folders.get(part) ?? folder;
      }
      folder.files.push(path);
    }
    redraw(need("tree"), ...this.#draw(root, ""));
  }

  #draw(folder: Folder, before: string): HTMLLIElement[] {
    const folders = [...folder.folders].map(([name, inside]) => {
      const path = `${before}${name}/`;
      const summary = h(
        "summary",
        { "data-key": path },
        icon("right"),
        icon("folder"),
        h("span", { class: "truncate" }, name),
      );
      const details = h("details", {}, summary, h("ul", {}, ...this.#draw(inside, path)));
      details.open = !this.#closed.has(path);
      details.addEventListener("toggle", () => this.#closed[details.open ? "delete" : "add"](path));
      return h("li", {}, details);
    });
    return [...folders, ...folder.files.map((path) => this.#file(path))];
  }

  #file(path: string): HTMLLIElement {
    const project = this.#project;
    const errors = this.#troubled(path);
    const note = errors
      ? h("span", { class: "end tiny" }, errors === 1 ? say("oneError") : say("errors", { count: errors }))
      : path === project.entrypoint
      ? h("span", { class: "end faint tiny" }, say("entry"))
      : null;
    const link = h(
      "a",
      {
        href: `#${path}`,
        class: errors ? "is-bad" : undefined,
        "aria-current": path === project.current ? "true" : undefined,
        "data-path": path,
        "data-key": path,
        click: (event) => {
          event.preventDefault();
          project.show(path);
        },
      },
      icon("file"),
      h("span", { class: "truncate" }, path.split("/").pop() ?? path),
      project.isChanged(path) && h("span", { class: "dot" }, h("span", { class: "sr-only" }, say("changed"))),
      note,
    );
    if (!page.may_save) return h("li", {}, link);
    const more = h(
      "button",
      {
        class: "copy",
        type: "button",
        "aria-label": say("actions", { file: path }),
        "data-key": `more ${path}`,
        click: (event) => this.#open(path, event),
      },
      icon("more"),
    );
    return h("li", { class: "tree-row" }, link, more);
  }

  #open(path: string, event: Event): void {
    this.#chosen = path;
    const entry = maybe<HTMLButtonElement>("file-entry");
    if (entry) entry.disabled = !this.#project.canEnter(path);
    maybe("file-menu")?.togglePopover({ source: event.currentTarget as HTMLElement });
  }

  #key(event: KeyboardEvent): void {
    const path = document.activeElement?.getAttribute("data-path");
    if (!path || !page.may_save) return;
    if (event.key === "F2") this.#ask(path);
    else if (event.key === "Delete") this.#delete(path);
    else return;
    event.preventDefault();
  }

  async #delete(path: string): Promise<void> {
    maybe("file-menu")?.hidePopover();
    const only = this.#project.paths.length < 2;
    const words = { title: say("deleteFile", { file: path }), verb: say("deleteVerb"), isDangerous: true };
    const isWanted = await askFirst({ ...words, text: say(only ? "lastFile" : "deleteText") });
    focusOn(path);
    if (isWanted && !only) this.#project.remove(path);
  }

  /** For a name: of a new file, or another one of this. */
  #ask(path: string): void {
    maybe("file-menu")?.hidePopover();
    const dialog = need<HTMLDialogElement>("file-dialog");
    const field = need<HTMLInputElement>("file-path");
    const error = need("file-error");
    need("file-title").textContent = path ? say("renameFile", { file: path }) : say("newFile");
    const go = dialog.querySelector<HTMLButtonElement>("[type=submit]");
    if (go) go.textContent = say(path ? "renameVerb" : "newFileVerb");
    const folder = this.#project.current.includes("/") ? this.#project.current.replace(/[^/]*$/, "") : "";
    field.value = path || folder;
    const refuse = (text: string) => {
      error.textContent = text;
      error.hidden = !text;
      field.toggleAttribute("aria-invalid", Boolean(text));
      if (text) field.setAttribute("aria-invalid", "true");
    };
    refuse("");
    // What opened it may be drawn anew by then
    let goOn = path ? () => focusOn(path) : () => {};
    dialog.onclose = () => goOn();
    dialog.querySelector("form")!.onsubmit = (event) => {
      const wanted = field.value.trim().replace(/^\.?\/+/, "");
      const refusal = wanted === path ? "" : this.#refusal(wanted);
      refuse(refusal);
      if (refusal) {
        event.preventDefault();
        field.focus();
        return;
      }
      if (wanted === path) return;
      if (path) this.#project.rename(path, wanted);
      else this.#project.add(wanted);
      goOn = path ? () => focusOn(wanted) : this.#write;
    };
    dialog.showModal();
    field.focus();
    // The name without its ending is what one changes
    field.setSelectionRange(field.value.lastIndexOf("/") + 1, path ? path.lastIndexOf(".") : field.value.length);
  }

  #refusal(path: string): string {
    if (!SHAPE.test(path) || path.includes("..") || !ENDINGS.some((ending) => path.endsWith(ending))) {
      return say("pathWrong", { endings: ENDINGS.join(", ") });
    }
    const taken = this.#project.paths.some((each) => each.toLowerCase() === path.toLowerCase());
    return taken ? say("pathTaken") : "";
  }
}

function focusOn(path: string): void {
  need("tree").querySelector<HTMLElement>(`a[data-path="${CSS.escape(path)}"]`)?.focus();
}

/** The tabs of the files that are open. */
export class Tabs {
  readonly #project: Project;
  readonly #troubled: (path: string) => number;

  constructor(project: Project, troubled: (path: string) => number) {
    this.#project = project;
    this.#troubled = troubled;
    need("filetabs").hidden = false;
    project.listen(() => this.draw());
    this.draw();
  }

  draw(): void {
    const project = this.#project;
    const tabs = project.open.map((path) => {
      const isBad = this.#troubled(path) > 0;
      const isChanged = project.isChanged(path);
      const link = h(
        "a",
        {
          href: `#${path}`,
          class: isBad ? "is-bad" : undefined,
          "aria-current": path === project.current ? "page" : undefined,
          "data-key": path,
          title: path,
          click: (event) => {
            event.preventDefault();
            project.show(path);
          },
        },
        path.split("/").pop() ?? path,
        isChanged &&
          h("span", { class: `dot${isBad ? " is-bad" : ""}` }, h("span", { class: "sr-only" }, say("changed"))),
      );
      const close = h(
        "button",
        {
          class: "copy",
          type: "button",
          "aria-label": say("close", { file: path }),
          "data-key": `close ${path}`,
          click: () => project.close(path),
        },
        icon("x"),
      );
      return h("span", { class: "filetab" }, link, project.open.length > 1 && close);
    });
    redraw(need("filetabs"), ...tabs);
    need("filetabs").querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
}
