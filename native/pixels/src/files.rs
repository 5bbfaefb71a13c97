//! SHA-256 of whole files, side by side.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::error::PixelError;
use crate::limits::Cancel;
use crate::loader::threads;

/// Bytes that are read at once: they stay in the processor's cache until they are hashed.
const BLOCK: usize = 1 << 16;

/// The digests of `paths` in their order, on `workers` threads.
pub fn sha256_files(
    paths: &[PathBuf],
    workers: usize,
    cancel: &Cancel,
) -> Result<Vec<io::Result<[u8; 32]>>, PixelError> {
    let pool = threads(workers.max(1), "files")?;
    Ok(pool.install(|| {
        paths
            .par_iter()
            .map_init(|| vec![0; BLOCK], |block, path| digest(path, block, cancel))
            .collect()
    }))
}

/// A regular file, open for reading. What it is is asked of what was opened: between a look at a
/// path and its opening it may become another. A folder opens, and cannot be read.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    // A named pipe would wait for its other end.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    let file = options.open(path)?;
    let kind = file.metadata()?.file_type();
    if !kind.is_file() && !kind.is_dir() {
        return Err(io::Error::other("not a regular file"));
    }
    Ok(file)
}

fn digest(path: &Path, block: &mut [u8], cancel: &Cancel) -> io::Result<[u8; 32]> {
    let mut file = open_regular(path)?;
    let mut digest = Sha256::new();
    loop {
        if cancel.is_set() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        match file.read(block) {
            Ok(0) => return Ok(digest.finalize().into()),
            Ok(count) => digest.update(&block[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
