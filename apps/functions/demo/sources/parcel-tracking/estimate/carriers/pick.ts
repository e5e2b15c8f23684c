import type { Zone } from "../zones";

export interface Carrier {
  id: string;
  name: string;
}

const CJ = { id: "cj", name: "CJ대한통운" };
const POST = { id: "post", name: "우체국택배" };
const HEAVY = 30;

/** Islands and what is heavy go by post; everything else by the one that is faster. */
export function pickCarrier(zone: Zone, weight: number): Carrier {
  return zone.code === "ISLAND" || weight > HEAVY ? POST : CJ;
}
