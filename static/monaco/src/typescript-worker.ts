/** Completion, types and errors, by the TypeScript compiler itself. */

import "monaco-editor/language/typescript/ts.worker.js";
