/** The entropy-coded part of a JPEG scan, sequential and progressive (ITU-T T.81, annexes F and G). */

import { Invalid } from "./invalid.js";

class Bits {
  constructor(bytes, at) {
    this.bytes = bytes;
    this.at = at;
    this.value = 0;
    this.count = 0;
    this.marked = false;
  }

  bit() {
    if (this.count === 0) {
      this.value = this.nextByte();
      this.count = 8;
    }
    this.count -= 1;
    return (this.value >> this.count) & 1;
  }

  /** A byte of data; zeros where a marker comes before the data ends. */
  nextByte() {
    if (this.marked) return 0;
    if (this.at >= this.bytes.length) throw new Invalid("value", "JPEG: the file ends too early");
    const byte = this.bytes[this.at];
    if (byte !== 0xff) {
      this.at += 1;
      return byte;
    }
    if (this.at + 1 >= this.bytes.length) throw new Invalid("value", "JPEG: the file ends too early");
    if (this.bytes[this.at + 1] === 0) {
      this.at += 2;
      return byte;
    }
    this.marked = true;
    return 0;
  }

  bits(count) {
    let value = 0;
    for (let i = 0; i < count; i += 1) value = value * 2 + this.bit();
    return value;
  }

  /** A number of `count` bits with its sign (T.81, EXTEND). */
  signed(count) {
    if (count === 0) return 0;
    const value = this.bits(count);
    return value < 2 ** (count - 1) ? value - 2 ** count + 1 : value;
  }

  symbol(table) {
    if (table === undefined) throw new Invalid("value", "JPEG: a scan without its table of codes");
    const { counts, symbols } = table;
    let code = 0;
    let first = 0;
    let index = 0;
    for (const count of counts) {
      code = code * 2 + this.bit();
      if (code - first < count) return symbols[index + code - first];
      index += count;
      first = (first + count) * 2;
    }
    throw new Invalid("value", "JPEG: a code that is in no table");
  }

  /** Passes a restart marker. */
  restart() {
    this.count = 0;
    this.marked = false;
    while (this.at + 1 < this.bytes.length) {
      const code = this.bytes[this.at + 1];
      if (this.bytes[this.at] === 0xff && code !== 0 && code !== 0xff) {
        if (code >= 0xd0 && code <= 0xd7) this.at += 2;
        else this.marked = true;
        return;
      }
      this.at += 1;
    }
    throw new Invalid("value", "JPEG: the file ends too early");
  }
}

class Scan {
  constructor(bits, scan, zigzag) {
    Object.assign(this, { bits, ...scan, zigzag, run: 0 });
    this.predictions = new Map();
  }

  reset() {
    this.predictions.clear();
    this.run = 0;
  }

  dcDifference(member) {
    const { component, dc } = member;
    const value = (this.predictions.get(component) ?? 0) + this.bits.signed(this.bits.symbol(dc));
    this.predictions.set(component, value);
    return value;
  }

  /** All coefficients of a block of a sequential frame. */
  sequential(member, blocks, at) {
    blocks[at] = this.dcDifference(member);
    for (let k = 1; k < 64; k += 1) {
      const symbol = this.bits.symbol(member.ac);
      const size = symbol & 15;
      if (size === 0) {
        if (symbol !== 0xf0) return;
        k += 15;
        continue;
      }
      k += symbol >> 4;
      const value = this.bits.signed(size);
      if (k < 64) blocks[at + this.zigzag[k]] = value;
    }
  }

  dcFirst(member, blocks, at) {
    blocks[at] = this.dcDifference(member) << this.low;
  }

  dcRefine(member, blocks, at) {
    if (this.bits.bit()) blocks[at] |= 1 << this.low;
  }

  acFirst(member, blocks, at) {
    if (this.run > 0) {
      this.run -= 1;
      return;
    }
    for (let k = this.first; k <= this.last; k += 1) {
      const symbol = this.bits.symbol(member.ac);
      const [skip, size] = [symbol >> 4, symbol & 15];
      if (size === 0) {
        if (skip < 15) {
          this.run = 2 ** skip - 1 + this.bits.bits(skip);
          return;
        }
        k += 15;
        continue;
      }
      k += skip;
      const value = this.bits.signed(size) * 2 ** this.low;
      if (k < 64) blocks[at + this.zigzag[k]] = value;
    }
  }

  /** One more bit for a coefficient that is not 0 already. */
  refine(blocks, place) {
    if (!this.bits.bit()) return;
    const unit = 1 << this.low;
    if ((Math.abs(blocks[place]) & unit) === 0) blocks[place] += blocks[place] < 0 ? -unit : unit;
  }

  acRefine(member, blocks, at) {
    let k = this.first;
    if (this.run === 0) {
      for (; k <= this.last; k += 1) {
        const symbol = this.bits.symbol(member.ac);
        let skip = symbol >> 4;
        let value = 0;
        if ((symbol & 15) !== 0) value = this.bits.bit() ? 1 << this.low : -(1 << this.low);
        else if (skip < 15) {
          this.run = 2 ** skip + this.bits.bits(skip);
          break;
        }
        for (; k <= this.last; k += 1) {
          const place = at + this.zigzag[k];
          if (blocks[place] !== 0) this.refine(blocks, place);
          else if (skip === 0) {
            if (value !== 0) blocks[place] = value;
            break;
          } else skip -= 1;
        }
      }
    }
    if (this.run > 0) {
      for (; k <= this.last; k += 1) {
        const place = at + this.zigzag[k];
        if (blocks[place] !== 0) this.refine(blocks, place);
      }
      this.run -= 1;
    }
  }

  /** The function that reads one block of this scan. */
  reader(progressive) {
    if (!progressive) return this.sequential;
    if (this.first === 0) return this.high === 0 ? this.dcFirst : this.dcRefine;
    return this.high === 0 ? this.acFirst : this.acRefine;
  }
}

/** Reads a scan from a position; returns the position after it. */
export function decodeScan(bytes, at, given, frame, restartInterval, zigzag) {
  const bits = new Bits(bytes, at);
  const scan = new Scan(bits, given, zigzag);
  const read = scan.reader(frame.progressive);
  const single = given.members.length === 1 ? given.members[0].component : null;
  const across = single === null ? frame.across : Math.ceil(single.width / 8);
  const down = single === null ? frame.down : Math.ceil(single.height / 8);
  for (let unit = 0; unit < across * down; unit += 1) {
    if (restartInterval > 0 && unit > 0 && unit % restartInterval === 0) {
      bits.restart();
      scan.reset();
    }
    const row = Math.floor(unit / across);
    const column = unit % across;
    for (const member of given.members) {
      const { blocks, blocksAcross, h, v } = member.component;
      const [high, wide] = single === null ? [v, h] : [1, 1];
      for (let y = 0; y < high; y += 1) {
        for (let x = 0; x < wide; x += 1) {
          const block = (row * high + y) * blocksAcross + column * wide + x;
          read.call(scan, member, blocks, block * 64);
        }
      }
    }
  }
  return bits.at;
}
