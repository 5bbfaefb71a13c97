/** Frames of videos (section 7.9): which are taken, their colours, their digests. */

import { digestOfValue } from "./digest.js";
import { Invalid } from "./invalid.js";
import { compareCodePoints } from "./order.js";

/** Which of `count` decoded frames are taken, from 0. */
export function chosenFrames(count, frames) {
  if (count < frames) throw new Invalid("value", "a video of too few frames");
  const step = Math.floor(count / frames);
  return Array.from({ length: frames }, (_, i) => i * step);
}

const MATRICES = { 1: "709", 9: "2020", 10: "2020" };
/** Integers L, R, B, G, U. */
const LIMITED = {
  601: [76309, 104597, 25675, 53279, 132201],
  709: [76309, 117489, 13975, 34925, 138438],
  2020: [76309, 110014, 12277, 42626, 140363],
};
const FULL = {
  601: [65536, 91881, 22553, 46802, 116130],
  709: [65536, 103206, 12276, 30679, 121609],
  2020: [65536, 96639, 10784, 37444, 123299],
};

const toByte = (value) => Math.min(255, Math.max(0, (value + 32768) >> 16));

/** The image of planes of samples: luma and, if any, cb and cr, each a list of rows. */
export function imageOfSamples({ planes: [luma, ...chroma], bits, shifts: [across, down], matrix, full }) {
  const [l, r, b, g, u] = (full ? FULL : LIMITED)[MATRICES[matrix] ?? "601"];
  const upper = (sample) => sample >> (bits - 8);
  const [height, width] = [luma.length, luma[0].length];
  const data = new Uint8Array(height * width * 3);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const at = (plane) => upper(plane[row >> down][column >> across]) - 128;
      const [cb, cr] = chroma.length > 0 ? chroma.map(at) : [0, 0];
      const y = l * (upper(luma[row][column]) - (full ? 0 : 16));
      const pixel = [y + r * cr, y - b * cb - g * cr, y + u * cb];
      data.set(pixel.map(toByte), (row * width + column) * 3);
    }
  }
  return { height, width, data };
}

/** An image turned a quarter counterclockwise: its last column is the first row. */
function quarterTurn({ height, width, data }) {
  const turned = new Uint8Array(data.length);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const from = (row * width + column) * 3;
      turned.set(data.subarray(from, from + 3), ((width - 1 - column) * height + row) * 3);
    }
  }
  return { height: width, width: height, data: turned };
}

/** An image turned counterclockwise; as it is where `degrees` are no quarter turns. */
export function turn(image, degrees) {
  if (degrees % 90 !== 0) return image;
  const turns = (((degrees / 90) % 4) + 4) % 4;
  return Array.from({ length: turns }).reduce(quarterTurn, image);
}

/** Digests of clips, {subject: [[path, digest], ...]}, and of all of them. */
export function frameDigests(clips) {
  const digests = Object.entries(clips).map(([subject, files]) => [subject, digestOfValue(files)]);
  const ordered = digests.sort(([a], [b]) => compareCodePoints(a, b));
  return { clips: Object.fromEntries(ordered), digest: digestOfValue(ordered) };
}
