/** Questions before something happens, in our own dialog: hx-confirm on what HTMX sends, data-confirm on plain forms. */

import { find, on, onCustom } from "./dom.ts";

interface Question {
  title: string;
  text: string;
  verb: string;
  isDangerous?: boolean;
}

interface ConfirmDetail {
  question: string | null;
  elt: HTMLElement;
  triggeringEvent?: Event;
  issueRequest(skipConfirmation: boolean): void;
}

const agreed = new WeakSet<HTMLFormElement>();

export function ask(question: Question): Promise<boolean> {
  const dialog = find<HTMLDialogElement>("confirm");
  const title = dialog?.querySelector("h2");
  const text = dialog?.querySelector("p");
  const go = dialog?.querySelector<HTMLElement>("[value=go]");
  if (!dialog || !title || !text || !go) return Promise.resolve(globalThis.confirm(question.text));
  title.textContent = question.title;
  text.textContent = question.text;
  go.textContent = question.verb;
  go.classList.toggle("is-danger", question.isDangerous ?? false);
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((answer) => {
    dialog.addEventListener("close", () => answer(dialog.returnValue === "go"), { once: true });
  });
}

/** `unsaved` is the question before work is thrown away; its words stand in the dialog's markup. */
export function askToLeave(): Promise<boolean> {
  const words = (selector: string) => find("confirm")?.querySelector<HTMLElement>(selector)?.dataset.unsaved ?? "";
  return ask({ title: words("h2"), text: words("p"), verb: words("[value=go]"), isDangerous: true });
}

/** An element's own words: data-confirm-title, data-confirm-verb, data-confirm-tone="danger". */
function questionOf(element: HTMLElement, text: string): Question {
  const dialog = find("confirm");
  return {
    title: element.dataset.confirmTitle ?? dialog?.querySelector("h2")?.dataset.title ?? "",
    text,
    verb: element.dataset.confirmVerb ?? dialog?.querySelector<HTMLElement>("[value=go]")?.dataset.go ?? "",
    isDangerous: element.dataset.confirmTone === "danger",
  };
}

/** The rows that are ticked, as people call them. */
function chosenNames(): string {
  const boxes = document.querySelectorAll<HTMLInputElement>("input[name=selected][data-name]:checked");
  return [...boxes].map((box) => box.dataset.name).join(", ");
}

export function startConfirm(): void {
  onCustom<ConfirmDetail>("htmx:confirm", async (detail, event) => {
    // HTMX looks at the form; of several buttons in one, each may have a question of its own
    const submitter = detail.triggeringEvent instanceof SubmitEvent ? detail.triggeringEvent.submitter : null;
    const asker = submitter?.hasAttribute("hx-confirm") ? submitter : detail.elt;
    const text = asker.getAttribute("hx-confirm") ?? detail.question;
    if (!text) return;
    event.preventDefault();
    if (await ask(questionOf(asker, text.replace("{names}", chosenNames())))) detail.issueRequest(true);
  });
  on("submit", "form[data-confirm]", async (element, event) => {
    const form = element as HTMLFormElement;
    if (agreed.delete(form) || event.defaultPrevented) return;
    event.preventDefault();
    const submitter = event.submitter;
    if (!(await ask(questionOf(form, form.dataset.confirm ?? "")))) return;
    agreed.add(form);
    form.requestSubmit(submitter);
  });
}
