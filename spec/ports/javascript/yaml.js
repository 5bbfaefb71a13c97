/** A reader of the YAML that is allowed (section 6.2): the value of one document. */

import { Invalid } from "./invalid.js";
import { foldLines, readBlockScalar, readQuoted } from "./yaml_text.js";
import { plainKey, plainValue } from "./yaml_scalars.js";

const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;
const NEVER_FIRST = "&*!%@`,]}|>";

export function parseYaml(text) {
  const reader = new Reader(documentText(text));
  const value = reader.blockNode(-1, true);
  reader.skip();
  if (reader.at < reader.text.length) reader.fail();
  if (reader.flaw !== null) throw reader.flaw;
  return value;
}

/** The text of the one document, without marks, directives and a byte order mark. */
function documentText(text) {
  const lines = text.replace(/^\ufeff/, "").replace(/\r\n?/g, "\n").split("\n");
  if (CONTROL.test(lines.join(""))) throw new Invalid("syntax", "a control character");
  const isMark = (line, mark) => line === mark || line.startsWith(`${mark} `);
  const idle = (line) => /^\s*(?:#.*)?$/.test(line);
  let first = lines.findIndex((line) => !idle(line) && !line.startsWith("%"));
  if (first < 0) throw new Invalid("syntax", "no document");
  if (isMark(lines[first], "---")) lines[first] = lines[first].replace("---", "   ");
  else first = lines.findIndex((line) => !idle(line));
  const body = lines.slice(first);
  const end = body.findIndex((line) => isMark(line, "..."));
  const rest = end < 0 ? [] : body.splice(end).slice(1);
  if (body.some((line) => isMark(line, "---")) || !rest.every(idle)) {
    throw new Invalid("syntax", "a second document");
  }
  if (body.every(idle)) throw new Invalid("syntax", "no document");
  return body.join("\n");
}

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
    /** The first flaw of a text that is YAML; `syntax` comes before it, wherever it stands. */
    this.flaw = null;
  }

  /** What `read` gives, or null with its flaw kept. */
  keep(read) {
    try {
      return read();
    } catch (problem) {
      if (!(problem instanceof Invalid) || problem.id === "syntax") throw problem;
      this.flaw ??= problem;
      return null;
    }
  }

  lacking() {
    return this.keep(() => {
      throw new Invalid("ambiguous-scalar", "no value");
    });
  }

  fail(what = "not the YAML that is allowed") {
    const line = this.text.slice(0, this.at).split("\n").length;
    throw new Invalid("syntax", `${what}, line ${line}`);
  }

  column() {
    return this.at - (this.text.lastIndexOf("\n", this.at - 1) + 1);
  }

  peek(ahead = 0) {
    return this.text[this.at + ahead] ?? "";
  }

  /** Whether what comes next is a separator: space, line end or the end. */
  gap(ahead = 0) {
    return /^[ \t\n]?$/.test(this.peek(ahead));
  }

  /** Whether only space stands before on this line. */
  startsLine() {
    return /^[ \t]*$/.test(this.text.slice(this.at - this.column(), this.at));
  }

  /** Passes space, comments and line ends; returns whether what comes then starts its line. */
  skip() {
    for (;;) {
      const gap = this.at === 0 || this.gap(-1);
      if (this.peek() === "#" && gap) {
        while (this.at < this.text.length && this.peek() !== "\n") this.at += 1;
      } else if (" \n\t".includes(this.peek() || "x")) {
        this.at += 1;
      } else break;
    }
    const before = this.text.slice(this.at - this.column(), this.at);
    const starts = this.startsLine();
    if (starts && before.includes("\t") && this.peek() !== "") this.fail("a tab as indentation");
    return starts;
  }

  /** A node that is indented by more than `parent`; `nested`: it may begin a collection on this line. */
  blockNode(parent, nested, sequenceAt = parent + 1) {
    const starts = this.skip();
    const column = this.column();
    const isItem = this.peek() === "-" && this.gap(1);
    const inside = !starts || column > parent || (isItem && column >= sequenceAt);
    if (this.at >= this.text.length || !inside) return this.lacking();
    const mayNest = nested || starts;
    if (isItem) return mayNest ? this.sequence(column) : this.fail();
    if (this.peek() === "|" || this.peek() === ">") {
      const scalar = readBlockScalar(this.text, this.at, parent);
      if (scalar === null) this.fail();
      this.at = scalar.end;
      return scalar.value;
    }
    if ("[{".includes(this.peek())) return this.endOfLine(this.flow());
    if (this.keyAhead()) return mayNest ? this.mapping(column) : this.fail();
    if ("\"'".includes(this.peek())) return this.endOfLine(this.quoted());
    const text = this.plainLines(parent);
    return this.keep(() => plainValue(text));
  }

  /** Nothing but space and a comment may follow on the line. */
  endOfLine(value) {
    if (!/^[ \t]*(?:#.*)?(?:\n|$)/.test(this.text.slice(this.at))) this.fail();
    return value;
  }

  quoted() {
    const scalar = readQuoted(this.text, this.at);
    if (scalar === null) this.fail();
    this.at = scalar.end;
    return scalar.value;
  }

  /** Whether a key and its colon stand here on one line. */
  keyAhead() {
    const start = this.at;
    try {
      if ("\"'".includes(this.peek() || "x")) this.quoted();
      else this.plainLine(false);
    } catch (problem) {
      if (!(problem instanceof Invalid)) throw problem;
      this.at = start;
      return false;
    }
    const oneLine = !this.text.slice(start, this.at).includes("\n");
    while (" \t".includes(this.peek() || "x")) this.at += 1;
    const found = oneLine && this.peek() === ":" && this.gap(1);
    this.at = start;
    return found;
  }

  /** Plain text up to what ends it on this line. */
  plainLine(inFlow, continued = false) {
    const stops = inFlow ? ",[]{}" : "";
    const first = this.peek();
    if (!continued && (first === "" || NEVER_FIRST.includes(first))) this.fail();
    const nothing = this.gap(1) || (stops !== "" && stops.includes(this.peek(1)));
    if (!continued && "-?:".includes(first) && nothing) this.fail();
    const start = this.at;
    while (this.at < this.text.length && this.peek() !== "\n") {
      if (stops.includes(this.peek() || "x") && stops !== "") break;
      if (this.peek() === ":" && (this.gap(1) || (inFlow && stops.includes(this.peek(1))))) break;
      if (this.peek() === "#" && this.gap(-1)) break;
      this.at += 1;
    }
    const text = this.text.slice(start, this.at).replace(/[ \t]+$/, "");
    this.at = start + text.length;
    return text;
  }

  /** A plain scalar of a block, which further lines may continue. */
  plainLines(parent) {
    const lines = [this.plainLine(false)];
    for (;;) {
      const end = this.at;
      if (!/^[ \t]*(?:\n|$)/.test(this.text.slice(end))) {
        this.endOfLine(null);
        break;
      }
      this.skip();
      const between = this.text.slice(end, this.at);
      if (this.at >= this.text.length || this.column() <= parent || between.includes("#")) {
        this.at = end;
        break;
      }
      for (let i = 1; i < between.split("\n").length - 1; i += 1) lines.push("");
      lines.push(this.plainLine(false, true));
      if (this.peek() === ":") this.fail("a key in the middle of a text");
    }
    return foldLines(lines);
  }

  key(inFlow) {
    if ("\"'".includes(this.peek())) return this.quoted();
    const text = this.plainLine(inFlow);
    return this.keep(() => plainKey(text)) ?? text;
  }

  newKey(members, inFlow) {
    const key = this.key(inFlow);
    this.keep(() => {
      if (Object.hasOwn(members, key)) throw new Invalid("duplicate-key", `the key ${key}`);
    });
    return key;
  }

  mapping(column) {
    const members = Object.create(null);
    for (;;) {
      const key = this.newKey(members, false);
      while (" \t".includes(this.peek() || "x")) this.at += 1;
      this.at += 1; // the colon
      members[key] = this.blockNode(column, false, column);
      const starts = this.skip();
      if (this.at >= this.text.length || this.column() < column) return members;
      if (!starts || this.column() > column || !this.keyAhead()) this.fail();
    }
  }

  sequence(column) {
    const items = [];
    for (;;) {
      this.at += 1; // the dash
      items.push(this.blockNode(column, true));
      const starts = this.skip();
      if (this.at >= this.text.length || this.column() < column) return items;
      if (!starts || this.column() > column) this.fail();
      // Something else at this column is a key of the mapping around.
      if (this.peek() !== "-" || !this.gap(1)) return items;
    }
  }

  flow() {
    return this.peek() === "[" ? this.flowSequence() : this.flowMapping();
  }

  flowNode() {
    if ("[{".includes(this.peek())) return this.flow();
    if ("\"'".includes(this.peek())) return this.quoted();
    if (",]}".includes(this.peek() || "x")) return this.lacking();
    const text = this.flowPlain();
    return this.keep(() => plainValue(text));
  }

  flowPlain() {
    const lines = [this.plainLine(true)];
    for (;;) {
      const end = this.at;
      const starts = this.skip();
      if (!starts || ",[]{}:#".includes(this.peek() || ",")) {
        this.at = end;
        return foldLines(lines);
      }
      lines.push(this.plainLine(true));
    }
  }

  /** Passes a comma, or stands at the closing bracket. */
  flowSeparator(close) {
    this.skip();
    if (this.peek() === ",") {
      this.at += 1;
      this.skip();
    } else if (this.peek() !== close) this.fail();
  }

  flowSequence() {
    const items = [];
    this.at += 1;
    this.skip();
    while (this.peek() !== "]") {
      if (this.at >= this.text.length) this.fail();
      const start = this.at;
      const members = Object.create(null);
      const isString = !"[{".includes(this.peek());
      const item = this.flowNode();
      this.skip();
      if (this.peek() === ":") {
        if (!isString) this.fail("a key that is no string");
        this.at = start;
        const key = this.newKey(members, true);
        this.flowValue(members, key);
        items.push(members);
      } else items.push(item);
      this.flowSeparator("]");
    }
    this.at += 1;
    return items;
  }

  flowValue(members, key) {
    this.skip();
    if (this.peek() === ":") {
      this.at += 1;
      this.skip();
      members[key] = this.flowNode();
    } else members[key] = this.lacking();
  }

  flowMapping() {
    const members = Object.create(null);
    this.at += 1;
    this.skip();
    while (this.peek() !== "}") {
      if (this.at >= this.text.length || "[{".includes(this.peek())) this.fail();
      this.flowValue(members, this.newKey(members, true));
      this.flowSeparator("}");
    }
    this.at += 1;
    return members;
  }
}
