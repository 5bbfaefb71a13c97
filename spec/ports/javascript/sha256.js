/** SHA-256 (FIPS 180-4), so that digests need nothing of the place where they are made. */

const PRIMES = firstPrimes(64);
const ROUND = Uint32Array.from(PRIMES, (prime) => fraction(Math.cbrt(prime)));
const START = Uint32Array.from(PRIMES.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));

function firstPrimes(count) {
  const primes = [];
  for (let n = 2; primes.length < count; n += 1) {
    if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  }
  return primes;
}

/** The first 32 bits of the fractional part; a root of a small prime has more bits than that in a float64. */
function fraction(root) {
  return Math.floor((root - Math.floor(root)) * 2 ** 32);
}

function rotate(word, bits) {
  return (word >>> bits) | (word << (32 - bits));
}

/** The 32 bytes of the digest of the parts, one after the other; each is a Uint8Array. */
export function sha256Bytes(...parts) {
  const state = START.slice();
  const schedule = new Uint32Array(64);
  const block = new Uint8Array(64);
  const view = new DataView(block.buffer);
  let used = 0;
  let total = 0;
  const take = (bytes) => {
    for (let at = 0; at < bytes.length; ) {
      const count = Math.min(64 - used, bytes.length - at);
      block.set(bytes.subarray(at, at + count), used);
      used += count;
      at += count;
      if (used === 64) {
        compress(state, schedule, view);
        used = 0;
      }
    }
  };
  for (const part of parts) {
    take(part);
    total += part.length;
  }
  const padding = new Uint8Array(((119 - (total % 64)) % 64) + 9);
  padding[0] = 0x80;
  new DataView(padding.buffer).setBigUint64(padding.length - 8, 8n * BigInt(total));
  take(padding);
  const digest = new DataView(new ArrayBuffer(32));
  state.forEach((word, i) => digest.setUint32(4 * i, word));
  return new Uint8Array(digest.buffer);
}

function compress(state, w, view) {
  for (let i = 0; i < 16; i += 1) w[i] = view.getUint32(4 * i);
  for (let i = 16; i < 64; i += 1) {
    const s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >>> 3);
    const s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >>> 10);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i += 1) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const first = (h + s1 + ((e & f) ^ (~e & g)) + ROUND[i] + w[i]) | 0;
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const second = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => {
    state[i] += word;
  });
}

export function hexOf(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
