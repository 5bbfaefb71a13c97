//! Programs in exact arithmetic.

use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};

use biobench_engine::program::Workspace;
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
pub(crate) struct Program {
    program: biobench_engine::program::Program,
    /// Buffers of earlier runs. Runs at the same time have one each.
    workspaces: Mutex<Vec<Workspace>>,
}

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
        Ok(Self {
            program,
            workspaces: Mutex::new(Vec::new()),
        })
    }

    #[getter]
    fn digest(&self) -> &str {
        self.program.digest()
    }

    #[getter]
    fn text(&self) -> &str {
        self.program.text()
    }

    fn explain(&self) -> String {
        self.program.explain()
    }

    fn memory(&self, batch: usize) -> usize {
        self.program.memory(batch)
    }

    fn run<'py>(
        &self,
        py: Python<'py>,
        engine: &Engine,
        input: PyReadonlyArrayDyn<'py, f32>,
    ) -> PyResult<Bound<'py, PyArrayDyn<f32>>> {
        let shape = input.shape();
        let dims = &self.program.input().0;
        let place = dims.iter().position(|dim| dim.batch).unwrap_or(0);
        let batch = match dims.get(place) {
            Some(dim) if dim.batch => shape.get(place).map_or(0, |n| n / dim.factor),
            _ => 1,
        };
        if batch == 0 || self.program.input().at(batch) != shape {
            let message = format!("input: shape {}, not {shape:?}", self.program.input());
            return Err(PyValueError::new_err(message));
        }
        let wrong = || PyValueError::new_err("input: must be C-contiguous");
        // `as_slice` gives the memory of arrays in Fortran order, too.
        if !input.is_c_contiguous() {
            return Err(wrong());
        }
        let data = input.as_slice().map_err(|_| wrong())?;
        let out = py.detach(|| {
            let kept = || {
                self.workspaces
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
            };
            let taken = kept().pop();
            let mut workspace = taken.unwrap_or_default();
            let out = self.program.run(&engine.0, data, batch, &mut workspace);
            kept().push(workspace);
            out
        });
        let out = out.map_err(|error| exception(&error))?;
        let shape = self.program.output().at(batch);
        PyArray1::from_vec(py, out).reshape(shape)
    }
}
