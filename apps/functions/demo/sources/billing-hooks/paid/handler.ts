// POST /invoices/paid: notes each invoice once, however often it's told.
export default async (req: ImpRequest, res: ImpResponse) => {
  const { invoice, amount } = req.body ?? {};
  if (typeof invoice !== "string" || typeof amount !== "number") {
    return res.status(422).json({ error: 'Send JSON such as {"invoice": "2026-0042", "amount": 99000}.' });
  }
  const { upsertedCount } = await imp.db("paid").updateOne(
    { _id: invoice },
    { $setOnInsert: { amount, at: new Date() } },
    { upsert: true },
  );
  imp.log.info(upsertedCount ? "paid" : "paid before", { invoice, amount });
  return { invoice, isNew: upsertedCount === 1 };
};
