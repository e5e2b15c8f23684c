/** The function's files as they are in the editor, beside how they were saved. */

import { page } from "./dom.ts";

export type Files = Record<string, string>;
export const ENDINGS = [".ts", ".tsx", ".mts", ".js", ".jsx", ".mjs", ".json", ".txt"];
const CODE = /\.(ts|tsx|mts|js|jsx|mjs)$/;

export type Change = "text" | "files" | "view" | "saved";

export class Project {
  files: Files;
  saved: Files;
  entrypoint: string;
  savedEntrypoint: string;
  /** The version that what is here was begun from. */
  base: number;
  current: string;
  open: string[];
  #listeners: ((change: Change, path: string) => void)[] = [];

  constructor() {
    this.saved = { ...page.files };
    this.files = { ...page.files };
    this.entrypoint = this.savedEntrypoint = page.entrypoint;
    this.base = page.standing.version;
    this.current = page.entrypoint;
    this.open = [this.current];
  }

  listen(listener: (change: Change, path: string) => void): void {
    this.#listeners.push(listener);
  }

  #tell(change: Change, path = ""): void {
    for (const listener of this.#listeners) listener(change, path);
  }

  get paths(): string[] {
    return Object.keys(this.files).sort();
  }

  get isDirty(): boolean {
    const paths = new Set([...Object.keys(this.files), ...Object.keys(this.saved)]);
    return this.entrypoint !== this.savedEntrypoint || [...paths].some((path) => this.isChanged(path));
  }

  isChanged(path: string): boolean {
    return this.files[path] !== this.saved[path];
  }

  write(path: string, text: string): void {
    if (this.files[path] === text) return;
    this.files[path] = text;
    this.#tell("text", path);
  }

  show(path: string): void {
    if (!(path in this.files)) return;
    if (!this.open.includes(path)) this.open.push(path);
    this.current = path;
    this.#tell("view", path);
  }

  close(path: string): void {
    if (this.open.length < 2) return;
    const at = this.open.indexOf(path);
    this.open = this.open.filter((each) => each !== path);
    if (this.current === path) this.current = this.open[Math.min(at, this.open.length - 1)] ?? this.entrypoint;
    this.#tell("view", this.current);
  }

  add(path: string, text = ""): void {
    this.files[path] = text;
    this.#tell("files", path);
    this.show(path);
  }

  rename(before: string, after: string): void {
    const text = this.files[before] ?? "";
    delete this.files[before];
    this.files[after] = text;
    if (this.entrypoint === before) this.entrypoint = after;
    this.open = this.open.map((path) => path === before ? after : path);
    if (this.current === before) this.current = after;
    this.#tell("files", after);
    this.#tell("view", this.current);
  }

  remove(path: string): void {
    delete this.files[path];
    this.open = this.open.filter((each) => each !== path);
    if (this.entrypoint === path) this.entrypoint = this.paths.find((each) => CODE.test(each)) ?? "";
    if (this.current === path) this.current = this.open[0] ?? (this.entrypoint || this.paths[0] || "");
    if (!this.open.includes(this.current)) this.open.push(this.current);
    this.#tell("files", path);
    this.#tell("view", this.current);
  }

  enter(path: string): void {
    this.entrypoint = path;
    this.#tell("files", path);
  }

  canEnter(path: string): boolean {
    return CODE.test(path) && path !== this.entrypoint;
  }

  /** Puts other files in place, such as a draft's. */
  take(files: Files, entrypoint: string, base: number): void {
    this.files = { ...files };
    this.entrypoint = entrypoint in files ? entrypoint : Object.keys(files)[0] ?? "";
    this.base = base;
    this.open = this.open.filter((path) => path in files);
    if (!(this.current in files)) this.current = this.entrypoint;
    if (!this.open.includes(this.current)) this.open.push(this.current);
    this.#tell("files");
    this.#tell("view", this.current);
  }

  /** What was sent is what is saved now; what was typed meanwhile stays a change. */
  settle(files: Files, entrypoint: string, version: number): void {
    this.saved = { ...files };
    this.savedEntrypoint = entrypoint;
    this.base = version;
    this.#tell("saved");
  }
}
