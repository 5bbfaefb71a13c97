/** Few-shot samples (section 7.5). */

import { createHash } from "node:crypto";

import { Invalid } from "./invalid.js";

/** 32 bytes by which train items are ranked. */
export function sampleKey(task, version, id) {
  return createHash("sha256").update(`${task} ${version}\0${id}`, "utf8").digest();
}

function parted(rows, keyOf) {
  const parts = new Map();
  for (const row of rows) {
    const key = JSON.stringify(keyOf(row) ?? null);
    if (!parts.has(key)) parts.set(key, []);
    parts.get(key).push(row);
  }
  return [...parts.values()];
}

/** Rows that stay of the train split's {id, label or traits, group?, subject?}, in their order. */
export function fewShotRows(rows, { task, version, count, division }) {
  if (!(count >= 1)) throw new Invalid("value", "a sample of no examples");
  const nameOf = ({ id, subject = "" }) => (subject === "" ? id : subject);
  const items = rows.filter((row, i) => i === 0 || nameOf(row) !== nameOf(rows[i - 1]));
  const keys = new Map(items.map((item) => [item, sampleKey(task, version, nameOf(item))]));
  const byKey = (a, b) => Buffer.compare(keys.get(a), keys.get(b));
  const ofGroup = (members) => {
    // Rows of traits have no label: they are one class.
    const classes = parted(members, ({ label }) => label).map((part) => part.sort(byKey));
    if (division !== "compat") return classes.flatMap((part) => part.slice(0, count));
    return classes
      .flatMap((part) => part.map((row, rank) => ({ row, rank })))
      .sort((a, b) => a.rank - b.rank || byKey(a.row, b.row))
      .slice(0, count)
      .map(({ row }) => row);
  };
  const taken = new Set(parted(items, ({ group }) => group).flatMap(ofGroup).map(nameOf));
  return rows.filter((row) => taken.has(nameOf(row)));
}
