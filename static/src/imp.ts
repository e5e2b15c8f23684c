/** The console's script. Pages work without it; it adds what HTML alone can't do. */

import htmx from "htmx.org";

export { htmx };
