/** Operations of two values, and those that copy bits (section 21.8). */

import { bits } from "./exact.js";
import { count } from "./exact_rows.js";
import { Invalid } from "./invalid.js";

/** The distance between neighbours along each dimension. */
function strides(shape) {
  return shape.map((_, d) => count(shape.slice(d + 1)));
}

/** A tensor of `shape` whose element at a place is what `rule` gives of the place's coordinates. */
function gathered(shape, rule) {
  const steps = strides(shape);
  const data = Float32Array.from({ length: count(shape) }, (_, place) =>
    rule(steps.map((step, d) => Math.floor(place / step) % shape[d])),
  );
  return { shape, data };
}

/** The element of a tensor at coordinates that align at the end; a dimension of 1 stands for any. */
function aligned({ shape, data }) {
  const steps = strides(shape).map((step, d) => (shape[d] === 1 ? 0 : step));
  return (at) => data[steps.reduce((place, step, d) => place + step * at[at.length - shape.length + d], 0)];
}

/** An operation of the elements of a and b, rounded to float32 when it is stored. */
export function binary(rule) {
  return ({ a, b }) => {
    const rank = Math.max(a.shape.length, b.shape.length);
    const [left, right] = [a, b].map(({ shape }) => [...Array(rank - shape.length).fill(1), ...shape]);
    const shape = left.map((side, d) => {
      if (side !== right[d] && side !== 1 && right[d] !== 1) throw new Invalid("value");
      return side === 1 ? right[d] : side;
    });
    const [x, y] = [aligned(a), aligned(b)];
    return gathered(shape, (at) => rule(x(at), y(at)));
  };
}

export function concatenate({ parts }, { axis }) {
  const shape = [...parts[0].shape];
  shape[axis] = parts.reduce((total, part) => total + part.shape[axis], 0);
  const data = new Float32Array(count(shape));
  const inner = count(shape.slice(axis + 1));
  let before = 0;
  for (const part of parts) {
    const length = part.shape[axis] * inner;
    for (let from = 0; from < part.data.length; from += length) {
      const to = (from / length) * shape[axis] * inner + before;
      data.set(part.data.subarray(from, from + length), to);
    }
    before += length;
  }
  return { shape, data };
}

/** `x` with other coordinates along one dimension. */
function along(x, axis, places) {
  const shape = x.shape.map((side, d) => (d === axis ? places.length : side));
  const element = aligned(x);
  return gathered(shape, (at) => element(at.map((i, d) => (d === axis ? places[i] : i))));
}

export function slice({ x }, { axis, start, end, step }) {
  const places = [];
  for (let i = start; i < end; i += step) places.push(i);
  return along(x, axis, places);
}

export function gather({ x, indices }, { axis }) {
  return along(x, axis, indices.data);
}

export function permute({ x }, { axes }) {
  const element = aligned(x);
  return gathered(axes.map((axis) => x.shape[axis]), (at) => {
    const from = [];
    axes.forEach((axis, d) => (from[axis] = at[d]));
    return element(from);
  });
}

export function pad({ x }, { before, after, value }) {
  const shape = x.shape.map((side, d) => side + before[d] + after[d]);
  const element = aligned(x);
  return gathered(shape, (at) => {
    const from = at.map((i, d) => i - before[d]);
    return from.every((i, d) => i >= 0 && i < x.shape[d]) ? element(from) : bits(value);
  });
}

export function reshape({ x }, attributes, shape) {
  if (count(shape) !== x.data.length) throw new Invalid("value");
  return { shape, data: x.data };
}

export function expand({ x }, attributes, shape) {
  const from = shape.slice(shape.length - x.shape.length);
  if (x.shape.some((side, d) => side !== from[d] && side !== 1)) throw new Invalid("value");
  return gathered(shape, aligned(x));
}
