import * as centroid from "../centroid.js";
import { constantsFor } from "./constants.js";

const lists = (rows) => rows.map((row) => Array.from(row));

function fitted(given, bundle) {
  return new centroid.NearestCentroid(given.features, given.labels, constantsFor(given, bundle));
}

export const OPERATIONS = {
  "nearest_centroid.classes": ({ features, labels }) => {
    const rows = features.map((row) => Float64Array.from(row));
    const { classes, parts, covariance } = centroid.withinClasses(rows, labels);
    return {
      classes,
      means: lists(parts.map(({ mean }) => mean)),
      deviations: lists(parts.map(({ deviations }) => deviations)),
      shrinkages: parts.map(({ shrinkage }) => shrinkage),
      covariance: lists(covariance),
    };
  },
  "nearest_centroid.factor": ({ matrix, vectors }) => {
    const lower = centroid.cholesky(matrix);
    return { factor: lists(lower), whitened: lists(vectors.map((y) => centroid.whiten(lower, y))) };
  },
  "nearest_centroid.threshold": (given, bundle) => {
    const { rejection_percentile: percent } = constantsFor(given, bundle);
    return { threshold: centroid.percentile(given.scores, percent) };
  },
  "nearest_centroid.fit": (given, bundle) => {
    const model = fitted(given, bundle);
    return {
      mean: Array.from(model.mean),
      centroids: lists(model.centroids),
      threshold: model.threshold,
      scores: given.test.map((row) => model.score(row)),
      nearest: given.test.map((row) => model.nearest(row)),
      y_pred: given.test.map((row) => model.predict(row)),
    };
  },
  "nearest_centroid.predict": (given, bundle) => {
    const model = fitted(given, bundle);
    return { y_pred: given.test.map((row) => model.predict(row)) };
  },
};
