/** How many lines a call may log, and a stage in a second: a flood harms nobody, and says what it left out. */
export const CALL_LINES = 1000;
export const CALL_CHARACTERS = 256 * 1024;
export const STAGE_LINES_A_SECOND = 500;
export const STAGE_LINES_AT_ONCE = 2000;
export const LINE_CHARACTERS = 8 * 1024;

/** Of one call. */
export interface Spent {
  lines: number;
  characters: number;
  leftOut: number;
}

export function nothingSpent(): Spent {
  return { lines: 0, characters: 0, leftOut: 0 };
}

export class Budget {
  /** Of the stage, since it was last said. */
  leftOut = 0;
  #left = STAGE_LINES_AT_ONCE;
  #at: number;

  constructor(readonly now: () => number = () => performance.now()) {
    this.#at = now();
  }

  /** Whether a line may be logged; else it's counted. */
  takes(characters: number, spent: Spent): boolean {
    if (spent.lines >= CALL_LINES || spent.characters + characters > CALL_CHARACTERS) {
      spent.leftOut++;
      return false;
    }
    const now = this.now();
    this.#left = Math.min(STAGE_LINES_AT_ONCE, this.#left + (now - this.#at) / 1000 * STAGE_LINES_A_SECOND);
    this.#at = now;
    if (this.#left < 1) {
      this.leftOut++;
      return false;
    }
    this.#left--;
    spent.lines++;
    spent.characters += characters;
    return true;
  }
}

export function shortened(text: string): string {
  return text.length > LINE_CHARACTERS
    ? `${text.slice(0, LINE_CHARACTERS)}… (${text.length.toLocaleString("en")} characters)`
    : text;
}
