//! Digests of files.

use std::io;
use std::path::{Path, PathBuf};

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::interrupt;
use crate::single::exception;

#[pyfunction]
#[pyo3(signature = (paths, *, workers))]
pub(crate) fn sha256_files(
    py: Python<'_>,
    paths: Vec<PathBuf>,
    workers: usize,
) -> PyResult<Vec<Bound<'_, PyBytes>>> {
    if workers == 0 {
        return Err(PyValueError::new_err("workers must be at least 1"));
    }
    let digests = interrupt::run(py, |cancel| {
        biobench_pixels::sha256_files(&paths, workers, cancel)
    })?
    .map_err(|error| exception(&error, "files"))?;
    let found = paths
        .iter()
        .zip(digests)
        .map(|(path, digest)| match digest {
            Ok(digest) => Ok(PyBytes::new(py, &digest)),
            Err(error) => Err(unreadable(py, path, &error)?),
        });
    found.collect()
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
