/** Nearest neighbours (section 10.2). */

import { sequentialSum } from "./arithmetic.js";
import { Invalid } from "./invalid.js";
import { averagePrecision } from "./metrics.js";
import { sortedIndices } from "./order.js";

/** Rows as float64, divided by their norms where `normalise` is l2. */
export function prepareRows(rows, normalise) {
  if (normalise === "none") return rows.map((row) => Float64Array.from(row));
  return rows.map((row) => {
    const norm = Math.sqrt(sequentialSum(Array.from(row, (x) => x * x)));
    if (norm === 0) throw new Invalid("value", "a norm of 0");
    return Float64Array.from(row, (x) => x / norm);
  });
}

export function squaredDistance(a, b) {
  let total = 0;
  for (let i = 0; i < a.length; i += 1) total += (a[i] - b[i]) * (a[i] - b[i]);
  return total;
}

/** The most frequent label; a tie goes to the smallest. */
export function vote(labels) {
  const counts = new Map();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  let best = null;
  for (const [label, count] of counts) {
    if (best === null || count > best.count || (count === best.count && label < best.label)) {
      best = { label, count };
    }
  }
  return best.label;
}

/**
 * rows: float32 numbers of the whole gallery; labels: one a row; queries: the scored rows.
 * One {prediction, neighbours, firstHit, averagePrecision} a query.
 */
export function nearestNeighbours(rows, labels, queries, constants) {
  const { k, normalise, listed_neighbours: listed } = constants;
  if (rows.length < k + 1) throw new Invalid("value", "a gallery of too few rows");
  const prepared = prepareRows(rows, normalise);
  return queries.map((query) => {
    const distances = prepared.map((row) => squaredDistance(prepared[query], row));
    const order = sortedIndices(distances, (a, b) => a - b).filter((row) => row !== query);
    const relevant = order.map((row) => labels[row] === labels[query]);
    return {
      prediction: vote(order.slice(0, k).map((row) => labels[row])),
      neighbours: Array.from({ length: listed }, (_, i) => order[i] ?? -1),
      firstHit: relevant.indexOf(true) + 1,
      averagePrecision: averagePrecision(relevant, relevant.filter(Boolean).length),
    };
  });
}
