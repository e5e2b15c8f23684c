/** How functions are named here: a draft is `~`, its id, and the function's own name. */

/** Reached by a run alone, never by its path. */
export function isDraft(name: string): boolean {
  return name.startsWith("~");
}

/** As people call it, and as its path has it; a draft is called as the function that it's of. */
export function baseNameOf(name: string): string {
  return isDraft(name) ? name.slice(name.indexOf("/") + 1) : name;
}
