import jeju from "./fixtures/jeju.json";

export interface Zone {
  code: "METRO" | "MAINLAND" | "ISLAND";
  usualHours: number;
}

const METRO = { code: "METRO", usualHours: 20 } as const;
const MAINLAND = { code: "MAINLAND", usualHours: 34 } as const;
const ISLAND = { code: "ISLAND", usualHours: 52 } as const;

/** By the first digits of a Korean postcode. */
export function zoneFor(postcode: string): Zone {
  if (jeju.prefixes.includes(postcode.slice(0, 2))) return ISLAND;
  return Number(postcode.slice(0, 2)) < 24 ? METRO : MAINLAND;
}
