/** Target size and centre crop (section 8.3). */

import { floorDivide, halfEven } from "./arithmetic.js";
import { Invalid } from "./invalid.js";
import { resize } from "./resize.js";

export const LARGEST_IMAGE = 178956970;

/** [height, width] that an image of h x w is resized to. */
export function targetSize(h, w, { mode, size, long_side: longSide }) {
  const [height, width] = target(h, w, mode, size, longSide).map((side) => Math.max(side, 1));
  if (height * width > LARGEST_IMAGE) throw new Invalid("value", "too many pixels");
  return [height, width];
}

function target(h, w, mode, size, longSide) {
  if (mode === "none") return [h, w];
  if (mode === "squash") return size;
  const choose = mode === "shortest" ? Math.min : Math.max;
  if (longSide === "floor") {
    const side = choose(h, w);
    return [floorDivide(size[0] * h, side), floorDivide(size[0] * w, side)];
  }
  const ratio = choose(h / size[0], w / size[1]);
  return [halfEven(h / ratio), halfEven(w / ratio)];
}

/** Where the crop begins in one direction; negative where the image is smaller. */
export function cropOffset(side, crop, rounding) {
  const difference = side - crop;
  if (rounding === "floor") return floorDivide(difference, 2);
  return difference >= 0 ? halfEven(difference / 2) : -floorDivide(-difference, 2) + 0;
}

/** The centre crop of an image {height, width, data: RGB bytes}; `pad` where it has no pixel. */
export function centreCrop(image, [height, width], rounding, pad) {
  const top = cropOffset(image.height, height, rounding);
  const left = cropOffset(image.width, width, rounding);
  const data = new Uint8Array(height * width * 3);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const inside =
        y + top >= 0 && y + top < image.height && x + left >= 0 && x + left < image.width;
      const from = ((y + top) * image.width + x + left) * 3;
      data.set(inside ? image.data.subarray(from, from + 3) : pad, (y * width + x) * 3);
    }
  }
  return { height, width, data };
}

/** An image through the geometry of a recipe (section 8.4). */
export function applyGeometry(image, geometry) {
  const size = targetSize(image.height, image.width, geometry);
  const resized = resize(image, size, geometry.filter);
  return centreCrop(resized, geometry.crop, geometry.crop_rounding, geometry.pad);
}

/** Float32 of each channel and value (section 8.5), in the order of the bytes of a little-endian processor. */
export function valueTable(mean, std) {
  const table = new Float32Array(3 * 256);
  for (let channel = 0; channel < 3; channel += 1) {
    const [low, wide] = [Math.fround(mean[channel]), Math.fround(std[channel])];
    for (let value = 0; value < 256; value += 1) {
      const share = Math.fround(value / 255);
      table[channel * 256 + value] = Math.fround(share - low) / wide;
    }
  }
  return table;
}
