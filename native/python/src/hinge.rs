//! Support vector machines in float64, exact in any language.

use biobench_engine::hinge::{minimise, products, Machine};
use numpy::{
    PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods,
};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;

use crate::engine::Engine;
use crate::interrupt;
use crate::training::numbers;

/// Steps after which a machine is given up.
const MOST_STEPS: usize = 10_000_000;
/// Bytes of products that are kept.
const KEPT: usize = 1 << 30;

#[pyfunction]
pub(crate) fn hinge_dual<'py>(
    py: Python<'py>,
    engine: &Engine,
    rows: PyReadonlyArray2<'py, f64>,
    signs: PyReadonlyArray1<'py, f64>,
    limit: f64,
    tolerance: f64,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let (count, depth) = (rows.shape()[0], rows.shape()[1]);
    let machine = Machine {
        rows: numbers("rows", &rows)?,
        depth,
        signs: numbers("signs", &signs)?,
        limit,
        tolerance,
        kept: KEPT,
    };
    if depth == 0 || machine.signs.len() != count {
        return Err(PyValueError::new_err("rows and signs do not fit together"));
    }
    let isa = engine.0.isa();
    let dual = interrupt::run(py, |cancel| {
        minimise(isa, &machine, MOST_STEPS, &|| cancel.is_set())
    })?;
    let dual = dual.ok_or_else(|| PyRuntimeError::new_err("stopped"))?;
    Ok(PyArray1::from_vec(py, dual))
}

#[pyfunction]
pub(crate) fn row_products<'py>(
    py: Python<'py>,
    engine: &Engine,
    left: PyReadonlyArray2<'py, f64>,
    right: PyReadonlyArray2<'py, f64>,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let (n, m, depth) = (left.shape()[0], right.shape()[0], left.shape()[1]);
    if depth == 0 || right.shape()[1] != depth {
        return Err(PyValueError::new_err("rows of the same length are needed"));
    }
    let (a, b) = (numbers("left", &left)?, numbers("right", &right)?);
    let mut out = vec![0.0; n * m];
    py.detach(|| products(&engine.0, a, b, depth, &mut out));
    PyArray1::from_vec(py, out).reshape([n, m])
}
