export interface CookieOptions {
  domain?: string;
  path?: string;
  expires?: Date;
  /** In seconds. */
  maxAge?: number;
  httpOnly?: boolean;
  secure?: boolean;
  sameSite?: "strict" | "lax" | "none";
}

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const ATTRIBUTE = /^[\x20-\x3a\x3c-\x7e]*$/;

export function readCookies(header: string): Record<string, string> {
  const found: Record<string, string> = Object.create(null);
  for (const part of header.split(";")) {
    const at = part.indexOf("=");
    const name = part.slice(0, Math.max(at, 0)).trim();
    if (name === "") continue;
    const value = part.slice(at + 1).trim().replace(/^"(.*)"$/, "$1");
    // The first one counts, as servers have it
    if (!(name in found)) found[name] = decoded(value);
  }
  return found;
}

export function writeCookie(name: string, value: string, options: CookieOptions = {}): string {
  if (!NAME.test(name)) throw new TypeError(`${JSON.stringify(name)} can't be a cookie's name`);
  const { domain, path = "/", expires, maxAge, httpOnly, secure, sameSite } = options;
  for (const each of [domain ?? "", path]) {
    if (!ATTRIBUTE.test(each)) throw new TypeError(`${JSON.stringify(each)} can't be in a cookie`);
  }
  if (maxAge !== undefined && !Number.isInteger(maxAge)) throw new TypeError("maxAge is a whole number of seconds");
  const parts = [`${name}=${encodeURIComponent(value)}`, `Path=${path}`];
  if (domain) parts.push(`Domain=${domain}`);
  if (expires) parts.push(`Expires=${expires.toUTCString()}`);
  if (maxAge !== undefined) parts.push(`Max-Age=${maxAge}`);
  if (httpOnly) parts.push("HttpOnly");
  if (secure || sameSite === "none") parts.push("Secure");
  if (sameSite) parts.push(`SameSite=${sameSite[0]?.toUpperCase()}${sameSite.slice(1)}`);
  return parts.join("; ");
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
