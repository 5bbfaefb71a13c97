/** Resize with the arithmetic of section 8.2. An image is {height, width, data: RGB bytes}. */

const HAMMING_1 = Math.fround(0.54);
const HAMMING_2 = Math.fround(0.46);

function sinc(x) {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

function hamming(x) {
  const a = Math.abs(x);
  if (a === 0) return 1;
  if (a >= 1) return 0;
  const b = a * Math.PI;
  return (Math.sin(b) / b) * (HAMMING_1 + HAMMING_2 * Math.cos(b));
}

function bicubic(x) {
  const a = Math.abs(x);
  if (a < 1) return (1.5 * a - 2.5) * a * a + 1;
  if (a < 2) return (((a - 5) * a + 8) * a - 4) * -0.5;
  return 0;
}

export const FILTERS = {
  box: { radius: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { radius: 1, weight: (x) => (Math.abs(x) < 1 ? 1 - Math.abs(x) : 0) },
  hamming: { radius: 1, weight: hamming },
  bicubic: { radius: 2, weight: bicubic },
  lanczos: { radius: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/** One {first, weights: integers of 22 bits} an output position. */
export function passWeights(inSide, outSide, filter) {
  const { radius, weight } = FILTERS[filter];
  const scale = Math.fround(inSide) / outSide;
  const filterScale = Math.max(scale, 1);
  const support = radius * filterScale;
  const inverse = 1 / filterScale;
  return Array.from({ length: outSide }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(inSide, Math.trunc(centre + support + 0.5));
    const real = [];
    for (let x = first; x < end; x += 1) real.push(weight((x - centre + 0.5) * inverse));
    const total = real.reduce((sum, w) => sum + w, 0);
    const weights = real.map((w) => {
      const share = total === 0 ? w : w / total;
      return Math.trunc(share * 2 ** 22 + (share < 0 ? -0.5 : 0.5));
    });
    return { first, weights: Int32Array.from(weights) };
  });
}

/** One pass: `lines` runs of `inSide` pixels, `step` bytes between pixels, `stride` between lines. */
function pass(image, outSide, filter, vertical) {
  const inSide = vertical ? image.height : image.width;
  const lines = vertical ? image.width : image.height;
  const height = vertical ? outSide : image.height;
  const width = vertical ? image.width : outSide;
  const data = new Uint8ClampedArray(height * width * 3);
  passWeights(inSide, outSide, filter).forEach(({ first, weights }, out) => {
    for (let line = 0; line < lines; line += 1) {
      const from = (vertical ? first * image.width + line : line * image.width + first) * 3;
      const step = (vertical ? image.width : 1) * 3;
      const to = (vertical ? out * width + line : line * width + out) * 3;
      for (let channel = 0; channel < 3; channel += 1) {
        let sum = 1 << 21;
        for (let x = 0; x < weights.length; x += 1) {
          sum = (sum + weights[x] * image.data[from + x * step + channel]) | 0;
        }
        data[to + channel] = sum >> 22;
      }
    }
  });
  return { height, width, data };
}

/** Input positions of one direction; one that has left the input is -1. */
export function nearestPositions(inSide, outSide) {
  const step = Math.fround(inSide) / outSide;
  let place = step * 0.5;
  return Array.from({ length: outSide }, () => {
    const position = Math.trunc(place);
    place += step;
    return position < inSide ? position : -1;
  });
}

function nearest(image, height, width) {
  const rows = nearestPositions(image.height, height);
  const columns = nearestPositions(image.width, width);
  const data = new Uint8Array(height * width * 3);
  rows.forEach((row, y) =>
    columns.forEach((column, x) => {
      if (row < 0 || column < 0) return;
      const from = (row * image.width + column) * 3;
      data.set(image.data.subarray(from, from + 3), (y * width + x) * 3);
    }),
  );
  return { height, width, data };
}

export function resize(image, [height, width], filter) {
  if (image.height === height && image.width === width) return image;
  if (filter === "nearest") return nearest(image, height, width);
  const lost = image.height - height;
  const verticalFirst = lost > 0 && lost > 2 * (image.width - width);
  let result = image;
  for (const vertical of verticalFirst ? [true, false] : [false, true]) {
    const target = vertical ? height : width;
    if (target !== (vertical ? result.height : result.width)) {
      result = pass(result, target, filter, vertical);
    }
  }
  return result;
}
