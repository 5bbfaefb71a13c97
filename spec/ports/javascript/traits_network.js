/** The traits network (section 10.6), in exact arithmetic. */

import { chain, sigmoid } from "./exact.js";
import { Stream } from "./generator.js";
import { Invalid } from "./invalid.js";
import { batches, checkFinite, columns, descend, linear, totals, uniform } from "./training.js";

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

/** The sums, units and logits of rows; factorsOf: what dropout multiplies the units of a row with, or null. */
function forward(rows, parameters, { activation }, factorsOf = () => null) {
  const sums = linear(rows, parameters["hidden.weight"], parameters["hidden.bias"]);
  const units = sums.map((row, place) => {
    const factors = factorsOf(place);
    const active = activation === "relu" ? row.map((a) => (a < 0 ? 0 : a)) : row;
    return factors === null ? active : active.map((a, i) => a * factors[i]);
  });
  const logits = linear(units, parameters["output.weight"], parameters["output.bias"]);
  return { sums, units, logits };
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

/** Gradients of the mean loss of a batch, by parameter (section 10.6, step 6); factorsOf: the dropout of a place. */
function gradients(batch, rows, traits, parameters, constants, factorsOf) {
  const inputs = batch.map((row) => rows[row]);
  const { sums, units, logits } = forward(inputs, parameters, constants, factorsOf);
  const count = logits[0].length;
  const share = Math.fround(1 / (batch.length * count));
  const residuals = logits.map((row, r) =>
    row.map((logit, t) => Math.fround(sigmoid(logit) - traits[batch[r]][t]) * share),
  );
  const weight = parameters["output.weight"];
  const slopes = sums.map((row, r) => {
    const factors = factorsOf(r);
    return row.map((a, i) => {
      if (constants.activation === "relu" && !(a > 0)) return 0;
      const back = chain(count, (t) => residuals[r][t], (t) => weight[t * row.length + i]);
      return factors === null ? back : back * factors[i];
    });
  });
  return {
    "hidden.weight": columns(slopes, inputs),
    "hidden.bias": totals(slopes),
    "output.weight": columns(residuals, units),
    "output.bias": totals(residuals),
  };
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
  const order = batches({
    seed,
    name: `traits_mlp/${task}/order`,
    rows: rows.length,
    batchSize: constants.batch_size,
  });
  const inputs = rows.map((row) => Float32Array.from(row));
  const gradientsOf = (batch, step) => {
    const factorsOf = dropoutOf({ seed, task, step }, constants);
    return gradients(batch, inputs, traits, parameters, constants, factorsOf);
  };
  descend({ parameters, constants, order, gradientsOf });
  checkFinite(parameters);
  return parameters;
}

export function logitsOf(parameters, rows, constants) {
  const inputs = rows.map((row) => Float32Array.from(row));
  return forward(inputs, parameters, constants).logits;
}

export function predict(parameters, rows, constants) {
  return logitsOf(parameters, rows, constants).map((logits) =>
    Array.from(logits, (logit) => (logit > constants.threshold ? 1 : 0)),
  );
}
