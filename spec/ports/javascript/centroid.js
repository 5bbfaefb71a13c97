/** Nearest centroid with rejection (section 10.5). Every sum runs over rows or indices in order. */

import { Invalid } from "./invalid.js";
import { squaredDistance } from "./neighbours.js";
import { compareNumbers } from "./order.js";

function meanRow(rows) {
  const total = new Float64Array(rows[0].length);
  for (const row of rows) row.forEach((x, j) => (total[j] += x));
  return total.map((x) => x / rows.length);
}

function minus(row, other) {
  return row.map((x, j) => x - other[j]);
}

/** A row of length one, or as it is where its length is 0. */
function unit(row) {
  const squares = row.reduce((sum, x) => sum + x * x, 0);
  return squares === 0 ? row : row.map((x) => x / Math.sqrt(squares));
}

/** T_jk = sum over the rows of z_j z_k. */
function products(rows) {
  const width = rows[0].length;
  const table = Array.from({ length: width }, () => new Float64Array(width));
  for (const row of rows) {
    for (let j = 0; j < width; j += 1) {
      for (let k = 0; k < width; k += 1) table[j][k] += row[j] * row[k];
    }
  }
  return table;
}

function sum(values) {
  return values.reduce((total, x) => total + x, 0);
}

/** The shrinkage g and the target t of a class with standardised rows. */
function ledoitWolf(rows, table) {
  const count = rows.length;
  const width = table.length;
  const t = sum(table.map((row, j) => row[j] / count)) / width;
  const squares = rows.map((row) => row.reduce((total, z) => total + z * z, 0));
  const B = sum(squares.map((w) => w * w));
  const D = sum(table.map((row) => row.reduce((total, x) => total + x * x, 0))) / (count * count);
  const beta = (B / count - D) / (width * count);
  const delta = D / width - t * t;
  const b = Math.min(beta, delta);
  return { t, g: b <= 0 ? 0 : b / delta };
}

/** {mean, deviations, covariance, shrinkage} of a class. */
export function classCovariance(rows) {
  const mean = meanRow(rows);
  const centred = rows.map((row) => minus(row, mean));
  const deviations = mean.map((_, j) => {
    if (rows.every((row) => row[j] === rows[0][j])) return 1;
    return Math.sqrt(sum(centred.map((row) => row[j] * row[j])) / rows.length);
  });
  const scaled = centred.map((row) => row.map((y, j) => y / deviations[j]));
  const table = products(scaled);
  const { t, g } = ledoitWolf(scaled, table);
  const covariance = table.map((row, j) =>
    row.map((x, k) => {
      const kept = (1 - g) * (x / rows.length);
      return (j === k ? kept + g * t : kept) * (deviations[j] * deviations[k]);
    }),
  );
  return { mean, deviations, covariance, shrinkage: g };
}

/** {classes, parts, covariance}: what `classCovariance` gives of each, and W. */
export function withinClasses(rows, labels) {
  if (labels.some((label) => label < 0)) throw new Invalid("value", "a train row of no class");
  const classes = [...new Set(labels)].sort(compareNumbers);
  const parts = classes.map((label) => classCovariance(rows.filter((_, i) => labels[i] === label)));
  const width = rows[0].length;
  const covariance = Array.from({ length: width }, () => new Float64Array(width));
  classes.forEach((label, c) => {
    const share = labels.filter((other) => other === label).length / labels.length;
    parts[c].covariance.forEach((row, j) => row.forEach((x, k) => (covariance[j][k] += share * x)));
  });
  return { classes, parts, covariance };
}

/** The lower triangle L of W = L L'. */
export function cholesky(matrix) {
  const width = matrix.length;
  const least = width * 2 ** -40;
  const lower = Array.from({ length: width }, () => new Float64Array(width));
  for (let j = 0; j < width; j += 1) {
    for (let i = j; i < width; i += 1) {
      let rest = matrix[i][j];
      for (let k = 0; k < j; k += 1) rest -= lower[i][k] * lower[j][k];
      if (i === j && !(rest > least * matrix[j][j])) {
        throw new Invalid("value", "too few train rows for the spread");
      }
      lower[i][j] = i === j ? Math.sqrt(rest) : rest / lower[j][j];
    }
  }
  return lower;
}

export function whiten(lower, vector) {
  const result = new Float64Array(vector.length);
  for (let i = 0; i < vector.length; i += 1) {
    let rest = vector[i];
    for (let k = 0; k < i; k += 1) rest -= lower[i][k] * result[k];
    result[i] = rest / lower[i][i];
  }
  return result;
}

/** The percentile of step 6. */
export function percentile(values, percent) {
  const sorted = [...values].sort(compareNumbers);
  const place = (sorted.length - 1) * (percent / 100);
  const i = Math.floor(place);
  const f = place - i;
  const low = sorted[i];
  const high = sorted[Math.min(i + 1, sorted.length - 1)];
  return f < 0.5 ? low + (high - low) * f : high - (high - low) * (1 - f);
}

export class NearestCentroid {
  constructor(rows, labels, constants) {
    const train = rows.map((row) => Float64Array.from(row));
    this.constants = constants;
    this.mean = meanRow(train);
    const { classes, parts, covariance } = withinClasses(train, labels);
    this.classes = classes;
    const units = train.map((row) => unit(minus(row, this.mean)));
    this.centroids = classes.map((label) => meanRow(units.filter((_, i) => labels[i] === label)));
    this.lower = cholesky(covariance);
    this.whitened = parts.map(({ mean }) => whiten(this.lower, minus(mean, this.mean)));
    const scores = train.map((row) => this.score(row));
    this.threshold = percentile(scores, constants.rejection_percentile);
  }

  /** The nearest class of a row, before rejection. */
  nearest(row) {
    const point = unit(minus(Float64Array.from(row), this.mean));
    const distances = this.centroids.map((centroid) => squaredDistance(point, centroid));
    return this.classes[distances.indexOf(Math.min(...distances))];
  }

  score(row) {
    const point = whiten(this.lower, minus(Float64Array.from(row), this.mean));
    return Math.min(...this.whitened.map((centre) => squaredDistance(point, centre)));
  }

  predict(row) {
    return this.score(row) > this.threshold ? this.constants.unknown_label : this.nearest(row);
  }
}
