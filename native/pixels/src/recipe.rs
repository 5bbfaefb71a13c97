//! The geometry of a recipe: what decides the uint8 pixels (SPEC.md, section "Recipes").

use crate::error::PixelError;

/// How the target size follows from the size of the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Not resized.
    None,
    /// The shorter side becomes the given size, the aspect stays.
    Shortest,
    /// The longer side becomes the given size, the aspect stays.
    Longest,
    /// Both sides become the given sizes, whatever the aspect.
    Squash,
}

/// How the side that the aspect decides is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LongSide {
    /// Integer quotient, as torchvision's `Resize` with one number.
    Floor,
    /// Half to even in float64, as `ResizeKeepRatio` of timm and OpenCLIP.
    HalfEven,
}

/// Where an odd difference goes when the image is cropped or padded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CropRounding {
    /// As `center_crop` of transformers: floor of the signed half.
    Floor,
    /// As `CenterCrop` of torchvision: half to even; padding starts with the smaller half.
    HalfEven,
}

/// Resampling filters, by Pillow's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Filter {
    /// The nearest pixel, without any support: not a convolution.
    Nearest,
    /// Mean over the support.
    Box,
    /// Triangle.
    Bilinear,
    /// Hamming-windowed sinc of radius 1.
    Hamming,
    /// Cubic convolution with a = -0.5.
    Bicubic,
    /// Lanczos-windowed sinc of radius 3.
    Lanczos,
}

/// One resize, then one centre crop or pad.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// How the target size is found.
    pub mode: Mode,
    /// (height, width); see [`crate::geometry::target_size`] for what each mode takes of it.
    pub size: (usize, usize),
    /// Rounding of the free side.
    pub long_side: LongSide,
    /// Resampling filter.
    pub filter: Filter,
    /// (height, width) of the output.
    pub crop: (usize, usize),
    /// Rounding of the offset.
    pub crop_rounding: CropRounding,
    /// Colour where the image does not reach.
    pub pad: [u8; 3],
}

/// Largest side of a target: JPEG and PNG decoders of models take far less, and products stay
/// far below the limits of 64-bit integers.
pub const MAX_SIDE: usize = 65_535;

impl Recipe {
    /// Refuses sides that are zero or absurd.
    pub fn check(&self) -> Result<(), PixelError> {
        let sides = [self.size.0, self.size.1, self.crop.0, self.crop.1];
        if sides.iter().any(|side| !(1..=MAX_SIDE).contains(side)) {
            return Err(PixelError::UnsupportedFeature(format!(
                "sizes of a recipe must lie in 1..={MAX_SIDE}"
            )));
        }
        Ok(())
    }

    /// Bytes of one output crop.
    pub fn crop_bytes(&self) -> usize {
        self.crop.0 * self.crop.1 * crate::image::CHANNELS
    }
}

macro_rules! names {
    ($type:ident: $($name:literal => $variant:ident),+ $(,)?) => {
        impl $type {
            /// Every name that [`Self::from_name`] takes.
            pub const NAMES: &'static [&'static str] = &[$($name),+];

            /// The value that a recipe document calls `name`.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

names!(Mode: "none" => None, "shortest" => Shortest, "longest" => Longest, "squash" => Squash);
names!(LongSide: "floor" => Floor, "half-even" => HalfEven);
names!(CropRounding: "floor" => Floor, "half-even" => HalfEven);
names!(Filter:
    "nearest" => Nearest,
    "box" => Box,
    "bilinear" => Bilinear,
    "hamming" => Hamming,
    "bicubic" => Bicubic,
    "lanczos" => Lanczos,
);
