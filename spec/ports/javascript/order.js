/** Orders of section 2: code points of strings, numbers, byte strings. */

export function compareNumbers(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** By Unicode code points, a prefix first. `<` on strings compares UTF-16 units, which is another order. */
export function compareCodePoints(a, b) {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i += 1) {
    // Up to the first difference both strings have the same units, so `i` never splits a pair that
    // they share; where the difference is in the second half of a pair, the first halves are equal.
    if (a.charCodeAt(i) !== b.charCodeAt(i)) {
      const start = i > 0 && isHighSurrogate(a.charCodeAt(i - 1)) ? i - 1 : i;
      return compareNumbers(a.codePointAt(start), b.codePointAt(start));
    }
  }
  return compareNumbers(a.length, b.length);
}

function isHighSurrogate(unit) {
  return unit >= 0xd800 && unit <= 0xdbff;
}

/** Indices of `items`, stably sorted by `compare` on the items. */
export function sortedIndices(items, compare) {
  return Array.from(items.keys()).sort((i, j) => compare(items[i], items[j]) || i - j);
}
