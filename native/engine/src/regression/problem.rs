//! The rows of a fit, with their classes and weights.

use std::sync::atomic::{AtomicBool, Ordering};

use super::number::Matrix;
use crate::error::EngineError;
use crate::isa::environment::Environment;
use crate::isa::Isa;

/// Rows with their classes, to be fitted with any strength. A row has a 1 after its features, which the intercept meets.
#[derive(Debug)]
pub struct Regression {
    pub(super) isa: Isa,
    pub(super) rows: Matrix<f64>,
    pub(super) single: Matrix<f32>,
    pub(super) ids: Vec<usize>,
    /// Of each row, the class's weight divided by the number of rows.
    pub(super) weights: Vec<f64>,
    pub(super) features: usize,
    pub(super) classes: usize,
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

    pub(super) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// A point, if the numbers are as many.
    pub(super) fn point(&self, values: &[f64]) -> Result<Vec<f64>, EngineError> {
        if values.len() == self.size() {
            return Ok(values.to_vec());
        }
        let message = format!(
            "{} numbers are not a point of {}",
            values.len(),
            self.size()
        );
        Err(EngineError::Regression(message))
    }
}
