//! exp, erf, tanh, sigmoid and the activations over them, from float32 + - * / and fused multiply-adds alone.
//!
//! SPEC.md, section "Functions", has the same steps. The polynomials are minimax fits
//! (`tools/fit_functions.py`). Measured over all 2^32 arguments against float64 (`examples/ulp.rs`).

use crate::isa::{Simd, MAGIC};

/// log2(e)
pub const LOG2_E: f32 = f32::from_bits(0x3fb8_aa3b);
/// -ln 2, its first part: 16 bits, so that its product with an integer of up to 8 bits is exact.
pub const MINUS_LN2_HIGH: f32 = f32::from_bits(0xbf31_7200);
/// -ln 2, what the first part leaves.
pub const MINUS_LN2_LOW: f32 = f32::from_bits(0xb5bf_be8e);
/// Where exp stops: below it the result is 0, above it infinite.
pub const EXP_RANGE: (f32, f32) = (-110.0, 90.0);
/// exp(r) = 1 + r (1 + r P(r)), lowest power first.
pub const EXP: [f32; 5] = bits([
    0x3eff_ffff,
    0x3e2a_aa4d,
    0x3d2a_abcc,
    0x3c09_1a8d,
    0x3ab5_72f7,
]);
/// Below it erf is x + x P(x^2), from it on 1 - exp(-x + x Q(x)).
pub const ERF_SPLIT: f32 = 0.927_734_4;
/// From here on erf is 1.
pub const ERF_END: f32 = 4.0;
/// P of erf, lowest power first.
pub const ERF_SMALL: [f32; 6] = bits([
    0x3e03_75d3,
    0xbec0_9374,
    0x3de7_0d44,
    0xbcdb_44fc,
    0x3ba3_93a5,
    0xba1c_cf71,
]);
/// Q of erf, lowest power first.
pub const ERF_LARGE: [f32; 7] = bits([
    0xbe03_d19c,
    0xbf22_837a,
    0xbdda_b532,
    0x3cc6_8ffa,
    0xbb7d_4bc4,
    0x39c5_3214,
    0xb788_fdac,
]);
/// Below it tanh is x + x (x^2 P(x^2)), from it on 1 - 2/(exp(2x) + 1).
pub const TANH_SPLIT: f32 = 0.625;
/// P of tanh, lowest power first.
pub const TANH: [f32; 5] = bits([
    0xbeaa_aa99,
    0x3e08_837a,
    0xbd5c_1b1a,
    0x3ca9_0249,
    0xbbba_b34b,
]);
/// sqrt(1/2)
pub const SQRT_HALF: f32 = f32::from_bits(0x3f35_04f3);
/// sqrt(2/pi)
pub const GELU_TANH: f32 = f32::from_bits(0x3f4c_422a);
/// 0.044715 sqrt(2/pi)
pub const GELU_TANH_CUBE: f32 = f32::from_bits(0x3d12_2279);
/// 1.702
pub const QUICK_GELU: f32 = f32::from_bits(0x3fd9_db23);

const fn bits<const N: usize>(words: [u32; N]) -> [f32; N] {
    let mut values = [0.0; N];
    let mut i = 0;
    while i < N {
        values[i] = f32::from_bits(words[i]);
        i += 1;
    }
    values
}

#[inline(always)]
fn polynomial<S: Simd, const N: usize>(s: S, c: &[f32; N], x: S::Group) -> S::Group {
    let mut y = s.splat(c[N - 1]);
    for k in (0..N - 1).rev() {
        y = s.fma(y, x, s.splat(c[k]));
    }
    y
}

/// e^x: at most 1 ulp.
#[inline(always)]
pub fn exp<S: Simd>(s: S, x: S::Group) -> S::Group {
    // In this order of operands NaN stays.
    let x = s.min(s.splat(EXP_RANGE.1), s.max(s.splat(EXP_RANGE.0), x));
    let t = s.fma(x, s.splat(LOG2_E), s.splat(MAGIC));
    let n = s.sub(t, s.splat(MAGIC));
    let r = s.fma(n, s.splat(MINUS_LN2_HIGH), x);
    let r = s.fma(n, s.splat(MINUS_LN2_LOW), r);
    let one = s.splat(1.0);
    let p = polynomial(s, &EXP, r);
    let p = s.fma(p, r, one);
    let p = s.fma(p, r, one);
    // Twice, as 2^n is no float32 at either end.
    let (low, high) = s.powers(t);
    s.mul(s.mul(p, low), high)
}

/// The error function.
#[inline(always)]
pub fn erf<S: Simd>(s: S, x: S::Group) -> S::Group {
    let a = s.abs(x);
    let small = s.fma(polynomial(s, &ERF_SMALL, s.mul(x, x)), x, x);
    let b = s.min(s.splat(ERF_END), a);
    let q = s.fma(polynomial(s, &ERF_LARGE, b), b, s.neg(b));
    let large = s.copysign(s.sub(s.splat(1.0), exp(s, q)), x);
    s.choose(s.splat(ERF_SPLIT), a, small, large)
}

/// The hyperbolic tangent.
#[inline(always)]
pub fn tanh<S: Simd>(s: S, x: S::Group) -> S::Group {
    let a = s.abs(x);
    let square = s.mul(x, x);
    let small = s.fma(s.mul(polynomial(s, &TANH, square), square), x, x);
    let one = s.splat(1.0);
    let e = s.add(exp(s, s.add(a, a)), one);
    let large = s.copysign(s.sub(one, s.div(s.splat(2.0), e)), x);
    s.choose(s.splat(TANH_SPLIT), a, small, large)
}

/// 1/(1 + exp(-x)), by exp(-|x|), which neither overflows nor loses small results.
#[inline(always)]
pub fn sigmoid<S: Simd>(s: S, x: S::Group) -> S::Group {
    let one = s.splat(1.0);
    let e = exp(s, s.neg(s.abs(x)));
    let above = s.choose(x, s.splat(0.0), one, e);
    s.div(above, s.add(one, e))
}

/// x/2 (1 + erf(x sqrt(1/2)))
#[inline(always)]
pub fn gelu<S: Simd>(s: S, x: S::Group) -> S::Group {
    let e = erf(s, s.mul(x, s.splat(SQRT_HALF)));
    s.mul(s.mul(x, s.splat(0.5)), s.add(s.splat(1.0), e))
}

/// x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
#[inline(always)]
pub fn gelu_tanh<S: Simd>(s: S, x: S::Group) -> S::Group {
    let u = s.fma(s.mul(x, x), s.splat(GELU_TANH_CUBE), s.splat(GELU_TANH));
    let t = tanh(s, s.mul(u, x));
    s.mul(s.mul(x, s.splat(0.5)), s.add(s.splat(1.0), t))
}

/// x kept between 0 and 6
#[inline(always)]
fn ramp<S: Simd>(s: S, x: S::Group) -> S::Group {
    s.min(s.splat(6.0), s.max(s.splat(0.0), x))
}

/// An elementwise function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the field's")]
pub enum Function {
    Identity,
    Exp,
    Erf,
    Tanh,
    Sigmoid,
    Gelu,
    GeluTanh,
    QuickGelu,
    Silu,
    Relu,
    Relu6,
    HardSigmoid,
    HardSwish,
    Neg,
    Sqrt,
}

impl Function {
    /// Every one, in the order of the specification.
    pub const ALL: [Self; 15] = [
        Self::Identity,
        Self::Exp,
        Self::Erf,
        Self::Tanh,
        Self::Sigmoid,
        Self::Gelu,
        Self::GeluTanh,
        Self::QuickGelu,
        Self::Silu,
        Self::Relu,
        Self::Relu6,
        Self::HardSigmoid,
        Self::HardSwish,
        Self::Neg,
        Self::Sqrt,
    ];

    /// The name in a program.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Exp => "exp",
            Self::Erf => "erf",
            Self::Tanh => "tanh",
            Self::Sigmoid => "sigmoid",
            Self::Gelu => "gelu",
            Self::GeluTanh => "gelu_tanh",
            Self::QuickGelu => "quick_gelu",
            Self::Silu => "silu",
            Self::Relu => "relu",
            Self::Relu6 => "relu6",
            Self::HardSigmoid => "hard_sigmoid",
            Self::HardSwish => "hard_swish",
            Self::Neg => "neg",
            Self::Sqrt => "sqrt",
        }
    }

    /// The function of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.name() == name)
    }

    /// The function of each lane. The choice is the same for all lanes and calls of a kernel.
    #[inline(always)]
    pub fn apply<S: Simd>(self, s: S, x: S::Group) -> S::Group {
        match self {
            Self::Identity => x,
            Self::Exp => exp(s, x),
            Self::Erf => erf(s, x),
            Self::Tanh => tanh(s, x),
            Self::Sigmoid => sigmoid(s, x),
            Self::Gelu => gelu(s, x),
            Self::GeluTanh => gelu_tanh(s, x),
            Self::QuickGelu => s.mul(x, sigmoid(s, s.mul(x, s.splat(QUICK_GELU)))),
            Self::Silu => s.mul(x, sigmoid(s, x)),
            Self::Relu => s.max(s.splat(0.0), x),
            Self::Relu6 => ramp(s, x),
            Self::HardSigmoid => s.div(ramp(s, s.add(x, s.splat(3.0))), s.splat(6.0)),
            Self::HardSwish => s.div(s.mul(x, ramp(s, s.add(x, s.splat(3.0)))), s.splat(6.0)),
            Self::Neg => s.neg(x),
            Self::Sqrt => s.sqrt(x),
        }
    }
}
