//! From image files to the pixels that the specification defines.
//!
//! In: JPEG and PNG files and a [`Recipe`]. Out: uint8 height x width x 3 crops and their digests. Files of
//! other formats are decoded by a [`ExternalDecoder`], if there is one, and cropped here.
//! The definition is Pillow 13: `Image.open(path).convert("RGB")`, its resize, then a centre crop
//! (SPEC.md, section "Pixels"). Everything is equal to it byte for byte.
//!
//! The crate knows no Python. Each module has one subject; [`loader`] joins them.

mod color;
pub mod decode;
pub mod error;
pub mod external;
pub mod files;
mod format;
pub mod geometry;
pub mod image;
pub mod jpeg;
pub mod layout;
pub mod limits;
mod load;
pub mod loader;
mod png;
pub mod recipe;
pub mod resample;
pub mod single;
mod threads;

pub use crate::decode::{decode_bytes, decode_file};
pub use crate::error::PixelError;
pub use crate::external::{ExternalDecoder, ExternalImage};
pub use crate::files::{read_files, FileRead, Identity};
pub use crate::image::RgbImage;
pub use crate::limits::{Cancel, Limits};
pub use crate::loader::{Items, Loaded, Loader, Outcome, Place};
pub use crate::recipe::{CropRounding, Filter, LongSide, Mode, Recipe};
pub use crate::resample::{resize, Kernel};
pub use crate::single::{load_bytes, load_image};
