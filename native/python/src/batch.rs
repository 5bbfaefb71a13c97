//! Many files to one array.

use std::path::PathBuf;

use biobench_pixels::{CropRounding, Filter, LongSide, Mode, Recipe};
use numpy::{PyArray4, PyArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::interrupt::{self, Cancel};
use crate::single::{chosen, exception, limits, named};

/// Pixels, digests, and (index, kind, message) of each item that failed.
type Loaded<'py> = (
    Bound<'py, PyArray4<u8>>,
    Vec<Bound<'py, PyBytes>>,
    Vec<(usize, &'static str, String)>,
);

#[pyfunction]
#[pyo3(signature = (
    paths, *, mode, size, long_side, filter, crop, crop_rounding, pad, workers, max_pixels = None,
    cancel = None, kernel = None
))]
#[expect(
    clippy::too_many_arguments,
    reason = "keyword arguments: one for each field of a recipe"
)]
pub(crate) fn load_batch<'py>(
    py: Python<'py>,
    paths: Vec<PathBuf>,
    mode: &str,
    size: (usize, usize),
    long_side: &str,
    filter: &str,
    crop: (usize, usize),
    crop_rounding: &str,
    pad: (u8, u8, u8),
    workers: usize,
    max_pixels: Option<u64>,
    cancel: Option<&Cancel>,
    kernel: Option<&str>,
) -> PyResult<Loaded<'py>> {
    if workers == 0 {
        return Err(PyValueError::new_err("workers must be at least 1"));
    }
    let recipe = Recipe {
        mode: named("mode", mode, Mode::from_name(mode), Mode::NAMES)?,
        size,
        long_side: named(
            "long_side",
            long_side,
            LongSide::from_name(long_side),
            LongSide::NAMES,
        )?,
        filter: named("filter", filter, Filter::from_name(filter), Filter::NAMES)?,
        crop,
        crop_rounding: named(
            "crop_rounding",
            crop_rounding,
            CropRounding::from_name(crop_rounding),
            CropRounding::NAMES,
        )?,
        pad: [pad.0, pad.1, pad.2],
    };
    recipe
        .check()
        .map_err(|error| exception(&error, "recipe"))?;
    let limits = limits(max_pixels);
    let kernel = chosen(kernel)?;
    // Not `PyArray4::zeros`, which panics where there is no memory.
    let shape = (paths.len(), crop.0, crop.1, 3);
    let pixels = py
        .import("numpy")?
        .call_method1("zeros", (shape, "uint8"))?
        .cast_into::<PyArray4<u8>>()?;
    let outcomes = {
        // The array is new and no one else knows it, so that the borrow cannot fail.
        let mut borrowed = pixels.readwrite();
        let out = borrowed.as_slice_mut()?;
        interrupt::run(py, cancel, |cancel| {
            biobench_pixels::load_batch(&paths, &recipe, &limits, workers, kernel, cancel, out)
        })?
    }
    .map_err(|error| exception(&error, "batch"))?;
    let mut digests = Vec::with_capacity(outcomes.len());
    let mut failures = Vec::new();
    for (index, outcome) in outcomes.into_iter().enumerate() {
        match outcome {
            Ok(digest) => digests.push(PyBytes::new(py, &digest)),
            Err(error) => {
                // No pixels, no digest: 32 zero bytes keep the rows of callers aligned.
                digests.push(PyBytes::new(py, &[0; 32]));
                failures.push((index, error.kind(), error.to_string()));
            }
        }
    }
    Ok((pixels, digests, failures))
}
