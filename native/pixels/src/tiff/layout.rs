//! What the tags say about the samples, and which combinations are refused by name.

use super::directory::{tag, Directory, Order};
use super::table::{Found, Kind, Pixel, Sample};
use crate::color::Palette;
use crate::error::PixelError;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Lzw,
    Jpeg,
    Deflate,
    PackBits,
}

/// What the tags say about the samples.
pub(super) struct Layout {
    pub width: u32,
    pub height: u32,
    pub pixel: Pixel,
    /// Planes that are stored one after the other: 1, or as many as there are samples.
    pub planes: usize,
    /// Whether the file says that planes are stored one after the other, however many there are.
    pub separate: bool,
    /// Samples of a pixel that the file has, also those that are not read.
    pub stored_samples: u32,
    /// By what Pillow divides the bits of a pixel for those of one plane: the samples that the
    /// colours should have, and those whose meaning the file states.
    pub stated_samples: usize,
    pub compression: Compression,
    /// Whether JPEG has to turn YCbCr into RGB.
    pub luminance: bool,
    /// Whether rows are stored as differences between neighbours.
    pub differences: bool,
    /// Whether the lowest bit of each byte comes first.
    pub reversed: bool,
    pub order: Order,
    pub palette: Palette,
}

/// Pillow's bound: a pixel of more samples is in no combination.
const MOST_SAMPLES: u32 = 6;

impl Layout {
    pub fn read(directory: &Directory) -> Result<Self, PixelError> {
        let value = |tag, default| Ok::<_, PixelError>(directory.value(tag)?.unwrap_or(default));
        if directory.has(tag::WINDOWS_PHOTO) {
            return Err(refused("of Windows Media Photo"));
        }
        let compression = match value(tag::COMPRESSION, 1)? {
            1 => Compression::None,
            5 => Compression::Lzw,
            7 => Compression::Jpeg,
            8 | 32946 => Compression::Deflate,
            32773 => Compression::PackBits,
            other => return Err(refused_compression(other)),
        };
        let side = |tag| {
            let side = directory.value(tag)?;
            side.filter(|&side| side > 0 && side <= i32::MAX as u32)
                .ok_or_else(|| PixelError::Corrupt("a side of the image is missing".into()))
        };
        let (width, height) = (side(tag::WIDTH)?, side(tag::HEIGHT)?);
        let separate = value(tag::PLANAR, 1)? == 2;
        let photometric = value(tag::PHOTOMETRIC, 0)?;
        let fill_order = value(tag::FILL_ORDER, 1)?;
        let stored_samples = value(tag::SAMPLES, 1)?;
        let Samples {
            bits,
            extra,
            format,
        } = Samples::read(directory, separate, stored_samples)?;
        let found = Found {
            big: directory.order == Order::Big,
            photometric,
            format,
            fill_order,
        };
        let mut pixel = found.pixel(&bits, &extra)?;
        let packed = compression != Compression::None;
        let mut planes = 1;
        if separate && pixel.samples > 1 {
            if !separable(&mut pixel, packed, &extra) {
                return Err(refused("with such samples in separate planes"));
            }
            planes = pixel.samples;
        }
        let mut reversed = fill_order == 2;
        if reversed && !packed && unturned(pixel) {
            return Err(refused("of such samples with the lowest bit first"));
        }
        if separate && !packed {
            pixel = stored_alone(pixel)?;
            reversed = false;
        }
        check_compressed(pixel, compression, directory, planes)?;
        let colours = match photometric {
            2 | 6 => 3,
            5 => 4,
            _ => 1,
        };
        let luminance = pixel.kind == Kind::Luminance;
        if luminance {
            pixel.kind = Kind::Rgb;
        }
        let palette = match pixel.kind {
            Kind::Indexed => read_palette(directory, pixel.sample.bits(), packed)?,
            _ => Palette::new(&[]),
        };
        Ok(Self {
            width,
            height,
            pixel,
            planes,
            separate,
            stored_samples,
            stated_samples: if separate { colours + extra.len() } else { 1 },
            compression,
            luminance,
            differences: predictor(directory, compression, pixel)?,
            reversed,
            order: directory.order,
            palette,
        })
    }
}

/// Bits of each sample, meanings of those beyond the colours, and their common format.
struct Samples {
    bits: Vec<u32>,
    extra: Vec<u32>,
    format: Option<u32>,
}

impl Samples {
    fn read(directory: &Directory, separate: bool, mut samples: u32) -> Result<Self, PixelError> {
        let narrow = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        let list = |tag, default: &[u32]| match directory.values(tag)? {
            Some(values) if values.len() > 64 => Err(PixelError::Corrupt(format!(
                "tag {tag} has {} values",
                values.len()
            ))),
            Some(values) => Ok(values.iter().map(narrow).collect()),
            None => Ok(default.to_vec()),
        };
        let format = match directory.values(tag::SAMPLE_FORMAT)? {
            Some(values) => {
                let mut all = values.iter().map(narrow);
                let first = all.next();
                first.filter(|first| all.all(|other| other == *first))
            }
            None => Some(1),
        };
        let mut bits = list(tag::BITS, &[1])?;
        let mut extra = list(tag::EXTRA_SAMPLES, &[])?;
        // Separate planes behind those of the colours, which mean nothing, are not looked at.
        if separate && !extra.is_empty() && extra.iter().all(|&meaning| meaning == 0) {
            bits.truncate(bits.len().saturating_sub(extra.len()));
            samples = samples
                .checked_sub(extra.len() as u32)
                .ok_or_else(|| PixelError::Corrupt("fewer samples than their meanings".into()))?;
            extra.clear();
        }
        if samples > MOST_SAMPLES {
            return Err(refused(&format!("with {samples} samples a pixel")));
        }
        let samples = samples as usize;
        if samples < bits.len() {
            bits.truncate(samples);
        } else if let [all] = bits[..] {
            bits = vec![all; samples];
        }
        if bits.len() != samples {
            return Err(PixelError::Corrupt(format!(
                "bits of {} samples where a pixel has {samples}",
                bits.len()
            )));
        }
        Ok(Self {
            bits,
            extra,
            format,
        })
    }
}

/// Whether Pillow reads the samples of a pixel from separate planes. It then takes a fourth one of
/// RGB for opacity that was multiplied into the colours, where the file does not say otherwise.
fn separable(pixel: &mut Pixel, packed: bool, extra: &[u32]) -> bool {
    if pixel.samples > 4 {
        return false;
    }
    if !packed {
        let eight = pixel.sample == Sample::Bits(8);
        return eight && matches!(pixel.kind, Kind::Rgb | Kind::Cmyk);
    }
    if pixel.kind == Kind::Rgb && pixel.samples == 4 && extra.is_empty() {
        pixel.kind = Kind::Multiplied;
    }
    pixel.kind != Kind::Luminance
}

/// Samples whose bits Pillow does not turn.
fn unturned(pixel: Pixel) -> bool {
    match (pixel.kind, pixel.sample) {
        (Kind::Indexed, sample) => sample != Sample::Bits(8),
        (kind, sample) => kind == Kind::Inverted && sample == Sample::Bits(8),
    }
}

/// Pillow knows a plane that is not compressed by the first letter of its mode and forgets the rest:
/// whether 0 is white, the order of the bits and, what cannot be wanted, their number.
fn stored_alone(mut pixel: Pixel) -> Result<Pixel, PixelError> {
    match (pixel.sample, pixel.kind) {
        (Sample::Bits(8), _) | (Sample::Bits(1), Kind::Gray | Kind::Inverted) => {}
        _ => return Err(refused("with such samples in separate planes")),
    }
    if pixel.kind == Kind::Inverted {
        pixel.kind = Kind::Gray;
    }
    Ok(pixel)
}

/// Refuses what Pillow misreads or leaves to another library.
fn check_compressed(
    pixel: Pixel,
    compression: Compression,
    directory: &Directory,
    planes: usize,
) -> Result<(), PixelError> {
    let luminance = pixel.kind == Kind::Luminance || directory.value(tag::PHOTOMETRIC)? == Some(6);
    let jpeg = compression == Compression::Jpeg;
    match compression {
        Compression::None if pixel.kind == Kind::Luminance => {
            return Err(refused("of YCbCr that is not compressed with JPEG"))
        }
        Compression::None => return Ok(()),
        _ => {}
    }
    if luminance && !(jpeg && pixel.kind == Kind::Luminance && planes == 1) {
        return Err(refused("of YCbCr that is not compressed with JPEG"));
    }
    let planar = directory.value(tag::PLANAR)?;
    if !directory.regular || !directory.complete || planar.is_some_and(|value| value > 2) {
        return Err(PixelError::Corrupt("the tags are cut or misplaced".into()));
    }
    let sample = pixel.sample;
    if jpeg && (sample != Sample::Bits(8) || pixel.samples > 4) {
        return Err(refused("of JPEG with other than 1 to 4 samples of 8 bits"));
    }
    // libtiff gives them in the order of the machine, and Pillow turns them once more.
    let turned = [Sample::SignedWord, Sample::Long, Sample::Float].contains(&sample);
    if turned && directory.order == Order::Big {
        return Err(refused(
            "of compressed signed, 32-bit or float samples with the high byte first",
        ));
    }
    Ok(())
}

fn predictor(
    directory: &Directory,
    compression: Compression,
    pixel: Pixel,
) -> Result<bool, PixelError> {
    if ![Compression::Lzw, Compression::Deflate].contains(&compression) {
        return Ok(false);
    }
    match directory.value(tag::PREDICTOR)?.unwrap_or(1) {
        1 => Ok(false),
        2 if [8, 16, 32].contains(&pixel.sample.bits()) => Ok(true),
        2 => Err(PixelError::Corrupt(format!(
            "differences of samples of {} bits",
            pixel.sample.bits()
        ))),
        3 => Err(refused("with the predictor of floating point")),
        other => Err(PixelError::Corrupt(format!("predictor {other}"))),
    }
}

/// The high bytes of all reds, then of all greens, then of all blues.
fn read_palette(directory: &Directory, bits: usize, packed: bool) -> Result<Palette, PixelError> {
    let values = directory.values(tag::COLOUR_MAP)?;
    let values = values.ok_or_else(|| PixelError::Corrupt("the palette is missing".into()))?;
    let colours = values.len() / 3;
    // Where libtiff decodes, it insists on a palette that fits.
    let fits = values.len() == 3 << bits && directory.has(tag::BITS);
    if (packed && !fits) || colours > 256 || values.iter().any(|value| value > 0xffff) {
        return Err(PixelError::Corrupt(format!(
            "a palette of {colours} colours"
        )));
    }
    let mut rgb = Vec::new();
    for colour in 0..colours {
        for part in 0..3 {
            let value = values.get(part * colours + colour).unwrap_or(0);
            rgb.push((value >> 8) as u8);
        }
    }
    Ok(Palette::new(&rgb))
}

pub(super) fn refused(what: &str) -> PixelError {
    PixelError::UnsupportedFeature(format!("TIFF {what} is not read"))
}

fn refused_compression(number: u32) -> PixelError {
    let name = match number {
        2 => "CCITT RLE",
        3 => "CCITT group 3",
        4 => "CCITT group 4",
        6 => "old-style JPEG",
        32771 => "CCITT RLE by words",
        32809 => "ThunderScan",
        34676 | 34677 => "SGI LogLuv",
        34712 => "JPEG 2000",
        34925 => "LZMA",
        50000 => "Zstandard",
        50001 => "WebP",
        _ => return refused(&format!("of compression {number}")),
    };
    refused(&format!("that is compressed with {name}"))
}
