//! Newton steps with a line search.

use super::evaluate::Evaluation;
use super::problem::Regression;
use super::step::Dot;
use crate::error::EngineError;
use crate::isa::environment::Environment;

/// Newton steps of a fit at most.
const STEPS: usize = 200;
/// Newton steps whose products are float32; a fit that needs more goes on in float64.
const SINGLE: usize = 20;
/// Part of the tolerance that the gradient's norm comes down to.
const GOAL: f64 = 0.5;
/// Part of the tolerance that a direction leaves of the gradient at least.
const REST: f64 = 0.25;
/// Part of the objective that its rounding may be.
const NOISE: f64 = 1e-13;
/// A step shorter than this part of the direction is given up.
const SHORTEST: f64 = 1.0 / 1_073_741_824.0;

/// Where a fit ended.
#[derive(Clone, Debug)]
pub struct Fit {
    /// Of each class the weights of the features, then the intercept.
    pub point: Vec<f64>,
    /// The largest absolute component of the gradient there; more than the tolerance where the fit is none.
    pub gradient: f64,
}

impl Regression {
    fn penalty(&self, strength: f64) -> f64 {
        1.0 / (strength * self.ids.len() as f64)
    }

    /// The gradient of the objective at a point, (classes, features + 1).
    ///
    /// # Errors
    ///
    /// [`EngineError::Regression`] where the point has another size.
    pub fn gradient(&self, point: &[f64], strength: f64) -> Result<Vec<f64>, EngineError> {
        let point = self.point(point)?;
        let _environment = Environment::standard();
        let mut at = self.evaluation();
        self.evaluate(&point, self.penalty(strength), &mut at);
        Ok(at.gradient)
    }

    /// The fit with C = `strength`, from a point; `None` for zeros. `Ok(None)` where it was stopped.
    ///
    /// # Errors
    ///
    /// [`EngineError::Regression`] where the start has another size.
    pub fn fit(
        &self,
        strength: f64,
        tolerance: f64,
        start: Option<&[f64]>,
    ) -> Result<Option<Fit>, EngineError> {
        let mut point = match start {
            Some(start) => self.point(start)?,
            None => vec![0.0; self.size()],
        };
        let _environment = Environment::standard();
        let penalty = self.penalty(strength);
        let (mut at, mut next) = (self.evaluation(), self.evaluation());
        self.evaluate(&point, penalty, &mut at);
        let mut double = false;
        for number in 0..STEPS {
            let length = self.isa.run(Dot(&at.gradient, &at.gradient)).sqrt();
            if self.stopped() || length <= GOAL * tolerance {
                break;
            }
            double |= number >= SINGLE;
            let share = length.sqrt();
            let share = if share > 0.1 { 0.1 } else { share };
            let (relative, least) = (length * share, REST * tolerance);
            let enough = if relative > least { relative } else { least };
            let mut direction = self.direction(&at, penalty, enough, double);
            self.centre(&mut direction);
            match self.search(&point, &direction, penalty, &at, &mut next) {
                Some(found) => {
                    point = found;
                    std::mem::swap(&mut at, &mut next);
                }
                None if double => break,
                None => double = true,
            }
        }
        let gradient = largest(&at.gradient);
        Ok((!self.stopped()).then_some(Fit { point, gradient }))
    }

    /// The next point, which is then evaluated; `None` where no step of any length lowers the objective.
    fn search(
        &self,
        point: &[f64],
        direction: &[f64],
        penalty: f64,
        at: &Evaluation,
        next: &mut Evaluation,
    ) -> Option<Vec<f64>> {
        let slope = self.isa.run(Dot(&at.gradient, direction));
        // Near the optimum the objective's last bits say nothing; there the full step is right.
        let noise = NOISE * at.height.abs();
        let mut scale = 1.0;
        while scale >= SHORTEST && !self.stopped() {
            let trial: Vec<f64> = (point.iter().zip(direction))
                .map(|(x, q)| x + scale * q)
                .collect();
            self.evaluate(&trial, penalty, next);
            if next.height <= at.height + 1e-4 * scale * slope + noise {
                return Some(trial);
            }
            scale /= 2.0;
        }
        None
    }

    /// Takes the mean of the intercepts off them.
    fn centre(&self, point: &mut [f64]) {
        let depth = self.features + 1;
        let last = || (0..self.classes).map(|c| c * depth + self.features);
        let mean = last().fold(0.0, |sum, i| sum + point[i]) / self.classes as f64;
        last().for_each(|i| point[i] -= mean);
    }
}

/// The largest absolute number, NaN where there is one.
fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |most: f64, x| {
        let x = x.abs();
        if most >= x || most.is_nan() {
            most
        } else {
            x
        }
    })
}
