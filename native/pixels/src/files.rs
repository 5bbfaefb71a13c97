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

fn digest(path: &Path, block: &mut [u8], cancel: &Cancel) -> io::Result<[u8; 32]> {
    // Before it is opened: that would wait for the other end of a named pipe.
    let kind = std::fs::metadata(path)?.file_type();
    if !kind.is_file() && !kind.is_dir() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut file = File::open(path)?;
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
