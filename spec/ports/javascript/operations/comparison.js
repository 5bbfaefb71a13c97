import { association, measures } from "../association.js";
import { canonical } from "../canonical.js";
import { compareModels, holm, meanModel, tiesForBest } from "../comparison.js";
import { itemsOfColumns, metricReplicates, reliable } from "../interval.js";
import { Invalid } from "../invalid.js";
import { score } from "../metrics.js";

function optionsOf(bundle, higherIsBetter) {
  const { comparison, interval } = bundle["suite.yaml"];
  return { alpha: comparison.alpha, confidence: interval.confidence, higherIsBetter };
}

function checkDirection(models, higherIsBetter) {
  if (models.some(({ higher_is_better: own = higherIsBetter }) => own !== higherIsBetter)) {
    throw new Invalid("value", "models of unequal directions");
  }
}

/** A model from its predictions. */
function modelOf({ task, division, metric }, columns, { seed, comparison, interval }) {
  const { replicates } = comparison;
  const values = metricReplicates({ task, division, metric, columns, seed, replicates });
  if (values === null) throw new Invalid("value", "a division without intervals");
  return {
    score: score(metric, columns, division),
    replicates: values,
    reliable: reliable(itemsOfColumns(columns), interval.reliable_items_per_class),
  };
}

export const OPERATIONS = {
  "comparison.difference": ({ a, b, higher_is_better: higher }, bundle) => {
    checkDirection([a, b], higher);
    return compareModels(a, b, optionsOf(bundle, higher));
  },
  "comparison.mean": ({ a, b }, bundle) => {
    const models = [meanModel(a), meanModel(b)];
    checkDirection(models, models[0].higher_is_better);
    return compareModels(...models, optionsOf(bundle, models[0].higher_is_better));
  },
  "comparison.models": (given, bundle) => {
    const items = ({ ids, y_true: truth }) => canonical([ids ?? null, truth]);
    if (items(given.a) !== items(given.b)) throw new Invalid("value", "other items");
    const models = [given.a, given.b].map((columns) => modelOf(given, columns, bundle["suite.yaml"]));
    return compareModels(...models, optionsOf(bundle, true));
  },
  "comparison.holm": ({ p }) => ({ corrected: holm(p) }),
  "comparison.ties_for_best": ({ models, higher_is_better: higher }, bundle) => {
    checkDirection(models, higher);
    return tiesForBest(models, optionsOf(bundle, higher));
  },
  "association.measures": ({ x, y }) => measures(x, y),
  "association.intervals": ({ x, y, x_id: idOfX, y_id: idOfY }, bundle) => {
    const { seed, interval } = bundle["suite.yaml"];
    const { replicates, confidence } = interval;
    const stream = `association/${idOfX}/${idOfY}`;
    return association(x, y, { seed, stream, replicates, confidence });
  },
};
