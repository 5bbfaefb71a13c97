//! Softmax regression in exact arithmetic.

use biobench_engine::regression::{self, Regression};
use numpy::{
    PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods,
};
use pyo3::prelude::*;

use crate::engine::{exception, Engine};
use crate::interrupt;
use crate::training::{numbers, whole};

type Point<'py> = Bound<'py, PyArray2<f64>>;

/// Scaled rows with their classes.
#[pyclass(frozen, module = "biobench._native")]
pub(crate) struct SoftmaxRegression(Regression);

#[pymethods]
impl SoftmaxRegression {
    #[new]
    fn new(
        py: Python<'_>,
        engine: &Engine,
        rows: PyReadonlyArray2<'_, f64>,
        ids: PyReadonlyArray1<'_, i64>,
        weights: PyReadonlyArray1<'_, f64>,
    ) -> PyResult<Self> {
        let features = rows.shape()[1];
        let ids = whole("ids", numbers("ids", &ids)?)?;
        let (rows, weights) = (numbers("rows", &rows)?, numbers("weights", &weights)?);
        let isa = engine.0.isa();
        py.detach(|| Regression::new(isa, rows, features, ids, weights))
            .map(Self)
            .map_err(|error| exception(&error))
    }

    #[pyo3(signature = (strength, tolerance, start=None))]
    fn fit<'py>(
        &self,
        py: Python<'py>,
        strength: f64,
        tolerance: f64,
        start: Option<PyReadonlyArray2<'py, f64>>,
    ) -> PyResult<Option<(Point<'py>, f64)>> {
        let start = match &start {
            Some(start) => Some(numbers("start", start)?),
            None => None,
        };
        // A fit that is stopped never goes on, and nor does any later one of these rows.
        let fitted = interrupt::stoppable(
            py,
            || self.0.stop(),
            || self.0.fit(strength, tolerance, start),
        )?;
        let fitted = fitted.map_err(|error| exception(&error))?;
        fitted
            .map(|fit| Ok((self.point(py, fit.point)?, fit.gradient)))
            .transpose()
    }

    fn gradient<'py>(
        &self,
        py: Python<'py>,
        point: PyReadonlyArray2<'py, f64>,
        strength: f64,
    ) -> PyResult<Point<'py>> {
        let point = numbers("point", &point)?;
        let gradient = py.detach(|| self.0.gradient(point, strength));
        self.point(py, gradient.map_err(|error| exception(&error))?)
    }

    fn stop(&self) {
        self.0.stop();
    }
}

impl SoftmaxRegression {
    fn point<'py>(&self, py: Python<'py>, values: Vec<f64>) -> PyResult<Point<'py>> {
        let (classes, features) = self.0.sizes();
        PyArray1::from_vec(py, values).reshape([classes, features + 1])
    }
}

/// Rows (n, d) times the transpose of weight (classes, d), plus the bias.
#[pyfunction]
pub(crate) fn decisions<'py>(
    py: Python<'py>,
    engine: &Engine,
    rows: PyReadonlyArray2<'py, f64>,
    weight: PyReadonlyArray2<'py, f64>,
    bias: PyReadonlyArray1<'py, f64>,
) -> PyResult<Point<'py>> {
    let (count, classes) = (rows.shape()[0], bias.len());
    let (rows, weight) = (numbers("rows", &rows)?, numbers("weight", &weight)?);
    let bias = numbers("bias", &bias)?;
    let isa = engine.0.isa();
    let values = py.detach(|| regression::decisions(isa, rows, weight, bias));
    let values = values.map_err(|error| exception(&error))?;
    PyArray1::from_vec(py, values).reshape([count, classes])
}
