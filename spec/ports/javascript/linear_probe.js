/** The linear probe (section 10.1), in exact arithmetic. */

import { chain, fma, softmax } from "./exact.js";
import { Invalid } from "./invalid.js";
import {
  batches,
  checkFinite,
  columns,
  descend,
  largestIndex,
  linear,
  totals,
  uniform,
} from "./training.js";

/** Rows of mean 0 and variance 1, rounded to float32. */
export function standardise(rows, epsilon) {
  return rows.map((row) => {
    const values = Float32Array.from(row);
    const width = values.length;
    const mean = values.reduce((sum, x) => sum + x, 0) / width;
    const variance = values.reduce((sum, x) => sum + (x - mean) * (x - mean), 0) / width;
    const deviation = Math.sqrt(variance + epsilon);
    return values.map((x) => (x - mean) / deviation);
  });
}

export function initialParameters({ seed, task, classes, width, constants }) {
  const name = `linear_probe/${task}`;
  return {
    "norm.weight": new Float32Array(width).fill(constants.normalisation_initial_weight),
    "norm.bias": new Float32Array(width).fill(constants.normalisation_initial_bias),
    "linear.weight": uniform(seed, `${name}/weight`, classes * width, width),
    "linear.bias": uniform(seed, `${name}/bias`, classes, width),
  };
}

/** Gradients of the mean cross-entropy of a batch, by parameter (section 10.1, step 5). */
function gradients(batch, rows, labels, parameters) {
  const { "norm.weight": scale, "norm.bias": shift, "linear.weight": weight } = parameters;
  const width = scale.length;
  const classes = parameters["linear.bias"].length;
  const inputs = batch.map((row) => rows[row]);
  const layer = foldedLayer(parameters);
  const share = Math.fround(1 / batch.length);
  const residuals = linear(inputs, layer.weight, layer.bias).map((logits, r) => {
    const values = softmax(logits);
    values[labels[batch[r]]] -= 1;
    return values.map((x) => x * share);
  });
  const products = columns(residuals, inputs);
  const total = totals(residuals);
  const overClasses = (factor) =>
    Float32Array.from({ length: width }, (_, j) =>
      chain(classes, (i) => weight[i * width + j], (i) => factor(i, j)),
    );
  return {
    "linear.weight": products.map((a, place) => {
      const j = place % width;
      return fma(total[Math.floor(place / width)], shift[j], Math.fround(a * scale[j]));
    }),
    "norm.weight": overClasses((i, j) => products[i * width + j]),
    "norm.bias": overClasses((i) => total[i]),
    "linear.bias": total,
  };
}

/** rows: standardised train rows; labels: their ids. */
export function train({ seed, task, rows, labels, classes, constants }) {
  const parameters = initialParameters({ seed, task, classes, width: rows[0].length, constants });
  const order = batches({
    seed,
    name: `linear_probe/${task}/order`,
    rows: rows.length,
    batchSize: constants.batch_size,
  });
  if (new Set(labels).size < 2) throw new Invalid("value", "one label only");
  const gradientsOf = (batch) => gradients(batch, rows, labels, parameters);
  descend({ parameters, constants, order, gradientsOf });
  checkFinite(foldedLayer(parameters));
  return parameters;
}

/** The layer written without the norm's parameters, one Float32Array each. */
function foldedLayer(parameters) {
  const { "norm.weight": scale, "norm.bias": shift, "linear.weight": weight } = parameters;
  const [offset] = linear([shift], weight, parameters["linear.bias"]);
  return { weight: weight.map((w, place) => w * scale[place % scale.length]), bias: offset };
}

/** {weight: [class][feature], bias}: the layer written without the norm's parameters. */
export function folded(parameters) {
  const { weight, bias } = foldedLayer(parameters);
  const width = weight.length / bias.length;
  return {
    weight: Array.from(bias, (_, i) => Array.from(weight.subarray(i * width, (i + 1) * width))),
    bias: Array.from(bias),
  };
}

/** A layer without a norm of its own, as parameters. */
export function unfolded({ weight, bias }) {
  const width = weight[0].length;
  return {
    "norm.weight": new Float32Array(width).fill(1),
    "norm.bias": new Float32Array(width),
    "linear.weight": Float32Array.from(weight.flat()),
    "linear.bias": Float32Array.from(bias),
  };
}

/** The float32 logits of standardised rows. */
export function logitsOf(parameters, rows) {
  const { weight, bias } = foldedLayer(parameters);
  return linear(rows, weight, bias);
}

/** The id of the largest logit, a tie to the smallest. */
export function predict(parameters, rows) {
  return logitsOf(parameters, rows).map(largestIndex);
}
