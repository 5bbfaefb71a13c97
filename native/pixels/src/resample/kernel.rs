//! The two sums of products, and the choice of the code that computes them.

#[cfg(target_arch = "x86_64")]
use super::avx2;
use super::rows::Rows;
use super::scalar;
use super::weights::{reserved, Weights};
use crate::error::PixelError;

/// Which code adds up. Every kernel gives the bytes of [`Kernel::scalar`], the definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kernel(Code);

/// Not public, so that no kernel exists that the machine cannot run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Code {
    Scalar,
    #[cfg(target_arch = "x86_64")]
    Avx2,
}

/// Room for the work of a kernel, kept from sum to sum.
#[derive(Default)]
pub(super) struct Room {
    #[cfg(target_arch = "x86_64")]
    pairs: Vec<avx2::Pair>,
    #[cfg(target_arch = "x86_64")]
    tile: Vec<u8>,
}

impl Room {
    /// For vertical sums of at most `longest` products.
    pub fn new(longest: usize) -> Result<Self, PixelError> {
        let mut room = Self::default();
        #[cfg(target_arch = "x86_64")]
        {
            room.pairs = reserved(longest.div_ceil(2))?;
        }
        Ok(room)
    }
}

/// Weights of the horizontal pass, with what a kernel makes of them beforehand.
pub(super) struct Prepared {
    weights: Weights,
    #[cfg(target_arch = "x86_64")]
    pairs: Option<avx2::Pairs>,
}

impl Kernel {
    /// Plain code, for any machine.
    pub fn scalar() -> Self {
        Self(Code::Scalar)
    }

    /// Every kernel that this machine has, the fastest last.
    pub fn available() -> Vec<Self> {
        [
            Some(Self::scalar()),
            #[cfg(target_arch = "x86_64")]
            avx2::is_available().then_some(Self(Code::Avx2)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The fastest kernel that this machine has.
    pub fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        if avx2::is_available() {
            return Self(Code::Avx2);
        }
        Self::scalar()
    }

    /// Its name in tests and benchmarks.
    pub fn name(self) -> &'static str {
        match self.0 {
            Code::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Code::Avx2 => "avx2",
        }
    }

    /// The kernel of a name, if this machine has it.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::available()
            .into_iter()
            .find(|kernel| kernel.name() == name)
    }

    /// Makes weights ready for many calls of [`Self::horizontal`].
    pub(super) fn prepare(self, weights: Weights) -> Result<Prepared, PixelError> {
        Ok(Prepared {
            #[cfg(target_arch = "x86_64")]
            pairs: match self.0 {
                Code::Avx2 => avx2::Pairs::new(&weights)?,
                Code::Scalar => None,
            },
            weights,
        })
    }

    /// Of the first `count` rows of `input` the output positions that the weights have, written to
    /// the same rows of `output` from pixel `place` on. The pixel behind the last one, and the
    /// rows behind `count`, may be overwritten.
    pub(super) fn horizontal(
        self,
        input: &Rows,
        count: usize,
        prepared: &Prepared,
        room: &mut Room,
        output: &mut Rows,
        place: usize,
    ) {
        #[cfg(target_arch = "x86_64")]
        if let Some(pairs) = &prepared.pairs {
            if input.count() >= avx2::TOGETHER && count <= avx2::TOGETHER {
                return avx2::horizontal(input, pairs, &mut room.tile, output, place);
            }
        }
        scalar::horizontal(input, count, &prepared.weights, output, place);
    }

    /// The sum of one row for each weight, which are the rows of `input` from `first` on; of each
    /// row the bytes from `offset` on, as many as `output` has.
    pub(super) fn vertical(
        self,
        input: &Rows,
        first: usize,
        weights: &[i32],
        offset: usize,
        room: &mut Room,
        output: &mut [u8],
    ) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Code::Avx2 if weights.iter().all(|weight| avx2::SPLIT.contains(weight)) => {
                avx2::vertical(input, first, weights, offset, &mut room.pairs, output);
            }
            _ => scalar::vertical(input, first, weights, offset, output),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: a name leads to its own kernel, and the definition is always there.
    #[test]
    fn names() {
        assert_eq!(Kernel::available()[0], Kernel::scalar());
        assert_eq!(Kernel::available().last(), Some(&Kernel::best()));
        for kernel in Kernel::available() {
            assert_eq!(Kernel::from_name(kernel.name()), Some(kernel));
        }
        assert_eq!(Kernel::from_name("none"), None);
    }
}
