/** Exact arithmetic in float32 (section 21): what training and forward passes share, and the circular functions. */

const float64 = new Float64Array(1);
const words = new Uint32Array(float64.buffer);
const float32 = new Float32Array(1);
const word = new Uint32Array(float32.buffer);
/** The place of the lower half of a float64 on this machine. */
const LOW = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1;

/** The float32 of eight hexadecimal digits. */
export function bits(text) {
  word[0] = Number.parseInt(text, 16);
  return float32[0];
}

/** The float64 of sixteen hexadecimal digits. */
export function longBits(text) {
  words[1 - LOW] = Number.parseInt(text.slice(0, 8), 16);
  words[LOW] = Number.parseInt(text.slice(8), 16);
  return float64[0];
}

/**
 * A float64 `sum` with its exact error, rounded to odd: where it is not exact and its last bit is 0, it moves by one
 * unit towards the error.
 */
export function roundedToOdd(sum, error) {
  if (error === 0 || !Number.isFinite(sum)) return sum;
  float64[0] = sum;
  if ((words[LOW] & 1) !== 0) return sum;
  // One unit away from 0 or towards it; the last bit was 0, so that only the lower half can borrow.
  if (error > 0 === sum > 0) words[LOW] += 1;
  else if (words[LOW] > 0) words[LOW] -= 1;
  else {
    words[LOW] = 0xffffffff;
    words[1 - LOW] -= 1;
  }
  return float64[0];
}

/** The exact error of the float64 sum of a and b (Knuth). */
export function sumError(a, b, sum) {
  const back = sum - a;
  return a - (sum - back) + (b - back);
}

/**
 * a * b + c of float32, rounded once. The product is exact in float64; the sum is rounded to odd there, so that the
 * last rounding is that of the exact sum.
 */
export function fma(a, b, c) {
  const product = a * b;
  const sum = product + c;
  return Math.fround(roundedToOdd(sum, sumError(product, c, sum)));
}

/** c = fma(a(k), b(k), c) from +0 for k below a length. */
export function chain(length, a, b) {
  let total = 0;
  for (let k = 0; k < length; k += 1) total = fma(a(k), b(k), total);
  return total;
}

export function larger(a, b) {
  return a > b ? a : b;
}

function tree(lanes, join) {
  for (const width of [8, 4, 2, 1]) {
    for (let i = 0; i < width; i += 1) lanes[i] = join(lanes[i], lanes[i + width]);
  }
  return lanes[0];
}

export const add = (a, b) => Math.fround(a + b);

/** The sum of a list in 16 lanes. */
export function sum(values) {
  const lanes = new Float32Array(16);
  values.forEach((x, i) => (lanes[i % 16] = add(lanes[i % 16], x)));
  return tree(lanes, add);
}

/** The sum of the squares of a list in 16 lanes. */
export function sumOfSquares(values) {
  const lanes = new Float32Array(16);
  values.forEach((x, i) => (lanes[i % 16] = fma(x, x, lanes[i % 16])));
  return tree(lanes, add);
}

/** The maximum of a list in 16 lanes. */
export function maximum(values) {
  const lanes = new Float32Array(16).fill(-Infinity);
  for (let i = 0; i < Math.ceil(values.length / 16) * 16; i += 1) {
    lanes[i % 16] = larger(lanes[i % 16], i < values.length ? values[i] : -Infinity);
  }
  return tree(lanes, larger);
}

const LOG2_E = bits("3fb8aa3b");
const MAGIC = bits("4b400000");
const LN2 = [bits("bf317200"), bits("b5bfbe8e")];
const EXP = ["3effffff", "3e2aaa4d", "3d2aabcc", "3c091a8d", "3ab572f7"].map(bits);

export function exp(given) {
  if (Number.isNaN(given)) return NaN;
  const x = Math.min(90, Math.max(-110, given));
  const n = Math.fround(fma(x, LOG2_E, MAGIC) - MAGIC);
  const r = fma(n, LN2[1], fma(n, LN2[0], x));
  let p = EXP[4];
  for (const coefficient of [EXP[3], EXP[2], EXP[1], EXP[0], 1, 1]) p = fma(p, r, coefficient);
  const half = Math.floor(n / 2);
  return Math.fround(Math.fround(p * powerOfTwo(half)) * powerOfTwo(n - half));
}

/** 2^n for n from -126 to 127. */
function powerOfTwo(n) {
  word[0] = (n + 127) << 23;
  return float32[0];
}

export function sigmoid(x) {
  const e = exp(-Math.abs(x));
  return Math.fround((x > 0 ? 1 : e) / add(1, e));
}

/** The softmax of a list, in a new one. */
export function softmax(values) {
  const largest = maximum(values);
  const powers = Float32Array.from(values, (x) => exp(Math.fround(x - largest)));
  const inverse = Math.fround(1 / sum(powers));
  return powers.map((e) => e * inverse);
}

const HALF_PI = ["3ff921fb54400000", "3dd0b4611a600000", "3ba3198a2e037073"].map(longBits);
const TWO_OVER_PI = longBits("3fe45f306dc9c883");
export const ROUNDING = longBits("4338000000000000");

/** The series T(f) of section 21.9. */
function series(square, first) {
  let y = 0;
  for (let j = 10; j >= 0; j -= 1) {
    let factorial = 1;
    for (let i = 2; i <= 2 * j + first; i += 1) factorial *= i;
    y = y * square + (j % 2 === 0 ? 1 : -1) / factorial;
  }
  return y;
}

/** Sine and cosine of section 21.9, in float64. */
export function circular(x) {
  if (!(Math.abs(x) <= 2 ** 19)) return [Number.NaN, Number.NaN];
  const n = x * TWO_OVER_PI + ROUNDING - ROUNDING;
  const r = x - n * HALF_PI[0] - n * HALF_PI[1] - n * HALF_PI[2];
  const [sine, cosine] = [r * series(r * r, 1), series(r * r, 0)];
  const turned = [
    [sine, cosine],
    [cosine, -sine],
    [-sine, -cosine],
    [-cosine, sine],
  ];
  return turned[((n % 4) + 4) % 4];
}

/** The cosine, in float64. */
export function cosine(x) {
  return circular(x)[1];
}
