/** What the trained probes share: start, order of rows, learning rate and AdamW (sections 10.1 and 10.6). */

import { chain, cosine, fma } from "./exact.js";
import { Stream } from "./generator.js";
import { Invalid } from "./invalid.js";

/** Float32 values, uniform in +- 1 / sqrt(inputs). */
export function uniform(seed, name, length, inputs) {
  const stream = new Stream(seed, name);
  return Float32Array.from({ length }, (_, i) => (2 * stream.float(i) - 1) / Math.sqrt(inputs));
}

/** The train rows of each step, ascending: one array a batch, without end. */
export function* batches(options) {
  for (let epoch = 0; ; epoch += 1) yield* epochBatches({ ...options, epoch });
}

export function learningRate(step, constants) {
  const { learning_rate: rate, final_learning_rate_ratio: ratio, steps } = constants;
  const final = rate * ratio;
  const falling = final + ((rate - final) * (1 + cosine((Math.PI * step) / steps))) / 2;
  const halving = constants.halving_steps ?? 0;
  return halving === 0 ? falling : falling * halved(Math.floor(step / halving));
}

/** 2^-n. */
function halved(n) {
  let power = 1;
  for (let i = 0; i < n && power > 0; i += 1) power /= 2;
  return power;
}

export class AdamW {
  /** parameters: {name: Float32Array}, changed in place. */
  constructor(parameters, constants) {
    this.parameters = parameters;
    this.constants = constants;
    this.powers = [1, 1];
    this.moments = Object.fromEntries(
      Object.entries(parameters).map(([name, values]) => [
        name,
        { first: new Float32Array(values.length), second: new Float32Array(values.length) },
      ]),
    );
  }

  /** Begins a step; false where its size is 0 in float32, which ends the training. */
  begin(step) {
    const { beta1, beta2, weight_decay: decay } = this.constants;
    const rate = learningRate(step, this.constants);
    this.powers = [this.powers[0] * beta1, this.powers[1] * beta2];
    this.kept = Math.fround(1 - rate * decay);
    this.scale = Math.fround(1 / Math.sqrt(1 - this.powers[1]));
    this.size = Math.fround(rate / (1 - this.powers[0]));
    return this.size !== 0;
  }

  /** gradients: {name: Float32Array}. */
  update(gradients) {
    const { beta1, beta2, epsilon, weight_decay_on: decayed } = this.constants;
    const [keep1, keep2, take1, take2] = [beta1, beta2, 1 - beta1, 1 - beta2].map(Math.fround);
    const added = Math.fround(epsilon);
    for (const [name, values] of Object.entries(this.parameters)) {
      const { first, second } = this.moments[name];
      const kept = decayed.includes(name) ? this.kept : 1;
      for (let i = 0; i < values.length; i += 1) {
        const slope = gradients[name][i];
        first[i] = fma(take1, slope, Math.fround(keep1 * first[i]));
        second[i] = fma(take2, Math.fround(slope * slope), Math.fround(keep2 * second[i]));
        const root = fma(Math.fround(Math.sqrt(second[i])), this.scale, added);
        const move = Math.fround(first[i] / root);
        values[i] = fma(-this.size, move, Math.fround(values[i] * kept));
      }
    }
  }
}

/** Calls gradientsOf(batch, step) for each step that moves, and updates. */
export function descend({ parameters, constants, order, gradientsOf }) {
  const optimiser = new AdamW(parameters, constants);
  for (let step = 0; step < constants.steps && optimiser.begin(step); step += 1) {
    optimiser.update(gradientsOf(order.next().value, step));
  }
}

/** The chains of each row of `rows` with each row of `weight`, plus the bias: one Float32Array a row. */
export function linear(rows, weight, bias) {
  return rows.map((row) =>
    Float32Array.from(bias, (b, i) => {
      const start = i * row.length;
      return chain(row.length, (j) => row[j], (j) => weight[start + j]) + b;
    }),
  );
}

/** For each column of `left` and each of `right` the chain over their rows, one Float32Array. */
export function columns(left, right) {
  const width = right[0].length;
  return Float32Array.from({ length: left[0].length * width }, (_, place) => {
    const i = Math.floor(place / width);
    const j = place % width;
    return chain(left.length, (r) => left[r][i], (r) => right[r][j]);
  });
}

/** The sum of each column, rows ascending. */
export function totals(rows) {
  return Float32Array.from(rows[0], (_, i) =>
    rows.reduce((total, row) => Math.fround(total + row[i]), 0),
  );
}

export function largestIndex(values) {
  let best = 0;
  for (let i = 1; i < values.length; i += 1) if (values[i] > values[best]) best = i;
  return best;
}

export function checkFinite(parameters) {
  if (!Object.values(parameters).every((values) => values.every(Number.isFinite))) {
    throw new Invalid("value", "parameters that are not finite");
  }
}

/** The batches of one epoch. */
export function epochBatches({ seed, name, rows, batchSize, epoch }) {
  if (rows <= batchSize) return [Array.from({ length: rows }, (_, row) => row)];
  const order = new Stream(seed, `${name}/${epoch}`).permutation(rows);
  return Array.from({ length: Math.ceil(rows / batchSize) }, (_, b) =>
    order.slice(b * batchSize, (b + 1) * batchSize).sort((x, y) => x - y),
  );
}
