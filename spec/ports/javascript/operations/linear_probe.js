import * as probe from "../linear_probe.js";
import { epochBatches, learningRate } from "../training.js";
import { constantsFor, seedOf } from "./constants.js";

export const OPERATIONS = {
  "linear_probe.standardise": (given, bundle) => {
    const { normalisation_epsilon: epsilon } = constantsFor(given, bundle);
    return { rows: probe.standardise(given.features, epsilon).map((row) => Array.from(row)) };
  },
  "linear_probe.initial": (given, bundle) => {
    const constants = constantsFor(given, bundle);
    const parameters = probe.initialParameters({ ...given, seed: seedOf(bundle), constants });
    return probe.folded(parameters);
  },
  "linear_probe.batches": (given, bundle) => {
    const { task, rows, epochs } = given;
    const batchSize = constantsFor(given, bundle).batch_size;
    const options = { seed: seedOf(bundle), name: `linear_probe/${task}/order`, rows, batchSize };
    return { epochs: epochs.map((epoch) => epochBatches({ ...options, epoch })) };
  },
  "linear_probe.rates": (given, bundle) => {
    const constants = constantsFor(given, bundle);
    return { rates: given.steps.map((step) => learningRate(step, constants)) };
  },
  "linear_probe.predict": (given, bundle) => {
    const { normalisation_epsilon: epsilon } = constantsFor(given, bundle);
    const rows = probe.standardise(given.features, epsilon);
    return { y_pred: probe.predict(probe.unfolded(given), rows) };
  },
  "linear_probe.train": (given, bundle) => {
    const { task, features, labels, classes, test } = given;
    const constants = constantsFor(given, bundle);
    const standardise = (rows) => probe.standardise(rows, constants.normalisation_epsilon);
    const rows = standardise(features);
    const parameters = probe.train({ seed: seedOf(bundle), task, rows, labels, classes, constants });
    return { ...probe.folded(parameters), y_pred: probe.predict(parameters, standardise(test)) };
  },
};
