/** Numbers of the database, which may have more digits than JavaScript's. */
import { badValue } from "./errors.ts";

/** With fewer digits in a row, none can get lost. Finds some in texts too. */
const LONG = /[0-9][0-9.]{15,}(?:[eE][+-]?[0-9]+)?/g;
const TEXTS_AND_NUMBERS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?[0-9][0-9.eE+-]*/g;

/** JSON as it's stored; what imp.sql has put there and JavaScript would make another number of is refused. */
export function parsedExactly(text: string): unknown {
  const found = text.match(LONG);
  if (found && !found.every(isExact)) refuseInexact(text);
  return JSON.parse(text);
}

function refuseInexact(text: string): void {
  for (const [piece] of text.matchAll(TEXTS_AND_NUMBERS)) {
    if (piece.startsWith('"') || isExact(piece)) continue;
    const shown = piece.length > 50 ? `${piece.slice(0, 50)}…` : piece;
    badValue(`There is the number ${shown}, which JavaScript can't keep exactly: imp.sql gives it as a text.`);
  }
}

function isExact(number: string): boolean {
  const kept = String(Number(number));
  return kept === number || spelled(kept) === spelled(number);
}

/** The same for all spellings of a number but for its sign. */
function spelled(number: string): string {
  const [digits = "", exponent = "0"] = number.replace(/^-/, "").split(/e/i);
  const [whole = "", part = ""] = digits.split(".");
  const significant = (whole + part).replace(/^0+/, "");
  const kept = significant.replace(/0+$/, "");
  return kept && `${kept}e${Number(exponent) - part.length + significant.length - kept.length}`;
}
