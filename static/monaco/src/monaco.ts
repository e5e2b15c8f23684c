/** The editor, with the languages that functions are written in and nothing else. The page's script imports it late. */

import "monaco-editor/features/register.all.js";
import "monaco-editor/languages/definitions/javascript/register.js";
import "monaco-editor/languages/definitions/typescript/register.js";

export { editor, KeyCode, KeyMod, languages, MarkerSeverity, Range, Uri } from "monaco-editor/editor/editor.api.js";
export * as json from "monaco-editor/languages/features/json/register.js";
export * as typescript from "monaco-editor/languages/features/typescript/register.js";
