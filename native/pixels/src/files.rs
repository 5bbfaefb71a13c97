//! Whole files: their bytes, the SHA-256 of these, and what the system says of the file they came from.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::error::PixelError;
use crate::limits::{Cancel, Limits};
use crate::threads::threads;

/// Bytes that are read at once: they stay in the processor's cache until they are hashed.
const BLOCK: usize = 1 << 16;

const NS: i64 = 1_000_000_000;

/// What changes with the content of a file. Numbers wrap to 64 bits with a sign, as they are kept in
/// databases; times are in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// Bytes of the content.
    pub size: i64,
    /// Number of the file in its file system.
    pub inode: i64,
    /// Time of the last write, which a program may set.
    pub modified: i64,
    /// Time of the last change, which no program can set.
    pub changed: i64,
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        let time = |seconds: i64, ns: i64| seconds.wrapping_mul(NS).wrapping_add(ns);
        Self {
            size: metadata.size() as i64,
            inode: metadata.ino() as i64,
            modified: time(metadata.mtime(), metadata.mtime_nsec()),
            changed: time(metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// What was read of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileRead {
    /// The SHA-256 of the bytes.
    pub sha256: [u8; 32],
    /// The identity that the open file had before and after its bytes were read, or none where the
    /// two differ: then the bytes may be of no single state.
    pub identity: Option<Identity>,
}

/// The bytes of a file, and its identity as [`FileRead::identity`] has it.
pub(crate) struct Content {
    pub data: Vec<u8>,
    pub identity: Option<Identity>,
}

impl Content {
    pub fn read(&self) -> FileRead {
        FileRead {
            sha256: Sha256::digest(&self.data).into(),
            identity: self.identity,
        }
    }
}

/// A regular file, open for reading, and what the system says of it. What it is is asked of what was
/// opened: between a look at a path and its opening it may become another. A folder opens, and cannot
/// be read.
fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let mut options = File::options();
    options.read(true);
    // A named pipe would wait for its other end.
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() && !metadata.is_dir() {
        return Err(io::Error::other("not a regular file"));
    }
    Ok((file, metadata))
}

/// The whole file, opened once. What is not a regular file (a folder, a pipe that never ends) is
/// refused.
pub(crate) fn read_file(path: &Path, limits: &Limits) -> Result<Content, PixelError> {
    let (mut file, metadata) = open(path)?;
    if !metadata.is_file() {
        return Err(PixelError::Io(io::Error::other("not a regular file")));
    }
    limits.check_file(metadata.len())?;
    let before = Identity::of(&metadata);
    let mut data = Vec::new();
    let expected = usize::try_from(metadata.len()).map_err(|_| PixelError::Memory)?;
    data.try_reserve_exact(expected + 1)
        .map_err(|_| PixelError::Memory)?;
    // The file may grow while it is read: one byte more than the limit shows it.
    let mut limited = (&mut file).take(limits.max_file_bytes + 1);
    limited.read_to_end(&mut data)?;
    limits.check_file(data.len() as u64)?;
    let identity = unmoved(&file, before, data.len() as u64)?;
    Ok(Content { data, identity })
}

/// A file that is in memory already. It has no identity.
pub(crate) fn copy_of(bytes: &[u8], limits: &Limits) -> Result<Content, PixelError> {
    limits.check_file(bytes.len() as u64)?;
    let mut data = Vec::new();
    data.try_reserve_exact(bytes.len())
        .map_err(|_| PixelError::Memory)?;
    data.extend_from_slice(bytes);
    Ok(Content {
        data,
        identity: None,
    })
}

/// The identity of an open file of which `count` bytes were read, if it is the one of `before`.
fn unmoved(file: &File, before: Identity, count: u64) -> io::Result<Option<Identity>> {
    let after = Identity::of(&file.metadata()?);
    Ok((after == before && after.size as u64 == count).then_some(after))
}

/// The digests and identities of `paths` in their order, on `workers` threads.
pub fn read_files(
    paths: &[PathBuf],
    workers: usize,
    cancel: &Cancel,
) -> Result<Vec<io::Result<FileRead>>, PixelError> {
    let pool = threads(workers.max(1), "files")?;
    Ok(pool.install(|| {
        paths
            .par_iter()
            .map_init(|| vec![0; BLOCK], |block, path| digest(path, block, cancel))
            .collect()
    }))
}

fn digest(path: &Path, block: &mut [u8], cancel: &Cancel) -> io::Result<FileRead> {
    let (mut file, metadata) = open(path)?;
    let before = Identity::of(&metadata);
    let mut digest = Sha256::new();
    let mut total = 0;
    loop {
        if cancel.is_set() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        match file.read(block) {
            Ok(0) => break,
            Ok(count) => {
                digest.update(&block[..count]);
                total += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(FileRead {
        sha256: digest.finalize().into(),
        identity: unmoved(&file, before, total)?,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Protects: a digest never goes with the identity of other bytes, also where the file grows
    /// while it is read, or its name comes to mean another file.
    #[test]
    fn identity_of_what_was_read() {
        let folder = std::env::temp_dir().join(format!("biobench-files-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("a");
        fs::write(&path, b"first").unwrap();
        let (file, metadata) = open(&path).unwrap();
        let before = Identity::of(&metadata);
        fs::write(folder.join("b"), b"other").unwrap();
        fs::rename(folder.join("b"), &path).unwrap();
        let renamed = Identity::of(&file.metadata().unwrap());
        // Losing its name changes the file's time of change, which a fast clock shows.
        assert_eq!(
            unmoved(&file, before, 5).unwrap(),
            (renamed == before).then_some(before)
        );
        assert_eq!(unmoved(&file, renamed, 5).unwrap(), Some(renamed));
        assert_eq!(unmoved(&file, renamed, 4).unwrap(), None);
        let read = read_file(&path, &Limits::default()).unwrap();
        assert_eq!(read.data, b"other");
        assert_ne!(read.identity.unwrap().inode, renamed.inode);
        fs::remove_dir_all(&folder).unwrap();
    }
}
