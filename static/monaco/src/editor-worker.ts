/** What the editor does aside from the page, such as finding links and words. */

import "monaco-editor/editor/editor.worker.js";
