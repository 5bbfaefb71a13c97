//! Samples of a row to RGB, with Pillow's conversions.

use super::directory::Order;
use super::table::{Kind, Pixel, Sample};
use crate::color::{cmyk_to_rgb, gray_to_rgb, sample, unmultiply, Palette};
use crate::image::CHANNELS;

/// Expands a row whose samples lie beside each other. `rgb` decides how many pixels there are.
pub(super) fn row(pixel: Pixel, order: Order, palette: &Palette, stored: &[u8], rgb: &mut [u8]) {
    match (pixel.kind, pixel.sample) {
        (Kind::Gray | Kind::Inverted, _) => {
            gray(pixel, order, stored, rgb);
            if pixel.kind == Kind::Inverted && matches!(pixel.sample, Sample::Bits(_)) {
                rgb.iter_mut().for_each(|value| *value = !*value);
            }
        }
        (Kind::Indexed, Sample::Bits(8)) => {
            let indices = stored.chunks_exact(pixel.samples);
            for (index, pixel) in indices.zip(rgb.chunks_exact_mut(CHANNELS)) {
                pixel.copy_from_slice(&palette.colour(index[0]));
            }
        }
        (Kind::Indexed, Sample::Bits(bits)) => {
            for (x, pixel) in rgb.chunks_exact_mut(CHANNELS).enumerate() {
                pixel.copy_from_slice(&palette.colour(sample(stored, x, bits)));
            }
        }
        // Of 16 bits the high byte counts.
        (kind, sample) => {
            let bytes = sample.bits() / 8;
            let high = match order {
                Order::Little => bytes - 1,
                Order::Big => 0,
            };
            colour(kind, stored, pixel.samples * bytes, bytes, high, rgb);
        }
    }
}

/// Of each sample of 8 or 16 bits its high byte.
pub(super) fn high_bytes(
    sample: Sample,
    order: Order,
    row: &[u8],
) -> impl Iterator<Item = u8> + '_ {
    let bytes = sample.bits() / 8;
    let high = match order {
        Order::Little => bytes - 1,
        Order::Big => 0,
    };
    row.chunks_exact(bytes).map(move |sample| sample[high])
}

fn gray(pixel: Pixel, order: Order, stored: &[u8], rgb: &mut [u8]) {
    match pixel.sample {
        Sample::Bits(8) if pixel.samples == 1 => gray_to_rgb(stored, rgb),
        Sample::Bits(8) => each(stored, pixel.samples, rgb, |bytes| bytes[0]),
        Sample::Bits(bits) => {
            // Full scale: 255, 85 and 17 times the sample.
            let factor = 255 / ((1u16 << bits) - 1) as u8;
            for (x, pixel) in rgb.chunks_exact_mut(CHANNELS).enumerate() {
                pixel.fill(factor * sample(stored, x, bits));
            }
        }
        Sample::Twelve => {
            for (x, pixel) in rgb.chunks_exact_mut(CHANNELS).enumerate() {
                let at = x * 3 / 2;
                let pair = u16::from_be_bytes([stored[at], stored[at + 1]]);
                let value = if x % 2 == 0 { pair >> 4 } else { pair & 0xfff };
                pixel.fill(value.min(255) as u8);
            }
        }
        // Everything wider is clipped, not scaled.
        Sample::Word => each(stored, 2, rgb, |bytes| {
            order.u16([bytes[0], bytes[1]]).min(255) as u8
        }),
        Sample::SignedWord => each(stored, 2, rgb, |bytes| {
            (order.u16([bytes[0], bytes[1]]) as i16).clamp(0, 255) as u8
        }),
        Sample::Long => each(stored, 4, rgb, |bytes| {
            (order.u32([bytes[0], bytes[1], bytes[2], bytes[3]]) as i32).clamp(0, 255) as u8
        }),
        // The conversion cuts the fraction off, clips, and makes nothing of what is no number.
        Sample::Float => each(stored, 4, rgb, |bytes| {
            f32::from_bits(order.u32([bytes[0], bytes[1], bytes[2], bytes[3]])) as u8
        }),
    }
}

fn each(stored: &[u8], bytes: usize, rgb: &mut [u8], value: impl Fn(&[u8]) -> u8) {
    let stored = stored.chunks_exact(bytes);
    for (bytes, pixel) in stored.zip(rgb.chunks_exact_mut(CHANNELS)) {
        pixel.fill(value(bytes));
    }
}

/// Pixels of `size` bytes, whose samples are `bytes` long; byte `high` of each is taken.
fn colour(kind: Kind, stored: &[u8], size: usize, bytes: usize, high: usize, rgb: &mut [u8]) {
    let stored = stored.chunks_exact(size);
    for (stored, pixel) in stored.zip(rgb.chunks_exact_mut(CHANNELS)) {
        let sample = |index: usize| stored[index * bytes + high];
        let colour = [sample(0), sample(1), sample(2)];
        let colour = match kind {
            Kind::Multiplied => unmultiply(colour, sample(3)),
            Kind::Cmyk => cmyk_to_rgb([colour[0], colour[1], colour[2], sample(3)]),
            _ => colour,
        };
        pixel.copy_from_slice(&colour);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(
        kind: Kind,
        sample: Sample,
        samples: usize,
        order: Order,
        stored: &[u8],
    ) -> Vec<u8> {
        let pixel = Pixel {
            kind,
            sample,
            samples,
        };
        let count = stored.len() * 8 / (sample.bits() * samples);
        let mut rgb = vec![0; count * CHANNELS];
        row(pixel, order, &Palette::gray(), stored, &mut rgb);
        rgb
    }

    /// Protects: wide gray is clipped, in either order of bytes, whatever its type.
    #[test]
    fn clipped() {
        let gray = |sample, order, stored: &[u8]| {
            let rgb = expanded(Kind::Gray, sample, 1, order, stored);
            rgb.chunks(3).map(|pixel| pixel[0]).collect::<Vec<_>>()
        };
        use Order::{Big, Little};
        assert_eq!(gray(Sample::Word, Little, &[7, 0, 0, 1]), [7, 255]);
        assert_eq!(gray(Sample::Word, Big, &[0, 7, 1, 0]), [7, 255]);
        assert_eq!(gray(Sample::SignedWord, Big, &[0, 7, 255, 0]), [7, 0]);
        assert_eq!(gray(Sample::Twelve, Big, &[0x01, 0x20, 0x34]), [18, 52]);
        let longs = [300i32, -5, 9].map(i32::to_le_bytes).concat();
        assert_eq!(gray(Sample::Long, Little, &longs), [255, 0, 9]);
        let floats = [0.99f32, 1.5, -3.0, 1e9, f32::NAN].map(f32::to_be_bytes);
        assert_eq!(
            gray(Sample::Float, Big, &floats.concat()),
            [0, 1, 0, 255, 0]
        );
    }

    /// Protects: colours of 8 and 16 bits, with samples behind them, opacity and ink.
    #[test]
    fn colours() {
        let rgb = |kind, sample, samples, order, stored: &[u8]| {
            expanded(kind, sample, samples, order, stored)
        };
        let stored = [1, 2, 3, 9, 4, 5, 6, 9];
        let bits = Sample::Bits(8);
        assert_eq!(
            rgb(Kind::Rgb, bits, 4, Order::Big, &stored),
            [1, 2, 3, 4, 5, 6]
        );
        let wide = [9, 1, 9, 2, 9, 3];
        assert_eq!(
            rgb(Kind::Rgb, Sample::Word, 3, Order::Little, &wide),
            [1, 2, 3]
        );
        assert_eq!(
            rgb(Kind::Rgb, Sample::Word, 3, Order::Big, &wide),
            [9, 9, 9]
        );
        assert_eq!(
            rgb(Kind::Multiplied, bits, 4, Order::Big, &[1, 2, 0, 2]),
            [127, 255, 0]
        );
        assert_eq!(
            rgb(Kind::Cmyk, bits, 4, Order::Big, &[0, 255, 0, 0]),
            [255, 0, 255]
        );
    }
}
