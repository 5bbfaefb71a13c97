//! The tags of the first image, walked as Pillow walks them.

use crate::error::PixelError;

/// The tags that decide pixels; the others are passed over.
pub(super) mod tag {
    pub const WIDTH: u16 = 256;
    pub const HEIGHT: u16 = 257;
    pub const BITS: u16 = 258;
    pub const COMPRESSION: u16 = 259;
    pub const PHOTOMETRIC: u16 = 262;
    pub const FILL_ORDER: u16 = 266;
    pub const STRIP_OFFSETS: u16 = 273;
    pub const ORIENTATION: u16 = 274;
    pub const SAMPLES: u16 = 277;
    pub const ROWS_PER_STRIP: u16 = 278;
    pub const STRIP_BYTES: u16 = 279;
    pub const PLANAR: u16 = 284;
    pub const PREDICTOR: u16 = 317;
    pub const COLOUR_MAP: u16 = 320;
    pub const TILE_WIDTH: u16 = 322;
    pub const TILE_HEIGHT: u16 = 323;
    pub const TILE_OFFSETS: u16 = 324;
    pub const TILE_BYTES: u16 = 325;
    pub const EXTRA_SAMPLES: u16 = 338;
    pub const SAMPLE_FORMAT: u16 = 339;
    pub const JPEG_TABLES: u16 = 347;
    pub const XMP: u16 = 700;
    pub const WINDOWS_PHOTO: u16 = 0xbc01;

    pub const ALL: [u16; 23] = [
        WIDTH,
        HEIGHT,
        BITS,
        COMPRESSION,
        PHOTOMETRIC,
        FILL_ORDER,
        STRIP_OFFSETS,
        ORIENTATION,
        SAMPLES,
        ROWS_PER_STRIP,
        STRIP_BYTES,
        PLANAR,
        PREDICTOR,
        COLOUR_MAP,
        TILE_WIDTH,
        TILE_HEIGHT,
        TILE_OFFSETS,
        TILE_BYTES,
        EXTRA_SAMPLES,
        SAMPLE_FORMAT,
        JPEG_TABLES,
        XMP,
        WINDOWS_PHOTO,
    ];
}

/// Values of a tag, or of a sample: in which order their bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    pub fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    pub fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }

    fn u64(self, bytes: [u8; 8]) -> u64 {
        match self {
            Self::Little => u64::from_le_bytes(bytes),
            Self::Big => u64::from_be_bytes(bytes),
        }
    }
}

/// The whole numbers of a tag.
#[derive(Debug, Clone, Copy)]
pub(super) struct Values<'a> {
    stored: &'a [u8],
    /// Bytes of one: 2, 4 or 8.
    size: usize,
    order: Order,
}

impl Values<'_> {
    pub fn len(&self) -> usize {
        self.stored.len() / self.size
    }

    pub fn get(&self, index: usize) -> Option<u64> {
        let bytes = self.stored.get(index * self.size..)?;
        Some(match self.size {
            2 => self.order.u16(*bytes.first_chunk()?).into(),
            4 => self.order.u32(*bytes.first_chunk()?).into(),
            _ => self.order.u64(*bytes.first_chunk()?),
        })
    }

    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

struct Entry<'a> {
    tag: u16,
    kind: u16,
    stored: &'a [u8],
}

pub(super) struct Directory<'a> {
    pub order: Order,
    /// Whether the file begins as the format says, and no tag that decides pixels was passed over;
    /// Pillow also reads some files that are otherwise.
    pub regular: bool,
    /// Whether the walk came to the end of the tags.
    pub complete: bool,
    /// One for each known tag at most.
    entries: Vec<Entry<'a>>,
}

const BYTE: u16 = 1;
const SHORT: u16 = 3;
const LONG: u16 = 4;
const UNDEFINED: u16 = 7;
const LONG8: u16 = 16;

/// Bytes of one value of a type; none for types that Pillow does not know.
fn size_of(kind: u16) -> Option<u64> {
    Some(match kind {
        1 | 2 | 6 | 7 => 1,
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16 => 8,
        _ => return None,
    })
}

impl<'a> Directory<'a> {
    pub fn read(data: &'a [u8]) -> Result<Self, PixelError> {
        let head: &[u8; 8] = data.first_chunk().ok_or(PixelError::Truncated)?;
        let order = if head[0] == b'M' {
            Order::Big
        } else {
            Order::Little
        };
        if head[2..4] == [0, 43] {
            return Err(PixelError::UnsupportedFeature(
                "BigTIFF with the high byte first is not read".into(),
            ));
        }
        let big = head[2] == 43;
        let start = if big {
            let rest: &[u8; 8] = data[8..].first_chunk().ok_or(PixelError::Truncated)?;
            order.u64(*rest)
        } else {
            order.u32([head[4], head[5], head[6], head[7]]).into()
        };
        if start == 0 {
            return Err(PixelError::Corrupt("there is no image".into()));
        }
        let mut directory = Self {
            order,
            regular: order.u16([head[2], head[3]]) == if big { 43 } else { 42 }
                && (!big || data[4..8] == [8, 0, 0, 0]),
            complete: false,
            entries: Vec::new(),
        };
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        directory.complete = directory.walk(data, start, big).is_some();
        Ok(directory)
    }

    /// Stops, and returns nothing, where the file ends: as Pillow does, the tags so far count.
    fn walk(&mut self, data: &'a [u8], start: usize, big: bool) -> Option<()> {
        let order = self.order;
        let mut rest = data.get(start..)?;
        let count = if big {
            order.u64(*take(&mut rest)?)
        } else {
            order.u16(*take(&mut rest)?).into()
        };
        // Values that lie outside of the entries must not be more than the file altogether.
        let mut total = 0u64;
        for _ in 0..count {
            let tag = order.u16(*take(&mut rest)?);
            let kind = order.u16(*take(&mut rest)?);
            let (values, place): (_, &[u8]) = if big {
                (order.u64(*take(&mut rest)?), take::<8>(&mut rest)?)
            } else {
                (order.u32(*take(&mut rest)?).into(), take::<4>(&mut rest)?)
            };
            let known = tag::ALL.contains(&tag);
            let Some(size) = size_of(kind).filter(|_| values > 0) else {
                self.regular &= !known;
                continue;
            };
            let size = values.saturating_mul(size);
            let stored = if size <= place.len() as u64 {
                &place[..size as usize]
            } else {
                let offset = match place.first_chunk::<8>() {
                    Some(bytes) => order.u64(*bytes),
                    None => order.u32(*place.first_chunk()?).into(),
                };
                if offset < 1 << 63 {
                    total = total.saturating_add(size);
                }
                if offset >= 1 << 63 || total > data.len() as u64 {
                    self.regular &= !known;
                    continue;
                }
                let offset = usize::try_from(offset).ok()?;
                data.get(offset..)?.get(..size as usize)?
            };
            if known && !self.has(tag) {
                self.entries.push(Entry { tag, kind, stored });
            }
        }
        // The place of the next image, which is not looked at.
        if big {
            take::<8>(&mut rest).map(|_| ())
        } else {
            take::<4>(&mut rest).map(|_| ())
        }
    }

    fn find(&self, tag: u16) -> Option<&Entry<'a>> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }

    pub fn has(&self, tag: u16) -> bool {
        self.find(tag).is_some()
    }

    /// The whole numbers of a tag, where it is there.
    pub fn values(&self, tag: u16) -> Result<Option<Values<'a>>, PixelError> {
        let Some(entry) = self.find(tag) else {
            return Ok(None);
        };
        let size = match entry.kind {
            SHORT => 2,
            LONG => 4,
            LONG8 => 8,
            kind => {
                return Err(PixelError::Corrupt(format!(
                    "tag {tag} of type {kind} is no whole number"
                )))
            }
        };
        Ok(Some(Values {
            stored: entry.stored,
            size,
            order: self.order,
        }))
    }

    /// The one number of a tag, where it is there.
    pub fn value(&self, tag: u16) -> Result<Option<u32>, PixelError> {
        let Some(values) = self.values(tag)? else {
            return Ok(None);
        };
        let value = (values.len() == 1).then(|| values.get(0)).flatten();
        let value = value.and_then(|value| u32::try_from(value).ok());
        value
            .map(Some)
            .ok_or_else(|| PixelError::Corrupt(format!("tag {tag} is not one number")))
    }

    /// The bytes of a tag, where it is there and has bytes.
    pub fn bytes(&self, tag: u16) -> Option<&'a [u8]> {
        let entry = self.find(tag)?;
        [BYTE, UNDEFINED]
            .contains(&entry.kind)
            .then_some(entry.stored)
    }
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (first, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One SHORT in the entry, a tag of an unknown type, and three SHORTs behind the directory.
    fn file(big_endian: bool, unknown: u16) -> Vec<u8> {
        let word = |value: u16| match big_endian {
            true => value.to_be_bytes(),
            false => value.to_le_bytes(),
        };
        let long = |value: u32| match big_endian {
            true => value.to_be_bytes(),
            false => value.to_le_bytes(),
        };
        let mut file = if big_endian { b"MM" } else { b"II" }.to_vec();
        file.extend_from_slice(&word(42));
        file.extend_from_slice(&long(8));
        file.extend_from_slice(&word(3));
        for (tag, kind, count) in [(tag::WIDTH, 3, 1), (unknown, 99, 1), (tag::BITS, 3, 3)] {
            file.extend_from_slice(&[word(tag), word(kind)].concat());
            file.extend_from_slice(&long(count));
            match count {
                1 => file.extend_from_slice(&[word(7), word(0)].concat()),
                _ => file.extend_from_slice(&long(50)),
            }
        }
        file.extend_from_slice(&long(0));
        for value in [8, 9, 10] {
            file.extend_from_slice(&word(value));
        }
        file
    }

    /// Protects: either byte order, values in the entry and behind it.
    #[test]
    fn values() {
        for big_endian in [false, true] {
            let file = file(big_endian, tag::HEIGHT);
            let directory = Directory::read(&file).unwrap();
            assert!(directory.complete);
            assert_eq!(directory.value(tag::WIDTH).unwrap(), Some(7));
            assert_eq!(directory.value(tag::HEIGHT).unwrap(), None);
            assert!(directory.value(tag::BITS).is_err());
            let bits = directory.values(tag::BITS).unwrap().unwrap();
            assert_eq!(bits.iter().collect::<Vec<_>>(), [8, 9, 10]);
        }
    }

    /// Protects: what libtiff refuses, and Pillow's own reader does not. A tag that decides nothing
    /// may have any type.
    #[test]
    fn a_tag_of_an_unknown_type() {
        for (unknown, regular) in [(tag::HEIGHT, false), (305, true)] {
            let file = file(false, unknown);
            assert_eq!(
                Directory::read(&file).unwrap().regular,
                regular,
                "{unknown}"
            );
        }
    }

    /// Protects: cuts are no panic, and the tags before a cut count.
    #[test]
    fn every_prefix() {
        let file = file(false, tag::HEIGHT);
        for length in 0..file.len() {
            let directory = Directory::read(&file[..length]);
            assert!(directory.map_or(true, |directory| !directory.complete));
        }
        let directory = Directory::read(&file[..30]).unwrap();
        assert_eq!(directory.value(tag::WIDTH).unwrap(), Some(7));
    }
}
