import { jackknife, quantile, scoreWithInterval, suiteMean } from "../interval.js";
import { score } from "../metrics.js";

const suiteOf = (bundle) => bundle["suite.yaml"];

/** The columns of predictions among an input's members. */
function columnsOf({ task, division, metric, interval, ...columns }) {
  return columns;
}

export const OPERATIONS = {
  "interval.influences": ({ division, metric, interval, ...given }) => {
    const columns = columnsOf(given);
    score(metric, columns, division);
    if (division === "compat" || interval === null) return { influence: null, weights: null };
    const { influence, weights } = jackknife(metric, columns);
    return { influence, weights };
  },
  "interval.quantile": ({ freedom }, bundle) => ({
    quantile: quantile(suiteOf(bundle).interval.t_quantiles, freedom),
  }),
  "interval.score": (given, bundle) =>
    scoreWithInterval({ ...given, columns: columnsOf(given), suite: suiteOf(bundle) }),
  "aggregate.mean": ({ members, tasks }, bundle) => ({
    mean: suiteMean(members, tasks, suiteOf(bundle).interval),
  }),
};
