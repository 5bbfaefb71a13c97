//! Shapes with a symbol for the batch.

use std::fmt;

use serde_json::Value;

/// A dimension: `factor`, or `factor` times the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dim {
    /// The number.
    pub factor: usize,
    /// Whether the batch multiplies it.
    pub batch: bool,
}

impl Dim {
    /// The number for a batch.
    #[must_use]
    pub fn at(self, batch: usize) -> usize {
        if self.batch {
            self.factor * batch
        } else {
            self.factor
        }
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match (self.batch, self.factor) {
            (false, factor) => write!(f, "{factor}"),
            (true, 1) => write!(f, "b"),
            (true, factor) => write!(f, "{factor}b"),
        }
    }
}

/// The dimensions of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape(pub Vec<Dim>);

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(Dim::to_string).collect();
        write!(f, "[{}]", parts.join(", "))
    }
}

impl Shape {
    /// The sizes for a batch.
    #[must_use]
    pub fn at(&self, batch: usize) -> Vec<usize> {
        self.0.iter().map(|d| d.at(batch)).collect()
    }

    /// The number of elements.
    #[must_use]
    pub fn elements(&self) -> Dim {
        let factor = self.0.iter().map(|d| d.factor).product();
        Dim {
            factor,
            batch: self.0.iter().any(|d| d.batch),
        }
    }

    /// Reads `["b", 3, "64b"]`; at most one dimension has the batch, sizes are below 2^31 and so is their product but for
    /// the batch.
    pub(crate) fn parse(value: &Value) -> Option<Self> {
        let dims: Option<Vec<Dim>> = value.as_array()?.iter().map(parse_dim).collect();
        let shape = Self(dims?);
        let product = shape
            .0
            .iter()
            .try_fold(1usize, |n, d| n.checked_mul(d.factor))?;
        (shape.0.iter().filter(|d| d.batch).count() <= 1 && product < 1 << 31).then_some(shape)
    }
}

fn parse_dim(value: &Value) -> Option<Dim> {
    let small = |n: u64| usize::try_from(n).ok().filter(|n| (1..1 << 31).contains(n));
    if let Some(text) = value.as_str() {
        let head = text.strip_suffix('b')?;
        let factor = if head.is_empty() {
            1
        } else {
            small(head.parse().ok()?)?
        };
        let dim = Dim {
            factor,
            batch: true,
        };
        return (dim.to_string() == text).then_some(dim);
    }
    Some(Dim {
        factor: small(value.as_u64()?)?,
        batch: false,
    })
}
