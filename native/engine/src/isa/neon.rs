//! The group in four registers of NEON.
#![allow(clippy::inline_always, reason = "see the module above")]

use core::arch::aarch64::*;

use super::{Kernel, Lanes, Simd, MAGIC};

/// NEON, which every aarch64 has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neon(());

type Four = [float32x4_t; 4];

impl Neon {
    /// The proof, where the processor has the instructions.
    pub fn detect() -> Option<Self> {
        std::arch::is_aarch64_feature_detected!("neon").then_some(Self(()))
    }

    /// Runs a kernel that is compiled with these instructions.
    #[inline]
    pub fn call<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "neon")]
        fn compiled<K: Kernel>(s: Neon, kernel: K) -> K::Output {
            kernel.run(s)
        }
        // SAFETY: a value of this type is made by `detect` alone, so the processor has the instructions.
        unsafe { compiled(self, kernel) }
    }
}

#[inline(always)]
fn each(f: impl Fn(usize) -> float32x4_t) -> Four {
    [f(0), f(1), f(2), f(3)]
}

// SAFETY of every block below: a value of `Neon` is made by `detect` alone, so the processor has the instructions;
// loads and stores cover the 16 numbers that the reference points at.
impl Simd for Neon {
    type Group = Four;
    const TILE: (usize, usize) = (6, 1);

    #[inline(always)]
    fn splat(self, x: f32) -> Four {
        // SAFETY: as above.
        each(|_| unsafe { vdupq_n_f32(x) })
    }
    #[inline(always)]
    fn load(self, from: &Lanes) -> Four {
        // SAFETY: as above.
        each(|i| unsafe { vld1q_f32(from.as_ptr().add(4 * i)) })
    }
    #[inline(always)]
    fn store(self, x: Four, to: &mut Lanes) {
        for (i, part) in x.into_iter().enumerate() {
            // SAFETY: as above.
            unsafe { vst1q_f32(to.as_mut_ptr().add(4 * i), part) }
        }
    }
    #[inline(always)]
    fn add(self, a: Four, b: Four) -> Four {
        // SAFETY: as above.
        each(|i| unsafe { vaddq_f32(a[i], b[i]) })
    }
    #[inline(always)]
    fn sub(self, a: Four, b: Four) -> Four {
        // SAFETY: as above.
        each(|i| unsafe { vsubq_f32(a[i], b[i]) })
    }
    #[inline(always)]
    fn mul(self, a: Four, b: Four) -> Four {
        // SAFETY: as above.
        each(|i| unsafe { vmulq_f32(a[i], b[i]) })
    }
    #[inline(always)]
    fn div(self, a: Four, b: Four) -> Four {
        // SAFETY: as above.
        each(|i| unsafe { vdivq_f32(a[i], b[i]) })
    }
    #[inline(always)]
    fn sqrt(self, a: Four) -> Four {
        // SAFETY: as above.
        each(|i| unsafe { vsqrtq_f32(a[i]) })
    }
    #[inline(always)]
    fn fma(self, a: Four, b: Four, c: Four) -> Four {
        // SAFETY: as above.
        each(|i| unsafe { vfmaq_f32(c[i], a[i], b[i]) })
    }
    // vmaxq_f32 and vminq_f32 treat NaN and signed zeros in another way.
    #[inline(always)]
    fn max(self, a: Four, b: Four) -> Four {
        // SAFETY: as above.
        each(|i| unsafe { vbslq_f32(vcgtq_f32(a[i], b[i]), a[i], b[i]) })
    }
    #[inline(always)]
    fn min(self, a: Four, b: Four) -> Four {
        // SAFETY: as above.
        each(|i| unsafe { vbslq_f32(vcltq_f32(a[i], b[i]), a[i], b[i]) })
    }
    #[inline(always)]
    fn choose(self, a: Four, b: Four, x: Four, y: Four) -> Four {
        // SAFETY: as above.
        each(|i| unsafe { vbslq_f32(vcgtq_f32(a[i], b[i]), x[i], y[i]) })
    }
    #[inline(always)]
    fn abs(self, a: Four) -> Four {
        // SAFETY: as above.
        each(|i| unsafe { vabsq_f32(a[i]) })
    }
    #[inline(always)]
    fn neg(self, a: Four) -> Four {
        // SAFETY: as above.
        each(|i| unsafe { vnegq_f32(a[i]) })
    }
    #[inline(always)]
    fn copysign(self, a: Four, b: Four) -> Four {
        // SAFETY: as above.
        each(|i| unsafe { vbslq_f32(vdupq_n_u32(1 << 31), b[i], a[i]) })
    }
    #[inline(always)]
    fn powers(self, t: Four) -> (Four, Four) {
        // SAFETY: as above.
        let n = |i: usize| unsafe {
            vsubq_s32(vreinterpretq_s32_f32(t[i]), vdupq_n_s32(MAGIC.to_bits() as i32))
        };
        // SAFETY: as above.
        let power = |n| unsafe { vreinterpretq_f32_s32(vshlq_n_s32::<23>(vaddq_s32(n, vdupq_n_s32(127)))) };
        // SAFETY: as above.
        let half = |i: usize| unsafe { vshrq_n_s32::<1>(n(i)) };
        // SAFETY: as above.
        (each(|i| power(half(i))), each(|i| power(unsafe { vsubq_s32(n(i), half(i)) })))
    }
}
