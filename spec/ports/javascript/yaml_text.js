/** Quoted and block scalars of YAML: from a position in a text, {value, end} or null. */

const ESCAPES = {
  0: "\0", a: "\x07", b: "\b", t: "\t", "\t": "\t", n: "\n", v: "\v", f: "\f", r: "\r", e: "\x1b",
  " ": " ", '"': '"', "/": "/", "\\": "\\", N: "\u0085", _: "\u00a0", L: "\u2028", P: "\u2029",
};
const CODE_DIGITS = { x: 2, u: 4, U: 8 };

/** Lines joined: one line end is a space, n empty lines are n line ends. */
export function foldLines(lines) {
  let text = lines[0];
  let empty = 0;
  for (const line of lines.slice(1)) {
    if (line === "") empty += 1;
    else {
      text += empty === 0 ? ` ${line}` : "\n".repeat(empty) + line;
      empty = 0;
    }
  }
  return text;
}

export function readQuoted(text, start) {
  return text[start] === "'" ? readSingle(text, start + 1) : readDouble(text, start + 1);
}

/** The line end at `at` with the space around it, folded; `value` has lost its trailing space. */
function foldAt(text, at) {
  const passed = /^[ \t]*\n[ \t\n]*/.exec(text.slice(at))[0];
  const ends = passed.split("\n").length - 1;
  return { text: ends === 1 ? " " : "\n".repeat(ends - 1), end: at + passed.length };
}

function atLineEnd(text, at) {
  return /^[ \t]*\n/.test(text.slice(at, at + text.slice(at).search(/\n|$/) + 1));
}

function readSingle(text, start) {
  let value = "";
  for (let at = start; at < text.length; ) {
    if (text[at] === "'") {
      if (text[at + 1] !== "'") return { value, end: at + 1 };
      value += "'";
      at += 2;
    } else if (" \t\n".includes(text[at]) && atLineEnd(text, at)) {
      const fold = foldAt(text, at);
      value += fold.text;
      at = fold.end;
    } else {
      value += text[at];
      at += 1;
    }
  }
  return null;
}

function readDouble(text, start) {
  let value = "";
  for (let at = start; at < text.length; ) {
    const unit = text[at];
    if (unit === '"') return isWellFormed(value) ? { value, end: at + 1 } : null;
    if (unit === "\\") {
      const escape = readEscape(text, at + 1);
      if (escape === null) return null;
      value += escape.text;
      at = escape.end;
    } else if (" \t\n".includes(unit) && atLineEnd(text, at)) {
      const fold = foldAt(text, at);
      value += fold.text;
      at = fold.end;
    } else {
      value += unit;
      at += 1;
    }
  }
  return null;
}

function readEscape(text, at) {
  const letter = text[at] ?? "";
  if (letter === "\n") return { text: "", end: at + /^\n[ \t]*/.exec(text.slice(at))[0].length };
  if (Object.hasOwn(ESCAPES, letter)) return { text: ESCAPES[letter], end: at + 1 };
  const length = CODE_DIGITS[letter];
  const digits = text.slice(at + 1, at + 1 + (length ?? 0));
  if (length === undefined || !new RegExp(`^[0-9a-fA-F]{${length}}$`).test(digits)) return null;
  const code = Number.parseInt(digits, 16);
  return code > 0x10ffff ? null : { text: String.fromCodePoint(code), end: at + 1 + length };
}

function isWellFormed(text) {
  return !/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text);
}

/** A literal or folded scalar whose lines are indented by more than `parent`. */
export function readBlockScalar(text, start, parent) {
  const head = /^([|>])([-+]?)([1-9]?)([-+]?)[ \t]*(?:(?<=[ \t])#.*)?(?:\n|$)/.exec(text.slice(start));
  if (head === null || (head[2] !== "" && head[4] !== "")) return null;
  const chomping = head[2] + head[4];
  const lines = text.slice(start + head[0].length).split("\n");
  const isEmpty = (line) => /^ *$/.test(line);
  const indentOf = (line) => /^ */.exec(line)[0].length;
  const first = lines.find((line) => !isEmpty(line));
  const found = first === undefined ? 0 : indentOf(first);
  const indent = head[3] === "" ? found : Math.max(parent, 0) + Number(head[3]);
  const taken = [];
  if (first !== undefined && indent > parent) {
    while (taken.length < lines.length) {
      const line = lines[taken.length];
      if (!isEmpty(line) && indentOf(line) < indent) break;
      taken.push(line.length > indent ? line.slice(indent) : "");
    }
  }
  // The last piece of a split is no line of its own.
  const length = taken.reduce((sum, _, i) => sum + lines[i].length + 1, 0);
  const end = Math.min(start + head[0].length + length, text.length);
  if (taken.length === lines.length) taken.pop();
  let trailing = 0;
  while (taken.length > 0 && taken.at(-1) === "") {
    taken.pop();
    trailing += 1;
  }
  const body = head[1] === "|" ? taken.join("\n") : foldBlock(taken);
  if (taken.length === 0) return { value: chomping === "+" ? "\n".repeat(trailing) : "", end };
  const tail = { "": "\n", "-": "", "+": "\n".repeat(trailing + 1) }[chomping];
  // What follows begins at a line's start; step back so that the reader sees that a line ended.
  return { value: body + tail, end: end < text.length ? end - 1 : end };
}

/** Folds the lines of a `>` scalar; lines that begin with space keep their line ends. */
function foldBlock(lines) {
  let text = "";
  let empty = 0;
  let kept = null;
  for (const line of lines) {
    if (line === "") {
      empty += 1;
      continue;
    }
    const indented = " \t".includes(line[0]);
    if (kept === null) text = "\n".repeat(empty) + line;
    else if (indented || kept) text += "\n".repeat(empty + 1) + line;
    else text += (empty === 0 ? " " : "\n".repeat(empty)) + line;
    empty = 0;
    kept = indented;
  }
  return text;
}
