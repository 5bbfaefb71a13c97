//! One file to its place in a batch, and the digests of its bytes and of its crop in the same pass.

use std::cell::RefCell;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::decode::open;
use crate::error::PixelError;
use crate::external::ExternalDecoder;
use crate::files::{copy_of, read_file, Content, FileRead};
use crate::layout::Format;
use crate::limits::{Cancel, Limits, Permits};
use crate::load::load;
use crate::recipe::Recipe;
use crate::resample::Kernel;

/// The BLAKE3 digest of an item's uint8 height x width x 3 crop, or why it has none.
pub type Outcome = Result<[u8; 32], PixelError>;

/// What became of an item.
#[derive(Debug)]
pub struct Loaded {
    /// Its crop, or why it has none.
    pub outcome: Outcome,
    /// What was read of its file, where that was asked for and all of it could be read.
    pub file: Option<FileRead>,
}

/// Where an item's file is.
pub enum Place {
    /// A file with a name.
    Path(PathBuf),
    /// The content of a file, in memory.
    Memory(Box<dyn AsRef<[u8]> + Send + Sync>),
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.fmt(f),
            Self::Memory(bytes) => write!(f, "{} bytes", (**bytes).as_ref().len()),
        }
    }
}

impl Place {
    fn read(&self, limits: &Limits) -> Result<Content, PixelError> {
        match self {
            Self::Path(path) => read_file(path, limits),
            Self::Memory(bytes) => copy_of((**bytes).as_ref(), limits),
        }
    }
}

/// Files, and what becomes of each.
#[derive(Debug)]
pub struct Items {
    /// The files.
    pub places: Vec<Place>,
    /// Geometry of the crop.
    pub recipe: Recipe,
    /// Form of the crop in a batch.
    pub format: Format,
    /// Whether the bytes that are decoded are hashed as well.
    pub hash_files: bool,
    /// Decodes the formats that this crate does not read.
    pub decoder: Option<Arc<dyn ExternalDecoder>>,
    /// Bounds on one file.
    pub limits: Limits,
    /// Code of the resize's sums; the pixels do not depend on it.
    pub kernel: Kernel,
}

thread_local! {
    /// The crop of an item that is written in another form. It is kept: a crop is larger than what
    /// allocators hand out without asking the system.
    static CROP: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Items {
    /// Bytes of an item in a batch, or an error where no machine has so many.
    pub fn bytes(&self) -> Result<usize, PixelError> {
        self.recipe.check()?;
        let bytes = self.recipe.crop_bytes().checked_mul(self.format.element());
        bytes.ok_or(PixelError::Memory)
    }

    fn crop(
        &self,
        index: usize,
        permits: &Permits,
        cancel: &Cancel,
        crop: &mut [u8],
        file: &mut Option<FileRead>,
    ) -> Outcome {
        cancel.check()?;
        let mut content = self.places[index].read(&self.limits)?;
        if self.hash_files {
            *file = Some(content.read());
        }
        let mut source = open(
            self.decoder.as_deref(),
            &mut content.data,
            &self.limits,
            cancel,
            permits,
        )?;
        load(
            source.as_mut(),
            &self.recipe,
            &self.limits,
            self.kernel,
            cancel,
            crop,
        )?;
        // The crop is still in the processor's cache.
        Ok(*blake3::hash(crop).as_bytes())
    }

    fn load_into(
        &self,
        index: usize,
        permits: &Permits,
        cancel: &Cancel,
        out: &mut [u8],
        file: &mut Option<FileRead>,
    ) -> Outcome {
        if self.format.is_crop() {
            return self.crop(index, permits, cancel, out, file);
        }
        CROP.with_borrow_mut(|crop| {
            let size = self.recipe.crop_bytes();
            if crop.len() != size {
                crop.clear();
                crop.try_reserve_exact(size)
                    .map_err(|_| PixelError::Memory)?;
                crop.resize(size, 0);
            }
            let digest = self.crop(index, permits, cancel, crop, file)?;
            self.format.write(crop, out);
            Ok(digest)
        })
    }
}

/// What a loader does with each item.
pub(crate) trait Work: Send + Sync {
    /// Loads one item into its place.
    fn load(&self, index: usize, permits: &Permits, cancel: &Cancel, out: &mut [u8]) -> Loaded;

    /// Writes what stands for an item that failed.
    fn blank(&self, out: &mut [u8]);
}

impl Work for Items {
    fn load(&self, index: usize, permits: &Permits, cancel: &Cancel, out: &mut [u8]) -> Loaded {
        let mut file = None;
        let outcome = self.load_into(index, permits, cancel, out, &mut file);
        Loaded { outcome, file }
    }

    /// The form of a black crop.
    fn blank(&self, out: &mut [u8]) {
        if self.format.element() == 1 {
            out.fill(0);
        } else {
            let crop = vec![0; out.len() / self.format.element()];
            self.format.write(&crop, out);
        }
    }
}
