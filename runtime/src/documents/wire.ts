/** What comes over the wire between a function and its documents: JSON, in which dates and bytes are marked. */
export function fromWire(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fromWire);
  if (typeof value !== "object" || value === null) return value;
  const { $date, $bytes } = value as Record<string, unknown>;
  if (typeof $date === "string") return new Date($date);
  if (typeof $bytes === "string") return Uint8Array.fromBase64($bytes);
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, fromWire(each)]));
}
