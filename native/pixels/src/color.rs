//! Rows of other colour models to RGB, with Pillow's integer arithmetic.

/// Gray to RGB: the value three times.
pub(crate) fn gray_to_rgb(gray: &[u8], rgb: &mut [u8]) {
    for (&value, pixel) in gray.iter().zip(rgb.chunks_exact_mut(3)) {
        pixel.fill(value);
    }
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
