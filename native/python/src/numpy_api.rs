//! The table of NumPy's functions, looked up when the extension is loaded.

use std::thread;

use numpy::{PyArray1, PyArrayMethods};
use pyo3::exceptions::PyImportError;
use pyo3::prelude::*;

/// Has the `numpy` crate look up NumPy's functions, and its own table of borrowed arrays, of which it keeps both.
///
/// The crate would do so at its first use. It runs Python code for it, in which the handler of a signal may raise, and
/// panics where that fails. Handlers run on the main thread alone, so the lookup is made on another.
pub(crate) fn look_up(py: Python<'_>) -> PyResult<()> {
    // An error of the import itself is raised as it is.
    py.import("numpy")?;
    py.detach(|| {
        let looked_up = thread::Builder::new().spawn(|| {
            Python::attach(|py| {
                let array = PyArray1::<u8>::zeros(py, 1, false);
                drop(array.try_readonly());
            });
        })?;
        looked_up
            .join()
            .map_err(|_| PyImportError::new_err("NumPy's functions cannot be looked up"))
    })
}
