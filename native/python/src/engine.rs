//! Programs in exact arithmetic.

use std::cell::RefCell;

use biobench_engine::EngineError;
use numpy::{PyArray1, PyArrayDyn, PyArrayMethods, PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;

pub(crate) fn exception(error: &EngineError) -> PyErr {
    match error {
        EngineError::Threads { threads, .. } if *threads > 0 => {
            PyOSError::new_err(error.to_string())
        }
        _ => PyValueError::new_err(error.to_string()),
    }
}

/// Threads and an instruction set.
#[pyclass(frozen, module = "biobench._native")]
pub(crate) struct Engine(pub(crate) biobench_engine::Engine);

#[pymethods]
impl Engine {
    #[new]
    fn new(threads: usize) -> PyResult<Self> {
        biobench_engine::Engine::new(threads)
            .map(Self)
            .map_err(|error| exception(&error))
    }

    #[getter]
    fn instruction_set(&self) -> &'static str {
        self.0.isa().name()
    }

    #[getter]
    fn threads(&self) -> usize {
        self.0.threads()
    }
}

/// A program with its constants.
#[pyclass(frozen, module = "biobench._native")]
pub(crate) struct Program(biobench_engine::program::Program);

#[pymethods]
impl Program {
    #[new]
    fn new(text: &str, supply: &Bound<'_, PyAny>) -> PyResult<Self> {
        let raised: RefCell<Option<PyErr>> = RefCell::new(None);
        let bytes = |digest: &str| -> Option<Vec<u8>> {
            let given = supply
                .call1((digest,))
                .and_then(|b| b.extract::<Option<Vec<u8>>>());
            given.unwrap_or_else(|error| {
                raised.borrow_mut().get_or_insert(error);
                None
            })
        };
        let program = biobench_engine::program::Program::read(text, bytes);
        if let Some(error) = raised.into_inner() {
            return Err(error);
        }
        let program = program.map_err(|error| exception(&error))?;
        Ok(Self(program))
    }

    #[staticmethod]
    fn constants_memory(text: &str) -> PyResult<usize> {
        biobench_engine::program::Program::constants_memory(text).map_err(|error| exception(&error))
    }

    #[getter]
    fn digest(&self) -> &str {
        self.0.digest()
    }

    #[getter]
    fn text(&self) -> &str {
        self.0.text()
    }

    fn explain(&self) -> String {
        self.0.explain()
    }

    #[getter]
    fn images_apart(&self) -> bool {
        self.0.images_apart()
    }

    fn memory(&self, batch: usize) -> usize {
        self.0.memory(batch)
    }

    fn run<'py>(
        &self,
        py: Python<'py>,
        engine: &Engine,
        input: PyReadonlyArrayDyn<'py, f32>,
    ) -> PyResult<Bound<'py, PyArrayDyn<f32>>> {
        let shape = input.shape();
        let dims = &self.0.input().0;
        let place = dims.iter().position(|dim| dim.batch).unwrap_or(0);
        let batch = match dims.get(place) {
            Some(dim) if dim.batch => shape.get(place).map_or(0, |n| n / dim.factor),
            _ => 1,
        };
        if batch == 0 || self.0.input().at(batch) != shape {
            let message = format!("input: shape {}, not {shape:?}", self.0.input());
            return Err(PyValueError::new_err(message));
        }
        let wrong = || PyValueError::new_err("input: must be C-contiguous");
        // `as_slice` gives the memory of arrays in Fortran order, too.
        if !input.is_c_contiguous() {
            return Err(wrong());
        }
        let data = input.as_slice().map_err(|_| wrong())?;
        let out = py.detach(|| self.0.run(&engine.0, data, batch));
        let out = out.map_err(|error| exception(&error))?;
        let shape = self.0.output().at(batch);
        PyArray1::from_vec(py, out).reshape(shape)
    }
}
