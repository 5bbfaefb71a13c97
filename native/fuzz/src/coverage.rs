//! Coverage of the C libraries.
//!
//! Rust code counts its branches in the way that libFuzzer expects. The C compiler's common way
//! (gcc's and clang's `trace-pc`) is a call from each branch, which libFuzzer refuses: `csrc`
//! counts those calls in libFuzzer's place for counters of one's own.

extern "C" {
    /// Number of counters. Named here so that the linker keeps the object file.
    fn biobench_coverage_counters() -> usize;
}

#[used]
static KEPT: unsafe extern "C" fn() -> usize = biobench_coverage_counters;
