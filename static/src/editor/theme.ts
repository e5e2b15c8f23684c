/** The editor's colours are the console's, in both themes: read from the page, as only it resolves them. */

import type * as Monaco from "../../monaco/src/monaco.ts";

const RULES: [string, string][] = [
  ["comment", "--text-3"],
  ["keyword", "--code-word"],
  ["type", "--code-word"],
  ["string", "--code-text"],
  ["string.escape", "--code-number"],
  ["regexp", "--code-text"],
  ["number", "--code-number"],
  ["identifier", "--text"],
  ["delimiter", "--text"],
  ["string.key.json", "--code-word"],
  ["string.value.json", "--code-text"],
];
const COLOURS: Record<string, string> = {
  "editor.background": "--surface",
  "editor.foreground": "--text",
  "editorLineNumber.foreground": "--text-3",
  "editorLineNumber.activeForeground": "--text",
  "editor.lineHighlightBackground": "--surface-2",
  "editor.lineHighlightBorder": "--surface-2",
  "editor.selectionBackground": "--accent-soft",
  "editor.wordHighlightBackground": "--surface-3",
  "editor.wordHighlightTextBackground": "--surface-3",
  "editor.wordHighlightStrongBackground": "--surface-3",
  "editor.selectionHighlightBackground": "--surface-3",
  "editorCursor.foreground": "--accent",
  "editorWidget.background": "--surface",
  "editorWidget.border": "--line-2",
  "editorSuggestWidget.background": "--surface",
  "editorSuggestWidget.border": "--line-2",
  "editorSuggestWidget.selectedBackground": "--surface-3",
  "editorSuggestWidget.selectedForeground": "--text",
  "editorHoverWidget.background": "--surface",
  "editorHoverWidget.border": "--line-2",
  "editorIndentGuide.background1": "--line",
  "editorIndentGuide.activeBackground1": "--line-2",
  "editorError.foreground": "--bad",
  "editorWarning.foreground": "--warn",
  ...Object.fromEntries([1, 2, 3, 4, 5, 6].map((depth) => [`editorBracketHighlight.foreground${depth}`, "--text"])),
  "focusBorder": "--accent",
  "input.background": "--bg",
  "input.foreground": "--text",
  "input.border": "--line-control",
  "list.hoverBackground": "--hover",
  "list.activeSelectionBackground": "--surface-3",
  "list.activeSelectionForeground": "--text",
  "scrollbarSlider.background": "--line",
  "scrollbarSlider.hoverBackground": "--line-2",
};

export function followTheme(editor: typeof Monaco.editor): void {
  const apply = () => {
    const isDark = chosenDark();
    const name = isDark ? "imp-dark" : "imp-light";
    const hex = reader();
    editor.defineTheme(name, {
      base: isDark ? "vs-dark" : "vs",
      inherit: true,
      rules: RULES.map(([token, value]) => ({ token, foreground: hex(value).slice(1) })),
      colors: Object.fromEntries(Object.entries(COLOURS).map(([key, value]) => [key, hex(value)])),
    });
    editor.setTheme(name);
  };
  apply();
  new MutationObserver(apply).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
}

function chosenDark(): boolean {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

/** `light-dark()` and colours mixed from others are only known once something is painted in them. */
function reader(): (property: string) => string {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  return (property) => {
    const probe = document.createElement("span");
    probe.style.color = `var(${property})`;
    document.body.append(probe);
    const colour = getComputedStyle(probe).color;
    probe.remove();
    if (!context) return "#808080";
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const [red = 0, green = 0, blue = 0, alpha = 255] = context.getImageData(0, 0, 1, 1).data;
    const parts = alpha < 255 ? [red, green, blue, alpha] : [red, green, blue];
    return `#${parts.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
  };
}
