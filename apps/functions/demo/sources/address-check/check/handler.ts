// GET /addresses/check?postcode=04524
export default (req: ImpRequest, res: ImpResponse) => {
  const postcode = String(req.query.postcode ?? "");
  if (!/^\d{5}$/.test(postcode)) return res.status(422).json({ error: "우편번호 다섯 자리를 입력하세요." });
  const region = Number(postcode.slice(0, 2));
  return { postcode, isValid: region >= 1 && region <= 63, isIsland: region === 63 };
};
