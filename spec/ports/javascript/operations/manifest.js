import { manifestDigest } from "../digest.js";
import { Invalid } from "../invalid.js";
import { buildManifest } from "../labels.js";
import { fewShotRows, sampleKey } from "../sampling.js";

function build(given) {
  const { unknown_label: unknownLabel, expected_exclusions: expected } = given.layout_options ?? {};
  const items = given.items.map(({ label, ...item }) => ({ ...item, name: label }));
  const { rows, scored, classes, testClasses, excluded } = buildManifest(items, {
    splitRule: given.split ?? "train-test",
    labelRule: given.label_rule ?? "train-names",
    division: given.division,
    unknownLabel,
    expected,
    traits: given.traits,
  });
  return {
    rows: rows.map(({ id, path, label, traits, split }) => [id, path, traits ?? label, split]),
    scored,
    classes,
    test_classes: testClasses,
    excluded,
    digest: manifestDigest(rows),
  };
}

function fewShot({ rows, split = "train-test", n_train: count, ...task }) {
  if (split === "leave-one-out") throw new Invalid("value", "a gallery has no few-shot form");
  const train = rows.filter((row) => row.split === "train");
  const kept = [...fewShotRows(train, { ...task, count }), ...rows.filter((row) => row.split === "test")];
  return { ids: kept.map(({ id }) => id) };
}

export const OPERATIONS = {
  "manifest.build": build,
  "manifest.few_shot": fewShot,
  "manifest.sample_key": ({ task, version, id }) => ({
    key: sampleKey(task, version, id).toString("hex"),
  }),
};
