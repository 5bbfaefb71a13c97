//! The floating-point environment: rounding to nearest, ties to even, subnormal numbers kept.
//!
//! Flush-to-zero and the rounding mode belong to a thread and are inherited from the one that starts it, so a library
//! that sets them would move bits. They are set at every entry and in every task, and given back.

/// The environment of the thread, which comes back when this value goes.
#[derive(Debug)]
pub struct Environment(Word);

#[cfg(target_arch = "x86_64")]
type Word = u32;
#[cfg(target_arch = "aarch64")]
type Word = u64;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
type Word = ();

/// MXCSR after a reset: all exceptions masked, round to nearest, no flush to zero, subnormal inputs kept.
#[cfg(target_arch = "x86_64")]
const STANDARD: Word = 0x1f80;
/// FPCR after a reset: round to nearest, no flush to zero, no default NaN.
#[cfg(target_arch = "aarch64")]
const STANDARD: Word = 0;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const STANDARD: Word = ();

impl Environment {
    /// Sets the standard environment until the value goes.
    #[must_use]
    pub fn standard() -> Self {
        let before = read();
        write(STANDARD);
        Self(before)
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        write(self.0);
    }
}

/// The control word of this thread.
#[cfg(target_arch = "x86_64")]
#[inline(never)]
fn read() -> Word {
    let mut word: u32 = 0;
    // SAFETY: stores the control word in the four bytes that the pointer names; every x86-64 has it.
    unsafe { core::arch::asm!("stmxcsr [{}]", in(reg) &raw mut word, options(nostack)) };
    word
}

#[cfg(target_arch = "x86_64")]
#[inline(never)]
fn write(word: Word) {
    // SAFETY: the word is the standard one or was read from this register, so no reserved bit is set; the exceptions of
    // the standard one are masked.
    unsafe { core::arch::asm!("ldmxcsr [{}]", in(reg) &raw const word, options(nostack)) };
}

#[cfg(target_arch = "aarch64")]
#[inline(never)]
fn read() -> Word {
    let word: u64;
    // SAFETY: reads a register that every aarch64 gives to user code.
    unsafe { core::arch::asm!("mrs {}, fpcr", out(reg) word, options(nostack)) };
    word
}

#[cfg(target_arch = "aarch64")]
#[inline(never)]
fn write(word: Word) {
    // SAFETY: the word is the standard one or was read from this register.
    unsafe { core::arch::asm!("msr fpcr, {}", in(reg) word, options(nostack)) };
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn read() -> Word {}
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn write(_: Word) {}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;
    use std::hint::black_box;

    /// Flush-to-zero, subnormal inputs as zero, rounding upwards.
    const SPOILT: u32 = 0x1f80 | 0x8040 | 0x4000;

    #[test]
    fn a_spoilt_thread_computes_as_any_other_and_gets_its_own_back() {
        let before = read();
        write(SPOILT);
        let spoilt = black_box(1e-20f32) * black_box(1e-20f32);
        let kept = {
            let _guard = Environment::standard();
            black_box(1e-20f32) * black_box(1e-20f32)
        };
        let after = read();
        write(before);
        assert_eq!(spoilt, 0.0);
        assert_eq!(kept.to_bits(), 71362);
        assert_eq!(after & !0x3f, SPOILT);
    }
}
