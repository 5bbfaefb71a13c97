/** Bootstrap intervals (section 12) and the mean of a suite (section 13). */

import { decimalOf, sequentialSum } from "./arithmetic.js";
import { Stream } from "./generator.js";
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

/** The mean of a suite, or of one replicate over its tasks, in the suite's order. */
export function suiteMean(scores) {
  return sequentialSum(scores) / scores.length;
}
