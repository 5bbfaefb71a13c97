/** The generator (section 5). A word of 64 bits is a pair of 32-bit halves; BigInt only at the edges. */

import { sha256Bytes } from "./sha256.js";

const GOLDEN_HIGH = 0x9e3779b9;
const GOLDEN_LOW = 0x7f4a7c15;

/** The product of two 32-bit words as [high, low]. */
function multiply32(a, b) {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const low = a0 * b0;
  const middle = a1 * b0 + (low >>> 16); // below 2^33: exact in float64
  const carried = a0 * b1 + (middle % 0x10000);
  const high = a1 * b1 + Math.floor(middle / 0x10000) + Math.floor(carried / 0x10000);
  return [high >>> 0, Math.imul(a, b) >>> 0];
}

/** The low 64 bits of the product of two pairs. */
function multiply(high, low, otherHigh, otherLow) {
  const [carry, product] = multiply32(low, otherLow);
  return [(carry + Math.imul(high, otherLow) + Math.imul(low, otherHigh)) >>> 0, product];
}

function shiftXor(high, low, bits) {
  return [(high ^ (high >>> bits)) >>> 0, (low ^ ((low >>> bits) | (high << (32 - bits)))) >>> 0];
}

function add(high, low, otherHigh, otherLow) {
  const sum = low + otherLow;
  return [(high + otherHigh + (sum > 0xffffffff ? 1 : 0)) >>> 0, sum >>> 0];
}

function mixPair(high, low) {
  [high, low] = shiftXor(high, low, 30);
  [high, low] = multiply(high, low, 0xbf58476d, 0x1ce4e5b9);
  [high, low] = shiftXor(high, low, 27);
  [high, low] = multiply(high, low, 0x94d049bb, 0x133111eb);
  return shiftXor(high, low, 31);
}

function join([high, low]) {
  return (BigInt(high) << 32n) | BigInt(low);
}

function split(word) {
  const wrapped = BigInt.asUintN(64, BigInt(word));
  return [Number(wrapped >> 32n), Number(wrapped & 0xffffffffn)];
}

export const GOLDEN = join([GOLDEN_HIGH, GOLDEN_LOW]);

/** The finaliser, on BigInt. */
export function mix(word) {
  return join(mixPair(...split(word)));
}

/** floor(word n / 2^64), 1 <= n <= 2^32. */
export function boundedInteger([high, low], n) {
  if (n <= 0x100000) {
    // high n + floor(low n / 2^32) is below 2^53, so every step is exact.
    return Math.floor((high * n + Math.floor((low * n) / 0x100000000)) / 0x100000000);
  }
  return Number((join([high, low]) * BigInt(n)) >> 64n);
}

export class Stream {
  constructor(seed, name) {
    const hash = new DataView(sha256Bytes(new TextEncoder().encode(name)).buffer);
    const [high, low] = mixPair(...add(...split(seed), GOLDEN_HIGH, GOLDEN_LOW));
    this.key = mixPair((high ^ hash.getUint32(0)) >>> 0, (low ^ hash.getUint32(4)) >>> 0);
  }

  /** The word at a position, as [high, low]. */
  pair(position) {
    const after = position + 1;
    const steps = multiply(Math.floor(after / 2 ** 32), after >>> 0, GOLDEN_HIGH, GOLDEN_LOW);
    return mixPair(...add(...this.key, ...steps));
  }

  /** The word at a position, as BigInt. */
  word(position) {
    return join(this.pair(position));
  }

  /** An integer below n, 1 <= n <= 2^32. */
  integer(position, n) {
    return boundedInteger(this.pair(position), n);
  }

  /** A float in [0, 1) with 24 bits. */
  float(position) {
    return (this.pair(position)[0] >>> 8) * 2 ** -24;
  }

  /** The indices 0 .. n-1 in the order of their words. */
  permutation(n) {
    const words = Array.from({ length: n }, (_, i) => this.pair(i));
    return Array.from(words.keys()).sort(
      (i, j) => words[i][0] - words[j][0] || words[i][1] - words[j][1] || i - j,
    );
  }
}
