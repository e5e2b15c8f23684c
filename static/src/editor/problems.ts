/** The list below the editor: each entry leads to its line. */

import type { Code, Mark } from "./code.ts";
import { h, icon, need, redraw, say } from "./dom.ts";

const MOST = 50;

export class Problems {
  readonly #code: Code;
  marks: Mark[] = [];

  constructor(code: Code, changed: () => void) {
    this.#code = code;
    code.onMarks(() => {
      this.draw();
      changed();
    });
    this.draw();
  }

  errorsIn(path: string): number {
    return this.marks.filter((mark) => mark.isError && mark.file === path).length;
  }

  draw(): void {
    this.marks = this.#code.marks();
    const errors = this.marks.filter((mark) => mark.isError).length;
    const hints = this.marks.length - errors;
    need("problems").hidden = !this.marks.length;
    need("problem-count").replaceChildren(
      ...[
        errors &&
        h("span", { class: "badge is-bad" }, errors === 1 ? say("oneError") : say("errors", { count: errors })),
        hints && h("span", { class: "badge" }, hints === 1 ? say("oneHint") : say("hints", { count: hints })),
      ].filter((each): each is HTMLSpanElement => Boolean(each)),
    );
    redraw(need("problem-list"), ...this.marks.slice(0, MOST).map((mark) => this.#entry(mark)));
  }

  #entry(mark: Mark): HTMLAnchorElement {
    const { file, line, column } = mark;
    const symbol = mark.isError ? icon("error", "is-bad", say("error")) : icon("info", "", say("hint"));
    const go = (event: Event) => {
      event.preventDefault();
      this.#code.reveal(file, line, column);
    };
    return h(
      "a",
      { href: `#${file}:${line}`, "data-key": `${file}:${line}:${column} ${mark.text}`, click: go },
      symbol,
      h("span", { class: "grow" }, mark.text, h("small", {}, say("place", { file, line, column }))),
      h("span", { class: "small hide-small" }, say("goToLine")),
    );
  }
}
