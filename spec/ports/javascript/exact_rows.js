/** Products, normalisations and attention (sections 21.3, 21.5, 21.6). A tensor is {shape, data}, row-major. */

import { add, bits, chain, exp, fma, maximum, softmax as softmaxOf, sum, sumOfSquares } from "./exact.js";
import { FUNCTIONS } from "./exact_functions.js";

const round = Math.fround;

/** The number of elements of a shape. */
export function count(shape) {
  return shape.reduce((product, side) => product * side, 1);
}

/** What comes after a product: bias of the channel, activation, residual. */
export function finisher({ bias, residual }, { activation }) {
  return (value, place, channel) => {
    let y = bias ? add(value, bias.data[channel]) : value;
    if (activation) y = FUNCTIONS[activation](y);
    return residual ? add(y, residual.data[place]) : y;
  };
}

export function linear(inputs, attributes) {
  const { x, weight } = inputs;
  const [n, k] = weight.shape;
  const finish = finisher(inputs, attributes);
  const shape = [...x.shape.slice(0, -1), n];
  const data = new Float32Array(count(shape));
  for (let place = 0; place < data.length; place += 1) {
    const [row, j] = [Math.floor(place / n), place % n];
    const value = chain(k, (i) => x.data[row * k + i], (i) => weight.data[j * k + i]);
    data[place] = finish(value, place, j);
  }
  return { shape, data };
}

export function matmul({ a, b }) {
  const [m, k] = a.shape.slice(-2);
  const n = b.shape.at(-1);
  const shape = [...a.shape.slice(0, -1), n];
  const data = new Float32Array(count(shape));
  for (let place = 0; place < data.length; place += 1) {
    const row = Math.floor(place / n);
    const from = Math.floor(row / m) * k * n + (place % n);
    data[place] = chain(k, (l) => a.data[row * k + l], (l) => b.data[from + l * n]);
  }
  return { shape, data };
}

/** `x` with each row over the last dimension replaced by what `rule` gives of it. */
function overRows(x, rule) {
  const width = x.shape.at(-1);
  const data = new Float32Array(x.data.length);
  for (let start = 0; start < data.length; start += width) {
    data.set(rule(x.data.subarray(start, start + width)), start);
  }
  return { shape: x.shape, data };
}

/** (x - mean) / deviation of a list. */
function standardised(list, eps) {
  const mean = round(sum(list) / list.length);
  const centred = list.map((x) => x - mean);
  const variance = round(sumOfSquares(centred) / list.length);
  const scale = round(1 / round(Math.sqrt(add(variance, eps))));
  return centred.map((d) => d * scale);
}

export function layerNorm({ x, weight, bias }, { eps }) {
  return overRows(x, (row) => {
    const y = standardised(row, bits(eps));
    return weight ? y.map((value, i) => fma(value, weight.data[i], bias.data[i])) : y;
  });
}

export function rmsNorm({ x, weight }, { eps }) {
  return overRows(x, (row) => {
    const mean = round(sumOfSquares(row) / row.length);
    const scale = round(1 / round(Math.sqrt(add(mean, bits(eps)))));
    const y = row.map((value) => value * scale);
    return weight ? y.map((value, i) => value * weight.data[i]) : y;
  });
}

export function batchNorm({ x, mean, variance, weight, bias }, { eps }) {
  const scale = weight.data.map((w, c) => w / round(Math.sqrt(add(variance.data[c], bits(eps)))));
  const shift = scale.map((s, c) => fma(-mean.data[c], s, bias.data[c]));
  return overRows(x, (row) => row.map((value, c) => fma(value, scale[c], shift[c])));
}

export function groupNorm({ x, weight, bias }, { groups, eps }) {
  const [rows, channels] = [x.shape[0], x.shape.at(-1)];
  const inside = channels / groups;
  const image = x.data.length / rows;
  const data = new Float32Array(x.data.length);
  for (let start = 0; start < data.length; start += image) {
    for (let first = 0; first < channels; first += inside) {
      const places = [];
      for (let at = start + first; at < start + image; at += channels) {
        for (let c = 0; c < inside; c += 1) places.push(at + c);
      }
      const y = standardised(Float32Array.from(places, (place) => x.data[place]), bits(eps));
      places.forEach((place, i) => {
        const channel = first + (i % inside);
        data[place] = fma(y[i], weight.data[channel], bias.data[channel]);
      });
    }
  }
  return { shape: x.shape, data };
}

export function softmax({ x }) {
  return overRows(x, softmaxOf);
}

export function attention({ q, k, v, bias }, { scale }) {
  const [batch, queries, heads, width] = q.shape;
  const [keys, valueWidth] = [k.shape[1], v.shape[3]];
  const shape = [batch, queries, heads, valueWidth];
  const data = new Float32Array(count(shape));
  const factor = bits(scale);
  for (let head = 0; head < batch * heads * queries; head += 1) {
    const [b, h, i] = [Math.floor(head / heads / queries), Math.floor(head / queries) % heads, head % queries];
    const ofQuery = ((b * queries + i) * heads + h) * width;
    const ofKey = (j, size) => ((b * keys + j) * heads + h) * size;
    const scores = Float32Array.from({ length: keys }, (_, j) => {
      const from = ofKey(j, width);
      const s = round(chain(width, (d) => k.data[from + d], (d) => q.data[ofQuery + d]) * factor);
      if (!bias) return s;
      const plane = (b % bias.shape[0]) * bias.shape[1] + (h % bias.shape[1]);
      return add(s, bias.data[(plane * queries + i) * keys + j]);
    });
    const largest = maximum(scores);
    const e = scores.map((s) => exp(round(s - largest)));
    const inverse = round(1 / sum(e));
    for (let d = 0; d < valueWidth; d += 1) {
      const weighted = chain(keys, (j) => v.data[ofKey(j, valueWidth) + d], (j) => e[j]);
      data[((b * queries + i) * heads + h) * valueWidth + d] = weighted * inverse;
    }
  }
  return { shape, data };
}
