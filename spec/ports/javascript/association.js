/** Association of two benchmarks (section 19). A measure that is undefined is null. */

import { decimalOf, sequentialSum } from "./arithmetic.js";
import { Stream } from "./generator.js";
import { Invalid } from "./invalid.js";
import { compareNumbers } from "./order.js";

/** j of section 19, with the confidence taken as the decimal that it is written as. */
export function tailCount(replicates, confidence) {
  const { digits, scale } = decimalOf(confidence);
  const one = 10n ** BigInt(scale);
  const count = (BigInt(replicates) * (one - digits)) / (2n * one);
  return count > 1n ? Number(count) : 1;
}

export function bounds(values, confidence) {
  if (values.length === 0) throw new Invalid("value", "no replicates");
  if (!(confidence > 0 && confidence < 1)) throw new Invalid("value", "no such confidence");
  const sorted = [...values].sort(compareNumbers);
  const tail = tailCount(values.length, confidence);
  return { low: sorted[tail - 1], high: sorted[sorted.length - tail] };
}

function allEqual(values) {
  return values.every((value) => value === values[0]);
}

export function r2(x, y) {
  if (allEqual(x) || allEqual(y)) return null;
  const centred = (values) => {
    const mean = sequentialSum(values) / values.length;
    return values.map((value) => value - mean);
  };
  const [dx, dy] = [centred(x), centred(y)];
  const Sxx = sequentialSum(dx.map((d) => d * d));
  const Syy = sequentialSum(dy.map((d) => d * d));
  const Sxy = sequentialSum(dx.map((d, i) => d * dy[i]));
  if (Sxx === 0 || Syy === 0 || !Number.isFinite(Sxx) || !Number.isFinite(Syy)) return null;
  return Math.min(1, (Sxy / Sxx) * (Sxy / Syy));
}

/** A / sqrt(B C), null where B or C is 0. */
function quotient(A, B, C) {
  return B === 0 || C === 0 ? null : A / Math.sqrt(B * C);
}

/** Twice the average rank of each value, less n + 1. */
function doubledRanks(values) {
  return values.map((value) => {
    const less = values.filter((other) => other < value).length;
    const equal = values.filter((other) => other === value).length;
    return 2 * less + equal - values.length;
  });
}

export function spearman(x, y) {
  const [u, v] = [doubledRanks(x), doubledRanks(y)];
  return quotient(
    sequentialSum(u.map((a, i) => a * v[i])),
    sequentialSum(u.map((a) => a * a)),
    sequentialSum(v.map((b) => b * b)),
  );
}

export function kendall(x, y) {
  let [A, B, C] = [0, 0, 0];
  for (let i = 0; i < x.length; i += 1) {
    for (let j = i + 1; j < x.length; j += 1) {
      const s = Math.sign(x[j] - x[i]);
      const t = Math.sign(y[j] - y[i]);
      A += s * t;
      B += s * s;
      C += t * t;
    }
  }
  return quotient(A, B, C);
}

export function misranked(x, y) {
  const tau = kendall(x, y);
  return tau === null ? null : (1 - tau) / 2;
}

const MEASURES = { r2, spearman, kendall, misranked };

function needScores(x, y) {
  if (x.length === 0 || x.length !== y.length || ![...x, ...y].every(Number.isFinite)) {
    throw new Invalid("value", "no pairs of finite scores");
  }
}

/** {r2, spearman, kendall, misranked}. */
export function measures(x, y) {
  needScores(x, y);
  return Object.fromEntries(Object.entries(MEASURES).map(([name, of]) => [name, of(x, y)]));
}

/** {models, level, r2: {value, low, high, replicates}, ...}. */
export function association(x, y, { seed, stream, replicates, confidence }) {
  const values = measures(x, y);
  const words = new Stream(seed, stream);
  const resampled = Array.from({ length: replicates }, (_, r) => {
    const drawn = x.map((_, i) => words.integer(r * x.length + i, x.length));
    return measures(drawn.map((i) => x[i]), drawn.map((i) => y[i]));
  });
  const entries = Object.entries(values).map(([name, value]) => {
    const defined = resampled.map((each) => each[name]).filter((each) => each !== null);
    const published = value !== null && 2 * defined.length >= replicates;
    const { low, high } = published ? bounds(defined, confidence) : { low: null, high: null };
    return [name, { value, low, high, replicates: defined.length }];
  });
  return { models: x.length, level: confidence, ...Object.fromEntries(entries) };
}
