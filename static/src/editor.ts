/** The page on which a function is written. What it adds to the server's page: the editor, and all that follows. */

import { Code } from "./editor/code.ts";
import { declareData } from "./editor/data.ts";
import { maybe, need, say } from "./editor/dom.ts";
import { Drafts } from "./editor/drafts.ts";
import { loadMonaco } from "./editor/monaco.ts";
import { News } from "./editor/news.ts";
import { Problems } from "./editor/problems.ts";
import { Project } from "./editor/project.ts";
import { Run } from "./editor/run.ts";
import { Saving } from "./editor/saving.ts";
import { Tabs, Tree } from "./editor/tree.ts";
import { openModal } from "./imp/dom.ts";
import { showToast } from "./imp/toasts.ts";

async function start(): Promise<void> {
  const project = new Project();
  const monaco = await loadMonaco();
  need("editor").hidden = false;
  maybe("plain")?.remove();
  declareData(monaco, project);
  const code = new Code(monaco, project);
  const drafts = new Drafts(project, () => saving.draw(), (draft) => {
    const take = () => {
      project.take(draft.files, draft.entrypoint, draft.base_version);
      drafts.again(draft.revision);
    };
    news.elsewhere(take, () => drafts.again(draft.revision));
  });
  drafts.restore();
  const saving = new Saving(project, code, drafts);
  const news = new News(project, saving, drafts);
  const panes: { draw(): void }[] = [];
  const problems = new Problems(code, () => panes.forEach((pane) => pane.draw()));
  const troubled = (path: string) => problems.errorsIn(path);
  panes.push(new Tree(project, troubled, () => code.focus()), new Tabs(project, troubled));
  const run = new Run(project, code, drafts);
  listenToKeys(saving, run);
  code.focus();
  document.documentElement.dataset.editor = "ready";
}

/** Before the editor's own keys, wherever the focus is. */
function listenToKeys(saving: Saving, run: Run): void {
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.isComposing || openModal()) return;
    // Which key it is, also while Korean is typed
    const isSave = event.code === "KeyS" && !event.shiftKey;
    if (!isSave && event.key !== "Enter") return;
    event.preventDefault();
    event.stopPropagation();
    if (event.repeat) return;
    if (isSave) void saving.save();
    else void run.call();
  }, { capture: true });
}

start().catch((reason) => {
  console.error(reason);
  showToast({ tone: "bad", title: say("notLoaded") });
});
