//! The group in four registers of NEON.
#![allow(clippy::inline_always, reason = "see the module above")]

use core::arch::aarch64::*;

use super::simd::{Kernel, Lanes, Simd, WideLanes, MAGIC};

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

/// The expression for each register. No closure: see the module above.
macro_rules! each {
    (|$i:ident| $value:expr) => {{
        // SAFETY: a value of `Neon` is made by `detect` alone, so the processor has the instructions; loads cover the 16,
        // or 8, numbers that the reference points at.
        unsafe {
            [
                {
                    let $i = 0usize;
                    $value
                },
                {
                    let $i = 1usize;
                    $value
                },
                {
                    let $i = 2usize;
                    $value
                },
                {
                    let $i = 3usize;
                    $value
                },
            ]
        }
    }};
}

impl Simd for Neon {
    type Group = Four;
    type Wide = [float64x2_t; 4];
    const TILE: (usize, usize) = (6, 1);

    #[inline(always)]
    fn splat(self, x: f32) -> Four {
        each!(|_i| vdupq_n_f32(x))
    }
    #[inline(always)]
    fn load(self, from: &Lanes) -> Four {
        each!(|i| vld1q_f32(from.as_ptr().add(4 * i)))
    }
    #[inline(always)]
    fn store(self, x: Four, to: &mut Lanes) {
        for (i, part) in x.into_iter().enumerate() {
            // SAFETY: as in `each`; the four stores cover the 16 numbers that the reference points at.
            unsafe { vst1q_f32(to.as_mut_ptr().add(4 * i), part) }
        }
    }
    #[inline(always)]
    fn add(self, a: Four, b: Four) -> Four {
        each!(|i| vaddq_f32(a[i], b[i]))
    }
    #[inline(always)]
    fn sub(self, a: Four, b: Four) -> Four {
        each!(|i| vsubq_f32(a[i], b[i]))
    }
    #[inline(always)]
    fn mul(self, a: Four, b: Four) -> Four {
        each!(|i| vmulq_f32(a[i], b[i]))
    }
    #[inline(always)]
    fn div(self, a: Four, b: Four) -> Four {
        each!(|i| vdivq_f32(a[i], b[i]))
    }
    #[inline(always)]
    fn sqrt(self, a: Four) -> Four {
        each!(|i| vsqrtq_f32(a[i]))
    }
    #[inline(always)]
    fn fma(self, a: Four, b: Four, c: Four) -> Four {
        each!(|i| vfmaq_f32(c[i], a[i], b[i]))
    }
    // vmaxq_f32 and vminq_f32 treat NaN and signed zeros in another way.
    #[inline(always)]
    fn max(self, a: Four, b: Four) -> Four {
        each!(|i| vbslq_f32(vcgtq_f32(a[i], b[i]), a[i], b[i]))
    }
    #[inline(always)]
    fn min(self, a: Four, b: Four) -> Four {
        each!(|i| vbslq_f32(vcltq_f32(a[i], b[i]), a[i], b[i]))
    }
    #[inline(always)]
    fn choose(self, a: Four, b: Four, x: Four, y: Four) -> Four {
        each!(|i| vbslq_f32(vcgtq_f32(a[i], b[i]), x[i], y[i]))
    }
    #[inline(always)]
    fn abs(self, a: Four) -> Four {
        each!(|i| vabsq_f32(a[i]))
    }
    #[inline(always)]
    fn neg(self, a: Four) -> Four {
        each!(|i| vnegq_f32(a[i]))
    }
    #[inline(always)]
    fn copysign(self, a: Four, b: Four) -> Four {
        each!(|i| vbslq_f32(vdupq_n_u32(1 << 31), b[i], a[i]))
    }
    #[inline(always)]
    fn powers(self, t: Four) -> (Four, Four) {
        let n = each!(|i| vsubq_s32(
            vreinterpretq_s32_f32(t[i]),
            vdupq_n_s32(MAGIC.to_bits() as i32)
        ));
        let half = each!(|i| vshrq_n_s32::<1>(n[i]));
        let low = each!(|i| vreinterpretq_f32_s32(vshlq_n_s32::<23>(vaddq_s32(
            half[i],
            vdupq_n_s32(127)
        ))));
        let rest = each!(|i| vsubq_s32(n[i], half[i]));
        let high = each!(|i| vreinterpretq_f32_s32(vshlq_n_s32::<23>(vaddq_s32(
            rest[i],
            vdupq_n_s32(127)
        ))));
        (low, high)
    }
    #[inline(always)]
    fn wide_splat(self, x: f64) -> Self::Wide {
        each!(|_i| vdupq_n_f64(x))
    }
    #[inline(always)]
    fn wide_load(self, from: &WideLanes) -> Self::Wide {
        each!(|i| vld1q_f64(from.as_ptr().add(2 * i)))
    }
    #[inline(always)]
    fn wide_store(self, x: Self::Wide, to: &mut WideLanes) {
        for (i, part) in x.into_iter().enumerate() {
            // SAFETY: as in `each`; the four stores cover the 8 numbers that the reference points at.
            unsafe { vst1q_f64(to.as_mut_ptr().add(2 * i), part) }
        }
    }
    #[inline(always)]
    fn wide_fma(self, a: Self::Wide, b: Self::Wide, c: Self::Wide) -> Self::Wide {
        each!(|i| vfmaq_f64(c[i], a[i], b[i]))
    }
}
