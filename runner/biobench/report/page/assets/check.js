"use strict";

/**
 * Computes a score again from its predictions, by the port of the specification.
 *
 * specification: what biobenchSpecification() returns. given: {document, task, rows, suite, scores}:
 * a result, one of its tasks, the task's predictions as [[id, truth, prediction, extras], ...], the
 * constants of the suite, and the scores that the page ranks, or null. Returns the stages in order,
 * each {stage, holds, text}. It refers to nothing outside itself: it runs in a worker.
 */
function biobenchCheck(specification, { document, task, rows, suite, scores }) {
  const { digestOfValue, resultDigest, score: scoreOf, scoreWithInterval } = specification;
  const entry = document.tasks[task];
  const stages = [];
  const add = (stage, found, stated, text) => {
    const holds = digestOfValue(found) === digestOfValue(stated);
    stages.push({ stage, holds, text: holds ? text : `${shown(found)} here, ${shown(stated)} in the result` });
  };
  const shown = (value) => (typeof value === "object" ? JSON.stringify(value) : String(value));

  add("predictions", digestOfValue(rows), entry.digests.predictions, `${rows.length} items, ${entry.digests.predictions.slice(0, 19)}...`);

  const columns = {
    ids: rows.map((row) => row[0]),
    y_true: rows.map((row) => row[1]),
    y_pred: rows.map((row) => row[2]),
  };
  for (const name of Object.keys(rows[0]?.[3] ?? {})) columns[name] = rows.map((row) => row[3][name]);
  const metrics = {};
  for (const id of Object.keys(entry.metrics)) metrics[id] = scoreOf(id, columns, document.division);
  add("metric", metrics, entry.metrics, Object.entries(metrics).map(([id, value]) => `${id} ${value.toFixed(4)}`).join(", "));
  add("score", metrics[entry.metric], entry.score, entry.score.toFixed(4));

  const value = scoreWithInterval({ task, division: document.division, metric: entry.metric, columns, suite });
  value.metrics = metrics;
  if (entry.no_interval === "metric") Object.assign(value, { interval: null, no_interval: "metric", clusters: entry.clusters });
  const { interval } = value;
  const members = ({ interval: bounds, no_interval: reason, clusters }) => ({ bounds, reason, clusters });
  add("interval", members(value), members(entry), interval === null ? `none: ${value.no_interval}` : `${interval.low.toFixed(3)} to ${interval.high.toFixed(3)}`);
  add("score digest", digestOfValue(value), entry.digests.score, `${entry.digests.score.slice(0, 19)}...`);

  for (const stage of ["predictions", "score"]) {
    const digests = {};
    for (const [id, one] of Object.entries(document.tasks)) if (!one.declared) digests[id] = one.digests[stage];
    add(`${stage} of all tasks`, digestOfValue(digests), document.digests[stage], `${document.digests[stage].slice(0, 19)}...`);
  }
  add("result", resultDigest(document), document.digests.result, `${document.digests.result.slice(0, 19)}...`);

  if (scores !== null) {
    const better = (other) => (entry.higher_is_better ? other > metrics[entry.metric] : other < metrics[entry.metric]);
    const rank = 1 + scores.values.filter(better).length;
    add("rank", rank, scores.rank, `${rank} of ${scores.values.length}`);
  }
  return stages;
}
