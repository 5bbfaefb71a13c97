//! Strips and tiles to RGB, one band of them at a time.

use std::ops::Range;

use super::chunks::Chunks;
use super::codec::{add_up, turned, Codec, Deflate, PackBits};
use super::layout::{Compression, Layout};
use super::table::{Pixel, Sample};
use super::{lzw, unpack};
use crate::error::PixelError;
use crate::frame::zeros;
use crate::image::CHANNELS;
use crate::jpeg::Embedded;
use crate::limits::{Cancel, Limits, Turn};
use crate::load::Source;

/// Rows between two looks at the cancel flag.
const ROWS_PER_CHECK: usize = 64;

/// The image by bands: strips, or rows of tiles.
pub(super) struct Reader<'a> {
    data: &'a [u8],
    layout: Layout,
    chunks: Chunks<'a>,
    tables: Option<&'a [u8]>,
    limits: Limits,
    /// The decoder of all JPEGs of the image.
    jpeg: Option<Embedded<'a>>,
    /// Horizontal and vertical sampling of the first JPEG, which the others must have too.
    sampling: Option<(u32, u32)>,
    cancel: &'a Cancel,
    /// RGB of the rows of one strip, or of one row of tiles.
    band: Vec<u8>,
    /// Which rows these are.
    held: Range<usize>,
    next_band: usize,
    next_row: usize,
    columns: Range<usize>,
    /// A row of a strip or tile as it is stored.
    stored: Vec<u8>,
    /// The samples of a strip or tile beside each other, where they are stored in planes.
    joined: Vec<u8>,
    /// Dropped after the pixels.
    _turn: Option<Turn<'a>>,
}

impl<'a> Reader<'a> {
    pub fn new(
        data: &'a [u8],
        layout: Layout,
        chunks: Chunks<'a>,
        tables: Option<&'a [u8]>,
        limits: &Limits,
        cancel: &'a Cancel,
    ) -> Result<Self, PixelError> {
        let (width, height) = (layout.width as usize, layout.height as usize);
        let rows = chunks.height.min(height);
        let row_bytes = (chunks.width * bits_a_plane(&layout)).div_ceil(8);
        // Twelve bits may be half a byte, of which the other half is read too.
        let stored = zeros(row_bytes + 1)?;
        let joined = match layout.planes {
            1 => Vec::new(),
            planes => zeros(rows * chunks.width.min(width) * planes)?,
        };
        Ok(Self {
            data,
            columns: 0..width,
            band: zeros(rows * width * CHANNELS)?,
            layout,
            chunks,
            tables,
            limits: *limits,
            jpeg: None,
            sampling: None,
            cancel,
            held: 0..0,
            next_band: 0,
            next_row: 0,
            stored,
            joined,
            _turn: None,
        })
    }

    /// Keeps the right to hold a large band.
    pub fn hold(&mut self, turn: Option<Turn<'a>>) {
        self._turn = turn;
    }

    /// The first row of the next band, and RGB of all of its rows.
    pub fn next_band(&mut self) -> Result<Option<(usize, &[u8])>, PixelError> {
        if self.next_band == self.chunks.down {
            return Ok(None);
        }
        self.decode_band()?;
        let length = self.held.len() * self.layout.width as usize * CHANNELS;
        Ok(Some((self.held.start, &self.band[..length])))
    }

    /// Decodes the next strip or row of tiles.
    fn decode_band(&mut self) -> Result<(), PixelError> {
        let band = self.next_band;
        let first = band * self.chunks.height;
        self.held = first..(first + self.chunks.height).min(self.layout.height as usize);
        self.next_band += 1;
        for column in 0..self.chunks.across {
            for plane in 0..self.layout.planes {
                self.decode_chunk((plane, band, column))?;
            }
            if self.layout.planes > 1 {
                self.unpack_joined(column);
            }
        }
        Ok(())
    }

    /// Columns of the image that the chunks of a column cover.
    fn covered(&self, column: usize) -> Range<usize> {
        let first = column * self.chunks.width;
        first..(first + self.chunks.width).min(self.layout.width as usize)
    }

    fn decode_chunk(&mut self, place: (usize, usize, usize)) -> Result<(), PixelError> {
        let layout = &self.layout;
        let columns = self.covered(place.2);
        let visible = self.held.len();
        let plain = layout.compression == Compression::None;
        // Of a compressed tile every row counts, also those beyond the image.
        let (rows, width) = if self.chunks.tiled && !plain {
            (self.chunks.height, self.chunks.width)
        } else {
            (visible, columns.len())
        };
        let row_bytes = (width * bits_a_plane(layout)).div_ceil(8);
        let bytes;
        let mut codec = match layout.compression {
            Compression::None => {
                let stride = self.chunks.stride(layout, columns.len(), row_bytes)?;
                Codec::Stored(self.chunks.start(self.data, place)?, stride)
            }
            Compression::Jpeg => {
                let data = self.chunks.packed(self.data, place)?;
                let last_strip = place.1 + 1 == self.chunks.down && !self.chunks.tiled;
                Codec::Jpeg(self.next_jpeg(data, (rows, width), last_strip)?)
            }
            other => {
                bytes = turned(self.chunks.packed(self.data, place)?, layout.reversed)?;
                match other {
                    Compression::Lzw => Codec::Lzw(lzw::Decoder::new(&bytes)?),
                    Compression::Deflate => Codec::Deflate(Deflate::new(&bytes)),
                    _ => Codec::PackBits(PackBits::new(&bytes)),
                }
            }
        };
        for y in 0..rows {
            if y % ROWS_PER_CHECK == 0 {
                self.cancel.check()?;
            }
            codec.read(&mut self.stored[..row_bytes])?;
            if y < visible {
                self.put_row(y, place.0, columns.clone(), row_bytes);
            }
        }
        if let Codec::Jpeg(jpeg) = codec {
            self.jpeg = Some(jpeg);
        }
        Ok(())
    }

    /// Puts the stored row into its place in the band, or among the other planes.
    fn put_row(&mut self, y: usize, plane: usize, columns: Range<usize>, row_bytes: usize) {
        let layout = &self.layout;
        let row = &mut self.stored[..row_bytes];
        if layout.differences {
            let apart = layout.pixel.samples / layout.planes;
            add_up(row, layout.pixel.sample.bits(), apart, layout.order);
        }
        if layout.reversed && layout.compression == Compression::None {
            row.iter_mut().for_each(|byte| *byte = byte.reverse_bits());
        }
        if layout.planes == 1 {
            let first = y * layout.width as usize + columns.start;
            let rgb = &mut self.band[first * CHANNELS..][..columns.len() * CHANNELS];
            unpack::row(
                layout.pixel,
                layout.order,
                &layout.palette,
                &self.stored,
                rgb,
            );
        } else {
            let joined = &mut self.joined[y * columns.len() * layout.planes..];
            let places = joined[plane..].iter_mut().step_by(layout.planes);
            let samples = unpack::high_bytes(layout.pixel.sample, layout.order, row);
            for (place, sample) in places.zip(samples.take(columns.len())) {
                *place = sample;
            }
        }
    }

    /// The samples of all planes are beside each other: of each its high byte.
    fn unpack_joined(&mut self, column: usize) {
        let columns = self.covered(column);
        let layout = &self.layout;
        let pixel = Pixel {
            sample: Sample::Bits(8),
            ..layout.pixel
        };
        let rows = self.joined.chunks_exact(columns.len() * layout.planes);
        for (y, row) in rows.take(self.held.len()).enumerate() {
            let first = y * layout.width as usize + columns.start;
            let rgb = &mut self.band[first * CHANNELS..][..columns.len() * CHANNELS];
            unpack::row(pixel, layout.order, &layout.palette, row, rgb);
        }
    }

    /// Opens a JPEG and checks it against the tags, as libtiff does. The last strip may be one that
    /// was made for more rows than there are.
    fn next_jpeg(
        &mut self,
        data: &'a [u8],
        (rows, width): (usize, usize),
        last_strip: bool,
    ) -> Result<Embedded<'a>, PixelError> {
        let mut jpeg = match self.jpeg.take() {
            Some(jpeg) => jpeg,
            None => Embedded::new(self.tables, self.cancel)?,
        };
        jpeg.open(data, self.limits.scans(width as u32, rows as u32))?;
        let components = self.layout.pixel.samples / self.layout.planes;
        let (height, same) = (jpeg.height(), jpeg.width() == width);
        let fits = height == rows || (last_strip && height > rows);
        if !same || !fits || jpeg.components() != components {
            return Err(PixelError::Corrupt(
                "a JPEG of another size than its strip or tile".into(),
            ));
        }
        // Only YCbCr may have fewer samples of colour than of light, and the same in all JPEGs.
        let sampling = jpeg.sampling();
        let known = [1, 2, 4].contains(&sampling.0) && [1, 2, 4].contains(&sampling.1);
        let whole = sampling == (1, 1);
        let first = *self.sampling.get_or_insert(sampling);
        if first != sampling || !(whole || known && self.layout.luminance) {
            return Err(PixelError::Corrupt(
                "a JPEG with another subsampling than its place permits".into(),
            ));
        }
        jpeg.start(self.layout.luminance)?;
        Ok(jpeg)
    }
}

/// Bits of a pixel in one plane.
fn bits_a_plane(layout: &Layout) -> usize {
    layout.pixel.sample.bits() * layout.pixel.samples / layout.planes
}

impl Source for Reader<'_> {
    fn size(&self) -> (usize, usize) {
        (self.layout.height as usize, self.layout.width as usize)
    }

    fn want(
        &mut self,
        rows: Range<usize>,
        columns: Range<usize>,
    ) -> Result<Range<usize>, PixelError> {
        self.next_row = rows.start;
        self.columns = columns.clone();
        Ok(columns)
    }

    fn read(&mut self, row: &mut [u8]) -> Result<(), PixelError> {
        let (height, width) = self.size();
        if self.next_row >= height || row.len() != self.columns.len() * CHANNELS {
            return Err(PixelError::Internal("a row of another image".into()));
        }
        while self.held.end <= self.next_row {
            self.decode_band()?;
        }
        let first = (self.next_row - self.held.start) * width + self.columns.start;
        row.copy_from_slice(&self.band[first * CHANNELS..][..row.len()]);
        self.next_row += 1;
        Ok(())
    }

    fn finish(&mut self) -> Result<(), PixelError> {
        // A fault below the wanted rows is a fault of the file.
        while self.next_band < self.chunks.down {
            self.decode_band()?;
        }
        Ok(())
    }
}
