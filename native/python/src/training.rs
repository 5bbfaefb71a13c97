//! Trained heads in exact arithmetic.

use biobench_engine::functions::Function;
use biobench_engine::gemm::{product, Epilogue, Packed};
use biobench_engine::training::{Activation, AdamW, Batch, LinearHead, TraitsHead};
use biobench_engine::EngineError;
use numpy::ndarray::Dimension;
use numpy::{
    IntoPyArray, PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray, PyReadonlyArray1,
    PyReadonlyArray2, PyUntypedArrayMethods,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::engine::{exception, Engine};

type Lists<'py> = [Bound<'py, PyArray1<f32>>; 3];
type Folded<'py> = (Bound<'py, PyArray2<f32>>, Bound<'py, PyArray1<f32>>);

/// The numbers of an array that lies row by row.
pub(crate) fn numbers<'a, T: numpy::Element, D: Dimension>(
    name: &str,
    array: &'a PyReadonlyArray<'_, T, D>,
) -> PyResult<&'a [T]> {
    let wrong = || PyValueError::new_err(format!("{name}: must be C-contiguous"));
    // `as_slice` gives the memory of arrays in Fortran order, too.
    if !array.is_c_contiguous() {
        return Err(wrong());
    }
    array.as_slice().map_err(|_| wrong())
}

pub(crate) fn whole(name: &str, values: &[i64]) -> PyResult<Vec<usize>> {
    let convert = |value: &i64| usize::try_from(*value);
    let found: Result<_, _> = values.iter().map(convert).collect();
    found.map_err(|_| PyValueError::new_err(format!("{name}: must not be negative")))
}

enum Net {
    Linear(LinearHead, Vec<usize>),
    Traits(TraitsHead, Vec<f32>),
}

impl Net {
    fn list(&self, list: usize) -> Vec<f32> {
        match self {
            Self::Linear(head, _) => head.list(list),
            Self::Traits(head, _) => head.list(list),
        }
    }

    fn set_list(&mut self, list: usize, values: &[f32]) -> Result<(), EngineError> {
        match self {
            Self::Linear(head, _) => head.set_list(list, values),
            Self::Traits(head, _) => head.set_list(list, values),
        }
    }
}

/// A head under training.
#[pyclass(module = "biobench._native")]
pub(crate) struct Head {
    net: Net,
    optimiser: AdamW,
    powers: (f64, f64),
}

impl Head {
    fn start(net: Net, (beta1, beta2, epsilon, weight_decay): (f64, f64, f64, f64)) -> Self {
        let optimiser = AdamW {
            beta1,
            beta2,
            epsilon,
            weight_decay,
        };
        Self {
            net,
            optimiser,
            powers: (1.0, 1.0),
        }
    }
}

#[pymethods]
impl Head {
    #[staticmethod]
    fn linear(
        engine: &Engine,
        weight: PyReadonlyArray2<'_, f32>,
        affine: (PyReadonlyArray1<'_, f32>, PyReadonlyArray1<'_, f32>),
        bias: PyReadonlyArray1<'_, f32>,
        labels: PyReadonlyArray1<'_, i64>,
        adamw: (f64, f64, f64, f64),
    ) -> PyResult<Self> {
        let head = LinearHead::new(
            &engine.0,
            numbers("weight", &weight)?,
            numbers("affine", &affine.0)?.to_vec(),
            numbers("affine", &affine.1)?.to_vec(),
            numbers("bias", &bias)?.to_vec(),
        );
        let head = head.map_err(|error| exception(&error))?;
        let labels = whole("labels", numbers("labels", &labels)?)?;
        Ok(Self::start(Net::Linear(head, labels), adamw))
    }

    #[staticmethod]
    fn traits(
        engine: &Engine,
        layers: (
            PyReadonlyArray2<'_, f32>,
            PyReadonlyArray1<'_, f32>,
            PyReadonlyArray2<'_, f32>,
            PyReadonlyArray1<'_, f32>,
        ),
        relu: bool,
        traits: PyReadonlyArray2<'_, f32>,
        adamw: (f64, f64, f64, f64),
    ) -> PyResult<Self> {
        let values = (
            numbers("layers", &layers.0)?.to_vec(),
            numbers("layers", &layers.1)?.to_vec(),
            numbers("layers", &layers.2)?.to_vec(),
            numbers("layers", &layers.3)?.to_vec(),
        );
        let activation = if relu {
            Activation::Relu
        } else {
            Activation::Identity
        };
        let head = TraitsHead::new(&engine.0, layers.0.shape()[1], values, activation);
        let head = head.map_err(|error| exception(&error))?;
        let traits = numbers("traits", &traits)?.to_vec();
        Ok(Self::start(Net::Traits(head, traits), adamw))
    }

    #[pyo3(signature = (engine, rows, batch, rate, dropout=None))]
    fn step(
        &mut self,
        py: Python<'_>,
        engine: &Engine,
        rows: PyReadonlyArray2<'_, f32>,
        batch: Option<PyReadonlyArray1<'_, i64>>,
        rate: f64,
        dropout: Option<PyReadonlyArray2<'_, f32>>,
    ) -> PyResult<bool> {
        let width = rows.shape()[1];
        let rows = numbers("rows", &rows)?;
        let batch = match &batch {
            Some(batch) => Some(whole("batch", numbers("batch", batch)?)?),
            None => None,
        };
        let dropout = match &dropout {
            Some(dropout) => Some(numbers("dropout", dropout)?),
            None => None,
        };
        let powers = self.optimiser.powers(self.powers);
        let factors = self.optimiser.factors(rate, powers);
        if factors.step == 0.0 {
            return Ok(false);
        }
        let (engine, net) = (&engine.0, &mut self.net);
        let done = py.detach(|| {
            let batch = Batch::new(rows, width, batch.as_deref())?;
            match net {
                Net::Linear(head, labels) => head.step(engine, &batch, labels, &factors),
                Net::Traits(head, traits) => head.step(engine, &batch, traits, dropout, &factors),
            }
        });
        done.map_err(|error| exception(&error))?;
        self.powers = powers;
        Ok(true)
    }

    fn state<'py>(&self, py: Python<'py>) -> Lists<'py> {
        [0, 1, 2].map(|list| self.net.list(list).into_pyarray(py))
    }

    fn restore(&mut self, lists: [PyReadonlyArray1<'_, f32>; 3], steps: u64) -> PyResult<()> {
        for (list, values) in lists.iter().enumerate() {
            let set = self.net.set_list(list, numbers("lists", values)?);
            set.map_err(|error| exception(&error))?;
        }
        self.powers = (1.0, 1.0);
        for _ in 0..steps {
            self.powers = self.optimiser.powers(self.powers);
        }
        Ok(())
    }

    fn folded<'py>(&mut self, py: Python<'py>, engine: &Engine) -> PyResult<Folded<'py>> {
        let Net::Linear(head, _) = &mut self.net else {
            return Err(PyValueError::new_err("a linear head is expected"));
        };
        let (features, classes) = head.sizes();
        let (weight, bias) = py.detach(|| head.folded(&engine.0));
        let weight = PyArray1::from_vec(py, weight).reshape([classes, features])?;
        Ok((weight, bias.into_pyarray(py)))
    }
}

/// Rows (n, k) times the transpose of weight (m, k), plus the bias; then the rectifier, if asked for.
#[pyfunction]
#[pyo3(signature = (engine, rows, weight, bias, *, relu=false))]
pub(crate) fn linear<'py>(
    py: Python<'py>,
    engine: &Engine,
    rows: PyReadonlyArray2<'py, f32>,
    weight: PyReadonlyArray2<'py, f32>,
    bias: PyReadonlyArray1<'py, f32>,
    relu: bool,
) -> PyResult<Bound<'py, PyArray2<f32>>> {
    let (n, k, m) = (rows.shape()[0], rows.shape()[1], weight.shape()[0]);
    if weight.shape()[1] != k || bias.len() != m || m == 0 {
        let message = format!(
            "rows {:?}, weight {:?} and bias {:?}",
            rows.shape(),
            weight.shape(),
            bias.shape()
        );
        return Err(PyValueError::new_err(message));
    }
    let (rows, weight) = (numbers("rows", &rows)?, numbers("weight", &weight)?);
    let bias = numbers("bias", &bias)?;
    let activation = if relu {
        Function::Relu
    } else {
        Function::Identity
    };
    let out = py.detach(|| {
        let epilogue = Epilogue {
            bias: Some(bias),
            activation,
            residual: None,
        };
        let mut out = vec![0.0; n * m];
        let packed = Packed::transposed(weight, k, m);
        product(&engine.0, rows, &packed, &epilogue, &mut out);
        out
    });
    PyArray1::from_vec(py, out).reshape([n, m])
}
