/** What of a document is answered. */
import { badQuery, unsupported } from "./errors.ts";
import { type Expression, expressionOf, valueOf } from "./expressions.ts";
import { pathOf } from "./paths.ts";
import { type Fields, isFields, type Json } from "./values.ts";

/** A leaf is true where the field is taken or left, and an expression where it's made. */
interface Tree {
  [name: string]: Tree | true | { expression: Expression };
}

export interface Projection {
  isInclusion: boolean;
  id: boolean;
  tree: Tree;
}

/** undefined: all of it. Pipelines may make fields too. */
export function projectionOf(given: unknown, mayMake = false): Projection | undefined {
  if (given === undefined || given === null) return undefined;
  if (typeof given !== "object" || Array.isArray(given)) badQuery("A projection is an object, such as {name: 1}.");
  const leaves = leavesOf(given as Record<string, unknown>, "", mayMake);
  if (!leaves.length) return undefined;
  const others = leaves.filter(([name]) => name !== "_id");
  const id = leaves.find(([name]) => name === "_id")?.[1];
  const kinds = new Set(others.map(([, leaf]) => leaf !== false));
  if (kinds.size > 1) {
    badQuery("A projection either takes fields or leaves fields out; only _id may be left out of either.");
  }
  const isInclusion = kinds.size ? kinds.has(true) : id !== false;
  const tree: Tree = Object.create(null);
  for (const [name, leaf] of others) plant(tree, name, leaf === false ? true : leaf);
  if (typeof id === "object") tree["_id"] = id;
  return { isInclusion, id: id !== false, tree };
}

type Leaf = boolean | { expression: Expression };

function leavesOf(given: Record<string, unknown>, before: string, mayMake: boolean): [string, Leaf][] {
  return Object.entries(given).flatMap(([key, value]): [string, Leaf][] => {
    const name = before + key;
    if (key.startsWith("$")) unsupported(`${name}: ${key} isn't supported in a projection.`);
    pathOf(name, "The field of a projection");
    if (typeof value === "boolean" || typeof value === "number") return [[name, Boolean(value)]];
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    if (isObject) {
      const keys = Object.keys(value);
      if (!keys.length) badQuery(`${name}: an empty object says nothing in a projection.`);
      if (!keys.some((each) => each.startsWith("$"))) {
        return leavesOf(value as Record<string, unknown>, `${name}.`, mayMake);
      }
    }
    if (!mayMake) unsupported(`${name}: a projection of find takes 1 or 0; pipelines can make fields in $project.`);
    return [[name, { expression: expressionOf(value, name) }]];
  });
}

function plant(tree: Tree, name: string, leaf: true | { expression: Expression }): void {
  const parts = name.split(".");
  const last = parts.pop() as string;
  let at = tree;
  for (const part of parts) {
    const next = at[part] ??= Object.create(null) as Tree;
    if (isLeaf(next)) badQuery(`A projection names ${name} and what it's in.`);
    at = next;
  }
  if (last in at) badQuery(`A projection names ${name} and what it's in, or twice.`);
  at[last] = leaf;
}

function isLeaf(node: Tree | true | { expression: Expression }): node is true | { expression: Expression } {
  return node === true || "expression" in node && Array.isArray((node as { expression: Expression }).expression);
}

export function projected(document: Fields, projection: Projection | undefined): Fields {
  if (!projection) return document;
  const { isInclusion, id, tree } = projection;
  const { _id, ...rest } = document;
  const found = isInclusion ? included(rest, tree, document) : excluded(rest, tree);
  return id && _id !== undefined && !("_id" in tree) ? { _id, ...found } : found;
}

function included(fields: Fields, tree: Tree, whole: Fields): Fields {
  const found: Fields = {};
  for (const [name, node] of Object.entries(tree)) {
    const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
    const kept = node === true
      ? value
      : isLeaf(node)
      ? valueOf(node.expression, whole)
      : includedValue(value, node, whole);
    if (kept !== undefined) found[name] = kept;
  }
  return found;
}

/** Through arrays; of what has no fields, nothing is left. */
function includedValue(value: Json | undefined, tree: Tree, whole: Fields): Json | undefined {
  if (Array.isArray(value)) {
    return value.map((each) => includedValue(each, tree, whole)).filter((each) => each !== undefined);
  }
  if (isFields(value)) return included(value, tree, whole);
  const made = included({}, tree, whole);
  return Object.keys(made).length ? made : undefined;
}

function excluded(fields: Fields, tree: Tree): Fields {
  const found: Fields = {};
  for (const [name, value] of Object.entries(fields)) {
    const node = tree[name];
    if (node === true) continue;
    found[name] = node === undefined ? value : excludedValue(value, node as Tree);
  }
  return found;
}

function excludedValue(value: Json, tree: Tree): Json {
  if (Array.isArray(value)) return value.map((each) => excludedValue(each, tree));
  return isFields(value) ? excluded(value, tree) : value;
}
