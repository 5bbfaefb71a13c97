//! What the fuzz targets share. Each target is one small file in `targets/`.

pub mod check;
mod coverage;
pub mod inputs;
pub mod png;

use libfuzzer_sys::Corpus;

/// Memory that a target may have taken at any time, that of the sanitizer included.
const MEBIBYTES: u64 = 256;

/// Checks a file of one format, told by its first bytes at some offset. What lacks them is not
/// worth a place in the corpus.
pub fn format(offset: usize, magic: &[&[u8]], data: &[u8]) -> Corpus {
    let start = data.get(offset..).unwrap_or_default();
    if !magic.iter().any(|magic| start.starts_with(magic)) {
        return Corpus::Reject;
    }
    inputs::format(data);
    check_memory();
    Corpus::Keep
}

/// Checks that the memory taken so far is within bounds.
pub fn check_memory() {
    let peak = peak_mebibytes();
    assert!(peak <= MEBIBYTES, "{peak} MiB of memory");
}

/// The largest memory of this process so far, in MiB.
fn peak_mebibytes() -> u64 {
    // SAFETY: all zero is a value of this structure of numbers.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the place is valid.
    let status = unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) };
    assert_eq!(status, 0);
    usage.ru_maxrss as u64 / 1024
}
