//! What constants of a model are computed with, once, when its program is made.

use biobench_engine::tables::{cos, ln, pow, resize, sin, Interpolation};
use numpy::{
    PyArray1, PyArray3, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray3, PyUntypedArrayMethods,
};
use pyo3::exceptions::{PyMemoryError, PyValueError};
use pyo3::prelude::*;

use crate::training::numbers;

/// Most numbers of a resized table; position embeddings have some million.
const MOST: usize = 1 << 30;

#[pyfunction]
pub(crate) fn sines<'py>(
    py: Python<'py>,
    x: PyReadonlyArray1<'py, f64>,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let found = numbers("x", &x)?.iter().map(|x| sin(*x)).collect();
    Ok(PyArray1::from_vec(py, found))
}

#[pyfunction]
pub(crate) fn cosines<'py>(
    py: Python<'py>,
    x: PyReadonlyArray1<'py, f64>,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let found = numbers("x", &x)?.iter().map(|x| cos(*x)).collect();
    Ok(PyArray1::from_vec(py, found))
}

#[pyfunction]
pub(crate) fn logarithms<'py>(
    py: Python<'py>,
    x: PyReadonlyArray1<'py, f64>,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let found = numbers("x", &x)?.iter().map(|x| ln(*x)).collect();
    Ok(PyArray1::from_vec(py, found))
}

#[pyfunction]
pub(crate) fn powers<'py>(
    py: Python<'py>,
    base: f64,
    exponents: PyReadonlyArray1<'py, f64>,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let exponents = numbers("exponents", &exponents)?;
    let found = exponents.iter().map(|x| pow(base, *x)).collect();
    Ok(PyArray1::from_vec(py, found))
}

#[pyfunction]
pub(crate) fn interpolate<'py>(
    py: Python<'py>,
    x: PyReadonlyArray3<'py, f32>,
    rows: usize,
    columns: usize,
    filter: &str,
    antialias: bool,
) -> PyResult<Bound<'py, PyArray3<f32>>> {
    let how = match filter {
        "bilinear" => Interpolation::Bilinear,
        "bicubic" => Interpolation::Bicubic,
        _ => return Err(PyValueError::new_err("filter is bilinear or bicubic")),
    };
    let (height, width, channels) = (x.shape()[0], x.shape()[1], x.shape()[2]);
    let data = numbers("x", &x)?;
    if data.is_empty() || rows == 0 || columns == 0 {
        return Err(PyValueError::new_err("an image without pixels"));
    }
    let product = |a: usize, b: usize| a.checked_mul(b)?.checked_mul(channels);
    let sizes = [product(height, columns), product(rows, columns)];
    if !sizes
        .iter()
        .all(|size| size.is_some_and(|size| size <= MOST))
    {
        return Err(PyMemoryError::new_err("too many numbers"));
    }
    let found = py.detach(|| {
        resize(
            data,
            (height, width, channels),
            (rows, columns),
            how,
            antialias,
        )
    });
    PyArray1::from_vec(py, found).reshape([rows, columns, channels])
}
