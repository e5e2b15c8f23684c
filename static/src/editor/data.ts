/** What imports of a function's JSON and text files give, for the type check: declarations made from what is in them. */

import { later } from "./dom.ts";
import { type Monaco, ROOT } from "./monaco.ts";
import type { Project } from "./project.ts";

const DATA = /\.(json|txt)$/;
// Of a list as long as this, the rest won't be of another kind
const LOOKED_AT = 50;

export function declareData({ typescript }: typeof Monaco, project: Project): void {
  const known = new Map<string, { content: string; drop: () => void }>();
  const declare = () => {
    const wanted = new Map(project.paths.filter((path) => DATA.test(path)).map((path) => [path, contentOf(path)]));
    for (const [path, { content, drop }] of known) {
      if (wanted.get(path) === content) continue;
      drop();
      known.delete(path);
    }
    for (const [path, content] of wanted) {
      if (known.has(path)) continue;
      const address = `file://${ROOT}${path.replace(DATA, ".d.$1.ts")}`;
      const both = [typescript.typescriptDefaults, typescript.javascriptDefaults];
      const added = both.map((defaults) => defaults.addExtraLib(content, address));
      known.set(path, { content, drop: () => added.forEach((each) => each.dispose()) });
    }
  };
  const contentOf = (path: string) => {
    const type = path.endsWith(".txt") ? "string" : typeOfText(project.files[path] ?? "");
    return `declare const value: ${type};\nexport default value;\n`;
  };
  const soon = later(declare, 300);
  project.listen((change, path) => {
    if (change === "files" || change === "saved" || DATA.test(path)) soon();
  });
  declare();
}

function typeOfText(text: string): string {
  try {
    return typeOf(JSON.parse(text));
  } catch {
    return "any";
  }
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) {
    const kinds = [...new Set(value.slice(0, LOOKED_AT).map(typeOf))];
    return kinds.length ? `(${kinds.join(" | ")})[]` : "any[]";
  }
  if (typeof value !== "object") return typeof value;
  const members = Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}: ${typeOf(each)}`);
  return `{ ${members.join("; ")} }`;
}
