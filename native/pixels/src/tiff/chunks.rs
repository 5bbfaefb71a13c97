//! The strips or tiles of an image: how large they are and where their bytes lie.

use super::directory::{tag, Directory, Values};
use super::layout::{Compression, Layout};
use crate::error::PixelError;
use crate::limits::Limits;

/// A strip is a tile as wide as the image; the last one ends with the image.
pub(super) struct Chunks<'a> {
    pub tiled: bool,
    pub width: usize,
    pub height: usize,
    pub across: usize,
    pub down: usize,
    offsets: Values<'a>,
    /// Offset of the one chunk that covers the image, if there is one.
    single: Option<u64>,
    /// Lengths in bytes; what is not compressed needs none.
    lengths: Option<Values<'a>>,
}

impl<'a> Chunks<'a> {
    pub fn read(
        directory: &Directory<'a>,
        layout: &Layout,
        limits: &Limits,
    ) -> Result<Self, PixelError> {
        let packed = layout.compression != Compression::None;
        let strips = directory.values(tag::STRIP_OFFSETS)?;
        let tiles = directory.values(tag::TILE_OFFSETS)?;
        let tiled = strips.is_none();
        if packed && strips.is_some() && directory.has(tag::TILE_WIDTH) {
            return Err(PixelError::Corrupt("both strips and tiles".into()));
        }
        let missing = || PixelError::Corrupt("the places of the pixels are missing".into());
        let offsets = strips.or(tiles).ok_or_else(missing)?;
        let (width, height) = if tiled {
            let side = |tag| directory.value(tag)?.ok_or_else(missing);
            (side(tag::TILE_WIDTH)?, side(tag::TILE_HEIGHT)?)
        } else {
            let rows = directory.value(tag::ROWS_PER_STRIP)?;
            (layout.width, rows.unwrap_or(layout.height))
        };
        if width == 0 || height == 0 {
            return Err(PixelError::Corrupt("a side of a tile is zero".into()));
        }
        let lengths = match tiled {
            true => directory.values(tag::TILE_BYTES)?,
            false => directory.values(tag::STRIP_BYTES)?,
        };
        let across = layout.width.div_ceil(width);
        let down = layout.height.div_ceil(height);
        if tiled {
            let image = u64::from(layout.width) * u64::from(layout.height);
            check_padding(limits, image, (across, width), (down, height))?;
        }
        let mut chunks = Self {
            tiled,
            width: width as usize,
            height: if tiled {
                height as usize
            } else {
                height.min(layout.height) as usize
            },
            across: across as usize,
            down: down as usize,
            offsets,
            single: None,
            lengths,
        };
        chunks.check_counts(layout, (width, height), packed, limits)?;
        Ok(chunks)
    }

    /// There must be an offset for each chunk, and a length where it is needed.
    fn check_counts(
        &mut self,
        layout: &Layout,
        size: (u32, u32),
        packed: bool,
        limits: &Limits,
    ) -> Result<(), PixelError> {
        let planes = if packed {
            layout.stored_samples as usize
        } else {
            layout.planes
        };
        let planes = if layout.planes == 1 { 1 } else { planes };
        let wanted = self.across * self.down * planes;
        let found = self.offsets.len();
        if !packed && !layout.separate && size == (layout.width, layout.height) && found > 1 {
            // As with Pillow: of several that cover the whole image the last one counts.
            self.single = self.offsets.get(found - 1);
        } else if found < wanted || (found > wanted && !packed) {
            return Err(PixelError::Corrupt(format!(
                "{found} strips or tiles where {wanted} are expected"
            )));
        }
        if packed && self.lengths.is_none_or(|lengths| lengths.len() < wanted) {
            return Err(PixelError::Corrupt(
                "the lengths of strips or tiles are missing".into(),
            ));
        }
        if let (true, Some(lengths)) = (packed, &self.lengths) {
            // They may lie over each other, so that a small file has any number of bytes to read.
            let lengths = (0..wanted).filter_map(|index| lengths.get(index));
            limits.check_packed(lengths.fold(0, u64::saturating_add))?;
        }
        Ok(())
    }

    /// Bytes from one row to the next of a chunk that is not compressed, `columns` of which lie in
    /// the image, in `row_bytes`. Of tiles that reach beyond it Pillow takes part of a byte for none.
    pub fn stride(
        &self,
        layout: &Layout,
        columns: usize,
        row_bytes: usize,
    ) -> Result<usize, PixelError> {
        if columns == self.width {
            return Ok(row_bytes);
        }
        let bits = self.width * layout.pixel.sample.bits() * layout.pixel.samples;
        let stride = bits / 8 / layout.stated_samples;
        if stride == 0 {
            // For Pillow's decoder zero means that the rows lie close to each other.
            return Ok(row_bytes);
        }
        if stride < row_bytes {
            return Err(PixelError::Corrupt("tiles of an odd width".into()));
        }
        Ok(stride)
    }

    /// The file from the start of a chunk on.
    pub fn start(
        &self,
        data: &'a [u8],
        (plane, row, column): (usize, usize, usize),
    ) -> Result<&'a [u8], PixelError> {
        let index = self.index(plane, row, column);
        let offset = self.single.or_else(|| self.offsets.get(index));
        let offset = offset.and_then(|offset| usize::try_from(offset).ok());
        offset
            .and_then(|offset| data.get(offset..))
            .ok_or(PixelError::Truncated)
    }

    /// The bytes of a compressed chunk.
    pub fn packed(
        &self,
        data: &'a [u8],
        place: (usize, usize, usize),
    ) -> Result<&'a [u8], PixelError> {
        let index = self.index(place.0, place.1, place.2);
        let length = self.lengths.and_then(|lengths| lengths.get(index));
        let length = length.and_then(|length| usize::try_from(length).ok());
        length
            .filter(|&length| length > 0)
            .and_then(|length| self.start(data, place).ok()?.get(..length))
            .ok_or(PixelError::Truncated)
    }

    fn index(&self, plane: usize, row: usize, column: usize) -> usize {
        (plane * self.down + row) * self.across + column
    }
}

/// Pixels that the tiles of even the smallest image may have: one of 4,096 x 4,096.
const PADDING: u64 = 1 << 24;

/// Tiles reach beyond the image, and all of their pixels are decoded: they must not be many times
/// as many as it has.
fn check_padding(
    limits: &Limits,
    image: u64,
    (across, width): (u32, u32),
    (down, height): (u32, u32),
) -> Result<(), PixelError> {
    let side = |count: u32, length: u32| u64::from(count) * u64::from(length);
    let found = side(across, width).saturating_mul(side(down, height));
    let limit = (4 * image + PADDING).min(limits.max_pixels.saturating_mul(2));
    if found > limit {
        return Err(PixelError::TooLarge {
            what: "the number of pixels of all tiles",
            found,
            limit,
        });
    }
    Ok(())
}
