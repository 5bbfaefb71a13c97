/** Manifests, label index and exclusions (sections 7.2 to 7.4). Items are those of a layout. */

import { Invalid } from "./invalid.js";
import { compareCodePoints } from "./order.js";

/** Distinct names in code-point order; a name's place is its index. */
export function sortedNames(names) {
  return [...new Set(names)].sort(compareCodePoints);
}

function writtenIds(names) {
  if (!names.every((name) => /^(?:0|[1-9][0-9]*)$/.test(name))) {
    throw new Invalid("value", "a label that is no id");
  }
  const largest = names.reduce((most, name) => Math.max(most, Number(name)), -1);
  return Array.from({ length: largest + 1 }, (_, id) => String(id));
}

/** {train: [names], test: [names]}: the names that the labels of either split index. */
export function labelIndex(trainNames, testNames, rule, unknownLabel) {
  if (trainNames.length === 0 || testNames.length === 0) {
    throw new Invalid("value", "an empty split");
  }
  const mayBeUnknown = rule === "train-names-or-unknown" || rule === "written-ids";
  if (mayBeUnknown && trainNames.includes(unknownLabel)) {
    throw new Invalid("value", "the unknown class in the train split");
  }
  if (new Set(trainNames).size < 2) throw new Invalid("value", "fewer than two classes");
  const known = mayBeUnknown ? testNames.filter((name) => name !== unknownLabel) : testNames;
  if (rule === "written-ids") return { train: writtenIds(trainNames), test: writtenIds(known) };
  const train = sortedNames(trainNames);
  if (rule === "split-names") return { train, test: sortedNames(testNames) };
  if (rule === "union-names") {
    const union = sortedNames([...trainNames, ...testNames]);
    return { train: union, test: union };
  }
  return { train, test: train };
}

/** Whether each test item is excluded; throws where more than half of them are. */
export function exclusions(trainNames, testNames, { splitRule, unknown, expected = [] }) {
  const counts = new Map();
  for (const name of trainNames) counts.set(name, (counts.get(name) ?? 0) + 1);
  const needed = splitRule === "leave-one-out" ? 2 : 1;
  const excluded = testNames.map((name) => name !== unknown && (counts.get(name) ?? 0) < needed);
  const checked = testNames.map((name) => !(expected.includes(name) && !counts.has(name)));
  const wrong = excluded.filter((is, i) => is && checked[i]).length;
  if (2 * wrong > checked.filter(Boolean).length) {
    throw new Invalid("value", "more than half of the test items are excluded");
  }
  return excluded;
}
