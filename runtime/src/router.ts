/** Which function a path is for: segment by segment, a literal before a parameter before the rest. */
export interface Route<Target> {
  target: Target;
  params: Record<string, string>;
}

interface Node<Target> {
  literals: Map<string, Node<Target>>;
  parameter?: Node<Target>;
  leaf?: Leaf<Target>;
  rest?: Leaf<Target>;
}

interface Leaf<Target> {
  target: Target;
  names: string[];
}

/** The function that answers `/` of its stage. */
const INDEX = "index";

/** The path isn't one: it holds a % that stands for nothing. */
export class MalformedPath extends Error {}

export class Router<Target> {
  readonly #root: Node<Target> = { literals: new Map() };

  /** By names of functions: of two for the very same calls, the first in order counts. */
  constructor(targets: Iterable<[string, Target]>) {
    for (const [pattern, target] of [...targets].sort(([a], [b]) => a < b ? -1 : 1)) this.#add(pattern, target);
  }

  find(path: string): Route<Target> | undefined {
    const values: string[] = [];
    const leaf = walk(this.#root, segmentsOf(path), 0, values);
    return leaf && { target: leaf.target, params: paramsOf(leaf.names, values) };
  }

  #add(pattern: string, target: Target): void {
    let node = this.#root;
    const names: string[] = [];
    const segments = pattern === INDEX ? [""] : pattern.split("/");
    for (const segment of segments) {
      if (segment.startsWith("*")) {
        node.rest ??= { target, names: [...names, segment.slice(1)] };
        return;
      }
      if (segment.startsWith(":")) {
        names.push(segment.slice(1));
        node = node.parameter ??= { literals: new Map() };
      } else {
        let next = node.literals.get(segment);
        if (!next) node.literals.set(segment, next = { literals: new Map() });
        node = next;
      }
    }
    node.leaf ??= { target, names };
  }
}

/** The parameters that a pattern takes from a path; undefined where it's for others. */
export function paramsBy(pattern: string, path: string): Record<string, string> | undefined {
  try {
    return new Router([[pattern, true]]).find(path)?.params;
  } catch (error) {
    if (error instanceof MalformedPath) return undefined;
    throw error;
  }
}

function segmentsOf(path: string): string[] {
  const segments = path.slice(1).split("/");
  // A slash at the end means nothing
  if (segments.length > 1 && segments.at(-1) === "") segments.pop();
  return path.includes("%") ? segments.map(decoded) : segments;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new MalformedPath(segment);
  }
}

function walk<Target>(node: Node<Target>, segments: string[], at: number, values: string[]): Leaf<Target> | undefined {
  const segment = segments[at];
  if (segment === undefined) return node.leaf;
  const literal = node.literals.get(segment);
  const found = literal && walk(literal, segments, at + 1, values);
  if (found) return found;
  if (segment === "") return undefined;
  if (node.parameter) {
    values.push(segment);
    const through = walk(node.parameter, segments, at + 1, values);
    if (through) return through;
    values.pop();
  }
  if (node.rest) values.push(segments.slice(at).join("/"));
  return node.rest;
}

function paramsOf(names: string[], values: string[]): Record<string, string> {
  const params: Record<string, string> = Object.create(null);
  for (const [at, name] of names.entries()) params[name] = values[at] ?? "";
  return params;
}
