/** Documents (section 6). `bundle` is the object of section 6.7: path below `v1/` to JSON value. */

import { digestOfValue } from "./digest.js";
import { Invalid } from "./invalid.js";

const NEVER_INHERITED = ["version", "counts", "unknown"];

export function specDigest(bundle) {
  return digestOfValue(bundle);
}

function documentOf(bundle, path) {
  if (!Object.hasOwn(bundle, path)) throw new Invalid("unknown-reference", `no document ${path}`);
  return bundle[path];
}

/** Kind of a document that a task names, and the key that pins its version (section 6.4). */
export const PINS = { protocol: "protocol_version", dataset: "dataset_version" };

/** A document in a version, current or superseded; undefined where it is not there. */
export function versionOf(documents, kind, id, version) {
  const paths = [`${kind}s/${id}.yaml`, `${kind}s/${id}.v${version}.yaml`];
  return paths.map((path) => documents[path]).find((found) => String(found?.version) === String(version));
}

/** The task of an id with all that it inherits. */
export function resolveTask(bundle, id) {
  return inherit(bundle, documentOf(bundle, `tasks/${id}.yaml`));
}

/** A task document with all that it inherits. */
export function inherit(bundle, document, seen = []) {
  if (document.extends === undefined) return { ...document };
  if (seen.includes(document.task)) throw new Invalid("extends-cycle");
  const parent = documentOf(bundle, `tasks/${document.extends}.yaml`);
  const inherited = inherit(bundle, parent, [...seen, document.task]);
  for (const key of NEVER_INHERITED) delete inherited[key];
  const { extends: parentId, ...own } = document;
  return { ...inherited, ...own };
}

/** What a division sees of a resolved task. */
export function taskOf(task, division) {
  const { compat = {}, ...shared } = task;
  return division === "compat" ? { ...shared, ...compat } : shared;
}

/** A protocol's constants in a division. */
export function constantsOf(bundle, protocol, division) {
  const { constants, compat } = documentOf(bundle, `protocols/${protocol}.yaml`);
  return division === "compat" ? { ...constants, ...compat } : constants;
}

/** {protocol, kind, version, constants} in a division. */
export function protocolOf(bundle, id, division) {
  const { protocol, kind, version } = documentOf(bundle, `protocols/${id}.yaml`);
  return { protocol, kind, version, constants: constantsOf(bundle, id, division) };
}

/** {dataset, layout}, from a document or written inline. */
export function datasetOf(bundle, dataset) {
  if (typeof dataset !== "string") return { dataset: dataset.id, layout: dataset.layout };
  const { layout } = documentOf(bundle, `datasets/${dataset}.yaml`);
  return { dataset, layout };
}

/** What a person's own task leaves out (section 6.4); `extends` may have given some of it. */
export function withDefaults(task) {
  return {
    version: 1,
    label_rule: "train-names",
    view: { kind: "image" },
    feature: "official",
    compat: {},
    counts: { train: null, test: null, classes: null },
    ...task,
  };
}

/** All that a run of a resolved task needs, in a division. */
export function plan(bundle, resolved, division) {
  const { task, version, dataset, split, label_rule, counts, view, feature, protocol, metrics } =
    taskOf(resolved, division);
  return {
    task,
    version,
    dataset: datasetOf(bundle, dataset),
    split,
    label_rule,
    counts,
    view,
    feature,
    protocol: protocolOf(bundle, protocol, division),
    metrics,
  };
}
