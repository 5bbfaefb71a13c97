import { circular } from "../exact.js";
import { log } from "../exact_double.js";
import { offsetTable, pow, resizeTable, rotaryTables } from "../model_constants.js";

const FUNCTIONS = {
  sin: () => (x) => circular(x)[0],
  cos: () => (x) => circular(x)[1],
  log: () => log,
  pow:
    ({ base }) =>
    (x) =>
      pow(base, x),
};

export const OPERATIONS = {
  "model_constants.functions": (given) => ({
    values: given.x.map(FUNCTIONS[given.function](given)),
  }),
  "model_constants.rotary": rotaryTables,
  "model_constants.offsets": (given) => ({ table: offsetTable(given) }),
  "model_constants.resize": (given) => ({ table: resizeTable(given) }),
};
