/** Logistic regression with cross-validated strength (section 10.3). */

import { sequentialSum } from "./arithmetic.js";
import { chain } from "./exact_double.js";
import { Invalid } from "./invalid.js";
import { Objective, extrapolated, minimise } from "./logistic_fit.js";
import { macroF1, macroF1OfBoth } from "./metrics.js";
import { compareNumbers } from "./order.js";
import { largestIndex } from "./training.js";

/** {means, deviations} of each feature over the rows. */
export function scaling(rows, { zero_deviation: zeroDeviation }) {
  const width = rows[0].length;
  const columns = Array.from({ length: width }, (_, j) => rows.map((row) => row[j]));
  const means = columns.map((column) => sequentialSum(column) / rows.length);
  const deviations = columns.map((column, j) => {
    const squares = column.map((x) => (x - means[j]) * (x - means[j]));
    const variance = sequentialSum(squares) / rows.length;
    return variance === 0 ? zeroDeviation : Math.sqrt(variance);
  });
  return { means, deviations };
}

export function scale(rows, { means, deviations }) {
  return rows.map((row) => Float64Array.from(row, (x, j) => (x - means[j]) / deviations[j]));
}

/** The classes that occur, ascending, and the weight of each row. */
export function rowWeights(labels) {
  const classes = [...new Set(labels)].sort(compareNumbers);
  if (classes.length < 2) throw new Invalid("value", "fewer than two classes");
  const counts = new Map(classes.map((label) => [label, 0]));
  for (const label of labels) counts.set(label, counts.get(label) + 1);
  const weights = labels.map((label) => labels.length / (classes.length * counts.get(label)));
  return { classes, weights };
}

/** The fold of each train row. */
export function folds(labels, count) {
  const rowsOf = new Map(); // in the order of the classes' first rows
  labels.forEach((label, row) => {
    if (!rowsOf.has(label)) rowsOf.set(label, []);
    rowsOf.get(label).push(row);
  });
  if (![...rowsOf.values()].some((rows) => rows.length >= count)) {
    throw new Invalid("value", "no class has as many rows as there are folds");
  }
  const foldOf = new Array(labels.length);
  let before = 0;
  for (const rows of rowsOf.values()) {
    const dealt = rows.map((_, i) => (before + i) % count).sort(compareNumbers);
    rows.forEach((row, i) => {
      foldOf[row] = dealt[i];
    });
    before += rows.length;
  }
  return foldOf;
}

/** {means, ranking}: each candidate's mean score over the folds, and the candidates best first. */
export function ranking(candidates, scores, tie) {
  const means = scores.map((foldScores) => sequentialSum(foldScores) / foldScores.length);
  const order = Array.from(candidates.keys()).sort((i, j) => {
    const earlier = tie === "first" ? i - j : candidates[i] - candidates[j];
    return means[j] - means[i] || earlier;
  });
  return { means, ranking: order.map((i) => candidates[i]) };
}

/** Fold score: macro-F1 over the classes that the protocol names. */
export function foldScore(truth, predicted, scoreClasses) {
  return scoreClasses === "truth" ? macroF1(truth, predicted) : macroF1OfBoth(truth, predicted);
}

/** The scaled rows of a list with their classes, to be fitted with any strength. */
function problemOf(rows, labels, constants) {
  const scaled = scaling(rows, constants);
  const { classes, weights } = rowWeights(labels);
  const targets = labels.map((label) => classes.indexOf(label));
  return { classes, scaled, objective: new Objective(scale(rows, scaled), targets, classes.length, weights) };
}

/** {classes, scaled, point}: the fit from a start, whose point has the intercept of a class after its weights. */
function fitted({ classes, scaled, objective }, strength, constants, start) {
  return { classes, scaled, point: minimise(objective, strength, constants.gradient_tolerance, start) };
}

export function fit(rows, labels, strength, constants) {
  return fitted(problemOf(rows, labels, constants), strength, constants);
}

/** {weight, intercept} of a fit. */
export function parameters({ classes, point }) {
  const step = point.length / classes.length;
  const of = (c) => Array.from(point.subarray(c * step, (c + 1) * step));
  return { weight: classes.map((_, c) => of(c).slice(0, -1)), intercept: classes.map((_, c) => of(c)[step - 1]) };
}

export function predict({ classes, scaled, point }, rows) {
  const step = point.length / classes.length;
  return scale(rows, scaled).map((row) => {
    const given = [...row, 1];
    const values = classes.map((_, c) => chain(step, given, point.subarray(c * step, (c + 1) * step)));
    return classes[largestIndex(values)];
  });
}

/** Of each candidate the score in one fold; the candidates are fitted in ascending order. */
function foldScores(rows, labels, inside, constants) {
  const part = (values, keep) => values.filter((_, row) => inside[row] === keep);
  const [heldRows, heldLabels] = [part(rows, true), part(labels, true)];
  const problem = problemOf(part(rows, false), part(labels, false), constants);
  const path = [];
  const scores = new Map();
  for (const strength of [...new Set(constants.candidates)].sort(compareNumbers)) {
    const model = fitted(problem, strength, constants, extrapolated(path, strength));
    path.push({ strength, point: model.point });
    scores.set(strength, foldScore(heldLabels, predict(model, heldRows), constants.search_score_classes));
  }
  return constants.candidates.map((strength) => scores.get(strength));
}

/** The search and the fit with the winner on all rows. */
export function search(rows, labels, constants) {
  const foldOf = folds(labels, constants.folds);
  const byFold = Array.from({ length: constants.folds }, (_, fold) =>
    foldScores(rows, labels, foldOf.map((f) => f === fold), constants),
  );
  const scores = constants.candidates.map((_, i) => byFold.map((of) => of[i]));
  const strength = ranking(constants.candidates, scores, constants.search_tie).ranking[0];
  return { strength, scores, model: fit(rows, labels, strength, constants) };
}

/** The gradient of J at weights and intercepts over rows that are scaled already. */
export function gradientAt(rows, labels, { weight, intercept, strength, tolerance }) {
  const { classes, weights } = rowWeights(labels);
  const targets = labels.map((label) => classes.indexOf(label));
  const objective = new Objective(rows, targets, classes.length, weights);
  const point = Float64Array.from(weight.flatMap((values, c) => [...values, intercept[c]]));
  const { gradient } = objective.evaluate(point, strength);
  const step = rows[0].length + 1;
  return {
    gradient: weight.map((_, c) => Array.from(gradient.subarray(c * step, (c + 1) * step))),
    within: gradient.every((x) => Math.abs(x) <= tolerance),
  };
}
