/** Canonical JSON (section 3): RFC 8785, with a reader that refuses what it forbids. */

import { Invalid } from "./invalid.js";

const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/** The text; numbers and strings as ECMAScript writes them, which is what RFC 8785 asks for. */
export function canonical(value) {
  if (value === null || value === true || value === false) return String(value);
  if (typeof value === "number") return number(value);
  if (typeof value === "string") return string(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value === "object") {
    // The default order of sort() is that of UTF-16 code units.
    const members = Object.keys(value).sort();
    return `{${members.map((name) => `${string(name)}:${canonical(value[name])}`).join(",")}}`;
  }
  throw new Invalid("type", `no JSON value: ${typeof value}`);
}

export function canonicalBytes(value) {
  return new TextEncoder().encode(canonical(value));
}

function number(value) {
  if (!Number.isFinite(value)) throw new Invalid("value", "NaN and infinities have no JSON form");
  return JSON.stringify(value);
}

function string(value) {
  if (LONE_SURROGATE.test(value)) throw new Invalid("value", "a lone surrogate");
  return JSON.stringify(value);
}

/** The value of a JSON text. Objects have no prototype, so that a member may have any name. */
export function parse(text) {
  const reader = new Reader(text);
  const value = reader.value();
  reader.space();
  if (reader.at < text.length) reader.fail();
  return value;
}

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  fail(id = "syntax", what = "not JSON") {
    throw new Invalid(id, `${what} at position ${this.at}`);
  }

  space() {
    while (" \t\n\r".includes(this.text[this.at] ?? "x")) this.at += 1;
  }

  take(pattern) {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (match === null) this.fail();
    this.at = pattern.lastIndex;
    return match[0];
  }

  value() {
    this.space();
    const first = this.text[this.at];
    if (first === "{") return this.object();
    if (first === "[") return this.array();
    if (first === '"') return this.string();
    if (first === "t" || first === "f" || first === "n") {
      return JSON.parse(this.take(/true|false|null/y));
    }
    return this.number();
  }

  number() {
    const literal = this.take(/-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/y);
    const value = Number(literal);
    if (!Number.isFinite(value)) this.fail("value", "a number beyond float64");
    if (/^-?[0-9]+$/.test(literal) && !Number.isSafeInteger(value)) {
      this.fail("value", "an integer beyond 2^53 - 1");
    }
    return value;
  }

  string() {
    const value = JSON.parse(this.take(/"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y));
    if (LONE_SURROGATE.test(value)) this.fail("value", "a lone surrogate");
    return value;
  }

  array() {
    const items = [];
    this.at += 1;
    this.space();
    if (this.text[this.at] === "]") {
      this.at += 1;
      return items;
    }
    for (;;) {
      items.push(this.value());
      this.space();
      if (this.take(/[,\]]/y) === "]") return items;
    }
  }

  object() {
    const members = Object.create(null);
    this.at += 1;
    this.space();
    if (this.text[this.at] === "}") {
      this.at += 1;
      return members;
    }
    for (;;) {
      this.space();
      const name = this.string();
      if (name in members) this.fail("duplicate-key", `the member ${name} is repeated`);
      this.space();
      this.take(/:/y);
      members[name] = this.value();
      this.space();
      if (this.take(/[,}]/y) === "}") return members;
    }
  }
}
