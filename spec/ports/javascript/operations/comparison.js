import { association, bounds, measures } from "../association.js";
import { canonical } from "../canonical.js";
import { compareModels, holm, Models, rankSets, signs } from "../comparison.js";
import { jackknife } from "../interval.js";
import { Invalid } from "../invalid.js";
import { score } from "../metrics.js";

const suiteOf = (bundle) => bundle["suite.yaml"];

function modelsOf({ tasks, models }, bundle) {
  return new Models(tasks, models, suiteOf(bundle));
}

/** Two models from their predictions. */
function ofPredictions({ task, division, metric, interval, a, b }, bundle) {
  const items = ({ ids, y_true: truth, cluster, group, true_poisonous: poisonous }) =>
    canonical([ids, truth, cluster, group, poisonous].map((column) => column ?? null));
  if (items(a) !== items(b)) throw new Invalid("value", "other items");
  if (division === "compat") throw new Invalid("value", "a division without intervals");
  if (interval === null) throw new Invalid("value", "a metric without intervals");
  const models = Object.entries({ a, b }).map(([name, columns]) => {
    const value = score(metric, columns, division);
    return [name, { score: value, ...jackknife(metric, columns) }];
  });
  const { weights, classes, lone } = models[0][1];
  const entry = { task, weights, classes, lone_classes: lone, models: Object.fromEntries(models) };
  return new Models([entry], ["a", "b"], suiteOf(bundle));
}

export const OPERATIONS = {
  "comparison.signs": (given, bundle) => ({
    signs: signs({ ...given, seed: suiteOf(bundle).seed }),
  }),
  "comparison.difference": (given, bundle) =>
    compareModels(modelsOf(given, bundle), { higherIsBetter: given.higher_is_better ?? true }),
  "comparison.models": (given, bundle) => compareModels(ofPredictions(given, bundle)),
  "comparison.holm": ({ p }) => {
    const corrected = holm(p.filter((one) => one !== null));
    return { corrected: p.map((one) => (one === null ? null : corrected.shift())) };
  },
  "comparison.ranks": (given, bundle) => ({
    ranks: rankSets(modelsOf(given, bundle), { higherIsBetter: given.higher_is_better ?? true }),
  }),
  "association.bounds": ({ values, confidence }) => bounds(values, confidence),
  "association.measures": ({ x, y }) => measures(x, y),
  "association.intervals": ({ x, y, x_id: idOfX, y_id: idOfY }, bundle) => {
    const { seed, association: rules } = suiteOf(bundle);
    const stream = `association/${idOfX}/${idOfY}`;
    return association(x, y, { seed, stream, ...rules });
  },
};
