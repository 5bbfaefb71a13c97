/** Comparison of models on the same items (section 18). */

import { Invalid } from "./invalid.js";
import { bounds } from "./interval.js";
import { sortedIndices } from "./order.js";

/** The two-sided p value of paired differences. */
export function pValue(differences) {
  const replicates = differences.length;
  const below = differences.filter((d) => d <= 0).length;
  const above = differences.filter((d) => d >= 0).length;
  return Math.min(replicates + 1, 2 * (Math.min(below, above) + 1)) / (replicates + 1);
}

/** a, b: {score, replicates}. */
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
    p: pValue(differences),
    ahead: lead > 0 ? "a" : lead < 0 ? "b" : null,
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

/** {best, ties, p}: indices of models, and each model's corrected p, null for the best. */
export function tiesForBest(models, { alpha, confidence, higherIsBetter = true }) {
  if (models.length === 0) throw new Invalid("value", "no model");
  const scores = models.map(({ score }) => score);
  const best = scores.indexOf((higherIsBetter ? Math.max : Math.min)(...scores));
  const others = models.map((_, i) => i).filter((i) => i !== best);
  const corrected = holm(
    others.map((i) => compareModels(models[best], models[i], { confidence, higherIsBetter }).p),
  );
  const p = models.map((_, i) => (i === best ? null : corrected[others.indexOf(i)]));
  return { best, p, ties: models.map((_, i) => i).filter((i) => i === best || p[i] > alpha) };
}
