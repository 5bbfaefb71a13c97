/** The traits network (section 10.6). Parameters are float32; sums inside a product are float64. */

import { Stream } from "./generator.js";
import { Invalid } from "./invalid.js";
import { AdamW, batches, checkFinite, uniform, zeroGradients } from "./training.js";

export function initialParameters({ seed, task, traits, width, constants }) {
  const { hidden } = constants;
  const name = `traits_mlp/${task}`;
  return {
    "hidden.weight": uniform(seed, `${name}/hidden/weight`, hidden * width, width),
    "hidden.bias": uniform(seed, `${name}/hidden/bias`, hidden, width),
    "output.weight": uniform(seed, `${name}/output/weight`, traits * hidden, hidden),
    "output.bias": uniform(seed, `${name}/output/bias`, traits, hidden),
  };
}

function layer(weight, bias, input) {
  return bias.map((start, i) => {
    let sum = start;
    for (let j = 0; j < input.length; j += 1) sum += weight[i * input.length + j] * input[j];
    return sum;
  });
}

/** factors: what dropout multiplies each hidden unit with, or null. */
function forward(row, parameters, { activation }, factors = null) {
  const sums = layer(parameters["hidden.weight"], parameters["hidden.bias"], row);
  const slopes = sums.map((a, i) => (activation === "relu" && a <= 0 ? 0 : 1) * (factors?.[i] ?? 1));
  const hidden = sums.map((a, i) => (slopes[i] === 0 ? 0 : a * slopes[i]));
  const logits = layer(parameters["output.weight"], parameters["output.bias"], hidden);
  return { slopes, hidden, logits };
}

/** A function of a row's place in the batch of a step: what multiplies its hidden units, or null. */
export function dropoutOf({ seed, task, step }, { hidden, dropout }) {
  if (dropout === 0) return () => null;
  const stream = new Stream(seed, `traits_mlp/${task}/dropout/${step}`);
  const kept = 1 / (1 - dropout);
  return (place) =>
    Float32Array.from({ length: hidden }, (_, i) =>
      stream.float(place * hidden + i) < dropout ? 0 : kept,
    );
}

/** Gradients of the mean loss of a batch, by parameter; factorsOf: the dropout of a place. */
function gradients(batch, rows, traits, parameters, constants, factorsOf) {
  const sums = zeroGradients(parameters);
  const { hidden: units } = constants;
  const weight = parameters["output.weight"];
  batch.forEach((row, place) => {
    const { slopes, hidden, logits } = forward(rows[row], parameters, constants, factorsOf(place));
    const back = new Float64Array(units);
    logits.forEach((logit, t) => {
      const share = 1 / (1 + Math.exp(-logit));
      const error = (share - traits[row][t]) / (batch.length * logits.length);
      sums["output.bias"][t] += error;
      for (let i = 0; i < units; i += 1) {
        sums["output.weight"][t * units + i] += error * hidden[i];
        back[i] += error * weight[t * units + i];
      }
    });
    for (let i = 0; i < units; i += 1) {
      const error = back[i] * slopes[i];
      if (error === 0) continue;
      sums["hidden.bias"][i] += error;
      for (let j = 0; j < rows[row].length; j += 1) {
        sums["hidden.weight"][i * rows[row].length + j] += error * rows[row][j];
      }
    }
  });
  return sums;
}

function isTraits(values) {
  return Array.isArray(values) && values.every((value) => value === 0 || value === 1);
}

/** rows: the train features; traits: 0 or 1, one list a row. */
export function train({ seed, task, rows, traits, constants }) {
  if (traits.length !== rows.length || !traits.every(isTraits)) {
    throw new Invalid("value", "traits that are not lists of 0 and 1, one a row");
  }
  const width = rows[0].length;
  const parameters = initialParameters({ seed, task, traits: traits[0].length, width, constants });
  const optimiser = new AdamW(parameters, constants);
  const order = batches({
    seed,
    name: `traits_mlp/${task}/order`,
    rows: rows.length,
    batchSize: constants.batch_size,
  });
  for (let step = 0; step < constants.steps; step += 1) {
    const batch = order.next().value;
    const factorsOf = dropoutOf({ seed, task, step }, constants);
    optimiser.update(step, gradients(batch, rows, traits, parameters, constants, factorsOf));
  }
  checkFinite(parameters);
  return parameters;
}

export function logitsOf(parameters, rows, constants) {
  return rows.map((row) => forward(row, parameters, constants).logits);
}

export function predict(parameters, rows, constants) {
  return logitsOf(parameters, rows, constants).map((logits) =>
    Array.from(logits, (logit) => (logit > constants.threshold ? 1 : 0)),
  );
}
