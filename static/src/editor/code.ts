/** The editor in the middle: a model for each file, what the compiler found in it, and where the cursor stood. */

import { later, need, page, say } from "./dom.ts";
import { type Monaco, ROOT } from "./monaco.ts";
import type { Project } from "./project.ts";
import type { Finding } from "./server.ts";
import { followTheme } from "./theme.ts";

const OWNER = "compile";
const RECHECK_AFTER = 700;

export interface Mark {
  file: string;
  line: number;
  column: number;
  text: string;
  /** It keeps the function from going live; else the type check has a doubt. */
  isError: boolean;
}

export class Code {
  readonly #monaco: typeof Monaco;
  readonly #project: Project;
  readonly #editor: Monaco.editor.IStandaloneCodeEditor;
  readonly #views = new Map<string, Monaco.editor.ICodeEditorViewState | null>();
  #shown = "";
  #checks = 0;
  #isWriting = false;

  constructor(monaco: typeof Monaco, project: Project) {
    this.#monaco = monaco;
    this.#project = project;
    followTheme(monaco.editor);
    const style = getComputedStyle(document.documentElement);
    this.#editor = monaco.editor.create(need("editor"), {
      model: null,
      automaticLayout: true,
      // What takes in the letters: the newer way isn't known to screen readers and input methods everywhere
      editContext: false,
      fontFamily: style.getPropertyValue("--mono").trim(),
      fontSize: 13,
      lineHeight: 21,
      padding: { top: 10, bottom: 24 },
      minimap: { enabled: false },
      scrollBeyondLastLine: false,
      overviewRulerBorder: false,
      scrollbar: { verticalScrollbarSize: 10, horizontalScrollbarSize: 10, useShadows: false },
      hideCursorInOverviewRuler: true,
      renderFinalNewline: "on",
      fixedOverflowWidgets: true,
      lineNumbersMinChars: 3,
      tabSize: 2,
      insertSpaces: true,
      wordBasedSuggestions: "off",
      stickyScroll: { enabled: false },
      smoothScrolling: !matchMedia("(prefers-reduced-motion: reduce)").matches,
      readOnly: !page.may_save,
      readOnlyMessage: { value: say("readOnly") },
      "semanticHighlighting.enabled": true,
    });
    this.sync();
    const recheck = later(() => this.#recheck(), RECHECK_AFTER);
    project.listen((change) => {
      if (change === "text" || change === "files") recheck();
      if (change === "files" || change === "saved") this.sync();
      if (change === "view") this.#show();
    });
    this.#show();
  }

  /** A model for each file, with its text; those of files that are gone go. */
  sync(): void {
    const { editor } = this.#monaco;
    const wanted = new Set(this.#project.paths.map((path) => this.#uri(path).toString()));
    for (const model of editor.getModels()) {
      if (!wanted.has(model.uri.toString())) model.dispose();
    }
    for (const path of this.#project.paths) {
      const text = this.#project.files[path] ?? "";
      const model = editor.getModel(this.#uri(path));
      if (!model) this.#make(path, text);
      else if (model.getValue() !== text) {
        this.#isWriting = true;
        model.pushEditOperations([], [{ range: model.getFullModelRange(), text }], () => null);
        this.#isWriting = false;
      }
    }
    this.#show();
  }

  /** What one file says of another: the editor looks again only at what is typed in, or when declarations come. */
  #recheck(): void {
    const { typescript } = this.#monaco;
    for (const defaults of [typescript.typescriptDefaults, typescript.javascriptDefaults]) {
      defaults.addExtraLib(`// ${++this.#checks}`, `file://${ROOT}node_modules/recheck.d.ts`);
    }
  }

  #make(path: string, text: string): void {
    const model = this.#monaco.editor.createModel(text, undefined, this.#uri(path));
    model.setEOL(this.#monaco.editor.EndOfLineSequence.LF);
    model.onDidChangeContent(() => {
      if (!this.#isWriting) this.#project.write(path, model.getValue());
    });
  }

  #show(): void {
    const path = this.#project.current;
    const model = this.#monaco.editor.getModel(this.#uri(path));
    if (!model || this.#editor.getModel() === model) return;
    if (this.#shown) this.#views.set(this.#shown, this.#editor.saveViewState());
    this.#shown = path;
    this.#editor.setModel(model);
    const view = this.#views.get(path);
    if (view) this.#editor.restoreViewState(view);
    this.#editor.updateOptions({ ariaLabel: say("editorLabel", { file: path }) });
  }

  focus(): void {
    this.#editor.focus();
  }

  reveal(file: string, line: number, column: number): void {
    this.#project.show(file);
    this.#editor.setPosition({ lineNumber: line, column });
    this.#editor.revealPositionInCenter({ lineNumber: line, column });
    this.#editor.focus();
  }

  /** Squiggles where the compiler stopped. They move with the text until the next save. */
  mark(findings: Finding[]): void {
    const { editor, MarkerSeverity } = this.#monaco;
    for (const path of this.#project.paths) {
      const model = editor.getModel(this.#uri(path));
      if (!model) continue;
      const here = findings.filter((each) => each.file === path).map((each) => ({
        severity: MarkerSeverity.Error,
        message: each.text,
        source: OWNER,
        startLineNumber: Math.max(each.line, 1),
        startColumn: Math.max(each.column, 1),
        endLineNumber: Math.max(each.line, 1),
        endColumn: Math.max(each.column, 1) + Math.max(each.length, 1),
      }));
      editor.setModelMarkers(model, OWNER, here);
    }
  }

  /** What there is to mend, file by file: first what keeps it from going live. */
  marks(): Mark[] {
    const { editor, MarkerSeverity } = this.#monaco;
    const found = editor.getModelMarkers({})
      .filter((each) => each.severity >= MarkerSeverity.Warning)
      .map((each) => ({
        file: each.resource.path.slice(ROOT.length),
        line: each.startLineNumber,
        column: each.startColumn,
        text: each.message,
        isError: each.owner === OWNER,
      }));
    const stopped = new Set(found.filter((each) => each.isError).map((each) => `${each.file}:${each.line}`));
    return found
      .filter((each) => each.file in this.#project.files)
      .filter((each) => each.isError || !stopped.has(`${each.file}:${each.line}`))
      .sort((a, b) => Number(b.isError) - Number(a.isError) || a.file.localeCompare(b.file) || a.line - b.line);
  }

  onMarks(listener: () => void): void {
    this.#monaco.editor.onDidChangeMarkers(listener);
  }

  #uri(path: string): Monaco.Uri {
    return this.#monaco.Uri.from({ scheme: "file", path: ROOT + path });
  }
}
