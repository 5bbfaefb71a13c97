//! Digests and identities of files.

use std::io;
use std::path::{Path, PathBuf};

use biobench_pixels::{FileRead, Identity};
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::interrupt;
use crate::single::exception;

/// SHA-256; and size, inode, time of the last write and of the last change, where the file stayed as
/// it was while it was read.
pub(crate) type Read<'py> = (Bound<'py, PyBytes>, Option<(i64, i64, i64, i64)>);

#[pyfunction]
#[pyo3(signature = (paths, *, workers))]
pub(crate) fn read_files(
    py: Python<'_>,
    paths: Vec<PathBuf>,
    workers: usize,
) -> PyResult<Vec<Read<'_>>> {
    if workers == 0 {
        return Err(PyValueError::new_err("workers must be at least 1"));
    }
    let files = interrupt::run(py, |cancel| {
        biobench_pixels::read_files(&paths, workers, cancel)
    })?
    .map_err(|error| exception(&error, "files"))?;
    let found = paths.iter().zip(files).map(|(path, file)| match file {
        Ok(file) => Ok(read(py, &file)),
        Err(error) => Err(unreadable(py, path, &error)?),
    });
    found.collect()
}

pub(crate) fn read<'py>(py: Python<'py>, file: &FileRead) -> Read<'py> {
    let identity = file.identity.map(|identity| {
        let Identity {
            size,
            inode,
            modified,
            changed,
        } = identity;
        (size, inode, modified, changed)
    });
    (PyBytes::new(py, &file.sha256), identity)
}

/// The exception that Python's own `open` raises, with number, text and name.
fn unreadable(py: Python<'_>, path: &Path, error: &io::Error) -> PyResult<PyErr> {
    let text = match error.raw_os_error() {
        Some(number) => py
            .import("os")?
            .call_method1("strerror", (number,))?
            .extract()?,
        None => error.to_string(),
    };
    let arguments = (error.raw_os_error().unwrap_or(0), text, path.to_path_buf());
    Ok(PyOSError::new_err(arguments))
}
