// Written by tools/make_page_port.py from spec/ports/javascript; not edited by hand.
"use strict";
function biobenchSpecification() {
const $sha256 = (() => {
/** SHA-256 (FIPS 180-4), so that digests need nothing of the place where they are made. */

const PRIMES = firstPrimes(64);
const ROUND = Uint32Array.from(PRIMES, (prime) => fraction(Math.cbrt(prime)));
const START = Uint32Array.from(PRIMES.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));

function firstPrimes(count) {
  const primes = [];
  for (let n = 2; primes.length < count; n += 1) {
    if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  }
  return primes;
}

/** The first 32 bits of the fractional part; a root of a small prime has more bits than that in a float64. */
function fraction(root) {
  return Math.floor((root - Math.floor(root)) * 2 ** 32);
}

function rotate(word, bits) {
  return (word >>> bits) | (word << (32 - bits));
}

/** The 32 bytes of the digest of the parts, one after the other; each is a Uint8Array. */
function sha256Bytes(...parts) {
  const state = START.slice();
  const schedule = new Uint32Array(64);
  const block = new Uint8Array(64);
  const view = new DataView(block.buffer);
  let used = 0;
  let total = 0;
  const take = (bytes) => {
    for (let at = 0; at < bytes.length; ) {
      const count = Math.min(64 - used, bytes.length - at);
      block.set(bytes.subarray(at, at + count), used);
      used += count;
      at += count;
      if (used === 64) {
        compress(state, schedule, view);
        used = 0;
      }
    }
  };
  for (const part of parts) {
    take(part);
    total += part.length;
  }
  const padding = new Uint8Array(((119 - (total % 64)) % 64) + 9);
  padding[0] = 0x80;
  new DataView(padding.buffer).setBigUint64(padding.length - 8, 8n * BigInt(total));
  take(padding);
  const digest = new DataView(new ArrayBuffer(32));
  state.forEach((word, i) => digest.setUint32(4 * i, word));
  return new Uint8Array(digest.buffer);
}

function compress(state, w, view) {
  for (let i = 0; i < 16; i += 1) w[i] = view.getUint32(4 * i);
  for (let i = 16; i < 64; i += 1) {
    const s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >>> 3);
    const s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >>> 10);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i += 1) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const first = (h + s1 + ((e & f) ^ (~e & g)) + ROUND[i] + w[i]) | 0;
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const second = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => {
    state[i] += word;
  });
}

function hexOf(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

return { sha256Bytes, hexOf };
})();
const $blake3 = (() => {
const { hexOf } = $sha256;
/** BLAKE3, unkeyed, 32 bytes of output: the leaves of the pixels digest (section 4). */


const IV = Uint32Array.of(
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
);
const PERMUTATION = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];
// Which words each round mixes: the permutation applied once more before every round but the first.
const SCHEDULE = [Array.from({ length: 16 }, (_, i) => i)];
while (SCHEDULE.length < 7) SCHEDULE.push(PERMUTATION.map((i) => SCHEDULE.at(-1)[i]));

const CHUNK = 1024;
const BLOCK = 64;
const CHUNK_START = 1;
const CHUNK_END = 2;
const PARENT = 4;
const ROOT = 8;

const state = new Uint32Array(16);

function rotate(word, bits) {
  return (word >>> bits) | (word << (32 - bits));
}

function quarter(a, b, c, d, x, y) {
  state[a] = state[a] + state[b] + x;
  state[d] = rotate(state[d] ^ state[a], 16);
  state[c] = state[c] + state[d];
  state[b] = rotate(state[b] ^ state[c], 12);
  state[a] = state[a] + state[b] + y;
  state[d] = rotate(state[d] ^ state[a], 8);
  state[c] = state[c] + state[d];
  state[b] = rotate(state[b] ^ state[c], 7);
}

/** The new chaining value: 8 words. */
function compress(chain, words, counter, length, flags) {
  state.set(chain, 0);
  state.set(IV.subarray(0, 4), 8);
  state[12] = counter >>> 0;
  state[13] = Math.floor(counter / 2 ** 32);
  state[14] = length;
  state[15] = flags;
  for (const order of SCHEDULE) {
    const word = (i) => words[order[i]];
    quarter(0, 4, 8, 12, word(0), word(1));
    quarter(1, 5, 9, 13, word(2), word(3));
    quarter(2, 6, 10, 14, word(4), word(5));
    quarter(3, 7, 11, 15, word(6), word(7));
    quarter(0, 5, 10, 15, word(8), word(9));
    quarter(1, 6, 11, 12, word(10), word(11));
    quarter(2, 7, 8, 13, word(12), word(13));
    quarter(3, 4, 9, 14, word(14), word(15));
  }
  return Uint32Array.from({ length: 8 }, (_, i) => state[i] ^ state[i + 8]);
}

function chunkValue(bytes, counter, rootFlag) {
  let chain = IV;
  const blocks = Math.max(1, Math.ceil(bytes.length / BLOCK));
  const padded = new Uint8Array(blocks * BLOCK);
  padded.set(bytes);
  const view = new DataView(padded.buffer);
  for (let block = 0; block < blocks; block += 1) {
    const words = Uint32Array.from({ length: 16 }, (_, i) => view.getUint32(block * BLOCK + 4 * i, true));
    const last = block === blocks - 1;
    const flags = (block === 0 ? CHUNK_START : 0) | (last ? CHUNK_END | rootFlag : 0);
    chain = compress(chain, words, counter, last ? bytes.length - block * BLOCK : BLOCK, flags);
  }
  return chain;
}

function treeValue(bytes, firstChunk, rootFlag) {
  if (bytes.length <= CHUNK) return chunkValue(bytes, firstChunk, rootFlag);
  // The left part is the largest power of two of whole chunks that leaves something to the right.
  let chunks = 1;
  while (2 * chunks * CHUNK < bytes.length) chunks *= 2;
  const words = new Uint32Array(16);
  words.set(treeValue(bytes.subarray(0, chunks * CHUNK), firstChunk, 0), 0);
  words.set(treeValue(bytes.subarray(chunks * CHUNK), firstChunk + chunks, 0), 8);
  return compress(IV, words, 0, BLOCK, PARENT | rootFlag);
}

/** 64 lower-case hexadecimal digits. */
function blake3(bytes) {
  const output = new DataView(new ArrayBuffer(32));
  treeValue(bytes, 0, ROOT).forEach((word, i) => output.setUint32(4 * i, word, true));
  return hexOf(new Uint8Array(output.buffer));
}

return { blake3 };
})();
const $invalid = (() => {
/** Input that the specification calls an error. `id` is one of section 6.3, or `value` (section 20.1). */
class Invalid extends Error {
  constructor(id, detail = id) {
    super(detail);
    this.id = id;
  }
}

return { Invalid };
})();
const $canonical = (() => {
const { Invalid } = $invalid;
/** Canonical JSON (section 3): RFC 8785, with a reader that refuses what it forbids. */


const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/** The text; numbers and strings as ECMAScript writes them, which is what RFC 8785 asks for. */
function canonical(value) {
  if (value === null || value === true || value === false) return String(value);
  if (typeof value === "number") return number(value);
  if (typeof value === "string") return string(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value === "object") {
    // The default order of sort() is that of UTF-16 code units.
    const members = Object.keys(value).sort();
    return `{${members.map((name) => `${string(name)}:${canonical(value[name])}`).join(",")}}`;
  }
  throw new Invalid("type", `no JSON value: ${typeof value}`);
}

function canonicalBytes(value) {
  return new TextEncoder().encode(canonical(value));
}

function number(value) {
  if (!Number.isFinite(value)) throw new Invalid("value", "NaN and infinities have no JSON form");
  return JSON.stringify(value);
}

function string(value) {
  if (LONE_SURROGATE.test(value)) throw new Invalid("value", "a lone surrogate");
  return JSON.stringify(value);
}

/** The value of a JSON text. Objects have no prototype, so that a member may have any name. */
function parse(text) {
  const reader = new Reader(text);
  const value = reader.value();
  reader.space();
  if (reader.at < text.length) reader.fail();
  return value;
}

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  fail(id = "syntax", what = "not JSON") {
    throw new Invalid(id, `${what} at position ${this.at}`);
  }

  space() {
    while (" \t\n\r".includes(this.text[this.at] ?? "x")) this.at += 1;
  }

  take(pattern) {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (match === null) this.fail();
    this.at = pattern.lastIndex;
    return match[0];
  }

  value() {
    this.space();
    const first = this.text[this.at];
    if (first === "{") return this.object();
    if (first === "[") return this.array();
    if (first === '"') return this.string();
    if (first === "t" || first === "f" || first === "n") {
      return JSON.parse(this.take(/true|false|null/y));
    }
    return this.number();
  }

  number() {
    const literal = this.take(/-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/y);
    const value = Number(literal);
    if (!Number.isFinite(value)) this.fail("value", "a number beyond float64");
    if (/^-?[0-9]+$/.test(literal) && !Number.isSafeInteger(value)) {
      this.fail("value", "an integer beyond 2^53 - 1");
    }
    return value;
  }

  string() {
    const value = JSON.parse(this.take(/"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y));
    if (LONE_SURROGATE.test(value)) this.fail("value", "a lone surrogate");
    return value;
  }

  array() {
    const items = [];
    this.at += 1;
    this.space();
    if (this.text[this.at] === "]") {
      this.at += 1;
      return items;
    }
    for (;;) {
      items.push(this.value());
      this.space();
      if (this.take(/[,\]]/y) === "]") return items;
    }
  }

  object() {
    const members = Object.create(null);
    this.at += 1;
    this.space();
    if (this.text[this.at] === "}") {
      this.at += 1;
      return members;
    }
    for (;;) {
      this.space();
      const name = this.string();
      if (name in members) this.fail("duplicate-key", `the member ${name} is repeated`);
      this.space();
      this.take(/:/y);
      members[name] = this.value();
      this.space();
      if (this.take(/[,}]/y) === "}") return members;
    }
  }
}

return { canonical, canonicalBytes, parse };
})();
const $order = (() => {
/** Orders of section 2: code points of strings, numbers, byte strings. */

function compareNumbers(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** By Unicode code points, a prefix first. `<` on strings compares UTF-16 units, which is another order. */
function compareCodePoints(a, b) {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i += 1) {
    // Up to the first difference both strings have the same units, so `i` never splits a pair that
    // they share; where the difference is in the second half of a pair, the first halves are equal.
    if (a.charCodeAt(i) !== b.charCodeAt(i)) {
      const start = i > 0 && isHighSurrogate(a.charCodeAt(i - 1)) ? i - 1 : i;
      return compareNumbers(a.codePointAt(start), b.codePointAt(start));
    }
  }
  return compareNumbers(a.length, b.length);
}

function isHighSurrogate(unit) {
  return unit >= 0xd800 && unit <= 0xdbff;
}

/** Indices of `items`, stably sorted by `compare` on the items. */
function sortedIndices(items, compare) {
  return Array.from(items.keys()).sort((i, j) => compare(items[i], items[j]) || i - j);
}

return { compareNumbers, compareCodePoints, sortedIndices };
})();
const $digest = (() => {
const { blake3 } = $blake3;
const { canonicalBytes } = $canonical;
const { Invalid } = $invalid;
const { compareCodePoints } = $order;
const { hexOf, sha256Bytes } = $sha256;
/** Digests (section 4). */


const TABLE_BYTES = 3072;

/** `sha256:` and the digest of the parts, one after the other. */
function sha256(...parts) {
  return `sha256:${hexOf(sha256Bytes(...parts))}`;
}

function digestOfValue(value) {
  return sha256(canonicalBytes(value));
}

function blake3Leaf(bytes) {
  return `blake3:${blake3(bytes)}`;
}

/** rows: {id, path, label or traits, split, group?, subject?, cluster?}. */
function manifestDigest(rows) {
  const groups = rows.some(({ group }) => group !== undefined);
  const subjects = rows.some(({ subject }) => subject !== undefined);
  const clusters = rows.some(({ cluster }) => cluster !== undefined);
  return digestOfValue(
    rows.map(({ id, path, label, traits, split, group = "", subject = "", cluster = "" }) => [
      id,
      path,
      traits ?? label,
      split,
      ...(groups ? [group] : []),
      ...(subjects ? [subject] : []),
      ...(clusters ? [cluster] : []),
    ]),
  );
}

/** crops: [[id, uint8 H x W x 3 row-major], ...]. */
function pixelsDigest(crops) {
  return digestOfValue(crops.map(([id, pixels]) => [id, blake3Leaf(pixels)]));
}

/** rows: one array of numbers an id, rounded to float32 here. */
function featuresDigest(ids, rows) {
  return digestOfValue(ids.map((id, i) => [id, sha256(float32Bytes(rows[i]))]));
}

/** tensors: {name: {dtype, shape, bytes}}, bytes row-major and little-endian. */
function weightsDigest(tensors) {
  const names = Object.keys(tensors).sort(compareCodePoints);
  const head = names.map((name) => [name, tensors[name].dtype, tensors[name].shape]);
  return sha256(canonicalBytes(head), Uint8Array.of(0), ...names.map((name) => tensors[name].bytes));
}

/** geometry: section 8.4; table: the 3,072 bytes of section 8.5. */
function recipeDigest(geometry, table) {
  if (table.length !== TABLE_BYTES) throw new Invalid("value", "a value table of another size");
  return digestOfValue({ ...geometry, table: sha256(table) });
}

/** The result without what holds times, hosts and its own digest. */
function resultDigest(result) {
  const { environment, run, ...kept } = result;
  const { result: own, ...digests } = kept.digests;
  const tasks = Object.fromEntries(
    Object.entries(kept.tasks).map(([id, { cost, ...task }]) => [id, task]),
  );
  return digestOfValue({ ...kept, tasks, digests });
}

function float32Bytes(values) {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  Array.from(values).forEach((value, i) => view.setFloat32(4 * i, value, true));
  return new Uint8Array(view.buffer);
}

return { sha256, digestOfValue, blake3Leaf, manifestDigest, pixelsDigest, featuresDigest, weightsDigest, recipeDigest, resultDigest };
})();
const $arithmetic = (() => {
/** The arithmetic of section 2 that JavaScript has no word for. */

/** ((0 + a0) + a1) + a2 ... */
function sequentialSum(values) {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

/** The nearest integer of a float64, a tie to the even one; never the negative zero. */
function halfEven(value) {
  const below = Math.floor(value);
  const rest = value - below; // exact: both are multiples of the unit of `value`
  if (rest < 0.5) return below + 0;
  if (rest > 0.5) return below + 1 + 0;
  return (below % 2 === 0 ? below : below + 1) + 0;
}

/** floor(a / b) of integers below 2^53, without the rounding of a division. */
function floorDivide(a, b) {
  const rest = ((a % b) + b) % b;
  return (a - rest) / b;
}

/** The decimal that a float64 is written as (section 3): {digits, scale}, its value digits / 10^scale. */
function decimalOf(value) {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value));
  const fraction = match[3] ?? "";
  let digits = BigInt(match[1] + match[2] + fraction);
  let scale = fraction.length - Number(match[4] ?? 0);
  if (scale < 0) {
    digits *= 10n ** BigInt(-scale);
    scale = 0;
  }
  return { digits, scale };
}

return { sequentialSum, halfEven, floorDivide, decimalOf };
})();
const $metrics = (() => {
const { sequentialSum } = $arithmetic;
const { Invalid } = $invalid;
const { compareCodePoints, compareNumbers } = $order;
/** Metrics (section 11). Labels are ids; every function takes the scored items in manifest order. */


/** Columns of equal length, of one item or more. */
function needItems(first, ...others) {
  if (first.length === 0) throw new Invalid("value", "no items");
  if (others.some(({ length }) => length !== first.length)) {
    throw new Invalid("value", "columns of unequal length");
  }
}

function tally(labels) {
  const counts = new Map();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
}

/** F1 of each of the ids. */
function f1Scores(truth, predicted, ids) {
  const inClass = tally(truth);
  const predictedAs = tally(predicted);
  const hits = tally(truth.filter((label, i) => label === predicted[i]));
  return ids.map((id) => {
    const both = (inClass.get(id) ?? 0) + (predictedAs.get(id) ?? 0);
    return both === 0 ? 0 : (2 * (hits.get(id) ?? 0)) / both;
  });
}

function distinct(labels) {
  return [...new Set(labels)].sort(compareNumbers);
}

function macroF1(truth, predicted, division = "official") {
  needItems(truth, predicted);
  if (!truth.every((label) => Number.isInteger(label) && label >= 0)) throw new Invalid("value", "a truth that is no class");
  const ids =
    division === "compat"
      ? Array.from({ length: Math.max(...truth, ...predicted) + 1 }, (_, id) => id)
      : distinct(truth);
  return mean(f1Scores(truth, predicted, ids));
}

/** Macro-F1 over the ids that occur in truth or prediction (section 10.3, step 6). */
function macroF1OfBoth(truth, predicted) {
  needItems(truth);
  return mean(f1Scores(truth, predicted, distinct([...truth, ...predicted])));
}

/** truth, predicted: one list of 0 and 1 an item. */
function traitsF1(truth, predicted, division = "official") {
  needItems(truth, predicted);
  const { length } = truth[0];
  const isTraits = (values) => Array.isArray(values) && values.length === length;
  if (![...truth, ...predicted].every(isTraits) || !truth.flat().every((v) => v === 0 || v === 1)) {
    throw new Invalid("value", "truth and prediction are not lists of as many traits");
  }
  const results = truth[0].map((_, trait) => {
    const inTruth = truth.map((values) => values[trait]);
    const inPrediction = predicted.map((values) => values[trait]);
    const values = division === "compat" ? [0, 1] : distinct(inTruth);
    return mean(f1Scores(inTruth, inPrediction, values));
  });
  return mean(results);
}

/** truePoisonous, predictedPoisonous: true or false an item. */
function userLoss(truth, predicted, truePoisonous, predictedPoisonous) {
  needItems(truth, predicted, truePoisonous, predictedPoisonous);
  if (truth.some((label) => label < -1)) throw new Invalid("value", "a truth that is no class");
  if (truth.some((label, i) => label < 0 && truePoisonous[i])) {
    throw new Invalid("value", "an unknown class that is poisonous");
  }
  if (predicted.some((label, i) => label < 0 && predictedPoisonous[i])) {
    throw new Invalid("value", "a prediction of no class that is poisonous");
  }
  const n = truth.length;
  const count = (holds) => truth.filter((label, i) => holds(label, predicted[i], i)).length;
  const unknown = count((t) => t === -1);
  const poisonous = count((t, p, i) => truePoisonous[i]);
  const wrong = count((t, p) => t !== -1 && p !== -1 && p !== t);
  const calledKnown = count((t, p) => t === -1 && p !== -1);
  const calledUnknown = count((t, p) => t !== -1 && p === -1);
  const calledEdible = count((t, p, i) => truePoisonous[i] && !predictedPoisonous[i]);
  const calledPoisonous = count((t, p, i) => !truePoisonous[i] && predictedPoisonous[i]);
  const loss =
    10 * wrong + 100 * calledKnown + calledUnknown + 1000 * calledEdible + 10 * calledPoisonous;
  const worst = 10 * (9 * unknown + n + 100 * poisonous + (n - poisonous));
  return (worst - loss) / worst;
}

/** groups: the name of each item's group. */
function groupAccuracy(truth, predicted, groups) {
  needItems(truth, predicted, groups);
  const names = [...new Set(groups)].sort(compareCodePoints);
  const scores = names.map((name) => {
    const of = (labels) => labels.filter((_, i) => groups[i] === name);
    return accuracy(of(truth), of(predicted));
  });
  return mean(scores);
}

function accuracy(truth, predicted) {
  needItems(truth, predicted);
  if (truth.some(Array.isArray)) throw new Invalid("value", "traits are no classes");
  return truth.filter((label, i) => label === predicted[i]).length / truth.length;
}

/** firstHits: the rank of the first hit of each item, 0 for none. */
function topK(firstHits, k) {
  needItems(firstHits);
  if (k < 1 || firstHits.some((rank) => rank < 0)) throw new Invalid("value", "no such rank");
  return firstHits.filter((rank) => rank >= 1 && rank <= k).length / firstHits.length;
}

/** relevant: true or false at each rank from 1; relevantCount: rows that are relevant at all. */
function averagePrecision(relevant, relevantCount) {
  if (relevant.filter(Boolean).length > relevantCount) {
    throw new Invalid("value", "more relevant rows than there are");
  }
  if (relevantCount === 0) return 0;
  let found = 0;
  let total = 0;
  relevant.forEach((hit, i) => {
    if (!hit) return;
    found += 1;
    total += found / (i + 1);
  });
  return total / relevantCount;
}

function mean(values) {
  needItems(values);
  return sequentialSum(values) / values.length;
}

/** Metric id to its function of (columns of predictions, division). */
const METRICS = {
  macro_f1: ({ y_true: truth, y_pred: predicted }, division) => macroF1(truth, predicted, division),
  accuracy: ({ y_true: truth, y_pred: predicted }) => accuracy(truth, predicted),
  top1: ({ first_hit: firstHits }) => topK(firstHits, 1),
  top5: ({ first_hit: firstHits }) => topK(firstHits, 5),
  mean_average_precision: ({ average_precision: values }) => mean(values),
  traits_f1: ({ y_true: truth, y_pred: predicted }, division) => traitsF1(truth, predicted, division),
  user_loss: ({ y_true: truth, y_pred: predicted, true_poisonous, predicted_poisonous }) =>
    userLoss(truth, predicted, true_poisonous, predicted_poisonous),
  group_accuracy: ({ y_true: truth, y_pred: predicted, group }) =>
    groupAccuracy(truth, predicted, group),
};

const EXTRAS = {
  top1: ["first_hit"],
  top5: ["first_hit"],
  mean_average_precision: ["average_precision"],
  user_loss: ["true_poisonous", "predicted_poisonous"],
  group_accuracy: ["group"],
};

/** columns: y_true, y_pred and the extra columns of the predictions. */
function score(metric, columns, division) {
  const needed = ["y_true", "y_pred", ...(EXTRAS[metric] ?? [])];
  if (!needed.every((name) => columns[name] !== undefined)) {
    throw new Invalid("value", `${metric} needs ${needed.join(", ")}`);
  }
  const given = Object.values(columns).filter(Array.isArray);
  if (given.some(({ length }) => length !== columns.y_true.length)) {
    throw new Invalid("value", "columns of unequal length");
  }
  if (new Set(columns.ids).size < (columns.ids ?? []).length) throw new Invalid("value", "two items with one id");
  return METRICS[metric](columns, division);
}

return { macroF1, macroF1OfBoth, traitsF1, userLoss, groupAccuracy, accuracy, topK, averagePrecision, mean, score };
})();
const $interval = (() => {
const { sequentialSum } = $arithmetic;
const { Invalid } = $invalid;
const { mean, score: metricScore } = $metrics;
const { compareCodePoints, compareNumbers } = $order;
/** Half-jackknife intervals over clusters (section 12) and the mean of a suite (section 13). */


const square = (value) => value * value;

/** Names in their order, the position of each value's name among them, and the items of each. */
function numbered(values, compare) {
  const names = [...new Set(values)].sort(compare);
  const positions = new Map(names.map((name, i) => [name, i]));
  return { names, of: values.map((value) => positions.get(value)) };
}

/** [class, n, d, t] of each item: what it adds to a class of a block. */
function ofClasses(truth, predicted) {
  const { names, of } = numbered(truth, compareNumbers);
  const positions = new Map(names.map((name, i) => [name, i]));
  return truth.map((label, i) => {
    const own = [of[i], 2 * Number(label === predicted[i]), 1, 1];
    const other = positions.get(predicted[i]);
    return other === undefined ? [own] : [own, [other, 0, 1, 0]];
  });
}

const ofShares = (parts, wholes, groups) =>
  parts.map((part, i) => [[groups?.[i] ?? 0, Number(part), wholes?.[i] ?? 1, wholes?.[i] ?? 1]]);

/** Cost of a prediction and the worst that its truth allows (section 11.6). */
function cost(truth, predicted, poisonous, called) {
  const unknown = truth === -1;
  const wrong = truth === predicted ? 0 : unknown ? 100 : predicted === -1 ? 1 : 10;
  const loss = wrong + (poisonous && !called ? 1000 : 0) + (!poisonous && called ? 10 : 0);
  return { loss, worst: (unknown ? 100 : 10) + (poisonous ? 1000 : 10) };
}

/** Metric id to its blocks: each the contributions of every item (section 12.1). */
const BLOCKS = {
  macro_f1: ({ y_true: truth, y_pred: predicted }) => [ofClasses(truth, predicted)],
  traits_f1: ({ y_true: truth, y_pred: predicted }) =>
    truth[0].map((_, trait) =>
      ofClasses(
        truth.map((values) => values[trait]),
        predicted.map((values) => values[trait]),
      ),
    ),
  group_accuracy: ({ y_true: truth, y_pred: predicted, group }) => [
    ofShares(
      truth.map((label, i) => label === predicted[i]),
      null,
      numbered(group, compareCodePoints).of,
    ),
  ],
  accuracy: ({ y_true: truth, y_pred: predicted }) => [
    ofShares(truth.map((label, i) => label === predicted[i])),
  ],
  top1: ({ first_hit: ranks }) => [ofShares(ranks.map((rank) => rank === 1))],
  top5: ({ first_hit: ranks }) => [ofShares(ranks.map((rank) => rank >= 1 && rank <= 5))],
  mean_average_precision: ({ average_precision: values }) => [ofShares(values)],
  user_loss: ({ y_true, y_pred, true_poisonous, predicted_poisonous }) => {
    const costs = y_true.map((truth, i) =>
      cost(truth, y_pred[i], true_poisonous[i], predicted_poisonous[i]),
    );
    const parts = costs.map(({ loss, worst }) => worst - loss);
    return [ofShares(parts, costs.map(({ worst }) => worst))];
  },
};

/** Sums [n, d, t] by class, over items in order. */
function sums(contributions, items) {
  const found = new Map();
  for (const i of items) {
    for (const [place, n, d, t] of contributions[i]) {
      const sum = found.get(place) ?? [0, 0, 0];
      found.set(place, [sum[0] + n, sum[1] + d, sum[2] + t]);
    }
  }
  return found;
}

/** change / m + gone / (m - lost), share / m and the classes that lie in this cluster alone. */
function partOfBlock(own, whole, quotients, average) {
  let [change, gone, lost, share] = [0, 0, 0, 0];
  for (const place of [...own.keys()].sort(compareNumbers)) {
    const [n, d, t] = own.get(place);
    const [, D, T] = whole.get(place);
    const F = quotients.get(place);
    if (t < T) {
      change += (F * d - n) / Math.sqrt(D * (D - d));
    } else {
      gone += average - F;
      lost += 1;
    }
    share += t / T;
  }
  const m = whole.size;
  return { J: change / m + gone / (lost < m ? m - lost : 1), w: share / m, lost };
}

/** {influence, weights, classes, lone}: section 12.2. */
function jackknife(metric, columns) {
  const blocks = BLOCKS[metric](columns);
  const count = blocks[0].length;
  const items = Array.from({ length: count }, (_, i) => i);
  const { names, of } = numbered(
    columns.cluster ?? columns.ids ?? items.map(String),
    compareCodePoints,
  );
  const members = names.map(() => []);
  of.forEach((cluster, i) => members[cluster].push(i));
  const parts = names.map(() => []);
  let classes = 0;
  for (const contributions of blocks) {
    const whole = sums(contributions, items);
    const order = [...whole.keys()].sort(compareNumbers);
    const quotients = new Map(order.map((place) => [place, whole.get(place)[0] / whole.get(place)[1]]));
    const average = sequentialSum(order.map((place) => quotients.get(place))) / order.length;
    classes += order.length;
    members.forEach((own, k) => {
      parts[k].push(partOfBlock(sums(contributions, own), whole, quotients, average));
    });
  }
  const over = (member) =>
    parts.map((own) => sequentialSum(own.map((part) => part[member])) / blocks.length);
  const lone = sequentialSum(parts.flat().map(({ lost }) => lost));
  return { influence: over("J"), weights: over("w"), classes, lone };
}

function effectiveClusters(weights) {
  return 1 / sequentialSum(weights.map(square));
}

/** At least so many effective clusters (section 12.2). */
function enough(effective, least) {
  return effective + 2 ** -20 >= least;
}

function standardError(influence) {
  return Math.sqrt(sequentialSum(influence.map(square)));
}

/** Student's t of the table, linear between its entries (section 12.3). */
function quantile(table, freedom) {
  if (freedom <= table[0][0]) return table[0][1];
  const after = table.findIndex(([degrees]) => freedom < degrees);
  if (after < 0) return table[table.length - 1][1];
  const [[f0, q0], [f1, q1]] = [table[after - 1], table[after]];
  return q0 + (q1 - q0) * ((freedom - f0) / (f1 - f0));
}

/** {low, high} on Wilson's scale, or null without spread. */
function wilson(x, se, q) {
  const s = x * (1 - x);
  if (!(s > 0 && se * se > 0)) return null;
  const n = s / (se * se);
  const z = (q * q) / n;
  const h = q * Math.sqrt((s + z / 4) / n);
  return {
    low: Math.max(0, (x + z / 2 - h) / (1 + z)),
    high: Math.min(1, (x + z / 2 + h) / (1 + z)),
  };
}

/** The score of a task as a result has it; suite: the suite document. */
function scoreWithInterval({ task, division, metric, interval, columns, suite }) {
  const rules = suite.interval;
  const score = metricScore(metric, columns, division);
  const value = { score, interval: null, no_interval: null, clusters: null, metrics: { [metric]: score } };
  if (division === "compat") return { ...value, no_interval: "division" };
  if (interval === null) return { ...value, no_interval: "metric" };
  const { influence, weights, classes, lone } = jackknife(metric, columns);
  const effective = effectiveClusters(weights);
  value.clusters = { count: weights.length, effective };
  if (!enough(effective, rules.minimum_clusters)) return { ...value, no_interval: "few-clusters" };
  const se = standardError(influence);
  const bounds = wilson(score, se, quantile(rules.t_quantiles, effective - 1));
  if (bounds === null) return { ...value, no_interval: "no-spread" };
  value.interval = {
    ...bounds,
    level: rules.confidence,
    method: rules.method,
    standard_error: se,
    few_clusters: !enough(effective, rules.few_clusters),
    lone_classes: rules.lone_class_in * lone > classes,
  };
  return value;
}

/** Standard error and effective clusters of the mean of tasks {se, effective}. */
function spreadOfMean(tasks) {
  if (tasks.length === 1) return tasks[0];
  const parts = tasks.map(({ se }) => (se * se) / (tasks.length * tasks.length));
  const V = sequentialSum(parts);
  const U = sequentialSum(
    parts.map((v, i) => (v > 0 ? (v * v) / Math.max(tasks[i].effective - 1, 2 ** -20) : 0)),
  );
  if (U === 0) return { se: 0, effective: Math.min(...tasks.map(({ effective }) => effective)) };
  return { se: Math.sqrt(V), effective: (V * V) / U + 1 };
}

/** The mean of a suite's members; tasks: {id: {score, standard_error, effective_clusters}}. */
function suiteMean(members, tasks, rules) {
  if (members.length === 0) throw new Invalid("value", "a suite without members");
  if (!members.every((id) => Object.hasOwn(tasks, id))) return null;
  const results = members.map((id) => tasks[id]);
  const score = mean(results.map((task) => task.score));
  const none = { low: null, high: null };
  if (results.some((task) => task.standard_error === null)) {
    return { score, ...none, standard_error: null, effective_clusters: null, tasks: results.length };
  }
  const { se, effective } = spreadOfMean(
    results.map((task) => ({ se: task.standard_error, effective: task.effective_clusters })),
  );
  const bounds = wilson(score, se, quantile(rules.t_quantiles, effective - 1)) ?? none;
  return {
    score,
    ...bounds,
    standard_error: se,
    effective_clusters: effective,
    tasks: results.length,
  };
}

return { jackknife, effectiveClusters, enough, standardError, quantile, wilson, scoreWithInterval, spreadOfMean, suiteMean };
})();
const $generator = (() => {
const { sha256Bytes } = $sha256;
/** The generator (section 5). A word of 64 bits is a pair of 32-bit halves; BigInt only at the edges. */


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

const GOLDEN = join([GOLDEN_HIGH, GOLDEN_LOW]);

/** The finaliser, on BigInt. */
function mix(word) {
  return join(mixPair(...split(word)));
}

/** floor(word n / 2^64), 1 <= n <= 2^32. */
function boundedInteger([high, low], n) {
  if (n <= 0x100000) {
    // high n + floor(low n / 2^32) is below 2^53, so every step is exact.
    return Math.floor((high * n + Math.floor((low * n) / 0x100000000)) / 0x100000000);
  }
  return Number((join([high, low]) * BigInt(n)) >> 64n);
}

class Stream {
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

return { GOLDEN, mix, boundedInteger, Stream };
})();
const $association = (() => {
const { decimalOf, sequentialSum } = $arithmetic;
const { Stream } = $generator;
const { Invalid } = $invalid;
const { compareNumbers } = $order;
/** Association of two benchmarks (section 19). A measure that is undefined is null. */


/** j of section 19, with the confidence taken as the decimal that it is written as. */
function tailCount(replicates, confidence) {
  const { digits, scale } = decimalOf(confidence);
  const one = 10n ** BigInt(scale);
  const count = (BigInt(replicates) * (one - digits)) / (2n * one);
  return count > 1n ? Number(count) : 1;
}

function bounds(values, confidence) {
  if (values.length === 0) throw new Invalid("value", "no replicates");
  if (!(confidence > 0 && confidence < 1)) throw new Invalid("value", "no such confidence");
  const sorted = [...values].sort(compareNumbers);
  const tail = tailCount(values.length, confidence);
  return { low: sorted[tail - 1], high: sorted[sorted.length - tail] };
}

function allEqual(values) {
  return values.every((value) => value === values[0]);
}

function r2(x, y) {
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

function spearman(x, y) {
  const [u, v] = [doubledRanks(x), doubledRanks(y)];
  return quotient(
    sequentialSum(u.map((a, i) => a * v[i])),
    sequentialSum(u.map((a) => a * a)),
    sequentialSum(v.map((b) => b * b)),
  );
}

function kendall(x, y) {
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

function misranked(x, y) {
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
function measures(x, y) {
  needScores(x, y);
  return Object.fromEntries(Object.entries(MEASURES).map(([name, of]) => [name, of(x, y)]));
}

/** {models, level, r2: {value, low, high, replicates}, ...}. */
function association(x, y, { seed, stream, replicates, confidence }) {
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

return { tailCount, bounds, r2, spearman, kendall, misranked, measures, association };
})();
return { ...$digest, ...$interval, ...$metrics, ...$association };
}
