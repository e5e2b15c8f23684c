/** Errors as RFC 9457 has them, and for people who look with a browser the same words as a page. */
export interface Problem {
  status: number;
  slug: string;
  title: string;
  detail: string;
  /** What else is known of the call, such as its request id. */
  about: Record<string, string>;
}

const LABELS: Record<string, string> = {
  gateway: "Gateway",
  stage: "Stage",
  method: "Method",
  path: "Path",
  request_id: "Request id",
};
const STYLE = `:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{max-width:42rem;margin:12vh auto;padding:0 1.5rem}
h1{font-size:1.5rem;line-height:1.25;margin:.25rem 0 .75rem}
.status{margin:0;opacity:.7}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.25rem;margin:1.5rem 0}
dt{opacity:.7}dd{margin:0;font-family:ui-monospace,monospace;overflow-wrap:anywhere}`;
const STYLE_DIGEST = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(STYLE))).toBase64();
const PAGE_POLICY = `default-src 'none'; style-src 'sha256-${STYLE_DIGEST}'; base-uri 'none'; form-action 'none'; ` +
  "frame-ancestors 'none'";

export function answer(problem: Problem, types: string, asPage = false): Response {
  const headers = new Headers({ "cache-control": "no-store", vary: "accept", "x-content-type-options": "nosniff" });
  if (asPage) {
    headers.set("content-type", "text/html; charset=utf-8");
    headers.set("content-security-policy", PAGE_POLICY);
    return new Response(page(problem, types), { status: problem.status, headers });
  }
  headers.set("content-type", "application/problem+json");
  const { status, slug, title, detail, about } = problem;
  return new Response(JSON.stringify({ type: types + slug, title, status, detail, ...about }), { status, headers });
}

function page({ status, slug, title, detail, about }: Problem, types: string): string {
  const facts = Object.entries(about)
    .filter(([, value]) => value !== "")
    .map(([name, value]) => `<dt>${escaped(LABELS[name] ?? name)}</dt><dd>${escaped(value)}</dd>`);
  // A path alone would lead to the gateway itself, which has no such pages
  const help = /^https?:/.test(types)
    ? `<p><a href="${escaped(types + slug)}">What this means and what to do</a></p>`
    : "";
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
<body>
<p class="status">${status}</p>
<h1>${escaped(title)}</h1>
<p>${escaped(detail)}</p>
<dl>${facts.join("")}</dl>
${help}
</body>
</html>
`;
}

export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
