/** Ids of documents: 24 hexadecimal digits, as of MongoDB's ObjectId. Later ones are greater. */
const MACHINE = hex(crypto.getRandomValues(new Uint8Array(5)));
let count = (crypto.getRandomValues(new Uint32Array(1))[0] as number) & 0x7fffff;
let second = 0;

export function newId(): string {
  // A clock that is set back makes none that come before
  second = Math.max(second, Math.floor(Date.now() / 1000));
  count++;
  if (count > 0xffffff) {
    count = 0;
    second++;
  }
  return second.toString(16).padStart(8, "0") + MACHINE + count.toString(16).padStart(6, "0");
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
