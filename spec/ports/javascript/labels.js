/** Manifests, label index and exclusions (sections 7.2 to 7.4). An item is {id, path, name, split}. */

import { Invalid } from "./invalid.js";
import { compareCodePoints } from "./order.js";

/** Distinct names in code-point order; a name's place is its index. */
export function sortedNames(names) {
  return [...new Set(names)].sort(compareCodePoints);
}

/** {train: [names], test: [names]}: the names that the labels of either split index. */
export function labelIndex(trainNames, testNames, rule) {
  if (trainNames.length === 0 || testNames.length === 0) throw new Invalid("value", "an empty split");
  const train = sortedNames(trainNames);
  if (train.length < 2) throw new Invalid("value", "fewer than two classes");
  if (rule === "split-names") return { train, test: sortedNames(testNames) };
  if (rule === "union-names") {
    const union = sortedNames([...trainNames, ...testNames]);
    return { train: union, test: union };
  }
  return { train, test: train };
}

export function byPath(items) {
  return [...items].sort((a, b) => compareCodePoints(a.path, b.path));
}
