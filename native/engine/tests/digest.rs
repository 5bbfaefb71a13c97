//! The digest of all operations is the recorded one, on every instruction set, with any number of threads, and in a thread
//! whose floating-point environment somebody else has changed.

use biobench_engine::isa::Isa;
use biobench_engine::Engine;

#[path = "common/operations.rs"]
mod operations;

const RECORDED: &str = "f27c82f479a9e2b325ce56da8114040e5a6cbf7ad5afbf369e593a599d9aee59";

#[test]
fn everywhere_the_same() {
    for isa in Isa::available() {
        for threads in [1, 2, 3, 7] {
            let engine = Engine::with(isa, threads).expect("threads");
            assert_eq!(
                operations::digest(&engine),
                RECORDED,
                "{}, {threads} threads",
                isa.name()
            );
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_spoilt_environment_moves_nothing() {
    // Flush-to-zero, subnormal inputs as zero, rounding upwards; threads that are started now inherit it.
    let spoilt: u32 = 0x1f80 | 0x8040 | 0x4000;
    let usual: u32 = 0x1f80;
    let run = |threads: usize| {
        // SAFETY: loads a control word with all exceptions masked and no reserved bit, and the usual one afterwards.
        unsafe { core::arch::asm!("ldmxcsr [{}]", in(reg) &raw const spoilt, options(nostack)) };
        let digest = operations::digest(&Engine::new(threads).expect("threads"));
        // SAFETY: as above.
        unsafe { core::arch::asm!("ldmxcsr [{}]", in(reg) &raw const usual, options(nostack)) };
        digest
    };
    assert_eq!(run(1), RECORDED);
    assert_eq!(run(3), RECORDED);
}
