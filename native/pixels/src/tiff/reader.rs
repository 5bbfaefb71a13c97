//! Strips and tiles to RGB, one band of them at a time.

use std::ops::Range;

use super::chunks::Chunks;
use super::codec::{add_up, turned, Codec, Deflate, PackBits};
use super::layout::{Compression, Layout};
use super::table::{Pixel, Sample};
use super::{lzw, unpack};
use crate::error::PixelError;
use crate::image::{zeros, CHANNELS};
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
    /// The rows of one strip or row of tiles, or of the whole image: RGB, or where the samples are
    /// stored in planes, the high byte of each, all of a pixel beside each other.
    pixels: Vec<u8>,
    /// Whether `pixels` is the whole image.
    whole: bool,
    /// The rows of the strip or row of tiles that was decoded last.
    held: Range<usize>,
    next_band: usize,
    next_row: usize,
    columns: Range<usize>,
    /// Pixels from different rows.
    gathered: Vec<u8>,
    /// A row of a strip or tile as it is stored.
    stored: Vec<u8>,
    /// Dropped after the pixels.
    _turn: Option<Turn<'a>>,
}

impl<'a> Reader<'a> {
    /// With `whole` every row that was decoded can be read, otherwise the last band's alone.
    pub fn new(
        data: &'a [u8],
        layout: Layout,
        chunks: Chunks<'a>,
        tables: Option<&'a [u8]>,
        limits: &Limits,
        cancel: &'a Cancel,
        whole: bool,
    ) -> Result<Self, PixelError> {
        let (width, height) = (layout.width as usize, layout.height as usize);
        let rows = if whole {
            height
        } else {
            chunks.height.min(height)
        };
        let row_bytes = (chunks.width * bits_a_plane(&layout)).div_ceil(8);
        // Twelve bits may be half a byte, of which the other half is read too.
        let stored = zeros(row_bytes + 1)?;
        Ok(Self {
            data,
            columns: 0..width,
            pixels: zeros(rows * width * pixel_bytes(&layout))?,
            whole,
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
            gathered: Vec::new(),
            stored,
            _turn: None,
        })
    }

    /// Keeps the right to hold many pixels.
    pub fn hold(&mut self, turn: Option<Turn<'a>>) {
        self._turn = turn;
    }

    /// The bytes of a row that is held.
    fn row(&self, y: usize) -> &[u8] {
        let row_bytes = self.layout.width as usize * pixel_bytes(&self.layout);
        let first = if self.whole { 0 } else { self.held.start };
        &self.pixels[(y - first) * row_bytes..][..row_bytes]
    }

    /// RGB of the pixels at `places`, each a row that is held and a column.
    pub fn gather(&mut self, places: impl Iterator<Item = (usize, usize)>, rgb: &mut [u8]) {
        let size = pixel_bytes(&self.layout);
        let mut found = std::mem::take(&mut self.gathered);
        found.clear();
        for (y, x) in places {
            found.extend_from_slice(&self.row(y)[x * size..][..size]);
        }
        self.expand(&found, rgb);
        self.gathered = found;
    }

    /// Pixels as they are held to RGB.
    fn expand(&self, held: &[u8], rgb: &mut [u8]) {
        let layout = &self.layout;
        if layout.planes == 1 {
            rgb.copy_from_slice(held);
            return;
        }
        let pixel = Pixel {
            sample: Sample::Bits(8),
            ..layout.pixel
        };
        unpack::row(pixel, layout.order, &layout.palette, held, rgb);
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

    /// Puts stored row `y` of a strip or tile into its place, beside the other planes' samples.
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
        let size = pixel_bytes(layout);
        let first = if self.whole { self.held.start } else { 0 };
        let place = (first + y) * layout.width as usize + columns.start;
        let pixels = &mut self.pixels[place * size..][..columns.len() * size];
        if layout.planes == 1 {
            unpack::row(
                layout.pixel,
                layout.order,
                &layout.palette,
                &self.stored,
                pixels,
            );
        } else {
            let places = pixels[plane..].iter_mut().step_by(layout.planes);
            let samples = unpack::high_bytes(layout.pixel.sample, layout.order, row);
            for (place, sample) in places.zip(samples) {
                *place = sample;
            }
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

/// Bytes of a pixel that is held.
fn pixel_bytes(layout: &Layout) -> usize {
    match layout.planes {
        1 => CHANNELS,
        planes => planes,
    }
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
        let (height, _) = self.size();
        if self.next_row >= height || row.len() != self.columns.len() * CHANNELS {
            return Err(PixelError::Internal("a row of another image".into()));
        }
        while self.held.end <= self.next_row {
            self.decode_band()?;
        }
        let size = pixel_bytes(&self.layout);
        let held = &self.row(self.next_row)[self.columns.start * size..self.columns.end * size];
        self.expand(held, row);
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
