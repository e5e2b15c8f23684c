/** The choice of a theme shows at once. The account keeps it; a cookie keeps it for the pages before signing in. */

import { on } from "./dom.ts";

const YEAR = 365 * 24 * 60 * 60;

export function startTheme(): void {
  on("change", '[data-theme-choice] input[name="theme"]', (radio) => {
    const theme = (radio as HTMLInputElement).value;
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `theme=${theme}; Path=/; Max-Age=${YEAR}; SameSite=Lax${secure}`;
  });
}
