//! The instruction set that this processor has, and the call of a kernel with it.

#[cfg(target_arch = "x86_64")]
use super::avx2::Avx2;
#[cfg(target_arch = "x86_64")]
use super::avx512::Avx512;
#[cfg(target_arch = "aarch64")]
use super::neon::Neon;
use super::scalar::Scalar;
use super::simd::Kernel;

/// The environment variable that lowers the choice, for tests: `scalar`, `avx2`, `avx512` or `neon`.
pub const VARIABLE: &str = "BIOBENCH_ENGINE_ISA";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    Scalar,
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    #[cfg(target_arch = "aarch64")]
    Neon(Neon),
}

/// An instruction set that this processor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Isa(Set);

impl Isa {
    /// Every instruction set of this processor, the slowest (scalar) first.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let mut sets = vec![Self(Set::Scalar)];
        #[cfg(target_arch = "x86_64")]
        {
            sets.extend(Avx2::detect().map(|s| Self(Set::Avx2(s))));
            sets.extend(Avx512::detect().map(|s| Self(Set::Avx512(s))));
        }
        #[cfg(target_arch = "aarch64")]
        sets.extend(Neon::detect().map(|s| Self(Set::Neon(s))));
        sets
    }

    /// The fastest, or the one that the variable [`VARIABLE`] names.
    ///
    /// # Errors
    ///
    /// The name in the variable where this processor has no such instruction set.
    pub fn choose() -> Result<Self, String> {
        let sets = Self::available();
        match std::env::var(VARIABLE) {
            Ok(name) if !name.is_empty() => Self::named(&name).ok_or(name),
            _ => Ok(sets[sets.len() - 1]),
        }
    }

    /// The instruction set of that name, if this processor has it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::available().into_iter().find(|set| set.name() == name)
    }

    /// The name that results record: it says how the bits were made, never which bits.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            Set::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Set::Avx512(_) => "avx512",
            #[cfg(target_arch = "aarch64")]
            Set::Neon(_) => "neon",
        }
    }

    /// Runs a kernel with this instruction set.
    #[inline]
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            Set::Scalar => kernel.run(Scalar),
            #[cfg(target_arch = "x86_64")]
            Set::Avx2(s) => s.call(kernel),
            #[cfg(target_arch = "x86_64")]
            Set::Avx512(s) => s.call(kernel),
            #[cfg(target_arch = "aarch64")]
            Set::Neon(s) => s.call(kernel),
        }
    }
}
