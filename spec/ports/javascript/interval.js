/** Half-jackknife intervals over clusters (section 12) and the mean of a suite (section 13). */

import { sequentialSum } from "./arithmetic.js";
import { Invalid } from "./invalid.js";
import { mean, score as metricScore } from "./metrics.js";
import { compareCodePoints, compareNumbers } from "./order.js";

const square = (value) => value * value;

/** Names in their order, the position of each value's name among them, and the items of each. */
function numbered(values, compare) {
  const names = [...new Set(values)].sort(compare);
  const positions = new Map(names.map((name, i) => [name, i]));
  return { names, of: values.map((value) => positions.get(value)) };
}

/** [class, n, d, t] of each item: what it adds to a class of a block. */
function ofClasses(truth, predicted) {
  const { names, of } = numbered(truth, compareNumbers);
  const positions = new Map(names.map((name, i) => [name, i]));
  return truth.map((label, i) => {
    const own = [of[i], 2 * Number(label === predicted[i]), 1, 1];
    const other = positions.get(predicted[i]);
    return other === undefined ? [own] : [own, [other, 0, 1, 0]];
  });
}

const ofShares = (parts, wholes, groups) =>
  parts.map((part, i) => [[groups?.[i] ?? 0, Number(part), wholes?.[i] ?? 1, wholes?.[i] ?? 1]]);

/** Cost of a prediction and the worst that its truth allows (section 11.6). */
function cost(truth, predicted, poisonous, called) {
  const unknown = truth === -1;
  const wrong = truth === predicted ? 0 : unknown ? 100 : predicted === -1 ? 1 : 10;
  const loss = wrong + (poisonous && !called ? 1000 : 0) + (!poisonous && called ? 10 : 0);
  return { loss, worst: (unknown ? 100 : 10) + (poisonous ? 1000 : 10) };
}

/** Metric id to its blocks: each the contributions of every item (section 12.1). */
const BLOCKS = {
  macro_f1: ({ y_true: truth, y_pred: predicted }) => [ofClasses(truth, predicted)],
  traits_f1: ({ y_true: truth, y_pred: predicted }) =>
    truth[0].map((_, trait) =>
      ofClasses(
        truth.map((values) => values[trait]),
        predicted.map((values) => values[trait]),
      ),
    ),
  group_accuracy: ({ y_true: truth, y_pred: predicted, group }) => [
    ofShares(
      truth.map((label, i) => label === predicted[i]),
      null,
      numbered(group, compareCodePoints).of,
    ),
  ],
  accuracy: ({ y_true: truth, y_pred: predicted }) => [
    ofShares(truth.map((label, i) => label === predicted[i])),
  ],
  top1: ({ first_hit: ranks }) => [ofShares(ranks.map((rank) => rank === 1))],
  top5: ({ first_hit: ranks }) => [ofShares(ranks.map((rank) => rank >= 1 && rank <= 5))],
  mean_average_precision: ({ average_precision: values }) => [ofShares(values)],
  user_loss: ({ y_true, y_pred, true_poisonous, predicted_poisonous }) => {
    const costs = y_true.map((truth, i) =>
      cost(truth, y_pred[i], true_poisonous[i], predicted_poisonous[i]),
    );
    const parts = costs.map(({ loss, worst }) => worst - loss);
    return [ofShares(parts, costs.map(({ worst }) => worst))];
  },
};

/** Sums [n, d, t] by class, over items in order. */
function sums(contributions, items) {
  const found = new Map();
  for (const i of items) {
    for (const [place, n, d, t] of contributions[i]) {
      const sum = found.get(place) ?? [0, 0, 0];
      found.set(place, [sum[0] + n, sum[1] + d, sum[2] + t]);
    }
  }
  return found;
}

/** change / m + gone / (m - lost), share / m and the classes that lie in this cluster alone. */
function partOfBlock(own, whole, quotients, average) {
  let [change, gone, lost, share] = [0, 0, 0, 0];
  for (const place of [...own.keys()].sort(compareNumbers)) {
    const [n, d, t] = own.get(place);
    const [, D, T] = whole.get(place);
    const F = quotients.get(place);
    if (t < T) {
      change += (F * d - n) / Math.sqrt(D * (D - d));
    } else {
      gone += average - F;
      lost += 1;
    }
    share += t / T;
  }
  const m = whole.size;
  return { J: change / m + gone / (lost < m ? m - lost : 1), w: share / m, lost };
}

/** {influence, weights, classes, lone}: section 12.2. */
export function jackknife(metric, columns) {
  const blocks = BLOCKS[metric](columns);
  const count = blocks[0].length;
  const items = Array.from({ length: count }, (_, i) => i);
  const { names, of } = numbered(
    columns.cluster ?? columns.ids ?? items.map(String),
    compareCodePoints,
  );
  const members = names.map(() => []);
  of.forEach((cluster, i) => members[cluster].push(i));
  const parts = names.map(() => []);
  let classes = 0;
  for (const contributions of blocks) {
    const whole = sums(contributions, items);
    const order = [...whole.keys()].sort(compareNumbers);
    const quotients = new Map(order.map((place) => [place, whole.get(place)[0] / whole.get(place)[1]]));
    const average = sequentialSum(order.map((place) => quotients.get(place))) / order.length;
    classes += order.length;
    members.forEach((own, k) => {
      parts[k].push(partOfBlock(sums(contributions, own), whole, quotients, average));
    });
  }
  const over = (member) =>
    parts.map((own) => sequentialSum(own.map((part) => part[member])) / blocks.length);
  const lone = sequentialSum(parts.flat().map(({ lost }) => lost));
  return { influence: over("J"), weights: over("w"), classes, lone };
}

export function effectiveClusters(weights) {
  return 1 / sequentialSum(weights.map(square));
}

/** At least so many effective clusters (section 12.2). */
export function enough(effective, least) {
  return effective + 2 ** -20 >= least;
}

export function standardError(influence) {
  return Math.sqrt(sequentialSum(influence.map(square)));
}

/** Student's t of the table, linear between its entries (section 12.3). */
export function quantile(table, freedom) {
  if (freedom <= table[0][0]) return table[0][1];
  const after = table.findIndex(([degrees]) => freedom < degrees);
  if (after < 0) return table[table.length - 1][1];
  const [[f0, q0], [f1, q1]] = [table[after - 1], table[after]];
  return q0 + (q1 - q0) * ((freedom - f0) / (f1 - f0));
}

/** {low, high} on Wilson's scale, or null without spread. */
export function wilson(x, se, q) {
  const s = x * (1 - x);
  if (!(s > 0 && se * se > 0)) return null;
  const n = s / (se * se);
  const z = (q * q) / n;
  const h = q * Math.sqrt((s + z / 4) / n);
  return {
    low: Math.max(0, (x + z / 2 - h) / (1 + z)),
    high: Math.min(1, (x + z / 2 + h) / (1 + z)),
  };
}

/** The score of a task as a result has it; suite: the suite document. */
export function scoreWithInterval({ task, division, metric, interval, columns, suite }) {
  const rules = suite.interval;
  const score = metricScore(metric, columns, division);
  const value = { score, interval: null, no_interval: null, clusters: null, metrics: { [metric]: score } };
  if (division === "compat") return { ...value, no_interval: "division" };
  if (interval === null) return { ...value, no_interval: "metric" };
  const { influence, weights, classes, lone } = jackknife(metric, columns);
  const effective = effectiveClusters(weights);
  value.clusters = { count: weights.length, effective };
  if (!enough(effective, rules.minimum_clusters)) return { ...value, no_interval: "few-clusters" };
  const se = standardError(influence);
  const bounds = wilson(score, se, quantile(rules.t_quantiles, effective - 1));
  if (bounds === null) return { ...value, no_interval: "no-spread" };
  value.interval = {
    ...bounds,
    level: rules.confidence,
    method: rules.method,
    standard_error: se,
    few_clusters: !enough(effective, rules.few_clusters),
    lone_classes: rules.lone_class_in * lone > classes,
  };
  return value;
}

/** Standard error and effective clusters of the mean of tasks {se, effective}. */
export function spreadOfMean(tasks) {
  if (tasks.length === 1) return tasks[0];
  const parts = tasks.map(({ se }) => (se * se) / (tasks.length * tasks.length));
  const V = sequentialSum(parts);
  const U = sequentialSum(
    parts.map((v, i) => (v > 0 ? (v * v) / Math.max(tasks[i].effective - 1, 2 ** -20) : 0)),
  );
  if (U === 0) return { se: 0, effective: Math.min(...tasks.map(({ effective }) => effective)) };
  return { se: Math.sqrt(V), effective: (V * V) / U + 1 };
}

/** The mean of a suite's members; tasks: {id: {score, standard_error, effective_clusters}}. */
export function suiteMean(members, tasks, rules) {
  if (members.length === 0) throw new Invalid("value", "a suite without members");
  if (!members.every((id) => Object.hasOwn(tasks, id))) return null;
  const results = members.map((id) => tasks[id]);
  const score = mean(results.map((task) => task.score));
  const none = { low: null, high: null };
  if (results.some((task) => task.standard_error === null)) {
    return { score, ...none, standard_error: null, effective_clusters: null, tasks: results.length };
  }
  const { se, effective } = spreadOfMean(
    results.map((task) => ({ se: task.standard_error, effective: task.effective_clusters })),
  );
  const bounds = wilson(score, se, quantile(rules.t_quantiles, effective - 1)) ?? none;
  return {
    score,
    ...bounds,
    standard_error: se,
    effective_clusters: effective,
    tasks: results.length,
  };
}
