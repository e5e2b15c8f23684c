/** The console's script. Pages work without it; it adds what HTML alone can't do. */

import "htmx.org";

import { startConfirm } from "./imp/confirm.ts";
import { startCountdown } from "./imp/countdown.ts";
import { startElapsed } from "./imp/elapsed.ts";
import { startForms } from "./imp/forms.ts";
import { startGuard } from "./imp/guard.ts";
import { startInUse } from "./imp/inuse.ts";
import { startKeys } from "./imp/keys.ts";
import { startLists } from "./imp/lists.ts";
import { startOverlays } from "./imp/overlays.ts";
import { startPalette } from "./imp/palette.ts";
import { startRequests } from "./imp/requests.ts";
import { startTail } from "./imp/tail.ts";
import { startTheme } from "./imp/theme.ts";
import { startToasts } from "./imp/toasts.ts";
import { startLive } from "./live.ts";

startRequests();
startToasts();
startConfirm();
startOverlays();
startGuard();
startInUse();
startForms();
startLists();
startKeys();
startPalette();
startTheme();
startCountdown();
startElapsed();
startLive();
startTail();
