/** Fetches the editor itself, which is large, and prepares it: its workers, its styles, what TypeScript knows. */

import type * as Monaco from "../../monaco/src/monaco.ts";
import { page, script } from "./dom.ts";
import { askJson } from "./server.ts";

export type { Monaco };
export const ROOT = "/";
// A package without declarations of its own is no mistake of whoever imports it; nor is a parameter without a type
const NO_MISTAKES = [7016, 7006, 7031];

export async function loadMonaco(): Promise<typeof Monaco> {
  const { dataset } = script;
  const workers: Record<string, string | undefined> = {
    typescript: dataset.workerTypescript,
    javascript: dataset.workerTypescript,
    json: dataset.workerJson,
  };
  Object.assign(globalThis, {
    MonacoEnvironment: {
      getWorker: (_: string, label: string) =>
        new Worker(workers[label] ?? dataset.workerEditor ?? "", { type: "module", name: label }),
    },
  });
  allowItsStyles(script.dataset.nonce ?? "");
  const monaco = (await import(dataset.monaco ?? "")) as typeof Monaco;
  knowTypes(monaco);
  return monaco;
}

/** It makes style elements for its themes and can't be told the page's nonce, without which they don't count. */
function allowItsStyles(nonce: string): void {
  const create = document.createElement.bind(document) as (name: string, options?: ElementCreationOptions) => Element;
  document.createElement = ((name: string, options?: ElementCreationOptions) => {
    const element = create(name, options);
    if (element instanceof HTMLStyleElement) element.nonce = nonce;
    return element;
  }) as typeof document.createElement;
}

function knowTypes({ typescript }: typeof Monaco): void {
  for (const defaults of [typescript.typescriptDefaults, typescript.javascriptDefaults]) {
    defaults.setCompilerOptions({
      target: typescript.ScriptTarget.ESNext,
      module: typescript.ModuleKind.ESNext,
      moduleResolution: BUNDLER as Monaco.typescript.ModuleResolutionKind,
      lib: ["esnext", "webworker"],
      types: [],
      jsx: typescript.JsxEmit.ReactJSX,
      allowJs: true,
      allowNonTsExtensions: true,
      allowImportingTsExtensions: true,
      esModuleInterop: true,
      isolatedModules: true,
      noEmit: true,
      // JSON and texts have declarations that say what is in them: see data.ts
      allowArbitraryExtensions: true,
      skipLibCheck: true,
      strict: true,
    });
    defaults.setDiagnosticsOptions({ diagnosticCodesToIgnore: NO_MISTAKES });
    // A file that isn't shown is imported by those that are
    defaults.setEagerModelSync(true);
  }
  askJson<{ files: Record<string, string> }>(page.urls.types).then(({ files }) => {
    for (const [path, content] of Object.entries(files)) know(path, content);
  }).catch(() => undefined);

  function know(path: string, content: string): void {
    for (const defaults of [typescript.typescriptDefaults, typescript.javascriptDefaults]) {
      defaults.addExtraLib(content, `file://${ROOT}${path}`);
    }
  }
}

// Newer than the names that the editor gives out; its compiler knows it
const BUNDLER = 100;
