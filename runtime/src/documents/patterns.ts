/**
 * Regular expressions as MongoDB takes them, said in PostgreSQL's words.
 *
 * PostgreSQL's engine is the one that runs them: it can be stopped, and most of what makes others endless doesn't make
 * it. What both mean alike is translated, all else is refused.
 */
import { badQuery, unsupported } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import { takenText } from "./values.ts";

const CLASSES: Record<string, string> = { d: "0-9", w: "A-Za-z0-9_", s: " \\t\\n\\r\\f\\v" };
const CONTROLS: Record<string, string> = { t: "\\t", n: "\\n", r: "\\r", f: "\\f", v: "\\v" };
const GREATEST_COUNT = 255;

export interface Pattern {
  source: string;
  flags: string;
  /** What `~` takes, with the collation "C". */
  posix: string;
}

export function patternOf(source: unknown, flags: unknown = ""): Pattern {
  if (typeof source !== "string") badQuery("$regex takes a pattern as text, or a regular expression.");
  if (typeof flags !== "string") badQuery("$options takes letters as text, such as i.");
  if (source.length > LIMITS.patternLength) badQuery(`A pattern has at most ${LIMITS.patternLength} characters.`);
  takenText(source, "The pattern");
  const unknown = [...flags].find((flag) => !"ims".includes(flag));
  if (unknown) unsupported(`The option ${unknown} of $regex isn't supported; i, m and s are.`);
  return { source, flags, posix: new Translation(source, flags).whole() };
}

class Translation {
  #at = 0;
  #depth = 0;
  readonly #folds: boolean;
  readonly #manyLines: boolean;
  readonly #dotTakesAll: boolean;

  constructor(readonly source: string, flags: string) {
    this.#folds = flags.includes("i");
    this.#manyLines = flags.includes("m");
    this.#dotTakesAll = flags.includes("s");
  }

  whole(): string {
    const translated = this.#alternatives();
    if (this.#at < this.source.length) badQuery(`The pattern has a ) at ${this.#at} that closes nothing.`);
    return `(?${this.#folds ? "i" : "c"})${translated}`;
  }

  #alternatives(): string {
    const found = [this.#sequence()];
    while (this.#take("|")) found.push(this.#sequence());
    // An empty branch matches, which PostgreSQL wants to see spelled
    return found.map((each) => each || "(?:)").join("|");
  }

  #sequence(): string {
    let found = "";
    while (this.#at < this.source.length && !"|)".includes(this.source[this.#at] as string)) {
      const isAnchor = "^$".includes(this.source[this.#at] as string) || this.source.startsWith("(?", this.#at) &&
          !this.source.startsWith("(?:", this.#at);
      const one = this.#one();
      const count = this.#count();
      if (count && isAnchor) unsupported("A repeated anchor or lookaround isn't supported in a pattern.");
      found += one + count;
    }
    return found;
  }

  #one(): string {
    const character = this.#next();
    switch (character) {
      case "(":
        return this.#group();
      case "[":
        return this.#set();
      case "\\":
        return this.#escape();
      case ".":
        return this.#dotTakesAll ? "(?:.|\\n)" : "[^\\n]";
      case "^":
        return this.#manyLines ? "(?:^|(?<=\\n))" : "^";
      case "$":
        return this.#manyLines ? "(?=\\n|$)" : "(?=\\n?$)";
      case "*":
      case "+":
      case "?":
        return badQuery(`The pattern repeats nothing with ${character} at ${this.#at - 1}.`);
      default:
        return this.#literal(character);
    }
  }

  #group(): string {
    if (++this.#depth > 20) unsupported("A pattern nests at most 20 groups.");
    let opening = "(?:";
    if (this.#take("?")) {
      if (this.#take(":")) opening = "(?:";
      else if (this.#take("=")) opening = "(?=";
      else if (this.#take("!")) opening = "(?!";
      else unsupported("Of groups beginning with (? the kinds (?: (?= and (?! are supported in a pattern.");
    }
    const inner = this.#alternatives();
    if (!this.#take(")")) badQuery("The pattern has a ( that isn't closed.");
    this.#depth--;
    return `${opening}${inner})`;
  }

  #count(): string {
    const start = this.#at;
    let count = "";
    const sign = this.source[this.#at];
    if (sign !== undefined && "*+?".includes(sign)) {
      this.#at++;
      count = sign;
    } else {
      const braces = /^\{(\d{1,4})(,(\d{0,4}))?\}/.exec(this.source.slice(this.#at));
      if (!braces) return "";
      this.#at += braces[0].length;
      const [least, most] = [Number(braces[1]), braces[3] ? Number(braces[3]) : Number(braces[1])];
      if (Math.max(least, most) > GREATEST_COUNT) unsupported(`A pattern repeats at most ${GREATEST_COUNT} times.`);
      if (most < least) badQuery("The pattern has a count whose end is before its beginning.");
      count = braces[0];
    }
    if (this.#take("+")) unsupported("Possessive repetition isn't supported in a pattern.");
    // Whether it takes little or much first doesn't change whether there is a match
    this.#take("?");
    const more = this.source[this.#at];
    if (more !== undefined && "*+?".includes(more)) badQuery(`The pattern repeats a repetition at ${start}.`);
    return count;
  }

  #escape(): string {
    const letter = this.#next("The pattern ends with a \\.");
    const lower = letter.toLowerCase();
    if (lower in CLASSES) return letter === lower ? `[${CLASSES[lower]}]` : `[^${CLASSES[lower]}]`;
    if (letter in CONTROLS) return CONTROLS[letter] as string;
    if (letter === "u" || letter === "x") return this.#literal(this.#code(letter));
    if (/[A-Za-z0-9]/.test(letter)) unsupported(`\\${letter} isn't supported in a pattern.`);
    return this.#literal(letter);
  }

  #code(letter: string): string {
    const digits = letter === "u" ? 4 : 2;
    const code = this.source.slice(this.#at, this.#at + digits);
    if (!/^[0-9a-f]+$/i.test(code) || code.length < digits) {
      badQuery(`\\${letter} takes ${digits} hexadecimal digits in a pattern.`);
    }
    this.#at += digits;
    return takenText(String.fromCharCode(parseInt(code, 16)), "The pattern");
  }

  #set(): string {
    let inner = this.#take("^") ? "^" : "";
    let isFirst = true;
    while (isFirst || this.source[this.#at] !== "]") {
      const low = this.#member();
      isFirst = false;
      if (this.source[this.#at] !== "-" || "]".includes(this.source[this.#at + 1] ?? "]")) {
        inner += low;
        continue;
      }
      this.#at++;
      const high = this.#member();
      if (low.length > 2 || high.length > 2) badQuery("The pattern has a range in [] that isn't between characters.");
      inner += `${low}-${high}`;
    }
    this.#at++;
    return `[${inner}]`;
  }

  #member(): string {
    const character = this.#next("The pattern has a [ that isn't closed.");
    if (character === "[") {
      if (":.=".includes(this.source[this.#at] ?? " ")) unsupported("Named classes as [:alpha:] aren't supported.");
      return "\\[";
    }
    if (character !== "\\") return this.#inSet(character);
    const letter = this.#next("The pattern ends with a \\.");
    if (letter in CLASSES) return CLASSES[letter] as string;
    if (letter in CONTROLS) return CONTROLS[letter] as string;
    if (letter === "u" || letter === "x") return this.#inSet(this.#code(letter));
    if (/[A-Za-z0-9]/.test(letter)) unsupported(`\\${letter} isn't supported in [] of a pattern.`);
    return this.#inSet(letter);
  }

  #inSet(character: string): string {
    this.#checkFolding(character);
    return "\\]^-[".includes(character) ? `\\${character}` : character;
  }

  #literal(character: string): string {
    this.#checkFolding(character);
    return /[\^$.*+?()[\]{}|\\]/.test(character) ? `\\${character}` : character;
  }

  /** The collation "C" knows capital and small letters of ASCII alone. */
  #checkFolding(character: string): void {
    if (this.#folds && character.toLowerCase() !== character.toUpperCase() && !/[A-Za-z]/.test(character)) {
      unsupported(`With the option i, a pattern has letters A to Z alone; ${character} isn't supported.`);
    }
  }

  #take(wanted: string): boolean {
    if (this.source[this.#at] !== wanted) return false;
    this.#at++;
    return true;
  }

  #next(complaint = "The pattern ends too early."): string {
    // Whole code points, so that one is repeated as one
    const code = this.source.codePointAt(this.#at);
    if (code === undefined) badQuery(complaint);
    const character = String.fromCodePoint(code);
    this.#at += character.length;
    return character;
  }
}
