/** Logistic regression with cross-validated strength (section 10.3). */

import { sequentialSum } from "./arithmetic.js";
import { Invalid } from "./invalid.js";
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

/** A fit with strength C on scaled rows: {classes, weight: [class][feature], bias}. */
export function fit(rows, labels, strength, constants) {
  const scaled = scaling(rows, constants);
  const { classes, weights } = rowWeights(labels);
  const objective = new Objective(scale(rows, scaled), labels.map((l) => classes.indexOf(l)), {
    classes: classes.length,
    weights,
    strength,
  });
  const point = minimise(objective, constants.gradient_tolerance);
  return { classes, scaled, ...objective.unpack(point) };
}

export function decisions(model, rows) {
  return scale(rows, model.scaled).map((row) =>
    model.weight.map((w, c) => w.reduce((sum, v, j) => sum + v * row[j], 0) + model.bias[c]),
  );
}

export function predict(model, rows) {
  return decisions(model, rows).map((values) => model.classes[largestIndex(values)]);
}

/** The search and the fit with the winner on all rows. */
export function search(rows, labels, constants) {
  const foldOf = folds(labels, constants.folds);
  const part = (keep) => labels.map((_, row) => row).filter((row) => keep(foldOf[row]));
  const scores = constants.candidates.map((strength) =>
    Array.from({ length: constants.folds }, (_, fold) => {
      const outside = part((f) => f !== fold);
      const inside = part((f) => f === fold);
      const at = (values, indices) => indices.map((i) => values[i]);
      const model = fit(at(rows, outside), at(labels, outside), strength, constants);
      return foldScore(at(labels, inside), predict(model, at(rows, inside)), constants.search_score_classes);
    }),
  );
  const strength = ranking(constants.candidates, scores, constants.search_tie).ranking[0];
  return { strength, scores, model: fit(rows, labels, strength, constants) };
}

/** The gradient of J at weights and intercepts over rows that are scaled already. */
export function gradientAt(rows, labels, { weight, intercept, strength, tolerance }) {
  const { classes, weights } = rowWeights(labels);
  const targets = labels.map((label) => classes.indexOf(label));
  const objective = new Objective(rows, targets, { classes: classes.length, weights, strength });
  const point = Float64Array.from(weight.flatMap((values, c) => [...values, intercept[c]]));
  const { gradient } = objective.evaluate(point);
  const step = rows[0].length + 1;
  return {
    gradient: weight.map((_, c) => Array.from(gradient.subarray(c * step, (c + 1) * step))),
    within: largestSize(gradient) <= tolerance,
  };
}

/** J of the text over a flat point: for each class its weights, then its intercept. */
class Objective {
  constructor(rows, targets, { classes, weights, strength }) {
    Object.assign(this, { rows, targets, classes, weights, strength });
    this.width = rows[0].length;
    this.size = classes * (this.width + 1);
  }

  unpack(point) {
    const step = this.width + 1;
    const starts = Array.from({ length: this.classes }, (_, c) => c * step);
    const bias = starts.map((start) => point[start + this.width]);
    const centre = sequentialSum(bias) / bias.length;
    return {
      weight: starts.map((start) => Array.from(point.subarray(start, start + this.width))),
      bias: bias.map((b) => b - centre),
    };
  }

  /** The scores of a row under the linear form `point`. */
  scores(row, point) {
    const step = this.width + 1;
    return Array.from({ length: this.classes }, (_, c) => {
      let sum = point[c * step + this.width];
      for (let j = 0; j < this.width; j += 1) sum += point[c * step + j] * row[j];
      return sum;
    });
  }

  /** {value, gradient}; keeps the probabilities for `curve`. */
  evaluate(point) {
    const n = this.rows.length;
    const step = this.width + 1;
    const gradient = new Float64Array(this.size);
    let loss = 0;
    this.probabilities = this.rows.map((row, i) => {
      const scores = this.scores(row, point);
      const largest = scores.reduce((a, b) => Math.max(a, b));
      const powers = scores.map((s) => Math.exp(s - largest));
      const total = powers.reduce((a, b) => a + b);
      loss += this.weights[i] * (Math.log(total) + largest - scores[this.targets[i]]);
      const shares = powers.map((p) => p / total);
      const errors = shares.map((p, c) => p - (c === this.targets[i] ? 1 : 0));
      this.spread(gradient, row, errors.map((error) => (this.weights[i] * error) / n));
      return shares;
    });
    let squares = 0;
    for (let i = 0; i < this.size; i += 1) {
      if (i % step === this.width) continue;
      squares += point[i] * point[i];
      gradient[i] += point[i] / (this.strength * n);
    }
    return { value: loss / n + squares / (2 * this.strength * n), gradient };
  }

  spread(target, row, errors) {
    const step = this.width + 1;
    errors.forEach((error, c) => {
      for (let j = 0; j < this.width; j += 1) target[c * step + j] += error * row[j];
      target[c * step + this.width] += error;
    });
  }

  /** The Hessian at the last point evaluated, times a direction. */
  curve(direction) {
    const n = this.rows.length;
    const result = new Float64Array(this.size);
    this.rows.forEach((row, i) => {
      const slopes = this.scores(row, direction);
      const shares = this.probabilities[i];
      const mean = slopes.reduce((sum, s, c) => sum + s * shares[c], 0);
      this.spread(result, row, slopes.map((s, c) => (this.weights[i] * shares[c] * (s - mean)) / n));
    });
    for (let i = 0; i < this.size; i += 1) {
      if (i % (this.width + 1) !== this.width) result[i] += direction[i] / (this.strength * n);
    }
    return result;
  }
}

function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += a[i] * b[i];
  return sum;
}

function largestSize(values) {
  return values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
}

/** Newton's method; each step is solved by conjugate gradients. */
function minimise(objective, tolerance) {
  let point = new Float64Array(objective.size);
  let state = objective.evaluate(point);
  for (let round = 0; round < 200 && largestSize(state.gradient) > tolerance; round += 1) {
    const direction = newtonStep(objective, state.gradient);
    const slope = dot(direction, state.gradient);
    let length = 1;
    let next;
    for (;;) {
      const candidate = point.map((x, i) => x + length * direction[i]);
      next = { candidate, ...objective.evaluate(candidate) };
      // Near the end the value no longer moves in float64; there the gradient decides.
      const lower = next.value <= state.value + 1e-4 * length * slope;
      const flatter = largestSize(next.gradient) < 0.5 * largestSize(state.gradient);
      if (lower || flatter || length < 1e-10) break;
      length /= 2;
    }
    point = next.candidate;
    state = next;
  }
  if (largestSize(state.gradient) > tolerance) throw new Error("the fit did not reach the tolerance");
  return point;
}

function newtonStep(objective, gradient) {
  const step = new Float64Array(gradient.length);
  const residual = gradient.map((x) => -x);
  const direction = residual.slice();
  let size = dot(residual, residual);
  const enough = size * 1e-20;
  for (let i = 0; i < 10 * gradient.length && size > enough && size > 0; i += 1) {
    const curved = objective.curve(direction);
    const bend = dot(direction, curved);
    if (!(bend > 0)) break;
    const rate = size / bend;
    for (let k = 0; k < step.length; k += 1) {
      step[k] += rate * direction[k];
      residual[k] -= rate * curved[k];
    }
    const next = dot(residual, residual);
    for (let k = 0; k < step.length; k += 1) direction[k] = residual[k] + (next / size) * direction[k];
    size = next;
  }
  return step;
}
