//! Softmax regression with an L2 penalty by Newton's method (SPEC.md, section 10.3). The bits of a fit are those of
//! [`crate::definition::regression`] on any processor.
//!
//! A Newton step is solved by conjugate gradients, which need products with the rows only, never the Hessian itself. These
//! are float32, which is twice as fast: a step need not be exact. The gradient that decides when a fit is one is float64.
//! A block of rows passes through both of its products while it lies in the cache.

mod evaluate;
mod newton;
mod number;
mod products;
mod step;

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::EngineError;
use crate::isa::environment::Environment;
use crate::isa::{Isa, Kernel, Simd, LANES};

pub use newton::Fit;
use number::{packed, Matrix};

/// Rows with their classes, to be fitted with any strength. A row has a 1 after its features, which the intercept meets.
#[derive(Debug)]
pub struct Regression {
    isa: Isa,
    rows: Matrix<f64>,
    single: Matrix<f32>,
    ids: Vec<usize>,
    /// Of each row, the class's weight divided by the number of rows.
    weights: Vec<f64>,
    features: usize,
    classes: usize,
    stop: AtomicBool,
}

impl Regression {
    /// The problem of `rows` (n, features), scaled, with the class of each and the weight of each class.
    ///
    /// # Errors
    ///
    /// [`EngineError::Regression`] where the sizes do not fit or an id is none of a class.
    pub fn new(
        isa: Isa,
        rows: &[f64],
        features: usize,
        ids: Vec<usize>,
        weights: &[f64],
    ) -> Result<Self, EngineError> {
        let count = ids.len();
        if count == 0 || rows.len() != count * features {
            let message = format!("{} numbers are not {count} rows of {features}", rows.len());
            return Err(EngineError::Regression(message));
        }
        if weights.len() < 2 || ids.iter().any(|id| *id >= weights.len()) {
            let message = format!(
                "each row is of one of two or more classes, not {}",
                weights.len()
            );
            return Err(EngineError::Regression(message));
        }
        let _environment = Environment::standard();
        let rows = Matrix::with_ones(rows, features);
        let single = Matrix {
            values: rows.values.iter().map(|x| *x as f32).collect(),
            stride: rows.stride,
            depth: rows.depth,
        };
        Ok(Self {
            isa,
            single,
            weights: ids.iter().map(|id| weights[*id] / count as f64).collect(),
            rows,
            features,
            classes: weights.len(),
            ids,
            stop: AtomicBool::new(false),
        })
    }

    /// Numbers of a point: of each class the weights of the features, then the intercept.
    #[must_use]
    pub fn size(&self) -> usize {
        self.classes * (self.features + 1)
    }

    /// How many classes and features there are.
    #[must_use]
    pub fn sizes(&self) -> (usize, usize) {
        (self.classes, self.features)
    }

    /// Ends the fit that is being computed, and any later one, soon.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// A point, if the numbers are as many.
    fn point(&self, values: &[f64]) -> Result<Vec<f64>, EngineError> {
        if values.len() == self.size() {
            return Ok(values.to_vec());
        }
        let message = format!("{} numbers are no point of {}", values.len(), self.size());
        Err(EngineError::Regression(message))
    }
}

/// Decision values (n, classes): the chain of each row (n, features) with each class's weight, plus its bias.
///
/// # Errors
///
/// [`EngineError::Regression`] where the sizes do not fit.
pub fn decisions(
    isa: Isa,
    rows: &[f64],
    weight: &[f64],
    bias: &[f64],
) -> Result<Vec<f64>, EngineError> {
    let classes = bias.len();
    let features = weight.len().checked_div(classes).unwrap_or(0);
    if features == 0 || weight.len() != classes * features || !rows.len().is_multiple_of(features) {
        let message = format!(
            "{} numbers are no rows for a weight of {} and {classes} classes",
            rows.len(),
            weight.len()
        );
        return Err(EngineError::Regression(message));
    }
    let _environment = Environment::standard();
    let point: Vec<f64> = (weight.chunks(features).zip(bias))
        .flat_map(|(weight, bias)| weight.iter().chain([bias]).copied())
        .collect();
    let count = rows.len() / features;
    let width = classes.next_multiple_of(LANES);
    let mut out = vec![0.0; count * width];
    isa.run(Decisions {
        rows: Matrix::with_ones(rows, features),
        packed: packed(&point, features + 1, |x| x),
        out: &mut out,
        width,
    });
    Ok((out.chunks(width))
        .flat_map(|row| row[..classes].iter().copied())
        .collect())
}

struct Decisions<'a> {
    rows: Matrix<f64>,
    packed: Vec<f64>,
    out: &'a mut [f64],
    width: usize,
}

impl Kernel for Decisions<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let block = self.rows.block();
        for (i, out) in self.out.chunks_mut(block * self.width).enumerate() {
            let rows = self.rows.part(i * block, out.len() / self.width);
            products::forward(s, rows, &self.rows, &self.packed, out, self.width);
        }
    }
}
