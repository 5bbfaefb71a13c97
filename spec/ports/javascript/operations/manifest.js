import { featuresDigest, manifestDigest } from "../digest.js";
import { Invalid } from "../invalid.js";
import { buildManifest, rowsOfItems } from "../labels.js";
import { fewShotRows, sampleKey } from "../sampling.js";
import { frameIndices, itemsOfView, poolFeatures } from "../views.js";
import { float32From } from "./bytes.js";
import { seedOf } from "./constants.js";

/** The manifest of images that a layout found, and what the view dropped. */
function manifestOf(given, bundle) {
  const { task, view = { kind: "image" }, missing, division, traits } = given;
  const { unknown_label: unknownLabel, expected_exclusions: expected } = given.layout_options ?? {};
  const labelRule = given.label_rule ?? "train-names";
  const images = given.items.map(({ label, ...image }) => ({ ...image, name: label }));
  const { items, dropped } = itemsOfView(images, view, { seed: seedOf(bundle), task, labelRule, missing });
  const splitRule = given.split ?? "train-test";
  const options = { splitRule, labelRule, division, unknownLabel, expected, traits };
  return { ...buildManifest(items, options), dropped };
}

function build(given, bundle) {
  const { items, scored, classes, testClasses, excluded } = manifestOf(given, bundle);
  const rows = rowsOfItems(items);
  return {
    rows: rows.map(({ id, path, label, traits, split }) => [id, path, traits ?? label, split]),
    scored,
    classes,
    test_classes: testClasses,
    excluded,
    digest: manifestDigest(rows),
  };
}

function itemsOfManifest(given, bundle) {
  const { items, excluded, dropped } = manifestOf(given, bundle);
  const rows = rowsOfItems(items);
  return {
    rows: rows.map(({ id, label, traits, split, subject = "" }) => [id, traits ?? label, split, subject]),
    items: items.map(({ id, label, traits, split }) => [id, traits ?? label, split]),
    item_of_row: items.flatMap((item, i) => item.rows.map(() => i)),
    dropped,
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
  "manifest.items": itemsOfManifest,
  "manifest.few_shot": fewShot,
  "manifest.sample_key": ({ task, version, id }) => ({
    key: sampleKey(task, version, id).toString("hex"),
  }),
  "view.frames": ({ count, frames, stride, start, task, clip }, bundle) => ({
    frames: frameIndices(count, { frames, stride, start }, { seed: seedOf(bundle), task, clip }),
  }),
  "view.pool": ({ features, item_of_row: itemOfRow, pool }) => ({
    features: poolFeatures(features, itemOfRow, pool),
  }),
  "view.pooled_digest": ({ ids, width, elements, item_of_row: itemOfRow, pool }) => {
    const numbers = float32From(elements);
    const features = itemOfRow.map((_, row) => numbers.slice(row * width, (row + 1) * width));
    return { digest: featuresDigest(ids, poolFeatures(features, itemOfRow, pool)) };
  },
};
