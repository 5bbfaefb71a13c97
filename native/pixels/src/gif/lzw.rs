//! The compressed pixels of a GIF, with the dictionary and the refusals of Pillow's decoder.

use crate::error::PixelError;
use crate::limits::Cancel;

const MOST_BITS: u32 = 12;
const TABLE: usize = 1 << MOST_BITS;

/// Codes between two looks at the cancel flag.
const CODES_PER_CHECK: usize = 1 << 16;

/// Where the pixels of an image go: rows from left to right, in file order.
pub(super) trait Canvas {
    /// Takes the next pixels. Returns false once the image is complete.
    fn put(&mut self, indices: &[u8]) -> bool;
}

/// Decodes the blocks at the start of `data` until the canvas is complete.
///
/// As with Pillow a mark of the end is no end while pixels are missing, and neither is an empty
/// block; then the data run out, for here what follows a mark of the end is not taken for pixels.
pub(super) fn decode(
    data: &[u8],
    bits: u8,
    canvas: &mut impl Canvas,
    cancel: &Cancel,
) -> Result<(), PixelError> {
    let bits = u32::from(bits);
    if bits > MOST_BITS {
        return Err(PixelError::Corrupt(format!("codes of {bits} bits")));
    }
    let clear = 1usize << bits;
    let mut codes = Codes::new(data);
    let mut table = Table {
        values: [0; TABLE],
        links: [0; TABLE],
        next: clear + 2,
    };
    let mut width = bits + 1;
    // The last code and the first pixel of what it stood for; none after a clear code.
    let mut last: Option<(usize, u8)> = None;
    let mut text = [0; TABLE];
    let mut count = 0usize;
    loop {
        if count.is_multiple_of(CODES_PER_CHECK) {
            cancel.check()?;
        }
        count += 1;
        let code = codes.next(width)?;
        if code == clear {
            table.next = clear + 2;
            width = bits + 1;
            last = None;
            continue;
        }
        if code == clear + 1 {
            return Err(PixelError::Truncated);
        }
        let Some((last_code, last_pixel)) = last else {
            if code > clear {
                return Err(unknown(code));
            }
            last = Some((code, code as u8));
            if !canvas.put(&[code as u8]) {
                return Ok(());
            }
            continue;
        };
        if code > table.next {
            return Err(unknown(code));
        }
        // The string is written from its end.
        let mut start = TABLE;
        let mut rest = code;
        if code == table.next {
            start -= 1;
            text[start] = last_pixel;
            rest = last_code;
        }
        while rest >= clear {
            if start == 0 || rest >= TABLE {
                return Err(unknown(code));
            }
            start -= 1;
            text[start] = table.values[rest];
            rest = usize::from(table.links[rest]);
        }
        let first = rest as u8;
        if table.next < TABLE {
            table.values[table.next] = first;
            table.links[table.next] = last_code as u16;
            if table.next == (1 << width) - 1 && width < MOST_BITS {
                width += 1;
            }
            table.next += 1;
        }
        last = Some((code, first));
        if !canvas.put(&[first]) || (start < TABLE && !canvas.put(&text[start..])) {
            return Ok(());
        }
    }
}

fn unknown(code: usize) -> PixelError {
    PixelError::Corrupt(format!("code {code} stands for nothing yet"))
}

/// Of each code its last pixel, and the code of what comes before it.
struct Table {
    values: [u8; TABLE],
    links: [u16; TABLE],
    next: usize,
}

/// Codes of a number of bits, the lowest bits first, from blocks that state their lengths.
struct Codes<'a> {
    data: &'a [u8],
    block: &'a [u8],
    buffer: u32,
    filled: u32,
}

impl<'a> Codes<'a> {
    fn new(data: &'a [u8]) -> Self {
        Self {
            data,
            block: &[],
            buffer: 0,
            filled: 0,
        }
    }

    fn next(&mut self, width: u32) -> Result<usize, PixelError> {
        while self.filled < width {
            let Some((&byte, rest)) = self.block.split_first() else {
                // A block counts only when it is complete.
                let (&length, rest) = self.data.split_first().ok_or(PixelError::Truncated)?;
                let length = usize::from(length);
                self.block = rest.get(..length).ok_or(PixelError::Truncated)?;
                self.data = &rest[length..];
                continue;
            };
            self.block = rest;
            self.buffer |= u32::from(byte) << self.filled;
            self.filled += 8;
        }
        let code = self.buffer & ((1 << width) - 1);
        self.buffer >>= width;
        self.filled -= width;
        Ok(code as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Line(Vec<u8>, usize);

    impl Canvas for Line {
        fn put(&mut self, indices: &[u8]) -> bool {
            self.0.extend_from_slice(indices);
            self.0.len() < self.1
        }
    }

    /// Codes of 3 bits and then 4, for 2 bits a pixel.
    fn packed(codes: &[(u32, u32)]) -> Vec<u8> {
        let (mut value, mut filled) = (0u64, 0);
        for &(code, width) in codes {
            value |= u64::from(code) << filled;
            filled += width;
        }
        let bytes = &value.to_le_bytes()[..filled.div_ceil(8) as usize];
        [&[bytes.len() as u8], bytes].concat()
    }

    fn decoded(data: &[u8], pixels: usize) -> Result<Vec<u8>, PixelError> {
        let mut line = Line(Vec::new(), pixels);
        decode(data, 2, &mut line, &Cancel::default())?;
        Ok(line.0)
    }

    /// Protects: strings, the string that is its own prefix, wider codes after the table grows.
    #[test]
    fn strings() {
        // clear; 1; the string that is being made (1 1); 2; the string before (1 1 2) in 4 bits.
        let data = packed(&[(4, 3), (1, 3), (6, 3), (2, 3), (8, 4)]);
        assert_eq!(decoded(&data, 6).unwrap()[..6], [1, 1, 1, 2, 2, 2]);
    }

    /// Protects: blocks are joined, and empty ones passed over.
    #[test]
    fn blocks() {
        let data = packed(&[(4, 3), (1, 3), (2, 3), (3, 3)]);
        let split = [&[1, data[1], 0, 1], &data[2..]].concat();
        assert_eq!(decoded(&split, 3).unwrap(), [1, 2, 3]);
    }

    /// Protects: cuts, an early end, codes from nowhere and too many bits are errors.
    #[test]
    fn refused() {
        let data = packed(&[(4, 3), (1, 3), (6, 3), (2, 3), (8, 4)]);
        for length in 0..data.len() {
            assert!(decoded(&data[..length], 6).is_err());
        }
        assert_eq!(
            decoded(&packed(&[(1, 3), (5, 3)]), 2).unwrap_err().kind(),
            "truncated"
        );
        assert_eq!(
            decoded(&packed(&[(1, 3), (7, 3)]), 2).unwrap_err().kind(),
            "corrupt"
        );
        let mut line = Line(Vec::new(), 1);
        assert!(decode(&data, 13, &mut line, &Cancel::default()).is_err());
    }
}
