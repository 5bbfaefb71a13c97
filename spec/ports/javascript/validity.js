/** Validity of sets of documents (section 6.3). A problem is {id, pointer}. */

import { canonical } from "./canonical.js";
import { referencedColumns } from "./csv_layout.js";
import { inherit, PINS, taskOf, versionOf, withDefaults } from "./documents.js";
import { fits } from "./fit.js";
import { Invalid } from "./invalid.js";
import { isObject, pointerPart, schemaProblems } from "./schema.js";

const FOLDERS = { tasks: "task", datasets: "dataset", protocols: "protocol" };

function kindOf(path) {
  if (path === "suite.yaml") return "suite";
  if (path === "models.yaml") return "models";
  return FOLDERS[path.split("/")[0]];
}

/**
 * The problems of documents (path to value) against the schemas of a bundle. Where the schemas are
 * broken nothing else is looked at: what is there need not have the form that later rules read.
 */
export function problemsOf(documents, bundle) {
  const found = Object.entries(documents).flatMap(([path, document]) =>
    shapeProblems(kindOf(path), document, bundle),
  );
  if (found.length > 0) return found;
  const rules = [nameProblems, pinProblems, listProblems, reasonProblems, layoutProblems, taskProblems, suiteProblems, modelProblems];
  return rules.flatMap((rule) => rule(documents, bundle));
}

/** The schema of a document and those of its parts that name their kind. */
function shapeProblems(kind, document, bundle) {
  const problems = schemaProblems(document, bundle[`schema/${kind}.schema.json`]);
  if (!isObject(document)) return problems;
  const part = (name, value, pointer, partial = false) => {
    const schema = bundle[`schema/${name}.schema.json`];
    if (schema === undefined) return [{ id: "unknown-reference", pointer }];
    const wanted = partial ? { ...schema, required: schema.$defs?.compat?.required ?? [] } : schema;
    return schemaProblems(value, wanted).map((p) => ({ ...p, pointer: pointer + p.pointer }));
  };
  const parts = [];
  if (kind === "protocol" && typeof document.kind === "string") {
    parts.push([`protocol-${document.kind}`, document.constants, "/constants"]);
    parts.push([`protocol-${document.kind}`, document.compat, "/compat", true]);
  }
  const layout = kind === "dataset" ? document.layout : document.dataset?.layout;
  if (isObject(layout)) parts.push([`layout-${layout.id}`, layout.options, "/layout/options"]);
  if (kind === "task") {
    for (const [view, pointer] of [
      [document.view, "/view"],
      [document.compat?.view, "/compat/view"],
    ]) {
      if (isObject(view)) parts.push([`view-${view.kind}`, view, pointer]);
    }
  }
  return [...problems, ...parts.flatMap((args) => (args[1] === undefined ? [] : part(...args)))];
}

/** Ids and versions against file names; one id in two files. */
function nameProblems(documents) {
  const current = new Set();
  const repeats = [];
  const misnamed = [];
  for (const [path, document] of Object.entries(documents)) {
    const match = /^(tasks|datasets|protocols)\/(.+?)(?:\.v([0-9]+))?\.yaml$/.exec(path);
    if (match === null) continue;
    const [, folder, name, version] = match;
    const id = document[FOLDERS[folder]];
    if (version === undefined) {
      const key = `${folder}/${id}`;
      if (current.has(key)) repeats.push({ id: "duplicate-id", pointer: path });
      current.add(key);
    }
    if (id !== name || (version !== undefined && String(document.version) !== version)) {
      misnamed.push({ id: "wrong-name", pointer: path });
    }
  }
  return [...repeats, ...misnamed];
}

function isSuperseded(path) {
  return /\.v[0-9]+\.yaml$/.test(path);
}

/** A superseded task pins what it rests on and has no `extends`; no other task pins anything. */
function pinProblems(documents) {
  return Object.entries(documents)
    .filter(([path]) => kindOf(path) === "task")
    .flatMap(([path, document]) => {
      const old = isSuperseded(path);
      const keys = Object.entries(PINS)
        .filter(([kind, key]) => Object.hasOwn(document, key) !== (old && typeof document[kind] === "string"))
        .map(([, key]) => key);
      if (old && document.extends !== undefined) keys.push("extends");
      return keys.map((key) => ({ id: "wrong-name", pointer: `${path}/${key}` }));
    });
}

function repeated(values) {
  return new Set(values.map(canonical)).size < values.length;
}

function listProblems(documents) {
  const lists = [];
  for (const [path, document] of Object.entries(documents)) {
    const kind = kindOf(path);
    if (kind === "task") {
      for (const metrics of [document.metrics, document.compat?.metrics]) {
        if (metrics !== undefined) lists.push(metrics.map(({ id }) => id));
      }
    }
    if (kind === "suite") {
      lists.push(document.suites.map(({ id }) => id), document.levels.map(({ id }) => id));
      for (const { members, pending } of document.suites) lists.push(members, pending);
    }
    if (kind === "models") {
      const { models, recipes = [] } = document;
      lists.push(models.map(({ name }) => name), recipes.map(({ id }) => id));
    }
  }
  return lists.filter(repeated).map(() => ({ id: "duplicate-id", pointer: "" }));
}

/** `unknown` has exactly one entry for each null of the facts that it is about. */
function reasonProblems(documents) {
  return Object.entries(documents).flatMap(([path, document]) => {
    const kind = kindOf(path);
    if (kind === "models") return document.models.flatMap((model) => reasonsOf(model, /^/));
    if (kind === "dataset") return reasonsOf(document, /^/);
    return kind === "task" ? reasonsOf(document, /^(?:\/compat)?\/counts\//) : [];
  });
}

/** below: the pointers of nulls that need a reason. */
function reasonsOf({ unknown = {}, ...facts }, below) {
  const all = nulls(facts, "");
  return [
    ...all
      .filter((pointer) => below.test(pointer) && !Object.hasOwn(unknown, pointer))
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

/** Layouts of data set documents and of tasks that write one inline. */
function layoutProblems(documents) {
  return Object.values(documents).flatMap((document) => {
    const layout = document.layout ?? document.dataset?.layout;
    if (layout === undefined) return [];
    const pointer = "/layout/options";
    return layoutFaults(layout).map((id) => ({ id, pointer }));
  });
}

function layoutFaults({ id, options }) {
  if (id === "image-folder") {
    const faults = splitFaults([options.splits]);
    if (foldersOverlap(Object.values(options.splits))) faults.push("overlapping-splits");
    const strange = Object.keys(options.flat ?? {}).some((split) => !(split in options.splits));
    return strange ? [...faults, "unknown-reference"] : faults;
  }
  if (id !== "csv") return [];
  const { tables, split = {}, traits = [], columns, poisonous, path } = options;
  const { column, ...lists } = split;
  const faults = splitFaults([tables ?? lists, ...(typeof path === "object" ? [path] : [])]);
  if (repeated(traits.map((trait) => trait.column))) faults.push("duplicate-id");
  const shared = tables === undefined ? Object.values(lists) : Object.values(tables).map((t) => [t].flat());
  if (repeated(shared.flatMap((list) => [...new Set(list)]))) faults.push("overlapping-splits");
  const meanings = traits.map(({ one, zero }) => [one, zero]);
  if (poisonous?.cells !== undefined) meanings.push([poisonous.cells, poisonous.edible]);
  if (meanings.some(([one, other]) => one.some((cell) => other.includes(cell)))) faults.push("duplicate-id");
  if (columns !== undefined && ![...referencedColumns(options)].every((name) => columns.includes(name))) {
    faults.push("unknown-reference");
  }
  return faults;
}

/** The splits of mappings by split: those of one rule, the same in each. */
function splitFaults(mappings) {
  const wanted = "gallery" in mappings[0] ? ["gallery"] : ["train", "test"];
  return mappings.flatMap((mapping) => [
    ...wanted.filter((split) => !(split in mapping)).map(() => "missing-key"),
    ...Object.keys(mapping).filter((split) => !wanted.includes(split)).map(() => "unknown-key"),
  ]);
}

function foldersOverlap(folders) {
  const lists = folders.map((path) => path.split("/").filter((part) => part !== "" && part !== "."));
  const holds = (outer, inner) => outer.every((part, i) => part === inner[i]);
  return lists.some((a, i) => lists.some((b, j) => i !== j && holds(a, b)));
}

/** References, resolution and fit of tasks. */
function taskProblems(documents, bundle) {
  return Object.entries(documents)
    .filter(([path]) => kindOf(path) === "task")
    .flatMap(([path, document]) => {
      try {
        const resolved = inherit(documents, document);
        const problem = resolvedProblem(resolved, documents, bundle);
        return problem === null ? [] : [{ id: problem, pointer: path }];
      } catch (error) {
        if (error instanceof Invalid) return [{ id: error.id, pointer: path }];
        throw error;
      }
    });
}

/** The error id of a resolved task, or null. */
export function resolvedProblem(resolved, documents, bundle) {
  const shape = shapeProblems("task", resolved, bundle);
  if (shape.length > 0) return shape[0].id;
  const named = (kind) =>
    Object.hasOwn(resolved, PINS[kind])
      ? versionOf(documents, kind, resolved[kind], resolved[PINS[kind]])
      : documents[`${kind}s/${resolved[kind]}.yaml`];
  const protocol = named("protocol");
  const dataset = typeof resolved.dataset === "string" ? named("dataset") : resolved.dataset;
  if (protocol === undefined || dataset === undefined) return "unknown-reference";
  const fit = ["official", "compat"].every((division) =>
    fits(taskOf(resolved, division), dataset.layout, protocol),
  );
  return fit ? null : "does-not-fit";
}

function suiteProblems(documents) {
  const suite = documents["suite.yaml"];
  if (suite === undefined) return [];
  const has = (id) => Object.hasOwn(documents, `tasks/${id}.yaml`);
  return suite.suites.flatMap(({ members, pending }) => [
    ...members
      .filter((id) => !has(id) && !pending.includes(id))
      .map(() => ({ id: "unknown-reference", pointer: "/suites" })),
    ...pending
      .filter((id) => has(id) || !members.includes(id))
      .map(() => ({ id: "value", pointer: "/suites" })),
  ]);
}

/** Recipes and tasks that an entry of the models names. */
function modelProblems(documents) {
  const { models = [], recipes = [] } = documents["models.yaml"] ?? {};
  const known = recipes.map(({ id }) => id);
  return models.flatMap(({ recipe, overlap }) => {
    const pointers = recipe === undefined || known.includes(recipe) ? [] : ["/recipe"];
    if (!overlap.every((id) => Object.hasOwn(documents, `tasks/${id}.yaml`))) pointers.push("/overlap");
    return pointers.map((pointer) => ({ id: "unknown-reference", pointer }));
  });
}

/** The keys of a task that a person's own may leave out and that no run reads. */
const PROSE = ["title", "taxa", "modality", "mission", "citation"];

/**
 * The schema of a person's own task as it is written: it pins no version, and what it must not leave
 * out is looked for when it has what it inherits.
 */
function ownSchema(bundle) {
  const { properties, else: whole, ...schema } = bundle["schema/task.schema.json"];
  const pins = Object.values(PINS);
  return {
    ...schema,
    properties: Object.fromEntries(Object.entries(properties).filter(([key]) => !pins.includes(key))),
    required: ["task"],
  };
}

/** A person's own task with what it inherits and leaves out; throws where it is not valid. */
export function resolveOwnTask(bundle, document) {
  const refuse = (problems) => {
    if (problems.length > 0) throw new Invalid(problems[0].id);
  };
  refuse(schemaProblems(document, ownSchema(bundle)));
  if (Object.hasOwn(bundle, `tasks/${document.task}.yaml`)) throw new Invalid("duplicate-id");
  if (document.extends === document.task) throw new Invalid("extends-cycle");
  const resolved = withDefaults(inherit(bundle, { version: 1, ...document }));
  const prose = Object.fromEntries(PROSE.map((key) => [key, "-"]));
  const whole = { ...prose, errata: [], unknown: {}, ...resolved };
  refuse(shapeProblems("task", whole, bundle));
  if (document.counts === undefined) {
    const reasons = nulls(whole.counts, "/counts").map((pointer) => [pointer, "a default"]);
    whole.unknown = { ...Object.fromEntries(reasons), ...whole.unknown };
  }
  const alone = { "tasks/own.yaml": whole };
  refuse([...layoutProblems(alone), ...listProblems(alone), ...reasonProblems(alone)]);
  const problem = resolvedProblem(whole, bundle, bundle);
  if (problem !== null) throw new Invalid(problem);
  return resolved;
}
