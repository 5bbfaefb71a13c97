/** Manifests, label index and exclusions (sections 7.2 to 7.4). Items are those of a layout. */

import { Invalid } from "./invalid.js";
import { compareCodePoints } from "./order.js";

const LARGEST_ID = 999999;
const UNKNOWN_RULES = ["train-names-or-unknown", "written-ids"];

/** Distinct names in code-point order; a name's place is its index. */
export function sortedNames(names) {
  return [...new Set(names)].sort(compareCodePoints);
}

function writtenIds(names) {
  if (!names.every((name) => /^(?:0|[1-9][0-9]*)$/.test(name))) {
    throw new Invalid("value", "a label that is no id");
  }
  const largest = names.reduce((most, name) => Math.max(most, Number(name)), -1);
  if (largest > LARGEST_ID) throw new Invalid("value", "an id of more than six digits");
  return Array.from({ length: largest + 1 }, (_, id) => String(id));
}

/** {train: [names], test: [names]}: the names that the labels of either split index. */
export function labelIndex(trainNames, testNames, rule, unknownLabel) {
  if (trainNames.length === 0 || testNames.length === 0) {
    throw new Invalid("value", "an empty split");
  }
  const mayBeUnknown = UNKNOWN_RULES.includes(rule);
  if (rule === "train-names-or-unknown" && unknownLabel === undefined) {
    throw new Invalid("value", "no name for the unknown class");
  }
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
export function exclusions(train, test, { splitRule, unknownLabel, expected = [] }) {
  const key = ({ group = "", name }) => JSON.stringify([group, name]);
  const counts = new Map();
  for (const item of train) counts.set(key(item), (counts.get(key(item)) ?? 0) + 1);
  const needed = splitRule === "leave-one-out" ? 2 : 1;
  const excluded = test.map(
    (item) => item.name !== unknownLabel && (counts.get(key(item)) ?? 0) < needed,
  );
  const asExpected = test.filter(({ name }, i) => excluded[i] && expected.includes(name)).length;
  const surprising = excluded.filter(Boolean).length - asExpected;
  if (2 * surprising > test.length - asExpected) {
    throw new Invalid("value", "more than half of the test items are excluded");
  }
  return excluded;
}

function checkGroups(train, test) {
  for (const group of new Set(test.map((item) => item.group))) {
    const names = train.filter((item) => item.group === group).map(({ name }) => name);
    if (new Set(names).size < 2) throw new Invalid("value", "a group of fewer than two classes");
  }
}

/** The order of items: that of their rows, by subject, path and id. */
function compareItems(a, b) {
  return (
    compareCodePoints(a.subject ?? "", b.subject ?? "") ||
    compareCodePoints(a.rows[0].path, b.rows[0].path) ||
    compareCodePoints(a.id, b.id)
  );
}

/** Items of a split in order, with their rows in order. */
function splitItems(items, split) {
  return items
    .filter((item) => item.split === split)
    .map((item) => ({
      ...item,
      rows: [...item.rows].sort((a, b) => compareCodePoints(a.path, b.path) || compareCodePoints(a.id, b.id)),
    }))
    .sort(compareItems);
}

/**
 * {items, scored, classes, testClasses, excluded}: the items of a manifest in order, labelled. items:
 * those of a view; traits: the names of the traits, where items have them.
 */
export function buildManifest(items, { splitRule, labelRule, division, unknownLabel, expected, traits }) {
  if (new Set(items.map(({ id }) => id)).size < items.length) {
    throw new Invalid("value", "two items with one id");
  }
  const gallery = splitRule === "leave-one-out";
  const train = splitItems(items, gallery ? "gallery" : "train");
  const test = gallery ? train : splitItems(items, "test");
  if (train.length === 0 || test.length === 0) throw new Invalid("value", "an empty split");
  if (traits !== undefined) {
    const scored = [...train.map(() => false), ...test.map(() => true)];
    return { items: [...train, ...test], scored, classes: traits, testClasses: traits, excluded: 0 };
  }
  if (items.some(({ group }) => group !== undefined)) checkGroups(train, test);
  const namesOf = (part) => part.map(({ name }) => name);
  const index = labelIndex(namesOf(train), namesOf(test), labelRule, unknownLabel);
  const unknown = UNKNOWN_RULES.includes(labelRule) ? unknownLabel : undefined;
  const excluded =
    division === "compat"
      ? test.map(() => false)
      : exclusions(train, test, { splitRule, unknownLabel: unknown, expected });
  const labelled = (part, names) => {
    const ids = new Map(names.map((name, id) => [name, id]));
    ids.delete(unknown);
    return part.map((item) => ({ ...item, label: ids.get(item.name) ?? -1 }));
  };
  const kept = gallery ? test : test.filter((_, i) => !excluded[i]);
  const trainItems = labelled(train, index.train);
  return {
    items: gallery ? trainItems : [...trainItems, ...labelled(kept, index.test)],
    scored: gallery
      ? excluded.map((is) => !is)
      : [...train.map(() => false), ...kept.map(() => true)],
    classes: index.train,
    testClasses: index.test,
    excluded: excluded.filter(Boolean).length,
  };
}

/** The rows of items: {id, path, label or traits, split, group?, subject?, cluster?}. */
export function rowsOfItems(items) {
  return items.flatMap(({ rows, label, traits, split, group, subject, cluster }) =>
    rows.map(({ id, path }) => ({ id, path, label, traits, split, group, subject, cluster })),
  );
}
