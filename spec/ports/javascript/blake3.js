/** BLAKE3, unkeyed, 32 bytes of output: the leaves of the pixels digest (section 4). */

import { hexOf } from "./sha256.js";

const IV = Uint32Array.of(
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
);
const PERMUTATION = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];
// Which words each round mixes: the permutation applied once more before every round but the first.
const SCHEDULE = [Array.from({ length: 16 }, (_, i) => i)];
while (SCHEDULE.length < 7) SCHEDULE.push(PERMUTATION.map((i) => SCHEDULE.at(-1)[i]));

const CHUNK = 1024;
const BLOCK = 64;
const CHUNK_START = 1;
const CHUNK_END = 2;
const PARENT = 4;
const ROOT = 8;

const state = new Uint32Array(16);

function rotate(word, bits) {
  return (word >>> bits) | (word << (32 - bits));
}

function quarter(a, b, c, d, x, y) {
  state[a] = state[a] + state[b] + x;
  state[d] = rotate(state[d] ^ state[a], 16);
  state[c] = state[c] + state[d];
  state[b] = rotate(state[b] ^ state[c], 12);
  state[a] = state[a] + state[b] + y;
  state[d] = rotate(state[d] ^ state[a], 8);
  state[c] = state[c] + state[d];
  state[b] = rotate(state[b] ^ state[c], 7);
}

/** The new chaining value: 8 words. */
function compress(chain, words, counter, length, flags) {
  state.set(chain, 0);
  state.set(IV.subarray(0, 4), 8);
  state[12] = counter >>> 0;
  state[13] = Math.floor(counter / 2 ** 32);
  state[14] = length;
  state[15] = flags;
  for (const order of SCHEDULE) {
    const word = (i) => words[order[i]];
    quarter(0, 4, 8, 12, word(0), word(1));
    quarter(1, 5, 9, 13, word(2), word(3));
    quarter(2, 6, 10, 14, word(4), word(5));
    quarter(3, 7, 11, 15, word(6), word(7));
    quarter(0, 5, 10, 15, word(8), word(9));
    quarter(1, 6, 11, 12, word(10), word(11));
    quarter(2, 7, 8, 13, word(12), word(13));
    quarter(3, 4, 9, 14, word(14), word(15));
  }
  return Uint32Array.from({ length: 8 }, (_, i) => state[i] ^ state[i + 8]);
}

function chunkValue(bytes, counter, rootFlag) {
  let chain = IV;
  const blocks = Math.max(1, Math.ceil(bytes.length / BLOCK));
  const padded = new Uint8Array(blocks * BLOCK);
  padded.set(bytes);
  const view = new DataView(padded.buffer);
  for (let block = 0; block < blocks; block += 1) {
    const words = Uint32Array.from({ length: 16 }, (_, i) => view.getUint32(block * BLOCK + 4 * i, true));
    const last = block === blocks - 1;
    const flags = (block === 0 ? CHUNK_START : 0) | (last ? CHUNK_END | rootFlag : 0);
    chain = compress(chain, words, counter, last ? bytes.length - block * BLOCK : BLOCK, flags);
  }
  return chain;
}

function treeValue(bytes, firstChunk, rootFlag) {
  if (bytes.length <= CHUNK) return chunkValue(bytes, firstChunk, rootFlag);
  // The left part is the largest power of two of whole chunks that leaves something to the right.
  let chunks = 1;
  while (2 * chunks * CHUNK < bytes.length) chunks *= 2;
  const words = new Uint32Array(16);
  words.set(treeValue(bytes.subarray(0, chunks * CHUNK), firstChunk, 0), 0);
  words.set(treeValue(bytes.subarray(chunks * CHUNK), firstChunk + chunks, 0), 8);
  return compress(IV, words, 0, BLOCK, PARENT | rootFlag);
}

/** 64 lower-case hexadecimal digits. */
export function blake3(bytes) {
  const output = new DataView(new ArrayBuffer(32));
  treeValue(bytes, 0, ROOT).forEach((word, i) => output.setUint32(4 * i, word, true));
  return hexOf(new Uint8Array(output.buffer));
}
