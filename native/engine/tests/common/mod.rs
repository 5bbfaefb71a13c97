//! Numbers and comparisons that the tests share.
#![allow(dead_code, reason = "each test file takes what it needs")]

pub mod convolutional;
pub mod definition;
pub mod draft;
pub mod moves;
pub mod transformer;

use biobench_engine::isa::Isa;
use biobench_engine::Engine;

/// A generator of numbers (xorshift, 64 bits).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn word(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number in `from..=to`.
    pub fn within(&mut self, from: usize, to: usize) -> usize {
        from + (self.word() >> 33) as usize % (to - from + 1)
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.within(1, 100) <= percent
    }

    /// A number about as large as weights and activations are.
    pub fn plain(&mut self) -> f32 {
        (self.word() >> 40) as f32 / 8_388_608.0 - 1.0
    }

    /// Numbers; in one list of three also NaN, infinities, both zeros, subnormal, tiny and huge ones.
    pub fn numbers(&mut self, n: usize) -> Vec<f32> {
        let kind = self.within(0, 5);
        (0..n).map(|_| self.one(kind)).collect()
    }

    fn one(&mut self, kind: usize) -> f32 {
        match kind {
            // Products that underflow: chains become -0 and subnormal.
            0 => self.plain() * [1e-20, 1e-22, 1e-38, 1e-45, 0.0, -0.0][self.within(0, 5)],
            1 if self.chance(2) => {
                [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 3e38][self.within(0, 3)]
            }
            1 | 2 => [self.plain(), 0.0, -0.0, 100.0 * self.plain()][self.within(0, 3)],
            _ => self.plain(),
        }
    }
}

/// Fails where a bit differs; NaN is equal to NaN, whatever its bits.
#[track_caller]
pub fn assert_same(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        let same = a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
        assert!(
            same,
            "{what}: element {i} is {a:?} ({:08x}), not {b:?} ({:08x})",
            a.to_bits(),
            b.to_bits()
        );
    }
}

/// Every instruction set of this processor, with 1, 2, 3 and 7 threads.
pub fn engines() -> Vec<(String, Engine)> {
    let mut engines = Vec::new();
    for isa in Isa::available() {
        for threads in [1, 2, 3, 7] {
            let engine = Engine::with(isa, threads).expect("threads");
            engines.push((format!("{}, {threads} threads", isa.name()), engine));
        }
    }
    engines
}

/// How many random cases a test draws: `ENGINE_ROUNDS`, or as many as usual.
pub fn rounds(usual: usize) -> u64 {
    std::env::var("ENGINE_ROUNDS").map_or(usual, |n| n.parse().expect("ENGINE_ROUNDS is a number"))
        as u64
}
