import { mix, Stream } from "../generator.js";
import { Invalid } from "../invalid.js";

const LARGEST_BOUND = 2 ** 32;

function hex(word) {
  return word.toString(16).padStart(16, "0");
}

function stream({ seed, stream: name }) {
  return new Stream(BigInt(`0x${seed}`), name);
}

function positions({ start, count }) {
  return Array.from({ length: count }, (_, i) => start + i);
}

export const OPERATIONS = {
  "generator.mix": ({ word }) => ({ word: hex(mix(BigInt(`0x${word}`))) }),
  "generator.words": (given) => ({
    words: positions(given).map((i) => hex(stream(given).word(i))),
  }),
  "generator.integers": (given) => {
    if (given.below < 1 || given.below > LARGEST_BOUND) throw new Invalid("value");
    return { integers: positions(given).map((i) => stream(given).integer(i, given.below)) };
  },
  "generator.floats": (given) => ({ floats: positions(given).map((i) => stream(given).float(i)) }),
  "generator.permutation": (given) => ({ permutation: stream(given).permutation(given.n) }),
};
