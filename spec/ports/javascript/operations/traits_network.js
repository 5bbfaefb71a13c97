import { batches, epochBatches, learningRate } from "../training.js";
import * as network from "../traits_network.js";
import { constantsFor, seedOf } from "./constants.js";

/** Rows of `width` numbers. */
function matrix(values, width) {
  return Array.from({ length: values.length / width }, (_, i) =>
    Array.from(values.slice(i * width, (i + 1) * width)),
  );
}

function layers(parameters, width, hidden) {
  return {
    hidden_weight: matrix(parameters["hidden.weight"], width),
    hidden_bias: Array.from(parameters["hidden.bias"]),
    output_weight: matrix(parameters["output.weight"], hidden),
    output_bias: Array.from(parameters["output.bias"]),
  };
}

function orderOf({ task, rows }, constants, bundle) {
  const name = `traits_mlp/${task}/order`;
  return { seed: seedOf(bundle), name, rows, batchSize: constants.batch_size };
}

export const OPERATIONS = {
  "traits_mlp.initial": (given, bundle) => {
    const constants = constantsFor(given, bundle);
    const { task, traits, width, units } = given;
    const start = network.initialParameters({ seed: seedOf(bundle), task, traits, width, constants });
    const whole = layers(start, width, constants.hidden);
    const chosen = (values) => units.map((unit) => values[unit]);
    return {
      ...whole,
      hidden: constants.hidden,
      hidden_weight: chosen(whole.hidden_weight),
      hidden_bias: chosen(whole.hidden_bias),
      output_weight: whole.output_weight.map(chosen),
    };
  },
  "traits_mlp.batches": (given, bundle) => {
    const options = orderOf(given, constantsFor(given, bundle), bundle);
    return { epochs: given.epochs.map((epoch) => epochBatches({ ...options, epoch })) };
  },
  "traits_mlp.last_batch": (given, bundle) => {
    const constants = constantsFor(given, bundle);
    const order = batches(orderOf(given, constants, bundle));
    let last = [];
    for (let step = 0; step < constants.steps; step += 1) last = order.next().value;
    return { last, steps: constants.steps };
  },
  "traits_mlp.dropout": (given, bundle) => {
    const constants = constantsFor(given, bundle);
    const { task, step, place, rows, units } = given;
    const factorsOf = network.dropoutOf({ seed: seedOf(bundle), task, step }, constants);
    const places = Array.from({ length: rows }, (_, i) => place + i);
    return { factors: places.map((at) => units.map((unit) => factorsOf(at)?.[unit] ?? 1)) };
  },
  "traits_mlp.rates": (given, bundle) => {
    const constants = constantsFor(given, bundle);
    return { rates: given.steps.map((step) => learningRate(step, constants)) };
  },
  "traits_mlp.predict": (given, bundle) => {
    const parameters = {
      "hidden.weight": Float32Array.from(given.hidden_weight.flat()),
      "hidden.bias": Float32Array.from(given.hidden_bias),
      "output.weight": Float32Array.from(given.output_weight.flat()),
      "output.bias": Float32Array.from(given.output_bias),
    };
    return { y_pred: network.predict(parameters, given.features, constantsFor(given, bundle)) };
  },
  "traits_mlp.train": (given, bundle) => {
    const constants = constantsFor(given, bundle);
    const { task, features, traits, test } = given;
    const parameters = network.train({ seed: seedOf(bundle), task, rows: features, traits, constants });
    return {
      ...layers(parameters, features[0].length, constants.hidden),
      logits: network.logitsOf(parameters, test, constants).map((row) => Array.from(row)),
      y_pred: network.predict(parameters, test, constants),
    };
  },
};
