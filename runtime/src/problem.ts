/** Errors as RFC 9457 has them, with a request id that finds their logs. */
export function problem(
  status: number,
  slug: string,
  title: string,
  detail: string,
  more: Record<string, unknown> = {},
): Response {
  const body = { type: `/errors/${slug}`, title, status, detail, ...more };
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/problem+json" } });
}
