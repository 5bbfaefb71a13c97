//! Rows of other colour models to RGB, with Pillow's integer arithmetic.

/// Gray to RGB: the value three times.
pub(crate) fn gray_to_rgb(gray: &[u8], rgb: &mut [u8]) {
    for (&value, pixel) in gray.iter().zip(rgb.chunks_exact_mut(3)) {
        pixel.fill(value);
    }
}

/// 256 colours; those that a file does not define are black.
pub(crate) struct Palette(Box<[[u8; 3]; 256]>);

impl Palette {
    /// From red, green and blue of one colour after the other.
    pub fn new(stored: &[u8]) -> Self {
        let mut colours = Box::new([[0; 3]; 256]);
        for (colour, entry) in colours.iter_mut().zip(stored.chunks_exact(3)) {
            colour.copy_from_slice(entry);
        }
        Self(colours)
    }

    /// The colour of an index.
    pub fn colour(&self, index: u8) -> [u8; 3] {
        self.0[usize::from(index)]
    }
}

/// Sample `x` of a row that packs 8 / `bits` samples into a byte, the first in the highest bits.
pub(crate) fn sample(stored: &[u8], x: usize, bits: u8) -> u8 {
    let bits = usize::from(bits);
    let bit = x * bits;
    let shift = 8 - bits - bit % 8;
    (stored[bit / 8] >> shift) & (0xffu8 >> (8 - bits))
}

/// Product of two 8-bit values over 255, rounded, without a division.
fn multiply_255(a: u8, b: u8) -> u8 {
    let product = u32::from(a) * u32::from(b) + 128;
    (((product >> 8) + product) >> 8) as u8
}

/// Stored CMYK of a JPEG to RGB. Pillow takes every CMYK JPEG as inverted, as Adobe writes it,
/// whether or not the file has an Adobe marker.
pub(crate) fn inverted_cmyk_to_rgb(stored: &[u8], rgb: &mut [u8]) {
    for (ink, pixel) in stored.chunks_exact(4).zip(rgb.chunks_exact_mut(3)) {
        let light = ink[3];
        for channel in 0..3 {
            pixel[channel] = light - multiply_255(255 - ink[channel], light);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: samples are taken from the high bits first.
    #[test]
    fn packed_samples() {
        assert_eq!(
            (0..4)
                .map(|x| sample(&[0b00_01_10_11], x, 2))
                .collect::<Vec<_>>(),
            [0, 1, 2, 3]
        );
        assert_eq!(sample(&[0x3c], 1, 4), 12);
        assert_eq!(sample(&[0, 0x80], 8, 1), 1);
    }

    /// Protects: the subtraction in the CMYK conversion cannot go below zero for any input.
    #[test]
    fn product_is_at_most_each_factor() {
        for a in 0..=255u8 {
            for b in 0..=255u8 {
                let product = multiply_255(a, b);
                assert!(product <= a.min(b));
                let exact = (f64::from(a) * f64::from(b) / 255.0).round();
                assert_eq!(f64::from(product), exact);
            }
        }
    }

    /// Protects: full black ink gives black, no ink gives white, one ink removes its own channel.
    #[test]
    fn corners_of_cmyk() {
        let stored = [255, 255, 255, 255, 255, 255, 255, 0, 0, 255, 255, 255];
        let mut rgb = [9; 9];
        inverted_cmyk_to_rgb(&stored, &mut rgb);
        assert_eq!(rgb, [255, 255, 255, 0, 0, 0, 0, 255, 255]);
    }
}
