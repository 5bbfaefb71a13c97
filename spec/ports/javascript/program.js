/** Operations by name, and programs of them (section 21.10). */

import { digestOfValue } from "./digest.js";
import { FUNCTIONS } from "./exact_functions.js";
import * as moves from "./exact_moves.js";
import * as rows from "./exact_rows.js";
import * as windows from "./exact_windows.js";
import { Invalid } from "./invalid.js";

const elementwise = Object.entries(FUNCTIONS).map(([name, rule]) => [
  name,
  ({ x }) => ({ shape: x.shape, data: x.data.map((value) => rule(value)) }),
]);

const BY_NAME = {
  ...Object.fromEntries(elementwise),
  linear: rows.linear,
  matmul: rows.matmul,
  conv2d: windows.convolution,
  layer_norm: rows.layerNorm,
  rms_norm: rows.rmsNorm,
  batch_norm: rows.batchNorm,
  group_norm: rows.groupNorm,
  softmax: rows.softmax,
  attention: rows.attention,
  add: moves.binary((a, b) => a + b),
  sub: moves.binary((a, b) => a - b),
  mul: moves.binary((a, b) => a * b),
  div: moves.binary((a, b) => a / b),
  mean: windows.mean,
  amax: windows.amax,
  max_pool2d: windows.maxPool,
  avg_pool2d: windows.avgPool,
  adaptive_avg_pool2d: windows.adaptiveAvgPool,
  concatenate: moves.concatenate,
  slice: moves.slice,
  reshape: moves.reshape,
  expand: moves.expand,
  permute: moves.permute,
  pad: moves.pad,
  gather: moves.gather,
};

/** What an operation gives of tensors by name; its shape must be the stated one. */
export function operate(name, inputs, attributes, shape) {
  const found = BY_NAME[name](inputs, attributes, shape);
  if (String(found.shape) !== String(shape)) throw new Invalid("value");
  return found;
}

/** The number of a dimension: an integer, or "b" and "64b", multiples of the batch. */
function sized(dimension, batch) {
  return typeof dimension === "string" ? Number(dimension.slice(0, -1) || 1) * batch : dimension;
}

/** The digest of a program and its output for an input, with the constants as tensors. */
export function run(program, constants, input) {
  const at = program.input.findIndex((dimension) => typeof dimension === "string");
  const batch = at < 0 ? 1 : input.shape[at] / sized(program.input[at], 1);
  const values = new Map([["input", input]]);
  constants.forEach((constant, i) => values.set(`c${i}`, constant));
  const named = (name) => {
    if (!values.has(name)) throw new Invalid("value");
    return values.get(name);
  };
  program.operations.forEach(({ operation, inputs, attributes, shape }, i) => {
    const given = Object.entries(inputs).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map(named) : named(value),
    ]);
    const asked = shape.map((dimension) => sized(dimension, batch));
    values.set(`v${i}`, operate(operation, Object.fromEntries(given), attributes, asked));
  });
  return { digest: digestOfValue(program), output: named(program.output) };
}
