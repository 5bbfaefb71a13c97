import * as logistic from "../logistic.js";
import { largestIndex } from "../training.js";
import { constantsFor } from "./constants.js";

export const OPERATIONS = {
  "logistic_regression.scale": (given, bundle) => {
    const scaled = logistic.scaling(given.features, constantsFor(given, bundle));
    return {
      mean: scaled.means,
      deviation: scaled.deviations,
      rows: logistic.scale(given.test, scaled).map((row) => Array.from(row)),
    };
  },
  "logistic_regression.weights": ({ labels }) => {
    const { classes, weights } = logistic.rowWeights(labels);
    return { classes, weights: classes.map((label) => weights[labels.indexOf(label)]) };
  },
  "logistic_regression.folds": (given, bundle) => ({
    folds: logistic.folds(given.labels, constantsFor(given, bundle).folds),
  }),
  "logistic_regression.fold_score": (given, bundle) => {
    const { search_score_classes: classes } = constantsFor(given, bundle);
    return { score: logistic.foldScore(given.y_true, given.y_pred, classes) };
  },
  "logistic_regression.ranking": (given, bundle) => {
    const { candidates, search_tie: tie } = constantsFor(given, bundle);
    return logistic.ranking(candidates, given.scores, tie);
  },
  "logistic_regression.decide": ({ decisions }) => ({ classes: decisions.map(largestIndex) }),
  "logistic_regression.gradient": (given, bundle) => {
    const { gradient_tolerance: tolerance } = constantsFor(given, bundle);
    return logistic.gradientAt(given.rows, given.labels, { ...given, strength: given.C, tolerance });
  },
  "logistic_regression.fit": (given, bundle) => {
    const { features, labels, C, test } = given;
    const model = logistic.fit(features, labels, C, constantsFor(given, bundle));
    return { ...logistic.parameters(model), y_pred: logistic.predict(model, test) };
  },
  "logistic_regression.search": (given, bundle) => {
    const { features, labels, test } = given;
    const found = logistic.search(features, labels, constantsFor(given, bundle));
    return { C: found.strength, scores: found.scores, y_pred: logistic.predict(found.model, test) };
  },
};
