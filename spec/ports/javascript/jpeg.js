/** JPEG files (section 8.1): markers and colour. ITU-T T.81 names the parts of a file. */

import { LARGEST_IMAGE } from "./geometry.js";
import { Invalid } from "./invalid.js";
import { decodeScan } from "./jpeg_scan.js";
import { inverseTransform, upsample } from "./jpeg_samples.js";

const MOST_SCANS = 1000;
/** The most that scans times pixels may be. */
const MOST_SCANNED = 2_147_483_640;
const MOST_BLOCKS_OF_A_UNIT = 10;
const ZIGZAG = [
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
  28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
  47, 55, 62, 63,
];

export function bad(what) {
  return new Invalid("value", `JPEG: ${what}`);
}

/** The file ends: behind the last row of its only scan it may. */
class Cut extends Invalid {
  constructor() {
    super("value", "JPEG: the file ends too early");
  }
}

/** Markers that stand for no segment, or for one that no file of these processes has. */
function isReserved(code) {
  return code <= 0xbf || code === 0xc8 || code === 0xde || code === 0xdf || (code >= 0xf0 && code <= 0xfd);
}

function isFrame(code) {
  return code >= 0xc0 && code <= 0xcf && code !== 0xc4 && code !== 0xc8 && code !== 0xcc;
}

export function isJpeg(bytes) {
  return bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
}

/** What the markers say: frame, tables, and what was read of them so far. */
class Decoder {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 2;
    this.quantisation = [];
    this.huffman = { dc: [], ac: [] };
    this.restartInterval = 0;
    this.frame = null;
    this.adobe = null;
    this.jfif = false;
    this.scans = 0;
  }

  byte() {
    if (this.at >= this.bytes.length) throw new Cut();
    return this.bytes[this.at++];
  }

  word() {
    return this.byte() * 256 + this.byte();
  }

  /** The next marker; what stands before it is passed. */
  marker() {
    for (;;) {
      while (this.byte() !== 0xff);
      let code = this.byte();
      while (code === 0xff) code = this.byte();
      if (code !== 0) return code;
    }
  }

  read() {
    for (;;) {
      const code = this.marker();
      if (code === 0xd9 && this.frame !== null) break;
      if (code === 0xd9) this.startAgain();
      else this.segment(code);
      if (code === 0xda && this.isWhole()) return this.readOn();
    }
    if (this.frame === null || this.scans === 0) throw bad("no image");
  }

  /** Behind a stream of tables alone, which stay. */
  startAgain() {
    if (this.word() !== 0xffd8) throw bad("no image");
    Object.assign(this, { restartInterval: 0, jfif: false, adobe: null });
  }

  /** Whether the scan that was read is the only one. */
  isWhole() {
    return !this.frame.progressive && this.frame.components.every(({ seen }) => seen) && this.scans === 1;
  }

  /** What follows the only scan: an end mark, another marker, or at least 8 bytes. */
  readOn() {
    const enough = this.bytes.length - this.at >= 8;
    let marked = false;
    try {
      for (;;) {
        const code = this.marker();
        marked = true;
        if (code === 0xd9) return;
        if (isFrame(code)) throw bad("a second frame");
        if (code !== 0xda) this.segment(code);
        else if (this.at + this.word() <= this.bytes.length) throw bad("a scan after the last row");
        else throw new Cut();
      }
    } catch (error) {
      if (!(error instanceof Cut)) throw error;
    }
    if (!marked && !enough) throw bad("the file ends too early");
  }

  /** Reads what stands behind a marker, and passes what says nothing. */
  segment(code) {
    if (code >= 0xd0 && code <= 0xd7) return;
    if (code === 0x01 && this.scans > 0) return;
    if (code === 0xd8) throw bad("a second start");
    if (isReserved(code)) throw bad("a marker that no segment has");
    const end = this.at + this.word();
    if (code === 0xda) {
      this.startScan(end);
      return;
    }
    this.contents(code, end);
    if (end > this.bytes.length) throw new Cut();
    this.at = end;
  }

  contents(code, end) {
    if (code === 0xdb) this.quantisationTables(end);
    else if (code === 0xc4) this.huffmanTables(end);
    else if (code === 0xc0 || code === 0xc1 || code === 0xc2) this.startFrame(code === 0xc2, end);
    else if (isFrame(code)) throw bad("a process that is not read here");
    else if (code === 0xcc) this.conditioning(end);
    else if (code === 0xdd) this.restarts(end);
    else if (this.scans === 0) this.colours(code, end - this.at);
  }

  /** What markers before the first scan say of colours. */
  colours(code, length) {
    if (code === 0xe0 && length >= 14 && this.text(5) === "JFIF\0") this.jfif = true;
    if (code === 0xee && length >= 12 && this.text(5) === "Adobe") this.adobe = this.bytes[this.at + 11];
  }

  /** A segment ends where its contents do. */
  mustEnd(end) {
    if (this.at !== end) throw bad("a segment of another length than its contents");
  }

  restarts(end) {
    if (end - this.at !== 2) throw bad("a segment of another length than its contents");
    this.restartInterval = this.word();
  }

  /** Of the arithmetic codes, which are not read here. */
  conditioning(end) {
    while (this.at < end) {
      const [number, value] = [this.byte(), this.byte()];
      if (number > 31 || (number < 16 && (value & 15) > value >> 4)) throw bad("a conditioning");
    }
    this.mustEnd(end);
  }

  text(length) {
    return Buffer.from(this.bytes.subarray(this.at, this.at + length)).toString("latin1");
  }

  quantisationTables(end) {
    while (this.at < end) {
      const head = this.byte();
      if ((head & 15) > 3) throw bad("the number of a table");
      const table = new Int32Array(64);
      for (const place of ZIGZAG) table[place] = head >> 4 ? this.word() : this.byte();
      this.quantisation[head & 15] = table;
    }
    this.mustEnd(end);
  }

  huffmanTables(end) {
    // What is shorter than a table's counts is no table.
    while (end - this.at > 16) {
      const head = this.byte();
      const counts = Array.from({ length: 16 }, () => this.byte());
      const count = counts.reduce((a, b) => a + b);
      if (count > 256 || count > end - this.at) throw bad("a table of too many codes");
      const symbols = Array.from({ length: count }, () => this.byte());
      if (head > 0x1f || (head & 15) > 3) throw bad("the number of a table");
      this.huffman[head >> 4 ? "ac" : "dc"][head & 15] = { counts, symbols };
    }
    this.mustEnd(end);
  }

  startFrame(progressive, end) {
    if (this.frame !== null) throw bad("two frames");
    if (this.byte() !== 8) throw bad("samples of another depth");
    const height = this.word();
    const width = this.word();
    if (height === 0 || width === 0) throw bad("no size");
    if (height * width > LARGEST_IMAGE) throw bad("too many pixels");
    const components = Array.from({ length: this.byte() }, () => {
      const id = this.byte();
      const sampling = this.byte();
      return { id, h: sampling >> 4, v: sampling & 15, table: this.byte(), seen: false };
    });
    this.mustEnd(end);
    if (components.some(({ h, v }) => h < 1 || h > 4 || v < 1 || v > 4)) throw bad("sampling factors");
    const hMost = Math.max(...components.map(({ h }) => h));
    const vMost = Math.max(...components.map(({ v }) => v));
    const across = Math.ceil(width / (8 * hMost));
    const down = Math.ceil(height / (8 * vMost));
    for (const component of components) {
      component.width = Math.ceil((width * component.h) / hMost);
      component.height = Math.ceil((height * component.v) / vMost);
      component.blocksAcross = across * component.h;
      component.blocksDown = down * component.v;
      component.blocks = new Int16Array(component.blocksAcross * component.blocksDown * 64);
    }
    this.frame = { progressive, height, width, hMost, vMost, across, down, components };
  }

  startScan(end) {
    if (this.frame === null) throw bad("a scan before its frame");
    this.scans += 1;
    if (this.scans > MOST_SCANS) throw bad("too many scans");
    if (this.scans * this.frame.width * this.frame.height > MOST_SCANNED) throw bad("too many scans of its pixels");
    const members = Array.from({ length: this.byte() }, () => {
      const id = this.byte();
      const tables = this.byte();
      const component = this.frame.components.find((one) => one.id === id);
      if (component === undefined) throw bad("a scan of no component");
      component.seen = true;
      // The table that holds while a component's first scan is read is the component's.
      component.quantisation ??= this.quantisation[component.table];
      if (component.quantisation === undefined) throw bad("a scan without its quantisation table");
      return { component, dc: this.huffman.dc[tables >> 4], ac: this.huffman.ac[tables & 15] };
    });
    if (members.length === 0) throw bad("a scan of no component");
    const scan = { members, first: this.byte(), last: this.byte() };
    const approximation = this.byte();
    Object.assign(scan, { high: approximation >> 4, low: approximation & 15 });
    this.mustEnd(end);
    if (new Set(members.map(({ component }) => component)).size < members.length) throw bad("a component twice");
    const blocks = members.reduce((sum, { component }) => sum + component.h * component.v, 0);
    if (members.length > 1 && blocks > MOST_BLOCKS_OF_A_UNIT) throw bad("too many blocks in a unit");
    this.at = decodeScan(this.bytes, this.at, scan, this.frame, this.restartInterval, ZIGZAG);
  }
}

function clamp(value) {
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

/** R, G, B of a luminance and two colour differences. */
function fromYcc(y, cb, cr) {
  const [b, r] = [cb - 128, cr - 128];
  return [
    clamp(y + ((91881 * r + 32768) >> 16)),
    clamp(y + ((-22554 * b - 46802 * r + 32768) >> 16)),
    clamp(y + ((116130 * b + 32768) >> 16)),
  ];
}

function isYcc({ components }, { jfif, adobe }) {
  if (components.length === 4) return adobe !== null && adobe !== 0;
  if (jfif) return true;
  if (adobe !== null) return adobe !== 0;
  return Buffer.from(components.map(({ id }) => id)).toString("latin1") !== "RGB";
}

function fromCmyk(c, m, y, k) {
  return [c, m, y].map((v) => {
    const t = (255 - v) * k + 128;
    return k - (((t >> 8) + t) >> 8);
  });
}

function colourOf(frame, decoder) {
  const count = frame.components.length;
  const ycc = isYcc(frame, decoder);
  if (count === 1) return ([gray]) => [gray, gray, gray];
  if (count === 3) return ([a, b, c]) => (ycc ? fromYcc(a, b, c) : [a, b, c]);
  if (count !== 4) throw bad("a number of components");
  return ([a, b, c, k]) => {
    const [r, g, blue] = ycc ? fromYcc(a, b, c).map((v) => 255 - v) : [a, b, c];
    return fromCmyk(r, g, blue, k);
  };
}

/** {height, width, data: RGB bytes}. */
export function decodeJpeg(bytes) {
  const decoder = new Decoder(bytes);
  decoder.read();
  const { frame } = decoder;
  const { height, width } = frame;
  // What no scan has is zeros, whose samples no table changes.
  for (const component of frame.components) component.quantisation ??= new Int32Array(64);
  const planes = frame.components.map((component) => upsample(inverseTransform(component), component, frame));
  const colour = colourOf(frame, decoder);
  const data = new Uint8Array(height * width * 3);
  for (let i = 0; i < height * width; i += 1) data.set(colour(planes.map((plane) => plane[i])), 3 * i);
  return { height, width, data };
}
