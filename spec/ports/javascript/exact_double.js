/** Exact arithmetic in float64 (section 21), as far as logistic regression needs it. */

import { longBits, ROUNDING, roundedToOdd, sumError } from "./exact.js";

const float64 = new Float64Array(1);
const bigWord = new BigUint64Array(float64.buffer);
/** 2^27 + 1, which splits a float64 into two halves of 26 bits. */
const SPLITTER = 134217729;
/** Between these sizes neither a product nor its error leaves the normal numbers. */
const [SMALLEST, LARGEST] = [2 ** -480, 2 ** 480];

/** The exact error of the product of a and b (Dekker). */
function productError(a, b, product) {
  const aUpper = a * SPLITTER - (a * SPLITTER - a);
  const bUpper = b * SPLITTER - (b * SPLITTER - b);
  const [aLower, bLower] = [a - aUpper, b - bUpper];
  return aLower * bLower - (product - aUpper * bUpper - aLower * bUpper - aUpper * bLower);
}

function usual(x) {
  const size = Math.abs(x);
  return size > SMALLEST && size < LARGEST;
}

/** a * b + c of float64, rounded once (Boldo and Melquiond 2008). */
export function fma(a, b, c) {
  const product = a * b;
  if (a === 0 || b === 0 || !Number.isFinite(a) || !Number.isFinite(b) || !Number.isFinite(c)) return product + c;
  if (!usual(a) || !usual(b) || !(c === 0 || usual(c))) return fmaOfIntegers(a, b, c);
  const lower = productError(a, b, product);
  const small = c + lower;
  const smallError = sumError(c, lower, small);
  const large = product + small;
  const largeError = sumError(product, small, large);
  const rest = smallError + largeError;
  return large + roundedToOdd(rest, sumError(smallError, largeError, rest));
}

/** {digits, exponent}: the integer and the power of two whose product a finite float64 is. */
function integerOf(x) {
  float64[0] = x;
  const exponent = Number((bigWord[0] >> 52n) & 0x7ffn);
  const fraction = bigWord[0] & 0xfffffffffffffn;
  const digits = exponent === 0 ? fraction : fraction | (1n << 52n);
  return { digits: x < 0 ? -digits : digits, exponent: Math.max(exponent, 1) - 1075 };
}

function fmaOfIntegers(a, b, c) {
  const [x, y, z] = [a, b, c].map(integerOf);
  const exponent = Math.min(x.exponent + y.exponent, z.exponent);
  const product = (x.digits * y.digits) << BigInt(x.exponent + y.exponent - exponent);
  const sum = product + (z.digits << BigInt(z.exponent - exponent));
  const size = sum < 0n ? -sum : sum;
  const last = Math.max(exponent + size.toString(2).length - 53, -1074);
  const rounded = last > exponent ? halfEven(size, BigInt(last - exponent)) : size;
  const value = scaled(rounded, Math.max(last, exponent));
  return sum < 0n ? -value : value;
}

/** size / 2^shift, rounded to the nearest integer, a tie to the even one. */
function halfEven(size, shift) {
  const quotient = size >> shift;
  const twice = (size - (quotient << shift)) * 2n;
  const unit = 1n << shift;
  return twice > unit || (twice === unit && (quotient & 1n) === 1n) ? quotient + 1n : quotient;
}

/** digits * 2^exponent, which is a float64 or beyond them. */
function scaled(digits, exponent) {
  let value = Number(digits);
  let left = exponent;
  for (; left > 1000; left -= 1000) value *= 2 ** 1000;
  for (; left < -500; left += 500) value *= 2 ** -500;
  return value * 2 ** left;
}

/** The chain of the first `length` numbers of two lists. */
export function chain(length, a, b) {
  let total = 0;
  for (let k = 0; k < length; k += 1) total = fma(a[k], b[k], total);
  return total;
}

/** The sum of `length` numbers in 16 lanes. */
export function sum(length, at) {
  const lanes = new Float64Array(16);
  for (let i = 0; i < length; i += 1) lanes[i % 16] += at(i);
  for (const width of [8, 4, 2, 1]) for (let i = 0; i < width; i += 1) lanes[i] += lanes[i + width];
  return lanes[0];
}

const LOG2_E = longBits("3ff71547652b82fe");
const LN2 = ["3fe62e42fee00000", "3dea39ef35793c76"].map(longBits);
const SQRT_HALF = longBits("3fe6a09e667f3bcd");

/** exp of section 21.9, from -700 to 700. */
export function exp(x) {
  const n = x * LOG2_E + ROUNDING - ROUNDING;
  const r = x - n * LN2[0] - n * LN2[1];
  let y = 1;
  for (let j = 13; j >= 1; j -= 1) y = (y * r) / j + 1;
  return y * 2 ** n;
}

/** log of section 21.9, of a positive number that is not subnormal. */
export function log(a) {
  let [m, e] = [a, 0];
  for (; m >= 2 * SQRT_HALF; e += 1) m /= 2;
  for (; m < SQRT_HALF; e -= 1) m *= 2;
  const z = (m - 1) / (m + 1);
  const s = z * z;
  let y = 0;
  for (let j = 11; j >= 0; j -= 1) y = y * s + 1 / (2 * j + 1);
  return e * LN2[0] + (e * LN2[1] + 2 * z * y);
}
