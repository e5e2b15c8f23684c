import { originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";

const MOST_MAPS = 50;
const MOST_KNOWN = 20_000;
// The middle is how V8 names what is at the top level of evaluated code. Anybody may write what only looks like a place:
// each part of it is as long as it can be in earnest, lest the search takes the square of a line's length
const PLACE = /imp:\/\/\/([^\s()"\\]{1,300}?)@(\w{1,20})\.js(?:, <anonymous>)?:(\d{1,9}):(\d{1,9})/g;
/** The wrapper's own line is before the first one of the code. */
const LINES_BEFORE = 1;

/** Puts the places in the sources where stacks name those in what they were compiled to. */
export class Stacks {
  readonly #maps = new Map<string, Promise<TraceMap | undefined>>();

  readonly #artifacts = new Map<string, string>();

  /** `mapOf`: the source map of an artifact, wherever it's kept. */
  constructor(readonly mapOf: (artifact: string) => Promise<string | undefined>) {}

  /** Whose code it is that stacks name with this revision. */
  know(revision: string, artifact: string): void {
    this.#artifacts.set(revision, artifact);
    const [oldest] = this.#artifacts.keys();
    if (this.#artifacts.size > MOST_KNOWN && oldest !== undefined) this.#artifacts.delete(oldest);
  }

  async mapped(text: string): Promise<string> {
    const places = [...text.matchAll(PLACE)];
    if (places.length === 0) return text;
    const found = await Promise.all(places.map((place) => this.#original(place)));
    let at = 0;
    return text.replace(PLACE, (whole) => found[at++] ?? whole);
  }

  async #original(place: RegExpMatchArray): Promise<string> {
    const [whole, name = "", revision = "", line, column] = place;
    if (name === "packages") return `packages:${line}:${column}`;
    const map = await this.#map(revision);
    if (!map) return whole;
    const found = originalPositionFor(map, {
      line: Math.max(1, Number(line) - LINES_BEFORE),
      column: Math.max(0, Number(column) - 1),
    });
    return found.source === null ? whole : `${found.source}:${found.line}:${found.column + 1}`;
  }

  #map(revision: string): Promise<TraceMap | undefined> {
    const artifact = this.#artifacts.get(revision);
    if (artifact === undefined) return Promise.resolve(undefined);
    let found = this.#maps.get(artifact);
    if (!found) {
      found = this.mapOf(artifact).then((text) => text ? new TraceMap(text) : undefined).catch(() => undefined);
      this.#maps.set(artifact, found);
      const [oldest] = this.#maps.keys();
      if (this.#maps.size > MOST_MAPS && oldest !== undefined) this.#maps.delete(oldest);
    }
    return found;
  }
}
