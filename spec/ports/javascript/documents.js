/** Documents (section 6). `bundle` is the object of section 6.7: path below `v1/` to JSON value. */

import { digestOfValue } from "./digest.js";
import { Invalid } from "./invalid.js";
import { isObject, pointerPart, schemaProblems } from "./schema.js";

const NEVER_INHERITED = ["version", "counts", "unknown"];

export function specDigest(bundle) {
  return digestOfValue(bundle);
}

/** The task with all that it inherits. */
export function resolveTask(bundle, id, seen = []) {
  if (seen.includes(id)) throw new Invalid("extends-cycle");
  const document = bundle[`tasks/${id}.yaml`];
  if (document === undefined) throw new Invalid("unknown-reference");
  if (document.extends === undefined) return { ...document };
  const base = resolveTask(bundle, document.extends, [...seen, id]);
  for (const key of NEVER_INHERITED) delete base[key];
  const { extends: base_id, ...own } = document;
  return { ...base, ...own };
}

/** What division `division` sees of a resolved task. */
export function taskOf(task, division) {
  const { compat = {}, ...shared } = task;
  return division === "compat" ? { ...shared, ...compat } : shared;
}

/** A protocol's constants in a division. */
export function constantsOf(bundle, protocol, division) {
  const document = bundle[`protocols/${protocol}.yaml`];
  if (document === undefined) throw new Invalid("unknown-reference");
  const { constants, compat } = document;
  return division === "compat" ? { ...constants, ...compat } : constants;
}

/** Problems of section 6.3 in one document. kind: task, dataset, protocol, suite, models. */
export function documentProblems(bundle, kind, document) {
  const problems = schemaProblems(document, bundle[`schema/${kind}.schema.json`]);
  if (!isObject(document)) return problems;
  const part = (name, value, pointer) => {
    const schema = bundle[`schema/${name}.schema.json`];
    if (schema === undefined) return [{ id: "unknown-reference", pointer }];
    return schemaProblems(value, schema).map((p) => ({ ...p, pointer: pointer + p.pointer }));
  };
  if (kind === "protocol" && typeof document.kind === "string") {
    problems.push(...part(`protocol-${document.kind}`, document.constants, "/constants"));
  }
  if (kind === "dataset" && isObject(document.layout)) {
    const { id, options } = document.layout;
    problems.push(...part(`layout-${id}`, options, "/layout/options"));
  }
  if (kind === "task" && isObject(document.view)) {
    problems.push(...part(`view-${document.view.kind}`, document.view, "/view"));
  }
  problems.push(...reasonProblems(kind, document));
  return problems;
}

/** `unknown` has exactly one entry for each null of the facts that it is about. */
function reasonProblems(kind, document) {
  if (kind === "models" && Array.isArray(document.models)) {
    return document.models.flatMap((model, i) =>
      reasonProblems("model", model).map((p) => ({ ...p, pointer: `/models/${i}${p.pointer}` })),
    );
  }
  if (!isObject(document.unknown)) return [];
  const { unknown, ...facts } = document;
  const all = nulls(facts, "");
  const about = kind === "task" ? nulls(facts.counts ?? {}, "/counts") : all;
  return [
    ...about
      .filter((pointer) => !Object.hasOwn(unknown, pointer))
      .map((pointer) => ({ id: "null-without-reason", pointer })),
    ...Object.keys(unknown)
      .filter((pointer) => !all.includes(pointer))
      .map((pointer) => ({ id: "reason-without-null", pointer: `/unknown${pointerPart(pointer)}` })),
  ];
}

function nulls(value, pointer) {
  if (value === null) return [pointer];
  if (typeof value !== "object") return [];
  return Object.entries(value).flatMap(([name, inner]) => nulls(inner, pointer + pointerPart(name)));
}
