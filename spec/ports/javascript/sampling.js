/** Few-shot samples (section 7.5). */

import { createHash } from "node:crypto";

function sampleKey(task, version, id) {
  return createHash("sha256").update(`${task} ${version}\0${id}`, "utf8").digest();
}

/** Rows of the train split that stay, ascending. ids and labels: one a row. */
export function fewShotRows({ task, version, ids, labels, count, division }) {
  const keys = ids.map((id) => sampleKey(task, version, id));
  const byKey = (a, b) => Buffer.compare(keys[a], keys[b]);
  const classes = new Map();
  labels.forEach((label, row) => {
    if (!classes.has(label)) classes.set(label, []);
    classes.get(label).push(row);
  });
  const ranked = [...classes.values()].map((rows) => rows.sort(byKey));
  const taken =
    division === "compat"
      ? ranked
          .flatMap((rows) => rows.map((row, rank) => ({ row, rank })))
          .sort((a, b) => a.rank - b.rank || byKey(a.row, b.row))
          .slice(0, count)
          .map(({ row }) => row)
      : ranked.flatMap((rows) => rows.slice(0, count));
  return taken.sort((a, b) => a - b);
}
