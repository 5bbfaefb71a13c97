//! Many files on a pool of threads: results in input order, one outcome an item.

use std::any::Any;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::PathBuf;

use rayon::prelude::*;
use rayon::ThreadPoolBuilder;

use crate::decode::{open, read_file};
use crate::error::PixelError;
use crate::limits::{Cancel, Limits, Turns};
use crate::load::load;
use crate::recipe::Recipe;
use crate::resample::Kernel;

/// The BLAKE3 digest of an item's crop, or why it has none.
pub type Outcome = Result<[u8; 32], PixelError>;

/// Decodes `paths` into `out`, one crop after the other in the order of the paths.
///
/// `out` has `paths.len() * recipe.crop_bytes()` bytes; the crop of an item that failed is zero.
/// `workers` threads, each with at most one file and a few rows of its image in memory; images that
/// are held whole take turns where they are large. The result depends on neither `workers` nor
/// `kernel`. A panic inside an item becomes that item's error.
pub fn load_batch(
    paths: &[PathBuf],
    recipe: &Recipe,
    limits: &Limits,
    workers: usize,
    kernel: Kernel,
    cancel: &Cancel,
    out: &mut [u8],
) -> Result<Vec<Outcome>, PixelError> {
    recipe.check()?;
    if Some(out.len()) != paths.len().checked_mul(recipe.crop_bytes()) {
        return Err(PixelError::Internal("the output has another size".into()));
    }
    let pool = ThreadPoolBuilder::new()
        .num_threads(workers.max(1))
        .thread_name(|index| format!("biobench-pixels-{index}"))
        .build()
        .map_err(|error| PixelError::Internal(error.to_string()))?;
    let turns = Turns::default();
    let outcomes = pool.install(|| {
        paths
            .par_iter()
            .zip(out.par_chunks_exact_mut(recipe.crop_bytes()))
            // One item a job: a split by ranges would leave threads idle behind a large image.
            .with_max_len(1)
            .map(|(path, crop)| load_one(path, recipe, limits, kernel, cancel, &turns, crop))
            .collect()
    });
    Ok(outcomes)
}

fn load_one(
    path: &std::path::Path,
    recipe: &Recipe,
    limits: &Limits,
    kernel: Kernel,
    cancel: &Cancel,
    turns: &Turns,
    crop: &mut [u8],
) -> Outcome {
    let work = AssertUnwindSafe(|| -> Result<(), PixelError> {
        cancel.check()?;
        let data = read_file(path, limits)?;
        let mut source = open(&data, limits, cancel, turns)?;
        load(source.as_mut(), recipe, limits, kernel, cancel, crop)
    });
    let outcome = catch_unwind(work)
        .unwrap_or_else(|panic| Err(PixelError::Internal(panic_text(panic.as_ref()))));
    match outcome {
        Ok(()) => Ok(*blake3::hash(crop).as_bytes()),
        Err(error) => {
            crop.fill(0);
            Err(error)
        }
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a text".to_owned())
}
