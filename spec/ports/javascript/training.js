/** What the trained probes share: start, order of rows, learning rate and AdamW (sections 10.1 and 10.6). */

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
  const cosine = final + ((rate - final) * (1 + Math.cos((Math.PI * step) / steps))) / 2;
  const halving = constants.halving_steps ?? 0;
  return halving === 0 ? cosine : cosine * 2 ** -Math.floor(step / halving);
}

export class AdamW {
  /** parameters: {name: Float32Array}, changed in place. */
  constructor(parameters, constants) {
    this.parameters = parameters;
    this.constants = constants;
    this.moments = Object.fromEntries(
      Object.entries(parameters).map(([name, values]) => [
        name,
        { first: new Float32Array(values.length), second: new Float32Array(values.length) },
      ]),
    );
  }

  /** gradients: {name: array of numbers}. */
  update(step, gradients) {
    const { beta1, beta2, epsilon, weight_decay: decay, weight_decay_on: decayed } = this.constants;
    const rate = learningRate(step, this.constants);
    const correction1 = 1 - beta1 ** (step + 1);
    const correction2 = 1 - beta2 ** (step + 1);
    for (const [name, values] of Object.entries(this.parameters)) {
      const { first, second } = this.moments[name];
      const kept = decayed.includes(name) ? 1 - rate * decay : 1;
      for (let i = 0; i < values.length; i += 1) {
        const slope = gradients[name][i];
        first[i] = beta1 * first[i] + (1 - beta1) * slope;
        second[i] = beta2 * second[i] + (1 - beta2) * slope * slope;
        const move = first[i] / correction1 / (Math.sqrt(second[i] / correction2) + epsilon);
        values[i] = values[i] * kept - rate * move;
      }
    }
  }
}

/** One zeroed float64 sum for each element of each parameter. */
export function zeroGradients(parameters) {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, values]) => [name, new Float64Array(values.length)]),
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
