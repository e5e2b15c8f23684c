/** The most that a call may bring. */
export const BODY_BYTES = 10 * 1024 * 1024;

/**
 * Takes in what nobody will read; false when it's more than allowed.
 *
 * Who is still sending may never see an answer that comes before its end.
 */
export async function takeIn(request: Request, most: number = BODY_BYTES): Promise<boolean> {
  if (Number(request.headers.get("content-length") ?? 0) > most) return false;
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.length;
    if (size > most) return false;
  }
  return true;
}
