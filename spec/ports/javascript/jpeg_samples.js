/** Samples of a JPEG component: the inverse transform "islow" and fancy upsampling (section 8.1). */

import { Invalid } from "./invalid.js";

// Products of cosines, times 2^13.
const C_0_298 = 2446;
const C_0_390 = 3196;
const C_0_541 = 4433;
const C_0_765 = 6270;
const C_0_899 = 7373;
const C_1_175 = 9633;
const C_1_501 = 12299;
const C_1_847 = 15137;
const C_1_961 = 16069;
const C_2_053 = 16819;
const C_2_562 = 20995;
const C_3_072 = 25172;

/** Eight values at `at`, `step` apart, transformed in place and divided by 2^shift. */
function transform(values, at, step, shift) {
  const v = (i) => values[at + i * step];
  const half = 1 << (shift - 1);
  const even1 = (v(2) + v(6)) * C_0_541;
  const even2 = even1 - v(6) * C_1_847;
  const even3 = even1 + v(2) * C_0_765;
  const sum = (v(0) + v(4)) << 13;
  const difference = (v(0) - v(4)) << 13;
  const even = [sum + even3, difference + even2, difference - even2, sum - even3];

  const [o7, o5, o3, o1] = [v(7), v(5), v(3), v(1)];
  const z5 = (o7 + o3 + o5 + o1) * C_1_175;
  const z1 = -(o7 + o1) * C_0_899;
  const z2 = -(o5 + o3) * C_2_562;
  const z3 = z5 - (o7 + o3) * C_1_961;
  const z4 = z5 - (o5 + o1) * C_0_390;
  const odd = [
    o1 * C_1_501 + z1 + z4,
    o3 * C_3_072 + z2 + z3,
    o5 * C_2_053 + z2 + z4,
    o7 * C_0_298 + z1 + z3,
  ];
  for (let i = 0; i < 4; i += 1) {
    values[at + i * step] = (even[i] + odd[i] + half) >> shift;
    values[at + (7 - i) * step] = (even[i] - odd[i] + half) >> shift;
  }
}

/** Samples of all blocks, `blocksAcross` * 8 a row. */
export function inverseTransform({ blocks, blocksAcross, blocksDown, quantisation }) {
  const stride = blocksAcross * 8;
  const samples = new Uint8ClampedArray(stride * blocksDown * 8);
  const values = new Int32Array(64);
  for (let block = 0; block < blocksAcross * blocksDown; block += 1) {
    for (let i = 0; i < 64; i += 1) values[i] = blocks[block * 64 + i] * quantisation[i];
    for (let column = 0; column < 8; column += 1) transform(values, column, 8, 11);
    for (let row = 0; row < 8; row += 1) transform(values, row * 8, 1, 18);
    const top = Math.floor(block / blocksAcross) * 8;
    const left = (block % blocksAcross) * 8;
    values.forEach((value, i) => {
      samples[(top + (i >> 3)) * stride + left + (i & 7)] = value + 128;
    });
  }
  return samples;
}

/** One row to twice its width: the nearer sample counts three times, at both ends `scale` times. */
function widen(row, { scale, left, right, shift }) {
  const out = [];
  const last = row.length - 1;
  row.forEach((value, i) => {
    out.push(i === 0 ? (value * scale + left) >> shift : (3 * value + row[i - 1] + left) >> shift);
    out.push(i === last ? (value * scale + right) >> shift : (3 * value + row[i + 1] + right) >> shift);
  });
  return out;
}

/** A component's samples at the size of the image. */
export function upsample(samples, component, frame) {
  const { width, height } = frame;
  const stride = component.blocksAcross * 8;
  const across = frame.hMost / component.h;
  const down = frame.vMost / component.v;
  if (!Number.isInteger(across) || !Number.isInteger(down)) {
    throw new Invalid("value", "JPEG: a sampling ratio that is no integer");
  }
  const rowAt = (y) => {
    const inside = Math.min(Math.max(y, 0), component.height - 1);
    return Array.from(samples.subarray(inside * stride, inside * stride + component.width));
  };
  const plane = new Uint8Array(width * height);
  const put = (y, row) => plane.set(row.slice(0, width), y * width);
  const fancy = component.width > 2;
  for (let y = 0; y < height; y += 1) {
    const near = rowAt(Math.floor(y / down));
    // The row on the other side: above for the upper of two rows, below for the lower.
    const far = () => rowAt(Math.floor(y / 2) + (y % 2 === 0 ? -1 : 1));
    if (across === 2 && down === 1 && fancy) put(y, widenFlat(near));
    else if (across === 2 && down === 2 && fancy) {
      const other = far();
      const sums = near.map((value, x) => 3 * value + other[x]);
      put(y, widen(sums, { scale: 4, left: 8, right: 7, shift: 4 }));
    } else if (across === 1 && down === 2) {
      const other = far();
      const bias = y % 2 === 0 ? 1 : 2;
      put(y, near.map((value, x) => (3 * value + other[x] + bias) >> 2));
    } else put(y, Array.from({ length: width }, (_, x) => near[Math.floor(x / across)]));
  }
  return plane;
}

/** As `widen`, for rows that need no second direction: the ends stay as they are. */
function widenFlat(row) {
  return widen(row, { scale: 4, left: 1, right: 2, shift: 2 });
}
