//! Groups of 16 float32 lanes, and of 8 float64 lanes, in four instruction sets. No other module has intrinsics.
//!
//! A value that implements [`Simd`] is a proof that the processor has the instruction set: it is made only by the
//! check of [`Isa`]. Every operation is exact by IEEE 754 (+ - * / sqrt, fused multiply-add) or a choice of bits,
//! so that the four implementations give the same bits; only the bits of a NaN may differ.
//!
//! Every function that is generic over [`Simd`] must be `#[inline(always)]`, and none may hold a closure that computes with
//! groups, which cannot be marked so. What is not inlined is compiled without the instruction set, and each operation
//! becomes a call: the same bits, 5 to 21 times slower. `tests/speed.rs` guards it.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod choice;
pub mod environment;
#[cfg(target_arch = "aarch64")]
mod neon;
mod prefetch;
mod scalar;
mod simd;

pub use choice::{Isa, VARIABLE};
pub(crate) use prefetch::prefetch;
pub use scalar::fused_multiply_add;
pub use simd::{Kernel, Lanes, Simd, WideLanes, LANES, MAGIC, WIDE_LANES};
