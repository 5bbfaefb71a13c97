//! The two sums of products, and the choice of the code that computes them.

use super::rows::Rows;
use super::scalar;
use super::weights::Weights;

/// Which code adds up. Every kernel gives the bytes of [`Kernel::Scalar`], the definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernel {
    /// Plain code, for any machine.
    Scalar,
}

impl Kernel {
    /// Every kernel that this machine has, the fastest last.
    pub fn available() -> Vec<Self> {
        vec![Self::Scalar]
    }

    /// The fastest kernel that this machine has.
    pub fn best() -> Self {
        Self::Scalar
    }

    /// Its name in tests and benchmarks.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
        }
    }

    /// The kernel of a name, if this machine has it.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::available()
            .into_iter()
            .find(|kernel| kernel.name() == name)
    }

    /// Of the first `count` rows of `input` the output positions that `weights` has, written to
    /// the same rows of `output` from pixel `place` on.
    pub(super) fn horizontal(
        self,
        input: &Rows,
        count: usize,
        weights: &Weights,
        output: &mut Rows,
        place: usize,
    ) {
        match self {
            Self::Scalar => scalar::horizontal(input, count, weights, output, place),
        }
    }

    /// The sum of one row for each weight, which are the rows of `input` from `first` on; of each
    /// row the bytes from `offset` on, as many as `output` has.
    pub(super) fn vertical(
        self,
        input: &Rows,
        first: usize,
        weights: &[i32],
        offset: usize,
        output: &mut [u8],
    ) {
        match self {
            Self::Scalar => scalar::vertical(input, first, weights, offset, output),
        }
    }
}
