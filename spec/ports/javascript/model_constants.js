/** Constants of a model (section 21.9). */

import { circular } from "./exact.js";
import { exp, log } from "./exact_double.js";

export function pow(a, b) {
  if (!(a >= 2 ** -1022) || !Number.isFinite(a) || !Number.isFinite(b)) return Number.NaN;
  const x = b * log(a);
  if (x > 700) return Number.POSITIVE_INFINITY;
  return x < -700 ? 0 : exp(x);
}

/** The angles of the bands of a place: a function of (i, n, side), for rows (0) and columns (1). */
function angleOf({ form, offset, reference }) {
  if (form === "dinov3") return (i, n, side, power) => (2 * Math.PI * (((i + 0.5) / n) * 2 - 1)) / power;
  return (i, n, side, power) => ((i + offset) / n) * (reference?.[side] ?? n) * (1 / power);
}

/** Sines and cosines, a row a position, as float32. */
export function rotaryTables(given) {
  const { width, base, rows, columns, halves } = given;
  const bands = width / 4;
  const powers = Array.from({ length: bands }, (_, j) => pow(base, j / bands));
  const angle = angleOf(given);
  const along = (i, n, side) => powers.map((power) => angle(i, n, side, power));
  const [sine, cosine] = [[], []];
  for (let y = 0; y < rows; y += 1) {
    for (let x = 0; x < columns; x += 1) {
      const sides = [along(y, rows, 0), along(x, columns, 1)];
      const angles = (given.column_first ? sides.reverse() : sides).flat();
      const twice = halves ? [...angles, ...angles] : angles.flatMap((one) => [one, one]);
      sine.push(twice.map((one) => Math.fround(circular(one)[0])));
      cosine.push(twice.map((one) => Math.fround(circular(one)[1])));
    }
  }
  return { sine, cosine };
}

/** Offsets of the places of a window on a logarithmic scale, as float32. */
export function offsetTable({ window, trained }) {
  const along = (side) => {
    const size = window[side];
    const n = Math.max((trained ?? window)[side] - 1, 1);
    return Array.from({ length: 2 * size - 1 }, (_, i) => {
      const d = i - size + 1;
      const found = log(Math.abs((d / n) * 8) + 1) / log(8);
      return Math.fround(d < 0 ? -found : found);
    });
  };
  const columns = along(1);
  return along(0).map((row) => columns.map((column) => [row, column]));
}

function weight(filter, distance, a) {
  const x = Math.abs(distance);
  if (filter === "bilinear") return x < 1 ? 1 - x : 0;
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

/** The taps [place, weight] of each output of a side. */
function tapsOf(filter, before, after, antialias) {
  const scale = before / after;
  const support = filter === "bilinear" ? 1 : 2;
  const k = antialias && scale > 1 ? scale : 1;
  return Array.from({ length: after }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const taps = [];
    if (!antialias) {
      const p = centre - 0.5;
      const f = Math.floor(p);
      for (let j = 1 - support; j <= support; j += 1) {
        const place = Math.min(Math.max(f + j, 0), before - 1);
        taps.push([place, weight(filter, j - (p - f), -0.75)]);
      }
      return taps;
    }
    const first = Math.max(0, Math.floor(centre - support * k + 0.5));
    const end = Math.min(before, Math.floor(centre + support * k + 0.5));
    let total = 0;
    for (let j = first; j < end; j += 1) {
      const w = weight(filter, (j - centre + 0.5) / k, -0.5);
      total += w;
      taps.push([j, w]);
    }
    return taps.map(([place, w]) => [place, w / total]);
  });
}

/** A table of rows, columns and channels at another size, as float32. */
export function resizeTable({ table, rows, columns, filter, antialias }) {
  const weighted = (taps, at) => {
    let sum = 0;
    for (const [place, w] of taps) sum += w * at(place);
    return sum;
  };
  const channels = table[0][0].map((_, c) => c);
  const across = tapsOf(filter, table[0].length, columns, antialias);
  const middle = table.map((row) =>
    across.map((taps) => channels.map((c) => weighted(taps, (place) => row[place][c]))),
  );
  return tapsOf(filter, table.length, rows, antialias).map((taps) =>
    across.map((_, x) =>
      channels.map((c) => Math.fround(weighted(taps, (place) => middle[place][x][c]))),
    ),
  );
}
