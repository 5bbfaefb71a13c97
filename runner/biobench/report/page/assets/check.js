"use strict";

/**
 * Computes a score again from its predictions, by the port of the specification.
 *
 * specification: what biobenchSpecification() returns. given: {document, task, rows, suite, scores}:
 * a result, one of its tasks, the task's predictions as [[id, truth, prediction, extras], ...], the
 * constants of the suite, and the other models' scores with the stated rank, or null. Returns the stages in order,
 * each {stage, holds, text}. It refers to nothing outside itself: it runs in a worker.
 */
function biobenchCheck(specification, { document, task, rows, suite, scores }) {
  const { digestOfValue, resultDigest, score: scoreOf, scoreWithInterval } = specification;
  const entry = document.tasks[task];
  const stages = [];
  const add = (stage, found, stated, words) => {
    const holds = digestOfValue(found) === digestOfValue(stated);
    stages.push({ stage, holds, text: holds ? words(found) : both(found, stated, words) });
  };
  const both = (found, stated, words) => {
    const [here, there] = [words(found), words(stated)];
    return here === there ? unlike(found, stated).join("; ") : `${here} here, ${there} in the result`;
  };
  /** Each number or text in which two values differ, for values that are the same in words. */
  const unlike = (found, stated, name = "") => {
    if (digestOfValue(found ?? null) === digestOfValue(stated ?? null)) return [];
    const nested = [found, stated].every((value) => typeof value === "object" && value !== null);
    if (!nested) return [`${name}${found ?? "none"} here, ${stated ?? "none"} in the result`];
    const keys = [...new Set([...Object.keys(found), ...Object.keys(stated)])];
    return keys.flatMap((key) => unlike(found[key], stated[key], `${name}${key.replaceAll("_", " ")} `));
  };
  const digestWords = (digest) => `${digest.slice(0, 19)}...`;
  const scoreWords = (number) => number.toFixed(4);
  const metricWords = (values) => Object.entries(values).map(([id, number]) => `${id} ${scoreWords(number)}`).join(", ");
  const intervalWords = ({ bounds, reason }) =>
    bounds === null ? `none: ${reason}` : `${bounds.low.toFixed(3)} to ${bounds.high.toFixed(3)}`;

  add("predictions", digestOfValue(rows), entry.digests.predictions, digestWords);

  const columns = {
    ids: rows.map((row) => row[0]),
    y_true: rows.map((row) => row[1]),
    y_pred: rows.map((row) => row[2]),
  };
  for (const name of Object.keys(rows[0]?.[3] ?? {})) columns[name] = rows.map((row) => row[3][name]);
  const metrics = {};
  for (const id of Object.keys(entry.metrics)) metrics[id] = scoreOf(id, columns, document.division);
  add("metric", metrics, entry.metrics, metricWords);
  add("score", metrics[entry.metric], entry.score, scoreWords);

  const value = scoreWithInterval({ task, division: document.division, metric: entry.metric, columns, suite });
  value.metrics = metrics;
  if (entry.no_interval === "metric") Object.assign(value, { interval: null, no_interval: "metric", clusters: entry.clusters });
  const members = ({ interval: bounds, no_interval: reason, clusters }) => ({ bounds, reason, clusters });
  add("interval", members(value), members(entry), intervalWords);
  add("score digest", digestOfValue(value), entry.digests.score, digestWords);

  for (const stage of ["predictions", "score"]) {
    const digests = {};
    for (const [id, one] of Object.entries(document.tasks)) if (!one.declared) digests[id] = one.digests[stage];
    add(`${stage} of all tasks`, digestOfValue(digests), document.digests[stage], digestWords);
  }
  add("result", resultDigest(document), document.digests.result, digestWords);

  if (scores !== null) {
    const better = (other) => (entry.higher_is_better ? other > metrics[entry.metric] : other < metrics[entry.metric]);
    const rank = 1 + scores.others.filter(better).length;
    add("rank", rank, scores.rank, (place) => `${place} of ${scores.others.length + 1}`);
  }
  return stages;
}
