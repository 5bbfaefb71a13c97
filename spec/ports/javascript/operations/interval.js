import {
  bounds,
  drawnItems,
  itemsOfColumns,
  metricReplicates,
  scoreWithInterval,
  suiteMean,
} from "../interval.js";

const suiteOf = (bundle) => bundle["suite.yaml"];

/** The columns of predictions among an input's members. */
function columnsOf({ task, division, metric, replicates, ...columns }) {
  return columns;
}

export const OPERATIONS = {
  "interval.bounds": ({ values, confidence }) => bounds(values, confidence),
  "interval.positions": (given, bundle) => {
    const options = {
      seed: suiteOf(bundle).seed,
      stream: `bootstrap/${given.task}`,
      replicates: given.replicates,
    };
    return { items: [...drawnItems(itemsOfColumns(columnsOf(given)), options)] };
  },
  "interval.replicates": (given, bundle) => {
    const { seed } = suiteOf(bundle);
    return { values: metricReplicates({ ...given, columns: columnsOf(given), seed }) };
  },
  "interval.score": (given, bundle) =>
    scoreWithInterval({ ...given, columns: columnsOf(given), suite: suiteOf(bundle) }),
  "aggregate.mean": ({ members, tasks }, bundle) => ({
    mean: suiteMean(members, tasks, suiteOf(bundle).interval.confidence),
  }),
};
