/** The fit of logistic regression (section 10.3, steps 3 to 6 and 10). */

import * as single from "./exact.js";
import * as double from "./exact_double.js";

const dot = (a, b) => double.sum(a.length, (i) => a[i] * b[i]);
const norm = (a) => Math.sqrt(dot(a, a));

const larger = (a, b) => (a > b ? a : b);
const smaller = (a, b) => (a < b ? a : b);

/** What products with the Hessian are computed with. */
const PRECISIONS = {
  float32: { round: Math.fround, fma: single.fma, list: Float32Array, sum: single.sum },
  float64: {
    round: (x) => x,
    fma: double.fma,
    list: Float64Array,
    sum: (values) => double.sum(values.length, (i) => values[i]),
  },
};

/** J over flat points: for each class its weights, then its intercept. */
export class Objective {
  constructor(rows, targets, classes, weights) {
    this.rows = rows.map((row) => Float64Array.of(...row, 1));
    this.weights = weights.map((weight) => weight / rows.length);
    this.depth = rows[0].length + 1;
    this.size = classes * this.depth;
    Object.assign(this, { targets, classes });
  }

  isIntercept(place) {
    return place % this.depth === this.depth - 1;
  }

  penalty(strength, place) {
    return this.isIntercept(place) ? 0 : 1 / (strength * this.rows.length);
  }

  /** {value, gradient, shares: softmax of each row, spread: v of each class}. */
  evaluate(point, strength) {
    const { depth, classes } = this;
    const parts = Array.from({ length: classes }, (_, c) => point.subarray(c * depth, (c + 1) * depth));
    const gradient = new Float64Array(this.size);
    const spread = new Float64Array(classes);
    let loss = 0;
    const shares = this.rows.map((row, i) => {
      const logits = parts.map((part) => double.chain(depth, row, part));
      const largest = logits.reduce(larger);
      const powers = logits.map((l) => double.exp(larger(-700, l - largest)));
      const total = double.sum(classes, (c) => powers[c]);
      const [inverse, weight, own] = [1 / total, this.weights[i], this.targets[i]];
      loss += weight * (double.log(total) - (logits[own] - largest));
      const share = Float64Array.from(powers, (e) => e * inverse);
      for (let c = 0; c < classes; c += 1) {
        spread[c] += share[c] * (1 - share[c]) * weight;
        const slope = (c === own ? share[c] - 1 : share[c]) * weight;
        for (let j = 0; j < depth; j += 1) {
          gradient[c * depth + j] = double.fma(slope, row[j], gradient[c * depth + j]);
        }
      }
      return share;
    });
    const squares = double.sum(this.size, (k) => (this.isIntercept(k) ? 0 : point[k] * point[k]));
    for (let k = 0; k < this.size; k += 1) {
      if (!this.isIntercept(k)) gradient[k] += this.penalty(strength, k) * point[k];
    }
    return { value: loss + 0.5 * this.penalty(strength, 0) * squares, gradient, shares, spread };
  }

  /** A function that multiplies a direction by the Hessian at a point that was evaluated (step 6). */
  hessian({ shares }, strength, { round, fma, list, sum }) {
    const { depth, classes } = this;
    const rows = this.rows.map((row) => list.from(row));
    const weights = list.from(this.weights);
    const chances = shares.map((share) => list.from(share));
    return (direction) => {
      const size = direction.reduce((most, x) => larger(most, Math.abs(x)), 0);
      const inverse = 1 / size;
      const scaled = list.from(direction, (x) => x * inverse);
      const chains = new list(this.size);
      rows.forEach((row, i) => {
        const terms = list.from({ length: classes }, (_, c) => {
          let total = 0;
          for (let j = 0; j < depth; j += 1) total = fma(row[j], scaled[c * depth + j], total);
          return total * chances[i][c];
        });
        const mean = sum(terms);
        for (let c = 0; c < classes; c += 1) {
          const slope = round(round(terms[c] - round(chances[i][c] * mean)) * weights[i]);
          for (let j = 0; j < depth; j += 1) {
            chains[c * depth + j] = fma(slope, row[j], chains[c * depth + j]);
          }
        }
      });
      return Float64Array.from(chains, (b, k) =>
        this.isIntercept(k) ? size * b : size * b + this.penalty(strength, k) * direction[k],
      );
    };
  }
}

/** The point of the fit, from a start or from zeros. */
export function minimise(objective, strength, tolerance, start) {
  let point = start ?? new Float64Array(objective.size);
  let state = objective.evaluate(point, strength);
  let precision = PRECISIONS.float32;
  for (let round = 0; round < 200; round += 1) {
    const length = norm(state.gradient);
    if (length <= 0.5 * tolerance) break;
    if (round >= 20) precision = PRECISIONS.float64;
    const enough = larger(length * smaller(0.1, Math.sqrt(length)), 0.25 * tolerance);
    const direction = newtonDirection(objective, strength, state, { precision, enough });
    centre(direction, objective);
    const next = lineSearch(objective, strength, { point, state, direction });
    if (next !== undefined) ({ point, state } = next);
    else if (precision === PRECISIONS.float64) break;
    else precision = PRECISIONS.float64;
  }
  if (!state.gradient.every((x) => Math.abs(x) <= tolerance)) {
    throw new Error("the fit did not reach the tolerance");
  }
  return point;
}

/** Takes the mean of the intercepts off them. */
function centre(direction, { classes, depth }) {
  let total = 0;
  for (let c = 0; c < classes; c += 1) total += direction[c * depth + depth - 1];
  for (let c = 0; c < classes; c += 1) direction[c * depth + depth - 1] -= total / classes;
}

function lineSearch(objective, strength, { point, state, direction }) {
  const slope = dot(state.gradient, direction);
  const noise = 1e-13 * Math.abs(state.value);
  for (let scale = 1; scale >= 2 ** -30; scale /= 2) {
    const trial = point.map((x, k) => x + scale * direction[k]);
    const next = objective.evaluate(trial, strength);
    if (next.value <= state.value + 1e-4 * scale * slope + noise) return { point: trial, state: next };
  }
  return undefined;
}

function newtonDirection(objective, strength, state, { precision, enough }) {
  const curve = objective.hessian(state, strength, precision);
  const inverse = state.gradient.map(
    (_, k) => 1 / larger(state.spread[Math.floor(k / objective.depth)] + objective.penalty(strength, k), 1e-300),
  );
  let step = new Float64Array(objective.size);
  let residual = state.gradient.map((x) => -x);
  let direction = residual.map((x, k) => x * inverse[k]);
  let product = dot(residual, direction);
  for (let i = 0; i < 1000; i += 1) {
    const curved = curve(direction);
    const bend = dot(direction, curved);
    if (!(bend > 0)) break;
    const length = product / bend;
    step = step.map((x, k) => x + length * direction[k]);
    residual = residual.map((x, k) => x - length * curved[k]);
    if (!(norm(residual) > enough)) break;
    const scaled = residual.map((x, k) => x * inverse[k]);
    const following = dot(residual, scaled);
    const share = following / product;
    direction = scaled.map((x, k) => x + share * direction[k]);
    product = following;
  }
  return step;
}

function root(strength) {
  return Math.sqrt(Math.sqrt(Math.sqrt(Math.sqrt(strength))));
}

/** The start of the next fit from the last ones (step 10); undefined for none. */
export function extrapolated(path, strength) {
  if (path.length === 0) return undefined;
  const near = path.slice(-6);
  const places = near.map((fit) => root(fit.strength));
  const place = root(strength);
  const last = near.length - 1;
  if (place - places[last] > places[last] - places[0]) return near[last].point;
  const start = new Float64Array(near[0].point.length);
  near.forEach(({ point }, i) => {
    let share = 1;
    places.forEach((other, k) => {
      if (k !== i) share *= (place - other) / (places[i] - other);
    });
    point.forEach((x, k) => {
      start[k] += share * x;
    });
  });
  return start;
}
