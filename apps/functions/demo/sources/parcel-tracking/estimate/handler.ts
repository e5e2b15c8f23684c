import { pickCarrier } from "./carriers/pick";
import { percentile } from "./stats";
import { zoneFor } from "./zones";

const MOST_KG = 70;

// GET /shipments/estimate?postcode=63122&weight=2.4
export default async (req: ImpRequest, res: ImpResponse) => {
  const postcode = String(req.query.postcode ?? "");
  const weight = Number(req.query.weight ?? 1);
  const errors = [];
  if (!/^\d{5}$/.test(postcode)) errors.push({ path: "postcode", message: "Write five digits, such as 63122." });
  if (!(weight > 0 && weight <= MOST_KG)) errors.push({ path: "weight", message: `Write 0 to ${MOST_KG} kg.` });
  if (errors.length) return res.status(422).json({ errors });

  const zone = zoneFor(postcode);
  const carrier = pickCarrier(zone, weight);

  const past = await imp.db("deliveries")
    .find({ zone: zone.code, carrier: carrier.id })
    .sort({ at: -1 })
    .limit(200)
    .toArray();
  const hours = past.length ? percentile(past.map((each) => Number(each.hours)), 0.9) : zone.usualHours;

  imp.log.info("estimate", { zone: zone.code, hours, samples: past.length });
  return {
    zone: zone.code,
    carrier: carrier.name,
    arrivesWithinHours: Math.ceil(hours),
    samples: past.length,
  };
};
