/** Comparison of models on the same items (section 18). */

import { Invalid } from "./invalid.js";
import { bounds, meanReplicates } from "./interval.js";
import { mean } from "./metrics.js";
import { sortedIndices } from "./order.js";

/** The two-sided p value of paired differences. */
export function pValue(differences) {
  const replicates = differences.length;
  const below = differences.filter((d) => d <= 0).length;
  const above = differences.filter((d) => d >= 0).length;
  return Math.min(replicates + 1, 2 * (Math.min(below, above) + 1)) / (replicates + 1);
}

/** Models of one item set: {score, replicates, reliable?, higher_is_better?}. */
export function compareModels(a, b, { confidence, higherIsBetter = true }) {
  if (a.replicates.length !== b.replicates.length) {
    throw new Invalid("value", "unequal numbers of replicates");
  }
  const differences = a.replicates.map((value, r) => value - b.replicates[r]);
  const difference = a.score - b.score;
  const lead = higherIsBetter ? difference : -difference;
  return {
    difference,
    ...bounds(differences, confidence),
    level: confidence,
    replicates: differences.length,
    p: pValue(differences),
    ahead: lead > 0 ? "a" : lead < 0 ? "b" : null,
    reliable: [a, b].every(({ reliable = true }) => reliable),
  };
}

/** The mean of a model's tasks, as a model. */
export function meanModel(tasks) {
  if (tasks.length === 0) throw new Invalid("value", "no task");
  if (new Set(tasks.map(({ replicates }) => replicates.length)).size > 1) {
    throw new Invalid("value", "unequal numbers of replicates");
  }
  const directions = new Set(tasks.map(({ higher_is_better: higher = true }) => higher));
  if (directions.size > 1) throw new Invalid("value", "unequal directions");
  return {
    score: mean(tasks.map(({ score }) => score)),
    replicates: meanReplicates(tasks),
    reliable: tasks.every(({ reliable = true }) => reliable),
    higher_is_better: [...directions][0],
  };
}

/** Holm's correction, in the order given. */
export function holm(values) {
  if (!values.every((p) => p >= 0 && p <= 1)) throw new Invalid("value", "no p value");
  const corrected = new Array(values.length);
  let largest = 0;
  sortedIndices(values, (a, b) => a - b).forEach((index, i) => {
    largest = Math.min(1, Math.max(largest, (values.length - i) * values[index]));
    corrected[index] = largest;
  });
  return corrected;
}

/** {best, p of each other, ties, reliable}, by the models' names. */
export function tiesForBest(models, { alpha, confidence, higherIsBetter = true }) {
  if (models.length === 0) throw new Invalid("value", "no model");
  const scores = models.map(({ score }) => score);
  const best = models[scores.indexOf((higherIsBetter ? Math.max : Math.min)(...scores))];
  const others = models.filter((model) => model !== best);
  const compared = others.map((other) => compareModels(best, other, { confidence, higherIsBetter }));
  const corrected = holm(compared.map(({ p }) => p));
  const p = Object.fromEntries(others.map(({ name }, i) => [name, corrected[i]]));
  return {
    best: best.name,
    p,
    ties: models.filter((model) => model === best || p[model.name] > alpha).map(({ name }) => name),
    reliable: models.every(({ reliable = true }) => reliable),
  };
}
