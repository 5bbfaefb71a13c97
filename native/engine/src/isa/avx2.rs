//! The group in two registers of AVX2.
#![allow(clippy::inline_always, reason = "see the module above")]

use core::arch::x86_64::*;

use super::simd::{Kernel, Lanes, Simd, WideLanes, MAGIC};

/// AVX2 and FMA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx2(());

type Pair = [__m256; 2];

impl Avx2 {
    /// The proof, where the processor has the instructions.
    pub fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(()))
    }

    /// Runs a kernel that is compiled with these instructions.
    #[inline]
    pub fn call<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx2,fma")]
        fn compiled<K: Kernel>(s: Avx2, kernel: K) -> K::Output {
            kernel.run(s)
        }
        // SAFETY: a value of this type is made by `detect` alone, so the processor has the instructions.
        unsafe { compiled(self, kernel) }
    }
}

// SAFETY of every block below: a value of `Avx2` is made by `detect` alone, so the processor has the instructions;
// loads and stores are unaligned and cover the 16, or 8, numbers that the reference points at.
impl Simd for Avx2 {
    type Group = Pair;
    type Wide = [__m256d; 2];
    const TILE: (usize, usize) = (6, 1);

    #[inline(always)]
    fn splat(self, x: f32) -> Pair {
        // SAFETY: as above.
        unsafe { [_mm256_set1_ps(x); 2] }
    }
    #[inline(always)]
    fn load(self, from: &Lanes) -> Pair {
        // SAFETY: as above.
        unsafe {
            [
                _mm256_loadu_ps(from.as_ptr()),
                _mm256_loadu_ps(from.as_ptr().add(8)),
            ]
        }
    }
    #[inline(always)]
    fn store(self, x: Pair, to: &mut Lanes) {
        // SAFETY: as above.
        unsafe {
            _mm256_storeu_ps(to.as_mut_ptr(), x[0]);
            _mm256_storeu_ps(to.as_mut_ptr().add(8), x[1]);
        }
    }
    #[inline(always)]
    fn add(self, a: Pair, b: Pair) -> Pair {
        // SAFETY: as above.
        unsafe { [_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])] }
    }
    #[inline(always)]
    fn sub(self, a: Pair, b: Pair) -> Pair {
        // SAFETY: as above.
        unsafe { [_mm256_sub_ps(a[0], b[0]), _mm256_sub_ps(a[1], b[1])] }
    }
    #[inline(always)]
    fn mul(self, a: Pair, b: Pair) -> Pair {
        // SAFETY: as above.
        unsafe { [_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])] }
    }
    #[inline(always)]
    fn div(self, a: Pair, b: Pair) -> Pair {
        // SAFETY: as above.
        unsafe { [_mm256_div_ps(a[0], b[0]), _mm256_div_ps(a[1], b[1])] }
    }
    #[inline(always)]
    fn sqrt(self, a: Pair) -> Pair {
        // SAFETY: as above.
        unsafe { [_mm256_sqrt_ps(a[0]), _mm256_sqrt_ps(a[1])] }
    }
    #[inline(always)]
    fn fma(self, a: Pair, b: Pair, c: Pair) -> Pair {
        // SAFETY: as above.
        unsafe {
            [
                _mm256_fmadd_ps(a[0], b[0], c[0]),
                _mm256_fmadd_ps(a[1], b[1], c[1]),
            ]
        }
    }
    #[inline(always)]
    fn max(self, a: Pair, b: Pair) -> Pair {
        // SAFETY: as above.
        unsafe { [_mm256_max_ps(a[0], b[0]), _mm256_max_ps(a[1], b[1])] }
    }
    #[inline(always)]
    fn min(self, a: Pair, b: Pair) -> Pair {
        // SAFETY: as above.
        unsafe { [_mm256_min_ps(a[0], b[0]), _mm256_min_ps(a[1], b[1])] }
    }
    #[inline(always)]
    fn choose(self, a: Pair, b: Pair, x: Pair, y: Pair) -> Pair {
        // SAFETY: as above.
        unsafe {
            [
                _mm256_blendv_ps(y[0], x[0], _mm256_cmp_ps::<_CMP_GT_OQ>(a[0], b[0])),
                _mm256_blendv_ps(y[1], x[1], _mm256_cmp_ps::<_CMP_GT_OQ>(a[1], b[1])),
            ]
        }
    }
    #[inline(always)]
    fn abs(self, a: Pair) -> Pair {
        // SAFETY: as above.
        unsafe {
            let sign = _mm256_set1_ps(-0.0);
            [_mm256_andnot_ps(sign, a[0]), _mm256_andnot_ps(sign, a[1])]
        }
    }
    #[inline(always)]
    fn neg(self, a: Pair) -> Pair {
        // SAFETY: as above.
        unsafe {
            let sign = _mm256_set1_ps(-0.0);
            [_mm256_xor_ps(sign, a[0]), _mm256_xor_ps(sign, a[1])]
        }
    }
    #[inline(always)]
    fn copysign(self, a: Pair, b: Pair) -> Pair {
        let [a0, a1] = self.abs(a);
        // SAFETY: as above.
        unsafe {
            let sign = _mm256_set1_ps(-0.0);
            [
                _mm256_or_ps(a0, _mm256_and_ps(sign, b[0])),
                _mm256_or_ps(a1, _mm256_and_ps(sign, b[1])),
            ]
        }
    }
    #[inline(always)]
    fn powers(self, t: Pair) -> (Pair, Pair) {
        let (low, high) = (self.half_powers(t[0]), self.half_powers(t[1]));
        ([low.0, high.0], [low.1, high.1])
    }
    #[inline(always)]
    fn wide_splat(self, x: f64) -> Self::Wide {
        // SAFETY: as above.
        unsafe { [_mm256_set1_pd(x); 2] }
    }
    #[inline(always)]
    fn wide_load(self, from: &WideLanes) -> Self::Wide {
        // SAFETY: as above.
        unsafe {
            [
                _mm256_loadu_pd(from.as_ptr()),
                _mm256_loadu_pd(from.as_ptr().add(4)),
            ]
        }
    }
    #[inline(always)]
    fn wide_store(self, x: Self::Wide, to: &mut WideLanes) {
        // SAFETY: as above.
        unsafe {
            _mm256_storeu_pd(to.as_mut_ptr(), x[0]);
            _mm256_storeu_pd(to.as_mut_ptr().add(4), x[1]);
        }
    }
    #[inline(always)]
    fn wide_fma(self, a: Self::Wide, b: Self::Wide, c: Self::Wide) -> Self::Wide {
        // SAFETY: as above.
        unsafe {
            [
                _mm256_fmadd_pd(a[0], b[0], c[0]),
                _mm256_fmadd_pd(a[1], b[1], c[1]),
            ]
        }
    }
}

impl Avx2 {
    #[inline(always)]
    fn half_powers(self, t: __m256) -> (__m256, __m256) {
        // SAFETY: as above.
        unsafe {
            let magic = _mm256_set1_epi32(MAGIC.to_bits() as i32);
            let bias = _mm256_set1_epi32(127);
            let n = _mm256_sub_epi32(_mm256_castps_si256(t), magic);
            let half = _mm256_srai_epi32::<1>(n);
            let rest = _mm256_sub_epi32(n, half);
            (
                _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_add_epi32(half, bias))),
                _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_add_epi32(rest, bias))),
            )
        }
    }
}
