/** PNG files (section 8.1) to {height, width, data: RGB bytes}. */

import { constants, inflateSync } from "node:zlib";

import { LARGEST_IMAGE } from "./geometry.js";
import { Invalid } from "./invalid.js";

const LONGEST_SIDE = 1_000_000;
const SHORTEST_PALETTE = 3;
const LONGEST_PALETTE = 3 * 256;
const CHANNELS = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const DEPTHS = { 0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16] };
/** Adam7: first column, first row, and the steps between columns and rows. */
const PASSES = [
  [0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2],
];

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let value = n;
  for (let k = 0; k < 8; k += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

function crc32(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = CRC_TABLE[(value ^ byte) & 255] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

function bad(what) {
  return new Invalid("value", `PNG: ${what}`);
}

export function isPng(bytes) {
  return Buffer.from(bytes.subarray(0, 8)).equals(Buffer.from("89504e470d0a1a0a", "hex"));
}

/** Holds the control of a frame, number `count`, before the image data to the whole image. */
function checkFrame(body, head, count) {
  if (head === undefined || body.length !== 26) throw bad("a frame control of another length");
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const isWhole = [0, 1, 2, 3].every((i) => body[4 + i] === head[i] && body[8 + i] === head[4 + i]);
  const [number, left, top] = [view.getUint32(0), view.getUint32(12), view.getUint32(16)];
  if (!isWhole || left > 0 || top > 0) throw bad("a frame of another size than the image");
  if (number !== count) throw bad("frames out of order");
  if (body[24] > 2 || body[25] > 1) throw bad("an unknown way of frames");
}

/** {type: contents} of the chunks that matter, the data joined. */
function readChunks(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const chunks = { IDAT: [] };
  let frames = 0;
  let isInData = true;
  for (let at = 8; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at);
    const type = Buffer.from(bytes.subarray(at + 4, at + 8)).toString("latin1");
    if (type === "IEND" || !/^[A-Za-z0-9_]{4}$/.test(type)) break;
    const before = chunks.IDAT.length === 0 && type !== "IDAT";
    if (type === "fcTL" && !before) break;
    if (at + 8 + length > bytes.length) {
      // The image data may end once the rows are there; another chunk may not.
      if (type === "IDAT" && isInData) chunks.IDAT.push(bytes.subarray(at + 8));
      else if (before || (type !== "fdAT" && type !== "IDAT")) throw bad(`${type} is cut`);
      break;
    }
    const body = bytes.subarray(at + 8, at + 8 + length);
    if (at === 8 && type !== "IHDR") throw bad(`${type} before the header`);
    if (before && at + 12 + length > bytes.length) throw bad(`${type} is cut`);
    if (before && crc32(bytes.subarray(at + 4, at + 8 + length)) !== view.getUint32(at + 8 + length)) {
      throw bad(`checksum of ${type}`);
    }
    // What a decoder must know has a capital letter first.
    if (before && /^[A-Z]/.test(type) && type !== "IHDR" && type !== "PLTE") throw bad(`${type} is not known`);
    if (before && (type === "IHDR" || type === "PLTE") && chunks[type] !== undefined) throw bad(`a second ${type}`);
    if (before && type === "PLTE" && (length < SHORTEST_PALETTE || length > LONGEST_PALETTE)) {
      throw bad("no palette of 1 to 256 colours");
    }
    if (before && type === "fdAT") throw bad("a frame before the image data");
    if (before && type === "fcTL") {
      checkFrame(body, chunks.IHDR, frames);
      frames += 1;
    }
    if (type !== "IDAT") isInData = before;
    else if (isInData) chunks.IDAT.push(body);
    if (before) chunks[type] = body;
    at += 12 + length;
  }
  return chunks;
}

function header(chunk) {
  if (chunk === undefined || chunk.length !== 13) throw bad("no header");
  const view = new DataView(chunk.buffer, chunk.byteOffset, 13);
  const width = view.getUint32(0);
  const height = view.getUint32(4);
  const [depth, colour, compression, filter, interlaced] = chunk.subarray(8);
  if (compression !== 0 || filter !== 0 || interlaced > 1) throw bad("an unknown method");
  if (!DEPTHS[colour]?.includes(depth) || width === 0 || height === 0) throw bad("header");
  if (width * height > LARGEST_IMAGE) throw bad("too many pixels");
  if (Math.max(width, height) > LONGEST_SIDE) throw bad("too long a side");
  return { width, height, depth, colour, interlaced };
}

function paeth(a, b, c) {
  const p = a + b - c;
  const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)];
  if (pa <= pb && pa <= pc) return a;
  return pb <= pc ? b : c;
}

/** Undoes the filter of a row in place; `above` is the row before, or zeros. */
function unfilter(kind, row, above, step) {
  if (kind > 4) throw bad("filter");
  for (let i = 0; i < row.length; i += 1) {
    const left = i >= step ? row[i - step] : 0;
    const corner = i >= step ? above[i - step] : 0;
    const guess = [0, left, above[i], (left + above[i]) >> 1, paeth(left, above[i], corner)][kind];
    row[i] += guess;
  }
}

/** Sample k of a row as an integer of `depth` bits. */
function sample(row, k, depth) {
  if (depth === 16) return row[2 * k] * 256 + row[2 * k + 1];
  if (depth === 8) return row[k];
  const bit = k * depth;
  return (row[bit >> 3] >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
}

/** A pixel's R, G, B. */
function pixelOf(row, x, { depth, colour }, palette) {
  const at = (channel) => sample(row, x * CHANNELS[colour] + channel, depth);
  if (colour === 3) {
    const index = at(0) * 3;
    if (index + 3 > palette.length) return [0, 0, 0];
    return [0, 1, 2].map((channel) => palette[index + channel]);
  }
  if (colour === 0 || colour === 4) {
    const scales = { 1: 255, 2: 85, 4: 17, 8: 1 };
    const high = colour === 0 ? Math.min(at(0), 255) : at(0) >> 8;
    const gray = depth === 16 ? high : at(0) * scales[depth];
    return [gray, gray, gray];
  }
  return [0, 1, 2].map((channel) => (depth === 16 ? at(channel) >> 8 : at(channel)));
}

export function decodePng(bytes) {
  const chunks = readChunks(bytes);
  const head = header(chunks.IHDR);
  if (head.colour === 3 && chunks.PLTE === undefined) throw bad("no palette");
  let raw;
  try {
    // Its checksum is looked at where it is there.
    raw = inflateSync(Buffer.concat(chunks.IDAT), { finishFlush: constants.Z_SYNC_FLUSH });
  } catch (error) {
    throw bad(error.message);
  }
  const { width, height, depth, colour } = head;
  const data = new Uint8Array(width * height * 3);
  let at = 0;
  for (const [left, top, stepX, stepY] of head.interlaced ? PASSES : [[0, 0, 1, 1]]) {
    const columns = Math.ceil((width - left) / stepX);
    const rows = Math.ceil((height - top) / stepY);
    if (columns <= 0 || rows <= 0) continue;
    const length = Math.ceil((columns * CHANNELS[colour] * depth) / 8);
    let above = new Uint8Array(length);
    for (let y = 0; y < rows; y += 1) {
      if (at + 1 + length > raw.length) throw bad("too little data");
      const row = Uint8Array.from(raw.subarray(at + 1, at + 1 + length));
      unfilter(raw[at], row, above, Math.max(1, (CHANNELS[colour] * depth) >> 3));
      for (let x = 0; x < columns; x += 1) {
        const place = ((top + y * stepY) * width + left + x * stepX) * 3;
        data.set(pixelOf(row, x, head, chunks.PLTE), place);
      }
      above = row;
      at += 1 + length;
    }
  }
  return { height, width, data };
}
