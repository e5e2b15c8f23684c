/** The syntax of JSON files. */

import "monaco-editor/language/json/json.worker.js";
