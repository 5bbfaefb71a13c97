/** Operations and programs of section 21; a float32 is its eight hexadecimal digits. */

import { bits } from "../exact.js";
import { operate, run } from "../program.js";

const word = new Float32Array(1);
const digits = new Uint32Array(word.buffer);

function hexadecimal(value) {
  if (Number.isNaN(value)) return "7fc00000";
  word[0] = value;
  return digits[0].toString(16).padStart(8, "0");
}

function tensorFrom({ shape, bits: text, indices }) {
  return { shape, data: indices ?? Float32Array.from(text.split(" "), bits) };
}

function tensorTo({ shape, data }) {
  return { shape, bits: Array.from(data, hexadecimal).join(" ") };
}

export const OPERATIONS = {
  "exact.operation": ({ operation, inputs, attributes, shape }) => {
    const given = Object.entries(inputs).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map(tensorFrom) : tensorFrom(value),
    ]);
    return { bits: tensorTo(operate(operation, Object.fromEntries(given), attributes, shape)).bits };
  },
  "exact.program": ({ program, constants, input }) => {
    const { digest, output } = run(program, constants.map(tensorFrom), tensorFrom(input));
    return { digest, ...tensorTo(output) };
  },
};
