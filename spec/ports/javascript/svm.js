/** The linear support vector machine (section 10.4). */

import { Invalid } from "./invalid.js";
import { compareNumbers } from "./order.js";
import { prepareRows } from "./neighbours.js";

/** {train, test, mean} of one group: rows of length one, centred, of length one again. */
export function centredRows(trainRows, testRows) {
  const train = prepareRows(trainRows, "l2");
  const test = prepareRows(testRows, "l2");
  const total = new Float64Array(train[0].length);
  for (const row of train) row.forEach((x, j) => (total[j] += x));
  const mean = total.map((x) => x / train.length);
  const centred = (rows) => prepareRows(rows.map((row) => row.map((x, j) => x - mean[j])), "l2");
  return { train: centred(train), test: centred(test), mean };
}

/** The class of one row from its decision values, one for each pair. */
export function voteOf(pairs, values, constants) {
  const votes = new Map();
  pairs.forEach(([a, b], i) => {
    const forB = values[i] > 0 || (values[i] === 0 && constants.decision_tie === "largest-id");
    votes.set(a, (votes.get(a) ?? 0) + (forB ? 0 : 1));
    votes.set(b, (votes.get(b) ?? 0) + (forB ? 1 : 0));
  });
  const most = Math.max(...votes.values());
  return Math.min(...[...votes.keys()].filter((label) => votes.get(label) === most));
}

/** The intercept from y - w x of every row and the number of rows of the second class. */
export function intercept(gaps, positives) {
  const sorted = [...gaps].sort(compareNumbers);
  return (sorted[positives - 1] + sorted[positives]) / 2;
}

export function pairsOf(labels) {
  const classes = [...new Set(labels)].sort(compareNumbers);
  if (classes.length < 2) throw new Invalid("value", "fewer than two classes");
  return classes.flatMap((a, i) => classes.slice(i + 1).map((b) => [a, b]));
}

function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += a[i] * b[i];
  return sum;
}

function weightOf(rows, signs, dual) {
  const weight = new Float64Array(rows[0].length);
  rows.forEach((row, i) => {
    if (dual[i] !== 0) row.forEach((x, j) => (weight[j] += dual[i] * signs[i] * x));
  });
  return weight;
}

const gapsOf = (rows, signs, weight) => rows.map((row, i) => signs[i] - dot(weight, row));

/** {violation, within} of step 3. */
export function violationOf(rows, signs, dual, { C, violation_tolerance: tolerance }) {
  const gaps = gapsOf(rows, signs, weightOf(rows, signs, dual));
  const canRise = (sign, a) => (sign > 0 ? a < C : a > 0);
  const up = gaps.filter((_, i) => canRise(signs[i], dual[i]));
  const down = gaps.filter((_, i) => canRise(-signs[i], dual[i]));
  const violation = Math.max(...up) - Math.min(...down);
  const balance = Math.abs(dual.reduce((sum, a, i) => sum + a * signs[i], 0));
  const allowed = dual.every((a) => a >= 0 && a <= C) && balance <= 1e-12 * C * dual.length;
  return { violation, within: allowed && violation <= tolerance };
}

/** The machine of one pair: {weight, intercept}. signs: -1 or +1 a row. */
export function fitPair(rows, signs, constants) {
  const { C, violation_tolerance: tolerance } = constants;
  const kernel = rows.map((a) => Float64Array.from(rows, (b) => dot(a, b)));
  const alpha = new Float64Array(rows.length);
  // h_i = y_i - w x_i of the text; every step keeps it up to date.
  const h = Float64Array.from(signs);
  const canRise = (i) => (signs[i] > 0 ? alpha[i] < C : alpha[i] > 0);
  const canFall = (i) => (signs[i] > 0 ? alpha[i] > 0 : alpha[i] < C);
  for (let round = 0; round < 10_000_000; round += 1) {
    let up = -1;
    for (let i = 0; i < h.length; i += 1) if (canRise(i) && (up < 0 || h[i] > h[up])) up = i;
    let low = Infinity;
    let down = -1;
    let best = 0;
    for (let i = 0; i < h.length; i += 1) {
      if (!canFall(i)) continue;
      low = Math.min(low, h[i]);
      const gap = h[up] - h[i];
      const bend = Math.max(kernel[up][up] + kernel[i][i] - 2 * kernel[up][i], 1e-12);
      if (gap > 0 && (gap * gap) / bend > best) {
        best = (gap * gap) / bend;
        down = i;
      }
    }
    // Half of what is allowed leaves room for the rounding of w; losses weigh C.
    if (h[up] - low <= tolerance / 2 / Math.max(1, C) || down < 0) break;
    move(up, down);
  }
  if (!violationOf(rows, signs, alpha, constants).within) throw new Error("no fit was reached");
  const weight = weightOf(rows, signs, alpha);
  const positives = signs.filter((sign) => sign > 0).length;
  return { weight, intercept: intercept(gapsOf(rows, signs, weight), positives) };

  /** Moves alpha along the pair until the gap closes or a bound stops it. */
  function move(up, down) {
    const bend = Math.max(kernel[up][up] + kernel[down][down] - 2 * kernel[up][down], 1e-12);
    const room = (i, rises) => (rises === signs[i] > 0 ? C - alpha[i] : alpha[i]);
    const stops = [room(up, true), room(down, false)];
    const step = Math.min((h[up] - h[down]) / bend, ...stops);
    alpha[up] = settle(alpha[up] + signs[up] * step, stops[0] === step);
    alpha[down] = settle(alpha[down] - signs[down] * step, stops[1] === step);
    for (let i = 0; i < h.length; i += 1) h[i] -= step * (kernel[up][i] - kernel[down][i]);
  }

  function settle(value, atBound) {
    if (!atBound) return value;
    return value > C / 2 ? C : 0;
  }
}

/** {machines, decisions, predictions} of one group; a decision value a test row and pair. */
export function fitGroup(trainRows, labels, testRows, constants) {
  const pairs = pairsOf(labels);
  const { train, test } = centredRows(trainRows, testRows);
  const machines = pairs.map(([a, b]) => {
    const rows = labels.map((_, i) => i).filter((i) => labels[i] === a || labels[i] === b);
    const signs = rows.map((i) => (labels[i] === a ? -1 : 1));
    return fitPair(rows.map((i) => train[i]), signs, constants);
  });
  const decisions = test.map((row) => machines.map((each) => dot(each.weight, row) + each.intercept));
  const predictions = decisions.map((values) => voteOf(pairs, values, constants));
  return { machines, decisions, predictions };
}

/** Predictions of test rows, each group fitted on its own train rows. */
export function predictByGroup(train, test, constants) {
  const predictions = new Array(test.rows.length);
  for (const name of new Set(test.groups)) {
    const of = (values, groups) => values.filter((_, i) => groups[i] === name);
    const places = test.groups.map((_, i) => i).filter((i) => test.groups[i] === name);
    const found = fitGroup(
      of(train.rows, train.groups),
      of(train.labels, train.groups),
      of(test.rows, test.groups),
      constants,
    );
    places.forEach((place, i) => (predictions[place] = found.predictions[i]));
  }
  return predictions;
}
