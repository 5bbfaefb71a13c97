/** Comparison of models on the same items (section 18). */

import { decimalOf, sequentialSum } from "./arithmetic.js";
import { Stream } from "./generator.js";
import { Invalid } from "./invalid.js";
import {
  effectiveClusters,
  enough,
  quantile,
  spreadOfMean,
  standardError,
} from "./interval.js";
import { mean } from "./metrics.js";
import { compareNumbers, sortedIndices } from "./order.js";

/** The sign, +1 or -1, of each cluster in each replicate. */
export function signs({ seed, task, clusters, replicates }) {
  const stream = new Stream(seed, `signs/${task}`);
  const words = Math.ceil(clusters / 64);
  return Array.from({ length: replicates }, (_, r) => {
    const pairs = Array.from({ length: words }, (_, j) => stream.pair(r * words + j));
    return Array.from({ length: clusters }, (_, k) => {
      const [high, low] = pairs[Math.floor(k / 64)];
      const bit = k % 64;
      return ((bit < 32 ? low >>> bit : high >>> (bit - 32)) & 1) === 1 ? 1 : -1;
    });
  });
}

/** Tasks, each {task, weights, models: {name: {score, influence}}}, of which every model has each. */
export class Models {
  constructor(tasks, names, suite) {
    if (names.length === 0) throw new Invalid("value", "no model");
    if (tasks.length === 0) throw new Invalid("value", "no task");
    if (new Set(tasks.map(({ higher_is_better: higher = true }) => higher)).size > 1) {
      throw new Invalid("value", "unequal directions");
    }
    for (const { weights, models } of tasks) {
      if (!names.every((name) => models[name]?.influence.length === weights.length)) {
        throw new Invalid("value", "a model without a task, or of other clusters");
      }
      const same = (own = weights) => own.length === weights.length && own.every((w, k) => w === weights[k]);
      if (!names.every((name) => same(models[name].weights))) {
        throw new Invalid("value", "other clusters");
      }
    }
    Object.assign(this, { tasks, names, suite });
    this.effective = tasks.map(({ weights }) => effectiveClusters(weights));
    this.known = this.effective.every((own) => enough(own, suite.interval.minimum_clusters));
    this.flips = null;
  }

  score(name) {
    return mean(this.tasks.map(({ models }) => models[name].score));
  }

  /** {d, se, effective, u, tested, half}: the difference of two models. */
  gap(a, b) {
    const errors = this.tasks.map((task) => standardError(between(task, a, b)));
    const { se, effective } = spreadOfMean(
      errors.map((own, i) => ({ se: own, effective: this.effective[i] })),
    );
    const d = this.score(a) - this.score(b);
    return {
      d,
      se,
      effective,
      u: se * se > 0 ? (d * d) / (se * se) : 0,
      tested: enough(effective, this.suite.comparison.minimum_clusters),
      half: quantile(this.suite.interval.t_quantiles, effective - 1) * se,
    };
  }

  /** u_r of each replicate, for two models. */
  flipped(a, b) {
    this.flips ??= this.tasks.map((task) => this.#sums(task));
    const parts = this.tasks.map((task) => ({ e: between(task, a, b), w: task.weights }));
    const own = parts.map(({ e, w }) => sequentialSum(e.map((x, k) => (x * x) / (1 - w[k]))));
    const rest = parts.map(({ w }) => sequentialSum(w.map((v) => (v * v) / (1 - v))));
    const T = this.tasks.length;
    return Array.from({ length: this.suite.comparison.replicates }, (_, r) => {
      let [S, V] = [0, 0];
      this.flips.forEach((sums, i) => {
        const s = sums[a].A[r] - sums[b].A[r];
        const c = s * (sums[a].B[r] - sums[b].B[r]);
        S += s;
        V += own[i] - 2 * c + s * s * rest[i];
      });
      S /= T;
      V /= T * T;
      return V > 0 ? (S * S) / V : S * S > 0 ? Infinity : 0;
    });
  }

  #sums({ task, weights, models }) {
    const { seed, comparison } = this.suite;
    const drawn = signs({ seed, task, clusters: weights.length, replicates: comparison.replicates });
    const of = (terms) => drawn.map((row) => sequentialSum(row.map((sign, k) => sign * terms[k])));
    return Object.fromEntries(
      this.names.map((name) => {
        const J = models[name].influence;
        return [name, { A: of(J), B: of(J.map((j, k) => (j * weights[k]) / (1 - weights[k]))) }];
      }),
    );
  }
}

function between({ models }, a, b) {
  return models[a].influence.map((j, k) => j - models[b].influence[k]);
}

/** Model a against model b. */
export function compareModels(models, { higherIsBetter = true } = {}) {
  const { interval, comparison } = models.suite;
  const { d, se, effective, u, tested, half } = models.gap("a", "b");
  const published = models.known && se > 0;
  let p = null;
  if (models.known && tested) {
    const reached = models.flipped("a", "b").filter((value) => value >= u).length;
    p = (1 + reached) / (comparison.replicates + 1);
  }
  const lead = higherIsBetter ? d : -d;
  return {
    difference: d,
    low: published ? d - half : null,
    high: published ? d + half : null,
    level: interval.confidence,
    resolution: published ? half : null,
    standard_error: se,
    effective_clusters: effective,
    p,
    ahead: lead > 0 ? "a" : lead < 0 ? "b" : null,
    few_clusters: !enough(effective, interval.few_clusters),
    lone_classes: models.tasks.some(
      ({ classes = 1, lone_classes: lone = 0 }) => interval.lone_class_in * lone > classes,
    ),
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

/** ceil((1 - alpha)(R + 1)), with alpha taken as the decimal that it is written as. */
export function criticalPlace(alpha, replicates) {
  const { digits, scale } = decimalOf(alpha);
  const one = 10n ** BigInt(scale);
  return Number(((one - digits) * BigInt(replicates + 1) + one - 1n) / one);
}

/** Pairs that are told apart, by stepdown. */
function toldApart(pairs, { alpha, replicates }) {
  const place = criticalPlace(alpha, replicates);
  const apart = [];
  let rest = pairs;
  while (rest.length > 0 && place <= replicates) {
    const largest = Array.from({ length: replicates }, (_, r) =>
      rest.reduce((most, { flipped }) => Math.max(most, flipped[r]), 0),
    );
    const critical = largest.sort(compareNumbers)[place - 1];
    const found = rest.filter(({ u }) => u > critical);
    if (found.length === 0) break;
    apart.push(...found);
    rest = rest.filter(({ u }) => u <= critical);
  }
  return apart;
}

/** Sets of ranks that hold all at once, or null. */
export function rankSets(models, { higherIsBetter = true } = {}) {
  if (!models.known) return null;
  const { names } = models;
  const pairs = names.flatMap((a, i) =>
    names.slice(i + 1).map((b) => ({ a, b, ...models.gap(a, b) })),
  );
  const tested = pairs.filter((pair) => pair.tested);
  if (pairs.length > 0 && tested.length === 0) return null;
  for (const pair of tested) pair.flipped = models.flipped(pair.a, pair.b);
  const apart = toldApart(tested, models.suite.comparison);
  const sets = Object.fromEntries(names.map((name) => [name, [1, names.length]]));
  for (const { a, b, d } of apart) {
    const [winner, loser] = (higherIsBetter ? d > 0 : d < 0) ? [a, b] : [b, a];
    sets[winner][1] -= 1;
    sets[loser][0] += 1;
  }
  const halves = pairs.map(({ half }) => half).sort(compareNumbers);
  return {
    sets,
    may_be_best: names.filter((name) => sets[name][0] === 1),
    told_apart: apart.length,
    pairs: pairs.length,
    resolution: halves.length > 0 ? halves[Math.floor((halves.length - 1) / 2)] : null,
  };
}
