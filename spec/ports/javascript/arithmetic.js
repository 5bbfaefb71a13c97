/** The arithmetic of section 2 that JavaScript has no word for. */

/** ((0 + a0) + a1) + a2 ... */
export function sequentialSum(values) {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

/** The nearest integer of a float64, a tie to the even one; never the negative zero. */
export function halfEven(value) {
  const below = Math.floor(value);
  const rest = value - below; // exact: both are multiples of the unit of `value`
  if (rest < 0.5) return below + 0;
  if (rest > 0.5) return below + 1 + 0;
  return (below % 2 === 0 ? below : below + 1) + 0;
}

/** floor(a / b) of integers below 2^53, without the rounding of a division. */
export function floorDivide(a, b) {
  const rest = ((a % b) + b) % b;
  return (a - rest) / b;
}

/** The decimal that a float64 is written as (section 3): {digits, scale}, its value digits / 10^scale. */
export function decimalOf(value) {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value));
  const fraction = match[3] ?? "";
  let digits = BigInt(match[1] + match[2] + fraction);
  let scale = fraction.length - Number(match[4] ?? 0);
  if (scale < 0) {
    digits *= 10n ** BigInt(-scale);
    scale = 0;
  }
  return { digits, scale };
}
