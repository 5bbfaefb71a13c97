//! Decision values of a fitted regression.

use super::number::{packed, Matrix};
use super::products::forward;
use crate::error::EngineError;
use crate::isa::environment::Environment;
use crate::isa::{Isa, Kernel, Simd, LANES};

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
            "{} numbers are not rows for a weight of {} and {classes} classes",
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
            forward(s, rows, &self.rows, &self.packed, out, self.width);
        }
    }
}
