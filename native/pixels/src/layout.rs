//! From the uint8 height x width x 3 crop of an item to its form in a batch.

use crate::image::CHANNELS;

/// Order of the axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Rows, columns, channels: as the crop itself.
    Nhwc,
    /// Channels, rows, columns.
    Nchw,
}

impl Layout {
    /// Every name that [`Layout::from_name`] takes.
    pub const NAMES: &'static [&'static str] = &["NHWC", "NCHW"];

    /// The order that a name states.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "NHWC" => Some(Self::Nhwc),
            "NCHW" => Some(Self::Nchw),
            _ => None,
        }
    }
}

/// What stands for a pixel's value.
#[derive(Debug, Clone)]
pub enum Values {
    /// The value itself, one byte.
    Bytes,
    /// The recipe's value table (SPEC.md, section "Value table"): float32 in the machine's byte
    /// order, for each channel and value.
    Table(Box<[[f32; 256]; CHANNELS]>),
}

/// The form of an item in a batch.
#[derive(Debug, Clone)]
pub struct Format {
    /// Order of the axes.
    pub layout: Layout,
    /// Values of the elements.
    pub values: Values,
}

impl Format {
    /// Bytes of an element.
    pub fn element(&self) -> usize {
        match self.values {
            Values::Bytes => 1,
            Values::Table(_) => size_of::<f32>(),
        }
    }

    /// Whether an item looks like its crop, so that it can be decoded in place.
    pub(crate) fn is_crop(&self) -> bool {
        matches!((self.layout, &self.values), (Layout::Nhwc, Values::Bytes))
    }

    /// Writes a crop to `out`, which has [`Format::element`] times its bytes.
    pub fn write(&self, crop: &[u8], out: &mut [u8]) {
        match (self.layout, &self.values) {
            (Layout::Nhwc, Values::Bytes) => out.copy_from_slice(crop),
            (Layout::Nchw, Values::Bytes) => planes(crop, out, |_, value| [value]),
            (Layout::Nhwc, Values::Table(table)) => {
                let places = out.chunks_exact_mut(size_of::<f32>() * CHANNELS);
                for (pixel, place) in crop.chunks_exact(CHANNELS).zip(places) {
                    for (channel, place) in place.chunks_exact_mut(size_of::<f32>()).enumerate() {
                        let value = table[channel][usize::from(pixel[channel])];
                        place.copy_from_slice(&value.to_ne_bytes());
                    }
                }
            }
            (Layout::Nchw, Values::Table(table)) => planes(crop, out, |channel, value| {
                table[channel][usize::from(value)].to_ne_bytes()
            }),
        }
    }
}

/// Writes one plane of elements for each channel.
fn planes<const N: usize>(crop: &[u8], out: &mut [u8], element: impl Fn(usize, u8) -> [u8; N]) {
    let plane = out.len() / CHANNELS;
    for (channel, plane) in out.chunks_exact_mut(plane.max(1)).enumerate() {
        let places = plane.chunks_exact_mut(N);
        for (place, pixel) in places.zip(crop.chunks_exact(CHANNELS)) {
            place.copy_from_slice(&element(channel, pixel[channel]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(layout: Layout, table: bool) -> Format {
        let mut numbers = [[0.0; 256]; CHANNELS];
        for (channel, row) in numbers.iter_mut().enumerate() {
            for (value, number) in row.iter_mut().enumerate() {
                *number = value as f32 + channel as f32 / 4.0;
            }
        }
        let values = if table {
            Values::Table(Box::new(numbers))
        } else {
            Values::Bytes
        };
        Format { layout, values }
    }

    /// Protects: every form against indices written out, for a crop of 2 x 3 pixels.
    #[test]
    fn forms() {
        let crop: Vec<u8> = (0..18).map(|v| v * 14).collect();
        for layout in [Layout::Nhwc, Layout::Nchw] {
            for table in [false, true] {
                let format = format(layout, table);
                let mut out = vec![0; 18 * format.element()];
                format.write(&crop, &mut out);
                for pixel in 0..6 {
                    for channel in 0..CHANNELS {
                        let value = crop[pixel * CHANNELS + channel];
                        let place = match layout {
                            Layout::Nhwc => pixel * CHANNELS + channel,
                            Layout::Nchw => channel * 6 + pixel,
                        };
                        if table {
                            let found =
                                f32::from_ne_bytes(out[place * 4..][..4].try_into().unwrap());
                            assert_eq!(found, f32::from(value) + channel as f32 / 4.0);
                        } else {
                            assert_eq!(out[place], value);
                        }
                    }
                }
            }
        }
    }
}
