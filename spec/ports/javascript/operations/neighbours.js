import { nearestNeighbours, prepareRows, squaredDistance } from "../neighbours.js";
import { constantsFor } from "./constants.js";

export const OPERATIONS = {
  "knn.distances": (given, bundle) => {
    const rows = prepareRows(given.features, constantsFor(given, bundle).normalise);
    return { distances: rows.map((row) => squaredDistance(rows[given.query], row)) };
  },
  "knn.predict": (given, bundle) => {
    const { features, labels, scored = labels.map((_, row) => row) } = given;
    const found = nearestNeighbours(features, labels, scored, constantsFor(given, bundle));
    return {
      y_pred: found.map(({ prediction }) => prediction),
      neighbours: found.map(({ neighbours }) => neighbours),
      first_hit: found.map(({ firstHit }) => firstHit),
      average_precision: found.map(({ averagePrecision }) => averagePrecision),
    };
  },
};
