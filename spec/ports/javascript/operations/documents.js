import { plan, protocolOf, resolveTask } from "../documents.js";
import { Invalid } from "../invalid.js";
import { problemsOf, resolveOwnTask } from "../validity.js";
import { parseYaml } from "../yaml.js";

/** A member of the suite document without the names of its methods. */
function constants({ method, correction, ...rest }) {
  return rest;
}

function suite(bundle, id) {
  const { suites, seed, micro_batch, interval, comparison, association, tolerance } =
    bundle["suite.yaml"];
  const found = suites.find((one) => one.id === id);
  if (found === undefined) throw new Invalid("unknown-reference", `no suite ${id}`);
  return {
    members: found.members,
    complete: found.pending.length === 0,
    seed,
    micro_batch,
    interval: constants(interval),
    comparison: constants(comparison),
    association: constants(association),
    tolerance,
  };
}

export const OPERATIONS = {
  "documents.check": ({ documents }, bundle) => {
    const problems = problemsOf(documents, bundle);
    if (problems.length > 0) throw new Invalid(problems[0].id, problems[0].pointer);
    return { valid: true };
  },
  "documents.yaml": ({ text }) => ({ value: parseYaml(text) }),
  "documents.task": ({ task, division }, bundle) => plan(bundle, resolveTask(bundle, task), division),
  "documents.own_task": ({ task, division }, bundle) =>
    plan(bundle, resolveOwnTask(bundle, task), division),
  "documents.protocol": ({ protocol, division }, bundle) => protocolOf(bundle, protocol, division),
  "documents.suite": ({ suite: id }, bundle) => suite(bundle, id),
};
