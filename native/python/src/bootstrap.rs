//! Resamples of the bootstrap, counted as they are drawn.

use biobench_engine::bootstrap::{tally, Items};
use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1};
use pyo3::exceptions::{PyMemoryError, PyValueError};
use pyo3::prelude::*;

use crate::training::numbers;

#[pyfunction]
#[expect(
    clippy::too_many_arguments,
    reason = "the arrays of one stratification and their bounds"
)]
pub(crate) fn resample_tallies<'py>(
    py: Python<'py>,
    key: u64,
    first: u64,
    replicates: usize,
    start: PyReadonlyArray1<'py, u64>,
    size: PyReadonlyArray1<'py, u64>,
    codes: PyReadonlyArray1<'py, u32>,
    bins: usize,
) -> PyResult<Bound<'py, PyArray2<i64>>> {
    let items = Items {
        start: numbers("start", &start)?,
        size: numbers("size", &size)?,
        codes: numbers("codes", &codes)?,
    };
    if replicates == 0 || bins == 0 || !items.fit(bins) {
        return Err(PyValueError::new_err(
            "start, size and codes do not fit together",
        ));
    }
    let mut out = Vec::new();
    let room = replicates.checked_mul(bins);
    let count = room.ok_or_else(|| PyMemoryError::new_err("too many tallies"))?;
    out.try_reserve_exact(count)
        .map_err(|error| PyMemoryError::new_err(error.to_string()))?;
    out.resize(count, 0);
    py.detach(|| tally(key, first, &items, bins, &mut out));
    PyArray1::from_vec(py, out).reshape([replicates, bins])
}
