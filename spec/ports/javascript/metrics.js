/** Metrics (section 11). Labels are ids; every function takes the scored items in manifest order. */

import { sequentialSum } from "./arithmetic.js";
import { Invalid } from "./invalid.js";
import { compareCodePoints, compareNumbers } from "./order.js";

/** Columns of equal length, of one item or more. */
function needItems(first, ...others) {
  if (first.length === 0) throw new Invalid("value", "no items");
  if (others.some(({ length }) => length !== first.length)) {
    throw new Invalid("value", "columns of unequal length");
  }
}

function tally(labels) {
  const counts = new Map();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
}

/** F1 of each of the ids. */
function f1Scores(truth, predicted, ids) {
  const inClass = tally(truth);
  const predictedAs = tally(predicted);
  const hits = tally(truth.filter((label, i) => label === predicted[i]));
  return ids.map((id) => {
    const both = (inClass.get(id) ?? 0) + (predictedAs.get(id) ?? 0);
    return both === 0 ? 0 : (2 * (hits.get(id) ?? 0)) / both;
  });
}

function distinct(labels) {
  return [...new Set(labels)].sort(compareNumbers);
}

export function macroF1(truth, predicted, division = "official") {
  needItems(truth, predicted);
  if (!truth.every((label) => Number.isInteger(label) && label >= 0)) throw new Invalid("value", "a truth that is no class");
  const ids =
    division === "compat"
      ? Array.from({ length: Math.max(...truth, ...predicted) + 1 }, (_, id) => id)
      : distinct(truth);
  return mean(f1Scores(truth, predicted, ids));
}

/** Macro-F1 over the ids that occur in truth or prediction (section 10.3, step 6). */
export function macroF1OfBoth(truth, predicted) {
  needItems(truth);
  return mean(f1Scores(truth, predicted, distinct([...truth, ...predicted])));
}

/** truth, predicted: one list of 0 and 1 an item. */
export function traitsF1(truth, predicted, division = "official") {
  needItems(truth, predicted);
  const { length } = truth[0];
  const isTraits = (values) => Array.isArray(values) && values.length === length;
  if (![...truth, ...predicted].every(isTraits) || !truth.flat().every((v) => v === 0 || v === 1)) {
    throw new Invalid("value", "truth and prediction are not lists of as many traits");
  }
  const results = truth[0].map((_, trait) => {
    const inTruth = truth.map((values) => values[trait]);
    const inPrediction = predicted.map((values) => values[trait]);
    const values = division === "compat" ? [0, 1] : distinct(inTruth);
    return mean(f1Scores(inTruth, inPrediction, values));
  });
  return mean(results);
}

/** truePoisonous, predictedPoisonous: true or false an item. */
export function userLoss(truth, predicted, truePoisonous, predictedPoisonous) {
  needItems(truth, predicted, truePoisonous, predictedPoisonous);
  if (truth.some((label) => label < -1)) throw new Invalid("value", "a truth that is no class");
  if (truth.some((label, i) => label < 0 && truePoisonous[i])) {
    throw new Invalid("value", "an unknown class that is poisonous");
  }
  if (predicted.some((label, i) => label < 0 && predictedPoisonous[i])) {
    throw new Invalid("value", "a prediction of no class that is poisonous");
  }
  const n = truth.length;
  const count = (holds) => truth.filter((label, i) => holds(label, predicted[i], i)).length;
  const unknown = count((t) => t === -1);
  const poisonous = count((t, p, i) => truePoisonous[i]);
  const wrong = count((t, p) => t !== -1 && p !== -1 && p !== t);
  const calledKnown = count((t, p) => t === -1 && p !== -1);
  const calledUnknown = count((t, p) => t !== -1 && p === -1);
  const calledEdible = count((t, p, i) => truePoisonous[i] && !predictedPoisonous[i]);
  const calledPoisonous = count((t, p, i) => !truePoisonous[i] && predictedPoisonous[i]);
  const loss =
    10 * wrong + 100 * calledKnown + calledUnknown + 1000 * calledEdible + 10 * calledPoisonous;
  const worst = 10 * (9 * unknown + n + 100 * poisonous + (n - poisonous));
  return (worst - loss) / worst;
}

/** groups: the name of each item's group. */
export function groupAccuracy(truth, predicted, groups) {
  needItems(truth, predicted, groups);
  const names = [...new Set(groups)].sort(compareCodePoints);
  const scores = names.map((name) => {
    const of = (labels) => labels.filter((_, i) => groups[i] === name);
    return accuracy(of(truth), of(predicted));
  });
  return mean(scores);
}

export function accuracy(truth, predicted) {
  needItems(truth, predicted);
  if (truth.some(Array.isArray)) throw new Invalid("value", "traits are no classes");
  return truth.filter((label, i) => label === predicted[i]).length / truth.length;
}

/** firstHits: the rank of the first hit of each item, 0 for none. */
export function topK(firstHits, k) {
  needItems(firstHits);
  if (k < 1 || firstHits.some((rank) => rank < 0)) throw new Invalid("value", "no such rank");
  return firstHits.filter((rank) => rank >= 1 && rank <= k).length / firstHits.length;
}

/** relevant: true or false at each rank from 1; relevantCount: rows that are relevant at all. */
export function averagePrecision(relevant, relevantCount) {
  if (relevant.filter(Boolean).length > relevantCount) {
    throw new Invalid("value", "more relevant rows than there are");
  }
  if (relevantCount === 0) return 0;
  let found = 0;
  let total = 0;
  relevant.forEach((hit, i) => {
    if (!hit) return;
    found += 1;
    total += found / (i + 1);
  });
  return total / relevantCount;
}

export function mean(values) {
  needItems(values);
  return sequentialSum(values) / values.length;
}

/** Metric id to its function of (columns of predictions, division). */
const METRICS = {
  macro_f1: ({ y_true: truth, y_pred: predicted }, division) => macroF1(truth, predicted, division),
  accuracy: ({ y_true: truth, y_pred: predicted }) => accuracy(truth, predicted),
  top1: ({ first_hit: firstHits }) => topK(firstHits, 1),
  top5: ({ first_hit: firstHits }) => topK(firstHits, 5),
  mean_average_precision: ({ average_precision: values }) => mean(values),
  traits_f1: ({ y_true: truth, y_pred: predicted }, division) => traitsF1(truth, predicted, division),
  user_loss: ({ y_true: truth, y_pred: predicted, true_poisonous, predicted_poisonous }) =>
    userLoss(truth, predicted, true_poisonous, predicted_poisonous),
  group_accuracy: ({ y_true: truth, y_pred: predicted, group }) =>
    groupAccuracy(truth, predicted, group),
};

const EXTRAS = {
  top1: ["first_hit"],
  top5: ["first_hit"],
  mean_average_precision: ["average_precision"],
  user_loss: ["true_poisonous", "predicted_poisonous"],
  group_accuracy: ["group"],
};

/** columns: y_true, y_pred and the extra columns of the predictions. */
export function score(metric, columns, division) {
  const needed = ["y_true", "y_pred", ...(EXTRAS[metric] ?? [])];
  if (!needed.every((name) => columns[name] !== undefined)) {
    throw new Invalid("value", `${metric} needs ${needed.join(", ")}`);
  }
  const given = Object.values(columns).filter(Array.isArray);
  if (given.some(({ length }) => length !== columns.y_true.length)) {
    throw new Invalid("value", "columns of unequal length");
  }
  if (new Set(columns.ids).size < (columns.ids ?? []).length) throw new Invalid("value", "two items with one id");
  return METRICS[metric](columns, division);
}
