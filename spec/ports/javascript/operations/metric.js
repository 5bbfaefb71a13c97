import { Invalid } from "../invalid.js";
import {
  accuracy,
  averagePrecision,
  groupAccuracy,
  macroF1,
  topK,
  traitsF1,
  userLoss,
} from "../metrics.js";

export const OPERATIONS = {
  "metric.macro_f1": ({ y_true, y_pred, division }) => ({ score: macroF1(y_true, y_pred, division) }),
  "metric.accuracy": ({ y_true, y_pred }) => ({ score: accuracy(y_true, y_pred) }),
  "metric.top_k": ({ first_hit, k }) => ({ score: topK(first_hit, k) }),
  "metric.average_precision": ({ relevant, n_relevant }) => ({
    average_precision: averagePrecision(relevant, n_relevant),
  }),
  "metric.traits_f1": ({ y_true, y_pred, division }) => ({ score: traitsF1(y_true, y_pred, division) }),
  "metric.user_loss": ({ y_true, y_pred, poisonous }) => {
    if (poisonous.some((id) => id < 0)) throw new Invalid("value", "a poisonous id that is no class");
    const isPoisonous = (labels) => labels.map((label) => poisonous.includes(label));
    return { score: userLoss(y_true, y_pred, isPoisonous(y_true), isPoisonous(y_pred)) };
  },
  "metric.group_accuracy": ({ y_true, y_pred, group }) => ({
    score: groupAccuracy(y_true, y_pred, group),
  }),
};
