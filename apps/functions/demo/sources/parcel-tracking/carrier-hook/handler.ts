// POST /hooks/carrier: what a carrier says of a delivery, for later estimates.
export default async (req: ImpRequest, res: ImpResponse) => {
  const { zone, carrier, hours } = req.body ?? {};
  if (typeof zone !== "string" || typeof carrier !== "string" || typeof hours !== "number") {
    return res.status(422).json({ error: 'Send JSON such as {"zone": "ISLAND", "carrier": "post", "hours": 46}.' });
  }
  await imp.db("deliveries").insertOne({ zone, carrier, hours, at: new Date() });
  return res.status(202).json({ accepted: true });
};
