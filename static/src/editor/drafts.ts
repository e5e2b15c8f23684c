/** What isn't saved is kept: in this browser as it's typed, and with the server a moment later. */

import { showToast } from "../imp/toasts.ts";
import { type KeptDraft, later, page, say } from "./dom.ts";
import type { Project } from "./project.ts";
import { ask, askJson, Refused } from "./server.ts";

interface Content {
  files: Record<string, string>;
  entrypoint: string;
  base_version: number;
}

interface Local extends Content {
  at: number;
  /** On its way when this was written: the server may have it or not. */
  sent?: Content;
}

const KEY = `imp-draft:${page.person}:${page.id}`;
const LOCAL_AFTER = 150;
const SERVER_AFTER = 900;
const RETRY = 5_000;
// A request of a page that is being left carries no more
const MOST_LEAVING = 60_000;

export class Drafts {
  readonly #project: Project;
  readonly #told: () => void;
  readonly #onElsewhere: (draft: KeptDraft) => void;
  #revision = page.draft?.revision ?? 0;
  #sending: Promise<boolean> | null = null;
  #isStopped = false;
  #sent: Content | undefined;
  /** What this browser may have sent without hearing of it, such as when its page was left. */
  #own: Content[] = [];
  /** Whether the server has what is here. */
  isKept = true;
  readonly #toBrowser = later(() => this.#keepHere(), LOCAL_AFTER);
  readonly #toServer = later(() => void this.flush(), SERVER_AFTER);

  constructor(project: Project, told: () => void, onElsewhere: (draft: KeptDraft) => void) {
    this.#project = project;
    this.#told = told;
    this.#onElsewhere = onElsewhere;
    if (!page.may_save) return;
    project.listen((change) => {
      if (change === "text" || change === "files") this.#changed();
    });
    globalThis.addEventListener("pagehide", () => this.#leave());
    globalThis.addEventListener("online", () => void this.flush());
  }

  /** At the start: the newer one of what the server and this browser have. */
  restore(): void {
    const local = this.#local();
    const kept = page.draft;
    if (local) this.#own = local.sent ? [local, local.sent] : [local];
    const newer = local && (!kept || local.at > kept.at) ? local : kept;
    if (local && newer !== local) forget();
    if (!newer || !page.may_save) return;
    if (isSame(newer, this.#content())) {
      forget();
      return;
    }
    this.#project.take(newer.files, newer.entrypoint, newer.base_version);
    this.isKept = newer === kept;
    if (newer === local) this.#toServer();
    else forget();
    showToast({ tone: "ok", title: say("draftRestored"), text: say("draftRestoredText") });
  }

  #changed(): void {
    if (!this.#project.isDirty && !this.#revision) {
      forget();
      this.#toBrowser.drop();
      this.#toServer.drop();
      return;
    }
    this.isKept = false;
    this.#toBrowser();
    if (!this.#isStopped) this.#toServer();
  }

  /** Sends what isn't sent yet; false where the server couldn't be told. */
  async flush(): Promise<boolean> {
    this.#toServer.drop();
    this.#toBrowser.now();
    if (this.#sending) await this.#sending;
    if (this.isKept || this.#isStopped) return this.isKept;
    this.#sending = this.#send();
    const done = await this.#sending;
    this.#sending = null;
    this.#told();
    return done;
  }

  async #send(): Promise<boolean> {
    const sent = this.#sent = this.#content();
    this.#own = [...this.#own.slice(-2), sent];
    try {
      if (!this.#project.isDirty) {
        await ask(page.urls.draft, { method: "DELETE" });
        this.#revision = 0;
      } else {
        const body = { ...sent, revision: this.#revision };
        const answer = await askJson<{ revision: number }>(page.urls.draft, { method: "POST", body });
        this.#revision = answer.revision;
      }
    } catch (refusal) {
      if (this.#knows(refusal)) return this.#send();
      this.#refused(refusal);
      return false;
    }
    this.isKept = JSON.stringify(sent) === JSON.stringify(this.#content());
    if (this.isKept) forget();
    else this.#toServer();
    return this.isKept;
  }

  /** What the server has instead is of this browser's own: no other window wrote it. */
  #knows(refusal: unknown): boolean {
    const draft = refusal instanceof Refused && refusal.slug === "stale-draft" && refusal.problem.draft;
    if (!draft || !this.#own.some((each) => isSame(each, draft))) return false;
    this.#revision = draft.revision;
    return true;
  }

  #refused(refusal: unknown): void {
    if (!(refusal instanceof Refused)) throw refusal;
    if (refusal.slug === "stale-draft") {
      this.#isStopped = true;
      const { draft } = refusal.problem;
      if (draft) this.#onElsewhere({ ...draft, at: Date.now() });
      else this.again(0);
    } else if (refusal.status === 0 || refusal.status >= 500) setTimeout(() => this.#toServer(), RETRY);
  }

  /** Before a save: what is on its way arrives first, and nothing follows. */
  async hold(): Promise<void> {
    this.#toServer.drop();
    if (this.#sending) await this.#sending;
    this.#toServer.drop();
  }

  /** After another window's draft was seen: this one counts from here on. */
  again(revision: number): void {
    this.#revision = revision;
    this.#isStopped = false;
    this.isKept = false;
    this.#toServer();
  }

  /** What was a draft is saved, or thrown away. */
  forget(): void {
    this.#revision = 0;
    this.#toServer.drop();
    this.#toBrowser.drop();
    this.isKept = true;
    forget();
    if (this.#project.isDirty) this.#changed();
  }

  async discard(): Promise<void> {
    if (this.#sending) await this.#sending;
    this.forget();
    await ask(page.urls.draft, { method: "DELETE" }).catch(() => undefined);
  }

  #leave(): void {
    this.#toBrowser.now();
    if (this.isKept || this.#isStopped || !this.#project.isDirty) return;
    const body = { ...this.#content(), revision: this.#revision };
    if (JSON.stringify(body).length > MOST_LEAVING) return;
    void ask(page.urls.draft, { method: "POST", body, leaving: true }).catch(() => undefined);
  }

  #content(): Content {
    const { files, entrypoint, base } = this.#project;
    return { files: { ...files }, entrypoint, base_version: base };
  }

  #keepHere(): void {
    const local: Local = { ...this.#content(), at: Date.now(), sent: this.#sending ? this.#sent : undefined };
    try {
      if (this.#project.isDirty) localStorage.setItem(KEY, JSON.stringify(local));
      else forget();
    } catch {
      // A full or forbidden store: the server keeps it a moment later
    }
  }

  #local(): Local | null {
    try {
      return JSON.parse(localStorage.getItem(KEY) ?? "null") as Local | null;
    } catch {
      return null;
    }
  }
}

function forget(): void {
  try {
    localStorage.removeItem(KEY);
  } catch {
    // Where nothing may be stored, nothing is
  }
}

/** Whatever they were begun from. */
function isSame(one: Omit<Content, "base_version">, other: Omit<Content, "base_version">): boolean {
  const paths = new Set([...Object.keys(one.files), ...Object.keys(other.files)]);
  return one.entrypoint === other.entrypoint && [...paths].every((path) => one.files[path] === other.files[path]);
}
