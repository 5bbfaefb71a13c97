/** Views (section 7.6): of which images an item is made, and the pooling of their features. */

import { canonical } from "./canonical.js";
import { Stream } from "./generator.js";
import { Invalid } from "./invalid.js";
import { compareCodePoints, compareNumbers } from "./order.js";

/** Which of a clip's `count` frames are taken, from 0. */
export function frameIndices(count, { frames, stride, start }, { seed, task, clip }) {
  if (count < frames) throw new Invalid("value", "a clip of too few frames");
  const span = (step) => (frames - 1) * step + 1;
  let step = stride;
  while (count < span(step)) step -= 1;
  const margin = count - span(step);
  const first =
    start === "random"
      ? new Stream(seed, `frames/${task}/${clip}`).integer(0, margin + 1)
      : Math.floor(margin / 2);
  return Array.from({ length: frames }, (_, i) => first + i * step);
}

/** The name that most of the rows have; of several the one with the smallest id. */
function mostFrequent(rows, labelRule) {
  const counts = new Map();
  for (const { name } of rows) counts.set(name, (counts.get(name) ?? 0) + 1);
  const most = Math.max(...counts.values());
  const order = labelRule === "written-ids" ? (a, b) => compareNumbers(+a, +b) : compareCodePoints;
  return [...counts.keys()].filter((name) => counts.get(name) === most).sort(order)[0];
}

/** An image as an item of its own. */
function single(image) {
  const { subject, position, ...row } = image;
  return { ...row, rows: [row] };
}

/** The images of one subject as an item. */
function pooled(subject, rows, name) {
  const [first] = rows;
  const kind = ({ group = null, split, traits = null, cluster = null }) =>
    canonical([group, split, traits, cluster]);
  const alike = (row) => kind(row) === kind(first);
  if (!rows.every(alike)) {
    throw new Invalid("value", `${subject} is of two groups, splits, clusters or traits`);
  }
  const { group, split, traits, cluster } = first;
  return { id: subject, subject, name, traits, group, split, cluster, rows };
}

/**
 * {items, dropped} of the images that a layout finds. An item is {id, name or traits, split, group?,
 * subject?, cluster?, rows: images}. Images of a subject stand in the order of their positions; missing: ids of
 * images without a file.
 */
export function itemsOfView(images, view, { seed, task, labelRule, missing = [] }) {
  if (view.kind === "image") return { items: images.map(single), dropped: 0 };
  const isPooled = ({ split }) => view.kind === "frames" || view.splits.includes(split);
  const items = images.filter((image) => !isPooled(image)).map(single);
  const subjects = new Map();
  for (const image of images.filter(isPooled)) {
    if (!subjects.has(image.subject)) subjects.set(image.subject, []);
    subjects.get(image.subject).push(image);
  }
  let dropped = 0;
  for (const [subject, all] of subjects) {
    if (view.kind === "observation") {
      if (new Set(all.map(({ name }) => name)).size > 1) {
        throw new Invalid("value", `${subject} has two labels`);
      }
      items.push(pooled(subject, all, all[0].name));
      continue;
    }
    const lacking = [
      [all.length < view.frames, view.short],
      [all.some(({ id }) => missing.includes(id)), view.missing],
    ].filter(([is]) => is);
    if (lacking.length > 0) {
      // A clip that is too short is judged by that alone.
      if (lacking[0][1] === "error") {
        throw new Invalid("value", `${subject} is too short or lacks a frame`);
      }
      dropped += 1;
      continue;
    }
    const taken = frameIndices(all.length, view, { seed, task, clip: subject }).map((i) => all[i]);
    items.push(pooled(subject, taken, mostFrequent(taken, labelRule)));
  }
  return { items, dropped };
}

const POOLS = {
  max: (values) => values.reduce((a, b) => (b > a ? b : a)),
  mean: (values) => Math.fround(values.reduce((sum, x) => sum + x, 0) / values.length),
};

/** Features of rows to features of items. */
export function poolFeatures(features, itemOfRow, pool) {
  if (!Object.hasOwn(POOLS, pool)) throw new Invalid("value", `no pooling ${pool}`);
  const items = [];
  itemOfRow.forEach((item, row) => (items[item] ??= []).push(features[row]));
  return items.map((rows) => rows[0].map((_, j) => POOLS[pool](rows.map((row) => row[j])) + 0));
}
