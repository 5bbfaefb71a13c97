/** The functions of section 21.4 by their names; each takes and gives a float32. */

import { add, bits, exp, fma, larger, sigmoid } from "./exact.js";

const round = Math.fround;
const words = (text) => text.split(" ").map(bits);

/** P(x) of coefficients from p0 on. */
function polynomial(coefficients, x) {
  let y = coefficients.at(-1);
  for (let i = coefficients.length - 2; i >= 0; i -= 1) y = fma(y, x, coefficients[i]);
  return y;
}

/** `size`, which is not negative, with the sign of x. */
function signed(size, x) {
  return x < 0 || Object.is(x, -0) ? -size : size;
}

export function smaller(a, b) {
  return a < b ? a : b;
}

const ERF_BELOW = bits("3f6d8000");
const ERF_SMALL = words("3e0375d3 bec09374 3de70d44 bcdb44fc 3ba393a5 ba1ccf71");
const ERF_LARGE = words("be03d19c bf22837a bddab532 3cc68ffa bb7d4bc4 39c53214 b788fdac");

export function erf(x) {
  const a = Math.abs(x);
  if (ERF_BELOW > a) return fma(polynomial(ERF_SMALL, round(x * x)), x, x);
  const b = smaller(4, a);
  const q = fma(polynomial(ERF_LARGE, b), b, -b);
  return signed(round(1 - exp(q)), x);
}

const TANH = words("beaaaa99 3e08837a bd5c1b1a 3ca90249 bbbab34b");

export function tanh(x) {
  const a = Math.abs(x);
  if (0.625 > a) {
    const s = round(x * x);
    return fma(round(polynomial(TANH, s) * s), x, x);
  }
  return signed(round(1 - round(2 / add(exp(add(a, a)), 1))), x);
}

const ROOT_HALF = bits("3f3504f3");
const GELU_TANH = words("3d122279 3f4c422a");
const QUICK = bits("3fd9db23");

const relu = (x) => larger(0, x);
const relu6 = (x) => smaller(6, relu(x));

export const FUNCTIONS = {
  exp,
  erf,
  tanh,
  sigmoid,
  gelu: (x) => round(round(x * 0.5) * add(1, erf(round(x * ROOT_HALF)))),
  gelu_tanh: (x) => {
    const u = fma(round(x * x), GELU_TANH[0], GELU_TANH[1]);
    return round(round(x * 0.5) * add(1, tanh(round(u * x))));
  },
  quick_gelu: (x) => round(x * sigmoid(round(x * QUICK))),
  silu: (x) => round(x * sigmoid(x)),
  relu,
  relu6,
  hard_sigmoid: (x) => round(relu6(add(x, 3)) / 6),
  hard_swish: (x) => round(round(x * relu6(add(x, 3))) / 6),
  neg: (x) => -x,
  sqrt: (x) => round(Math.sqrt(x)),
};
