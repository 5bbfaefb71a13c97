//! Stored samples to RGB, one row at a time.

use super::chunks::Layout;
use crate::color::{gray_to_rgb, sample, Palette};

/// Expands one row from pixel `first` on. `rgb` has three bytes a pixel and decides how many
/// pixels there are.
pub(super) fn row(layout: Layout, stored: &[u8], first: usize, palette: &Palette, rgb: &mut [u8]) {
    match layout {
        Layout::Gray(8) => gray_to_rgb(&stored[first..], rgb),
        Layout::Gray(bits) => {
            // Full scale: 255, 85 and 17 times the sample.
            let factor = 255 / ((1u16 << bits) - 1) as u8;
            for (x, pixel) in rgb.chunks_exact_mut(3).enumerate() {
                pixel.fill(sample(stored, first + x, bits) * factor);
            }
        }
        Layout::Gray16 => {
            let values = stored[first * 2..].chunks_exact(2);
            for (value, pixel) in values.zip(rgb.chunks_exact_mut(3)) {
                pixel.fill(if value[0] == 0 { value[1] } else { 255 });
            }
        }
        Layout::GrayAlpha8 => pick(&stored[first * 2..], 2, [0, 0, 0], rgb),
        Layout::GrayAlpha16 => pick(&stored[first * 4..], 4, [0, 0, 0], rgb),
        Layout::Rgb8 => rgb.copy_from_slice(&stored[first * 3..][..rgb.len()]),
        Layout::Rgb16 => pick(&stored[first * 6..], 6, [0, 2, 4], rgb),
        Layout::Rgba8 => pick(&stored[first * 4..], 4, [0, 1, 2], rgb),
        Layout::Rgba16 => pick(&stored[first * 8..], 8, [0, 2, 4], rgb),
        Layout::Indexed(bits) => {
            for (x, pixel) in rgb.chunks_exact_mut(3).enumerate() {
                let index = sample(stored, first + x, bits);
                pixel.copy_from_slice(&palette.colour(index));
            }
        }
    }
}

/// Three bytes of each stored pixel.
fn pick(stored: &[u8], bytes: usize, places: [usize; 3], rgb: &mut [u8]) {
    for (value, pixel) in stored.chunks_exact(bytes).zip(rgb.chunks_exact_mut(3)) {
        for channel in 0..3 {
            pixel[channel] = value[places[channel]];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: 16-bit gray is clipped, 16-bit colour keeps the high byte.
    #[test]
    fn sixteen_bits() {
        let palette = Palette::new(&[]);
        let mut rgb = [0; 6];
        row(Layout::Gray16, &[0, 200, 1, 0], 0, &palette, &mut rgb);
        assert_eq!(rgb, [200, 200, 200, 255, 255, 255]);
        let mut rgb = [0; 3];
        let stored = [1, 255, 2, 255, 3, 255];
        row(Layout::Rgb16, &stored, 0, &palette, &mut rgb);
        assert_eq!(rgb, [1, 2, 3]);
    }

    /// Protects: a row from any pixel on is the end of the whole row, for every layout.
    #[test]
    fn from_any_pixel() {
        let colours: Vec<u8> = (0..768).map(|i| (i * 7 % 256) as u8).collect();
        let palette = Palette::new(&colours);
        let stored: Vec<u8> = (0..80).map(|i| (i * 37 % 256) as u8).collect();
        for layout in [1, 2, 4, 8]
            .into_iter()
            .flat_map(|bits| [Layout::Gray(bits), Layout::Indexed(bits)])
            .chain([
                Layout::Gray16,
                Layout::GrayAlpha8,
                Layout::GrayAlpha16,
                Layout::Rgb8,
                Layout::Rgb16,
                Layout::Rgba8,
                Layout::Rgba16,
            ])
        {
            let mut whole = [0; 27];
            row(layout, &stored, 0, &palette, &mut whole);
            for first in 0..9 {
                let mut part = vec![0; 27 - 3 * first];
                row(layout, &stored, first, &palette, &mut part);
                assert_eq!(part, whole[3 * first..], "{layout:?}");
            }
        }
    }
}
