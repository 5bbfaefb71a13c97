import { canonical, parse } from "../canonical.js";

export const OPERATIONS = {
  "canonical.json": ({ text }) => ({ canonical: canonical(parse(text)) }),
  "canonical.number": ({ float64 }) => ({
    text: canonical(Buffer.from(float64, "hex").readDoubleBE()),
  }),
};
