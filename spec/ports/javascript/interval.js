/** Bootstrap intervals (section 12) and the mean of a suite (section 13). */

import { decimalOf } from "./arithmetic.js";
import { Stream } from "./generator.js";
import { Invalid } from "./invalid.js";
import { mean, score as metricScore } from "./metrics.js";
import { compareCodePoints, compareNumbers } from "./order.js";

/**
 * The strata, each a list of item indices in manifest order: by class; by group and class where items
 * have groups; all items in one where they have traits. items: {truth, groups?, traits?: boolean}.
 */
export function strata({ truth, groups, traits = false }) {
  if (traits) return [Array.from(truth.keys())];
  const names = groups ?? truth.map(() => "");
  const members = new Map();
  truth.forEach((label, i) => {
    const key = JSON.stringify([names[i], label]);
    if (!members.has(key)) members.set(key, []);
    members.get(key).push(i);
  });
  return [...members.values()].sort(
    ([i], [j]) => compareCodePoints(names[i], names[j]) || compareNumbers(truth[i], truth[j]),
  );
}

/** The stratum of each position p. */
function positionsOf(items) {
  return strata(items).flatMap((stratum) => stratum.map(() => stratum));
}

/** One array of drawn item indices a replicate, in the order of the positions. */
export function* drawnItems(items, { seed, stream, replicates }) {
  const words = new Stream(seed, stream);
  const positions = positionsOf(items);
  for (let replicate = 0; replicate < replicates; replicate += 1) {
    const before = replicate * positions.length;
    yield positions.map((stratum, p) => stratum[words.integer(before + p, stratum.length)]);
  }
}

/** statistic: a function of the drawn item indices. */
export function replicateValues(items, options, statistic) {
  return Array.from(drawnItems(items, options), statistic);
}

/** j of section 12, with the confidence taken as the decimal that it is written as. */
export function tailCount(replicates, confidence) {
  const { digits, scale } = decimalOf(confidence);
  const one = 10n ** BigInt(scale);
  const count = (BigInt(replicates) * (one - digits)) / (2n * one);
  return count > 1n ? Number(count) : 1;
}

export function bounds(values, confidence) {
  if (values.length === 0) throw new Invalid("value", "no replicates");
  if (!(confidence > 0 && confidence < 1)) throw new Invalid("value", "no such confidence");
  const sorted = [...values].sort(compareNumbers);
  const tail = tailCount(values.length, confidence);
  return { low: sorted[tail - 1], high: sorted[sorted.length - tail] };
}

/** Whether every stratum, or every value of every trait, has enough items. */
export function reliable(items, itemsPerClass) {
  const parts = items.traits
    ? items.truth[0].flatMap((_, trait) => strata({ truth: items.truth.map((row) => row[trait]) }))
    : strata(items);
  return parts.every((part) => part.length >= itemsPerClass);
}

/** How the items of predictions are divided: what `strata` takes. */
export function itemsOfColumns({ y_true: truth, group: groups }) {
  return { truth, groups, traits: Array.isArray(truth[0]) };
}

/** The metric of each replicate, or null in division compat, which publishes no interval. */
export function metricReplicates({ task, division, metric, columns, seed, replicates }) {
  if (division === "compat") return null;
  const options = { seed, stream: `bootstrap/${task}`, replicates };
  return replicateValues(itemsOfColumns(columns), options, (drawn) => {
    const entries = Object.entries(columns).map(([name, column]) => [name, drawn.map((i) => column[i])]);
    return metricScore(metric, Object.fromEntries(entries), division);
  });
}

/** Score and interval of a task; suite: the suite document. */
export function scoreWithInterval({ task, division, metric, columns, suite }) {
  const { method, replicates, confidence, reliable_items_per_class: enough } = suite.interval;
  const score = metricScore(metric, columns, division);
  const values = metricReplicates({ task, division, metric, columns, seed: suite.seed, replicates });
  const interval = values && {
    ...bounds(values, confidence),
    level: confidence,
    method,
    replicates,
    reliable: reliable(itemsOfColumns(columns), enough),
  };
  return { score, interval, metrics: { [metric]: score } };
}

/** Replicate by replicate over tasks, each {replicates}; null where a task has none. */
export function meanReplicates(tasks) {
  if (tasks.some(({ replicates }) => replicates === null)) return null;
  return tasks[0].replicates.map((_, r) => mean(tasks.map(({ replicates }) => replicates[r])));
}

/** {score, low, high, tasks} of a suite's members; tasks: {id: {score, replicates or null}}. */
export function suiteMean(members, tasks, confidence) {
  if (members.length === 0) throw new Invalid("value", "a suite without members");
  if (!members.every((id) => Object.hasOwn(tasks, id))) return null;
  const results = members.map((id) => tasks[id]);
  const replicates = meanReplicates(results);
  const { low, high } = replicates ? bounds(replicates, confidence) : { low: null, high: null };
  return { score: mean(results.map(({ score }) => score)), low, high, tasks: results.length };
}
