//! The first image of a TIFF to RGB as Pillow's `convert("RGB")` gives it: opacity is dropped and
//! not blended, gray of more than 8 bits is clipped, colour of 16 bits keeps its high byte, and the
//! orientation is applied.

mod chunks;
mod codec;
mod directory;
mod layout;
mod lzw;
mod orientation;
mod reader;
mod table;
mod unpack;

use crate::error::PixelError;
use crate::limits::{Cancel, Limits, Turns};
use crate::load::Source;

use chunks::Chunks;
use directory::{tag, Directory};
use layout::{Compression, Layout};
use orientation::Upright;
use reader::Reader;

/// The rows of a TIFF: one strip or row of tiles at a time is held, or the whole image where it has
/// to be turned.
pub(crate) fn open<'a>(
    data: &'a [u8],
    limits: &Limits,
    cancel: &'a Cancel,
    turns: &'a Turns,
) -> Result<Box<dyn Source + 'a>, PixelError> {
    let directory = Directory::read(data)?;
    let layout = Layout::read(&directory)?;
    limits.check_pixels(layout.width, layout.height)?;
    let chunks = Chunks::read(&directory, &layout, limits)?;
    let orientation = orientation::of(&directory)?;
    let rows = if orientation == 1 {
        chunks.height.min(layout.height as usize) as u32
    } else {
        layout.height
    };
    // A JPEG may have to be held whole too, with all of its tile.
    let (tile_width, tile_height) = match layout.compression {
        Compression::Jpeg => (chunks.width as u32, chunks.height as u32),
        _ => (0, 0),
    };
    limits.check_pixels(tile_width, tile_height)?;
    let turn = turns.take(layout.width.max(tile_width), rows.max(tile_height), cancel)?;
    let tables = directory.bytes(tag::JPEG_TABLES);
    let turned = orientation != 1;
    let mut reader = Reader::new(data, layout, chunks, tables, limits, cancel, turned)?;
    reader.hold(turn);
    if turned {
        return Ok(Box::new(Upright::new(reader, orientation)?));
    }
    Ok(Box::new(reader))
}
