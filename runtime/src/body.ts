import { isText, typeOf } from "./worker/request.ts";

/** The most that a call may bring. */
export const BODY_BYTES = 10 * 1024 * 1024;
/** As a text it's copied from isolate to isolate faster, up to this. */
const TEXT_BYTES = 64 * 1024;

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export class BodyTooLarge extends Error {}

/** It ended before it was whole, or wasn't sent as it has to be. */
export class BodyCut extends Error {}

/**
 * All of it, or null where there is none.
 *
 * Before anything is answered: who is still sending may never see an answer that comes before its end.
 */
export async function readBody(request: Request, most: number = BODY_BYTES): Promise<Uint8Array | null> {
  if (request.body === null) return null;
  const said = Number(request.headers.get("content-length") ?? 0);
  if (said > most) throw new BodyTooLarge();
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const part of request.body) {
      size += part.length;
      if (size > most) throw new BodyTooLarge();
      parts.push(part);
    }
  } catch (error) {
    throw error instanceof BodyTooLarge ? error : new BodyCut();
  }
  return joined(parts, size);
}

/** A text where nothing is lost by that. */
export function portable(body: Uint8Array | null, contentType: string | null): string | Uint8Array | null {
  if (body === null || body.length > TEXT_BYTES || !isText(typeOf(contentType ?? ""))) return body;
  try {
    return strict.decode(body);
  } catch {
    return body;
  }
}

function joined(parts: Uint8Array[], size: number): Uint8Array {
  const [first] = parts;
  if (parts.length === 1 && first) return first;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
