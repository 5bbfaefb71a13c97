/** Convolutions, poolings and means over dimensions (sections 21.3-4 and 21.7); images are channels last. */

import { chain, larger, maximum, sum } from "./exact.js";
import { count, finisher } from "./exact_rows.js";

/** Rows and columns of the output, and the place in the image under each tap of an output, null beside it. */
function windowOf([, height, width], kernel, { stride, dilation, padding }) {
  const [top, left, bottom, right] = padding;
  const side = (size, border, axis) =>
    Math.floor((size + border - (kernel[axis] - 1) * dilation[axis] - 1) / stride[axis]) + 1;
  const tap = (y, x, i, j) => {
    const row = y * stride[0] + i * dilation[0] - top;
    const column = x * stride[1] + j * dilation[1] - left;
    const inside = row >= 0 && row < height && column >= 0 && column < width;
    return inside ? row * width + column : null;
  };
  return { rows: side(height, top + bottom, 0), columns: side(width, left + right, 1), tap };
}

/** An image of `shape` whose element at (image, row, column, channel) is what `rule` gives of these and its place. */
function drawn(shape, rule) {
  const [batch, rows, columns, channels] = shape;
  const data = new Float32Array(count(shape));
  let place = 0;
  for (let b = 0; b < batch; b += 1) {
    for (let y = 0; y < rows; y += 1) {
      for (let x = 0; x < columns; x += 1) {
        for (let c = 0; c < channels; c += 1) {
          data[place] = rule(b, y, x, c, place);
          place += 1;
        }
      }
    }
  }
  return { shape, data };
}

export function convolution(inputs, attributes) {
  const { x, weight } = inputs;
  const [outputs, inside, kernelRows, kernelColumns] = weight.shape;
  const [batch, height, width, channels] = x.shape;
  const { rows, columns, tap } = windowOf(x.shape, [kernelRows, kernelColumns], attributes);
  const finish = finisher(inputs, attributes);
  return drawn([batch, rows, columns, outputs], (b, y, column, o, place) => {
    const first = Math.floor((o * attributes.groups) / outputs) * inside;
    const [values, factors] = [[], []];
    for (let i = 0; i < kernelRows; i += 1) {
      for (let j = 0; j < kernelColumns; j += 1) {
        const pixel = tap(y, column, i, j);
        for (let c = 0; c < inside; c += 1) {
          values.push(pixel === null ? 0 : x.data[(b * height * width + pixel) * channels + first + c]);
          factors.push(weight.data[((o * inside + c) * kernelRows + i) * kernelColumns + j]);
        }
      }
    }
    return finish(chain(values.length, (l) => values[l], (l) => factors[l]), place, o);
  });
}

/** A pooling: `rule` of the elements of a window that lie inside the image. */
function pooled({ x }, attributes, rule) {
  const [batch, height, width, channels] = x.shape;
  const [kernelRows, kernelColumns] = attributes.kernel;
  const { rows, columns, tap } = windowOf(x.shape, attributes.kernel, attributes);
  return drawn([batch, rows, columns, channels], (b, y, column, c) => {
    const elements = [];
    for (let i = 0; i < kernelRows; i += 1) {
      for (let j = 0; j < kernelColumns; j += 1) {
        const pixel = tap(y, column, i, j);
        if (pixel !== null) elements.push(x.data[(b * height * width + pixel) * channels + c]);
      }
    }
    return rule(elements);
  });
}

export function maxPool(inputs, attributes) {
  return pooled(inputs, attributes, (elements) => elements.reduce(larger, -Infinity));
}

export function avgPool(inputs, attributes) {
  const all = count(attributes.kernel);
  return pooled(inputs, attributes, (elements) => {
    return sum(elements) / (attributes.count_padding === 1 ? all : elements.length);
  });
}

export function adaptiveAvgPool({ x }, { size }) {
  const [batch, height, width, channels] = x.shape;
  const begin = (i, side, n) => Math.floor((i * side) / n);
  const end = (i, side, n) => Math.ceil(((i + 1) * side) / n);
  return drawn([batch, ...size, channels], (b, y, column, c) => {
    const elements = [];
    for (let r = begin(y, height, size[0]); r < end(y, height, size[0]); r += 1) {
      for (let q = begin(column, width, size[1]); q < end(column, width, size[1]); q += 1) {
        elements.push(x.data[((b * height + r) * width + q) * channels + c]);
      }
    }
    return sum(elements) / elements.length;
  });
}

/** `rule` of the elements along dimensions that follow one another, which vanish. */
function reduced({ x }, { axes }, rule) {
  const end = axes[0] + axes.length;
  const [length, inner] = [count(x.shape.slice(axes[0], end)), count(x.shape.slice(end))];
  const shape = [...x.shape.slice(0, axes[0]), ...x.shape.slice(end)];
  const data = new Float32Array(count(shape));
  for (let place = 0; place < data.length; place += 1) {
    const from = Math.floor(place / inner) * length * inner + (place % inner);
    data[place] = rule(Array.from({ length }, (_, l) => x.data[from + l * inner]));
  }
  return { shape, data };
}

export function mean(inputs, attributes) {
  return reduced(inputs, attributes, (elements) => sum(elements) / elements.length);
}

export function amax(inputs, attributes) {
  return reduced(inputs, attributes, maximum);
}
