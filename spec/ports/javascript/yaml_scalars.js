/** Plain scalars of the YAML that is allowed (section 6.2). */

import { Invalid } from "./invalid.js";

const INTEGER = /^(?:0|-?[1-9][0-9]*)$/;
const FLOAT = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$/;

/** What version 1.1 or 1.2 takes for something else than a string. */
const AMBIGUOUS = [
  /^(?:y|n|yes|no|on|off|true|false|null|~|=|<<)?$/i,
  /^[-+]?(?:0b[01_]+|0x[0-9a-f_]+|0o[0-7]+)$/i,
  /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/,
  /^[-+]?[0-9][0-9_]*$/,
  /^[-+]?(?:[0-9][0-9_]*)?\.[0-9_]*(?:[eE][-+]?[0-9]+)?$/,
  /^[-+]?[0-9]+(?:\.[0-9]*)?[eE][-+]?[0-9]+$/,
  /^[-+]?\.(?:inf|nan)$/i,
  /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9].*)?$/,
];

const WORDS = { true: true, false: false, null: null };

/** The value of a plain scalar. */
export function plainValue(text) {
  if (Object.hasOwn(WORDS, text)) return WORDS[text];
  if (INTEGER.test(text)) {
    const value = Number(text);
    if (!Number.isSafeInteger(value)) throw new Invalid("value", `${text} is beyond 2^53 - 1`);
    return value;
  }
  if (text !== "-0" && FLOAT.test(text)) {
    const value = Number(text);
    if (!Number.isFinite(value)) throw new Invalid("value", `${text} is beyond float64`);
    return value;
  }
  // A lone point, alone or with a sign, is a string in both versions.
  if (!/^[-+]?\.$/.test(text) && AMBIGUOUS.some((pattern) => pattern.test(text))) {
    throw new Invalid("ambiguous-scalar", `the plain scalar "${text}"`);
  }
  return text;
}

/** A plain scalar as a key, which is a string. */
export function plainKey(text) {
  const value = plainValue(text);
  if (typeof value !== "string") throw new Invalid("ambiguous-scalar", `the key ${text}`);
  return value;
}
