//! LZW as in TIFF: codes with the high bits first, which widen one code early.

use crate::error::PixelError;

const CLEAR: usize = 256;
const END: usize = 257;
const FIRST: usize = 258;
const FEWEST_BITS: u32 = 9;
const MOST_BITS: u32 = 12;
/// Entries at most: libtiff's table is larger than the codes can name.
const TABLE: usize = (1 << MOST_BITS) - 1 + 1024;

/// What a code stands for: a byte after what another code stands for.
#[derive(Clone, Copy, Default)]
struct Entry {
    link: u16,
    length: u16,
    first: u8,
    last: u8,
}

/// Decodes a strip or tile, in portions of any size. Refuses what libtiff refuses.
pub(super) struct Decoder<'a> {
    data: &'a [u8],
    buffer: u32,
    filled: u32,
    width: u32,
    table: Vec<Entry>,
    /// Number of entries; none where only a clear code may follow.
    entries: Option<usize>,
    last: usize,
    /// What is left of a code's bytes, which end at `text.len()`.
    text: Vec<u8>,
    given: usize,
}

impl<'a> Decoder<'a> {
    pub fn new(data: &'a [u8]) -> Result<Self, PixelError> {
        if let [0, second, ..] = data {
            if second & 1 != 0 {
                return Err(super::layout::refused("of old-style LZW"));
            }
        }
        let mut table = vec![Entry::default(); TABLE];
        for (value, entry) in (0..=255).zip(&mut table) {
            *entry = Entry {
                link: 0,
                length: 1,
                first: value,
                last: value,
            };
        }
        Ok(Self {
            data,
            buffer: 0,
            filled: 0,
            width: FEWEST_BITS,
            table,
            entries: None,
            last: 0,
            text: Vec::new(),
            given: 0,
        })
    }

    /// Fills `out`.
    pub fn read(&mut self, mut out: &mut [u8]) -> Result<(), PixelError> {
        while !out.is_empty() {
            if self.given == self.text.len() {
                self.decode_code()?;
            }
            let count = out.len().min(self.text.len() - self.given);
            let (now, later) = out.split_at_mut(count);
            now.copy_from_slice(&self.text[self.given..][..count]);
            self.given += count;
            out = later;
        }
        Ok(())
    }

    /// The bytes of the next code that has any, into `text`.
    fn decode_code(&mut self) -> Result<(), PixelError> {
        let mut code = self.next_code()?;
        if code == CLEAR {
            self.width = FEWEST_BITS;
            while code == CLEAR {
                code = self.next_code()?;
            }
            if code == END {
                return Err(PixelError::Truncated);
            }
            if code > END {
                return Err(unknown(code));
            }
            self.entries = Some(FIRST);
            self.last = code;
            self.write(code);
            return Ok(());
        }
        if code == END {
            return Err(PixelError::Truncated);
        }
        let next = self.entries.ok_or_else(|| unknown(code))?;
        if code > next {
            return Err(unknown(code));
        }
        let before = self.table[self.last];
        self.table[next] = Entry {
            link: self.last as u16,
            length: before.length + 1,
            first: before.first,
            last: if code == next {
                before.first
            } else {
                self.table[code].first
            },
        };
        let next = next + 1;
        if next > (1 << self.width) - 2 && self.width < MOST_BITS {
            self.width += 1;
        }
        self.entries = (next < TABLE).then_some(next);
        self.last = code;
        self.write(code);
        Ok(())
    }

    fn write(&mut self, code: usize) {
        let mut entry = self.table[code];
        self.given = 0;
        self.text.clear();
        self.text.resize(entry.length.into(), 0);
        for place in self.text.iter_mut().rev() {
            *place = entry.last;
            entry = self.table[usize::from(entry.link)];
        }
    }

    fn next_code(&mut self) -> Result<usize, PixelError> {
        while self.filled < self.width {
            let (&byte, rest) = self.data.split_first().ok_or(PixelError::Truncated)?;
            self.data = rest;
            self.buffer = (self.buffer << 8) | u32::from(byte);
            self.filled += 8;
        }
        self.filled -= self.width;
        let code = (self.buffer >> self.filled) & ((1 << self.width) - 1);
        Ok(code as usize)
    }
}

fn unknown(code: usize) -> PixelError {
    PixelError::Corrupt(format!("code {code} stands for nothing yet"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(codes: &[u32]) -> Vec<u8> {
        let mut bits: Vec<bool> = Vec::new();
        for code in codes {
            bits.extend((0..9).rev().map(|bit| code >> bit & 1 == 1));
        }
        let byte = |bits: &[bool]| bits.iter().fold(0, |byte, &bit| byte << 1 | u8::from(bit));
        bits.resize(bits.len().next_multiple_of(8), false);
        bits.chunks(8).map(byte).collect()
    }

    /// Protects: strings, the string that is its own prefix, and portions of any size.
    #[test]
    fn strings_in_portions() {
        let data = packed(&[256, 7, 258, 8, 260, 257]);
        let expected = [7, 7, 7, 8, 8, 8];
        for portion in 1..=6 {
            let mut decoder = Decoder::new(&data).unwrap();
            let mut out = [0; 6];
            for part in out.chunks_mut(portion) {
                decoder.read(part).unwrap();
            }
            assert_eq!(out, expected);
        }
    }

    /// Protects: cuts, an early end, codes from nowhere and a start without a clear code.
    #[test]
    fn refused() {
        let data = packed(&[256, 7, 258, 8, 260]);
        for length in 0..data.len() - 1 {
            assert!(Decoder::new(&data[..length])
                .unwrap()
                .read(&mut [0; 6])
                .is_err());
        }
        for codes in [&[256, 7, 257][..], &[256, 7, 259], &[256, 258], &[7, 7]] {
            let data = packed(codes);
            assert!(Decoder::new(&data).unwrap().read(&mut [0; 2]).is_err());
        }
        let error = Decoder::new(&[0, 1]).err().unwrap();
        assert_eq!(error.to_string(), "TIFF of old-style LZW is not read");
    }
}
