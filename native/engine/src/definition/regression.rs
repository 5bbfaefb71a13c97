//! Softmax regression by Newton's method, one number at a time. Matrices are row by row; a row of features is followed by a
//! 1, a point of each class by its intercept.

use super::tree;

/// A precision of the products with the Hessian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Float32.
    Single,
    /// Float64.
    Double,
}

/// Rows with their classes.
#[derive(Clone, Debug)]
pub struct Regression {
    /// Scaled features, each row with its 1.
    pub rows: Vec<Vec<f64>>,
    /// The class of each row.
    pub ids: Vec<usize>,
    /// Of each row, the weight of its class divided by the number of rows.
    pub weights: Vec<f64>,
    /// How many classes there are.
    pub classes: usize,
}

/// What is found at a point.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The softmax of each row.
    pub shares: Vec<Vec<f64>>,
    /// The objective.
    pub height: f64,
    /// The gradient, of each class the features, then the intercept.
    pub gradient: Vec<f64>,
    /// Of each class the weighted sum of P (1 - P).
    pub curvature: Vec<f64>,
}

/// The float64 chain.
fn chain(pairs: impl Iterator<Item = (f64, f64)>) -> f64 {
    let mut c = 0.0f64;
    for (a, b) in pairs {
        c = a.mul_add(b, c);
    }
    c
}

/// The float32 chain.
fn single_chain(pairs: impl Iterator<Item = (f32, f32)>) -> f32 {
    let mut c = 0.0f32;
    for (a, b) in pairs {
        c = a.mul_add(b, c);
    }
    c
}

/// The sum of a list in float64.
fn sum(elements: impl Iterator<Item = f64>) -> f64 {
    let mut lanes = [0.0f64; 16];
    for (i, x) in elements.enumerate() {
        lanes[i % 16] += x;
    }
    for w in [8, 4, 2, 1] {
        for i in 0..w {
            lanes[i] += lanes[i + w];
        }
    }
    lanes[0]
}

/// The sum of the products of two lists.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    sum(a.iter().zip(b).map(|(a, b)| a * b))
}

/// e^x of a number that is at most 0, as if that were at least -700.
#[must_use]
pub fn exp(x: f64) -> f64 {
    let x = if -700.0 > x { -700.0 } else { x };
    let n = (x * std::f64::consts::LOG2_E).round_ties_even();
    let r =
        (x - n * f64::from_bits(0x3fe6_2e42_fee0_0000)) - n * f64::from_bits(0x3dea_39ef_3579_3c76);
    let mut y = 1.0;
    for j in (1..=13).rev() {
        y = y * r / f64::from(j) + 1.0;
    }
    y * 2f64.powi(n as i32)
}

/// The natural logarithm.
fn log(x: f64) -> f64 {
    let mut exponent = 0.0;
    let mut m = x;
    while m >= 2.0 * f64::from_bits(0x3fe6_a09e_667f_3bcd) {
        (m, exponent) = (m / 2.0, exponent + 1.0);
    }
    let z = (m - 1.0) / (m + 1.0);
    let square = z * z;
    let mut y = 0.0;
    for j in (0..=11).rev() {
        y = y * square + 1.0 / f64::from(2 * j + 1);
    }
    let (high, low) = (
        f64::from_bits(0x3fe6_2e42_fee0_0000),
        f64::from_bits(0x3dea_39ef_3579_3c76),
    );
    exponent * high + (exponent * low + 2.0 * z * y)
}

impl Regression {
    /// The problem of rows with their class's ids and the weights of the classes.
    #[must_use]
    pub fn new(rows: &[Vec<f64>], ids: &[usize], weights: &[f64]) -> Self {
        let with_one = |row: &Vec<f64>| row.iter().copied().chain([1.0]).collect();
        Self {
            rows: rows.iter().map(with_one).collect(),
            ids: ids.to_vec(),
            weights: ids
                .iter()
                .map(|id| weights[*id] / ids.len() as f64)
                .collect(),
            classes: weights.len(),
        }
    }

    fn depth(&self) -> usize {
        self.rows[0].len()
    }

    /// 1 / (C n) for features, 0 for the intercept.
    fn penalty(&self, strength: f64, place: usize) -> f64 {
        if place % self.depth() == self.depth() - 1 {
            0.0
        } else {
            1.0 / (strength * self.rows.len() as f64)
        }
    }

    /// Evaluates the objective.
    #[must_use]
    pub fn evaluate(&self, point: &[f64], strength: f64) -> Evaluation {
        let depth = self.depth();
        let (mut shares, mut residuals) = (Vec::new(), Vec::new());
        let mut curvature = vec![0.0; self.classes];
        let mut loss = 0.0;
        for (i, row) in self.rows.iter().enumerate() {
            let logits: Vec<f64> = (point.chunks(depth))
                .map(|x| chain(row.iter().copied().zip(x.iter().copied())))
                .collect();
            let mut largest = f64::NEG_INFINITY;
            for l in &logits {
                largest = if largest > *l { largest } else { *l };
            }
            let powers: Vec<f64> = logits.iter().map(|l| exp(l - largest)).collect();
            let total = sum(powers.iter().copied());
            loss += self.weights[i] * (log(total) - (logits[self.ids[i]] - largest));
            let inverse = 1.0 / total;
            let row: Vec<f64> = powers.iter().map(|e| e * inverse).collect();
            for (v, p) in curvature.iter_mut().zip(&row) {
                *v += p * (1.0 - p) * self.weights[i];
            }
            let residual = row.iter().enumerate().map(|(c, p)| {
                let q = if c == self.ids[i] { p - 1.0 } else { *p };
                q * self.weights[i]
            });
            residuals.push(residual.collect::<Vec<f64>>());
            shares.push(row);
        }
        let gradient = (0..point.len()).map(|k| {
            let (c, j) = (k / depth, k % depth);
            let pairs = (0..self.rows.len()).map(|i| (residuals[i][c], self.rows[i][j]));
            let data = chain(pairs);
            if j == depth - 1 {
                data
            } else {
                data + self.penalty(strength, k) * point[k]
            }
        });
        let last = |k: usize| k % depth == depth - 1;
        let squares = (point.iter().enumerate()).map(|(k, x)| if last(k) { 0.0 } else { x * x });
        Evaluation {
            height: loss + 0.5 * self.penalty(strength, 0) * sum(squares),
            gradient: gradient.collect(),
            shares,
            curvature,
        }
    }

    /// The product of a direction with the Hessian of the objective.
    #[must_use]
    pub fn curve(
        &self,
        at: &Evaluation,
        strength: f64,
        direction: &[f64],
        precision: Precision,
    ) -> Vec<f64> {
        let size = direction.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        let scaled: Vec<f64> = direction.iter().map(|x| x * (1.0 / size)).collect();
        let product = match precision {
            Precision::Double => self.double(at, &scaled),
            Precision::Single => self.single(at, &scaled),
        };
        (product.iter().enumerate())
            .map(|(k, h)| {
                let h = size * h;
                if k % self.depth() == self.depth() - 1 {
                    h
                } else {
                    h + self.penalty(strength, k) * direction[k]
                }
            })
            .collect()
    }

    fn double(&self, at: &Evaluation, direction: &[f64]) -> Vec<f64> {
        let depth = self.depth();
        let mut slopes = Vec::new();
        for (i, row) in self.rows.iter().enumerate() {
            let terms: Vec<f64> = (direction.chunks(depth).zip(&at.shares[i]))
                .map(|(x, p)| chain(row.iter().copied().zip(x.iter().copied())) * p)
                .collect();
            let mean = sum(terms.iter().copied());
            let slope = terms.iter().zip(&at.shares[i]);
            slopes.push(
                slope
                    .map(|(a, p)| (a - p * mean) * self.weights[i])
                    .collect::<Vec<f64>>(),
            );
        }
        (0..direction.len())
            .map(|k| {
                chain((0..self.rows.len()).map(|i| (slopes[i][k / depth], self.rows[i][k % depth])))
            })
            .collect()
    }

    fn single(&self, at: &Evaluation, direction: &[f64]) -> Vec<f64> {
        let depth = self.depth();
        let mut slopes = Vec::new();
        for (i, row) in self.rows.iter().enumerate() {
            let mut lanes = [0.0f32; 16];
            let mut terms = Vec::new();
            for (c, x) in direction.chunks(depth).enumerate() {
                let pairs = row.iter().zip(x).map(|(z, x)| (*z as f32, *x as f32));
                terms.push(single_chain(pairs) * at.shares[i][c] as f32);
                lanes[c % 16] += terms[c];
            }
            let (mean, weight) = (tree(lanes), self.weights[i] as f32);
            let slope = terms.iter().zip(&at.shares[i]);
            slopes.push(
                slope
                    .map(|(a, p)| (a - *p as f32 * mean) * weight)
                    .collect::<Vec<f32>>(),
            );
        }
        (0..direction.len())
            .map(|k| {
                let pairs = (0..self.rows.len())
                    .map(|i| (slopes[i][k / depth], self.rows[i][k % depth] as f32));
                f64::from(single_chain(pairs))
            })
            .collect()
    }

    /// The direction of a Newton step by conjugate gradients.
    #[must_use]
    pub fn direction(
        &self,
        at: &Evaluation,
        strength: f64,
        enough: f64,
        precision: Precision,
    ) -> Vec<f64> {
        let places = 0..at.gradient.len();
        let inverse: Vec<f64> = (places.clone())
            .map(|k| {
                let sum = at.curvature[k / self.depth()] + self.penalty(strength, k);
                1.0 / if sum > 1e-300 { sum } else { 1e-300 }
            })
            .collect();
        let mut step = vec![0.0; at.gradient.len()];
        let mut residual: Vec<f64> = at.gradient.iter().map(|g| -g).collect();
        let mut direction: Vec<f64> = places.clone().map(|k| residual[k] * inverse[k]).collect();
        let mut product = dot(&residual, &direction);
        for _ in 0..1000 {
            let curved = self.curve(at, strength, &direction, precision);
            let bend = dot(&direction, &curved);
            if bend.is_nan() || bend <= 0.0 {
                break;
            }
            let length = product / bend;
            for k in places.clone() {
                step[k] += length * direction[k];
                residual[k] -= length * curved[k];
            }
            let rest = dot(&residual, &residual).sqrt();
            if rest.is_nan() || rest <= enough {
                break;
            }
            let scaled: Vec<f64> = places.clone().map(|k| residual[k] * inverse[k]).collect();
            let following = dot(&residual, &scaled);
            for k in places.clone() {
                direction[k] = scaled[k] + following / product * direction[k];
            }
            product = following;
        }
        step
    }

    /// The point at which a fit ends, from a start.
    #[must_use]
    pub fn fit(&self, strength: f64, tolerance: f64, start: &[f64]) -> Vec<f64> {
        let depth = self.depth();
        let mut point = start.to_vec();
        let mut precision = Precision::Single;
        for number in 0..200 {
            let at = self.evaluate(&point, strength);
            let length = dot(&at.gradient, &at.gradient).sqrt();
            if length <= 0.5 * tolerance {
                break;
            }
            if number >= 20 {
                precision = Precision::Double;
            }
            let enough = (length * length.sqrt().min(0.1)).max(0.25 * tolerance);
            let mut direction = self.direction(&at, strength, enough, precision);
            let last = |c: usize| c * depth + depth - 1;
            let mut total = 0.0;
            for c in 0..self.classes {
                total += direction[last(c)];
            }
            for c in 0..self.classes {
                direction[last(c)] -= total / self.classes as f64;
            }
            let slope = dot(&at.gradient, &direction);
            let noise = 1e-13 * at.height.abs();
            let mut scale = 1.0;
            let found = loop {
                let trial: Vec<f64> = (point.iter().zip(&direction))
                    .map(|(x, q)| x + scale * q)
                    .collect();
                let height = self.evaluate(&trial, strength).height;
                if height <= at.height + 1e-4 * scale * slope + noise {
                    break Some(trial);
                }
                scale /= 2.0;
                if scale < 2f64.powi(-30) {
                    break None;
                }
            };
            match found {
                Some(found) => point = found,
                None if precision == Precision::Double => break,
                None => precision = Precision::Double,
            }
        }
        point
    }
}

/// Decision values of rows without their 1.
#[must_use]
pub fn decisions(rows: &[Vec<f64>], weight: &[f64], bias: &[f64]) -> Vec<f64> {
    let mut out = Vec::new();
    for row in rows {
        for (weight, bias) in weight.chunks(row.len()).zip(bias) {
            out.push(chain(row.iter().copied().zip(weight.iter().copied())) + bias);
        }
    }
    out
}
