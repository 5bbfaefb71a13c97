/** The linear probe (section 10.1). Parameters are float32; sums inside a product are float64. */

import { Invalid } from "./invalid.js";
import { AdamW, batches, checkFinite, largestIndex, uniform, zeroGradients } from "./training.js";

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

function forward(row, parameters) {
  const width = row.length;
  const hidden = new Float32Array(width);
  for (let j = 0; j < width; j += 1) {
    hidden[j] = Math.fround(row[j] * parameters["norm.weight"][j]) + parameters["norm.bias"][j];
  }
  const weight = parameters["linear.weight"];
  const logits = parameters["linear.bias"].map((bias, c) => {
    let sum = bias;
    for (let j = 0; j < width; j += 1) sum += weight[c * width + j] * hidden[j];
    return sum;
  });
  return { hidden, logits };
}

/** Gradients of the mean cross-entropy of a batch, by parameter. */
function gradients(batch, rows, labels, parameters) {
  const width = rows[0].length;
  const sums = zeroGradients(parameters);
  const weight = parameters["linear.weight"];
  for (const row of batch) {
    const { hidden, logits } = forward(rows[row], parameters);
    const largest = logits.reduce((a, b) => Math.max(a, b));
    const powers = Array.from(logits, (x) => Math.exp(x - largest));
    const total = powers.reduce((a, b) => a + b);
    const back = new Float64Array(width);
    powers.forEach((power, c) => {
      const error = (power / total - (c === labels[row] ? 1 : 0)) / batch.length;
      sums["linear.bias"][c] += error;
      for (let j = 0; j < width; j += 1) {
        sums["linear.weight"][c * width + j] += error * hidden[j];
        back[j] += error * weight[c * width + j];
      }
    });
    for (let j = 0; j < width; j += 1) {
      sums["norm.weight"][j] += back[j] * rows[row][j];
      sums["norm.bias"][j] += back[j];
    }
  }
  return sums;
}

/** rows: standardised train rows; labels: their ids. */
export function train({ seed, task, rows, labels, classes, constants }) {
  const parameters = initialParameters({ seed, task, classes, width: rows[0].length, constants });
  const optimiser = new AdamW(parameters, constants);
  const order = batches({
    seed,
    name: `linear_probe/${task}/order`,
    rows: rows.length,
    batchSize: constants.batch_size,
  });
  if (new Set(labels).size < 2) throw new Invalid("value", "one label only");
  for (let step = 0; step < constants.steps; step += 1) {
    optimiser.update(step, gradients(order.next().value, rows, labels, parameters));
  }
  checkFinite(parameters);
  return parameters;
}

/** {weight: [class][feature], bias}: the layer written without the norm's parameters. */
export function folded(parameters) {
  const scale = parameters["norm.weight"];
  const shift = parameters["norm.bias"];
  const width = scale.length;
  const rows = Array.from(parameters["linear.bias"], (_, c) =>
    parameters["linear.weight"].subarray(c * width, (c + 1) * width),
  );
  return {
    weight: rows.map((row) => Array.from(row, (w, j) => Math.fround(w * scale[j]))),
    bias: rows.map((row, c) =>
      Math.fround(row.reduce((sum, w, j) => sum + w * shift[j], parameters["linear.bias"][c])),
    ),
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
  return rows.map((row) => forward(row, parameters).logits);
}

/** The id of the largest logit, a tie to the smallest. */
export function predict(parameters, rows) {
  return logitsOf(parameters, rows).map(largestIndex);
}
