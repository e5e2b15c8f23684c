const STATES = ["collected", "on-its-way", "delivered"];

// GET and PUT /shipments/TW-4711
export default async (req: ImpRequest, res: ImpResponse) => {
  const shipments = imp.db("shipments");
  const id = req.params.id;

  if (req.method === "PUT") {
    const state = req.body?.state;
    if (!STATES.includes(state)) return res.status(422).json({ error: `Write one of these: ${STATES.join(", ")}.` });
    await shipments.updateOne({ _id: id }, { $set: { state, at: new Date() } }, { upsert: true });
    imp.log.info("shipment", { id, state });
  }

  const shipment = await shipments.findOne({ _id: id });
  return shipment ?? res.status(404).json({ error: `There is no shipment ${id}.` });
};
