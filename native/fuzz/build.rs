//! Compiles the counters of C coverage, without instrumenting them.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=csrc/coverage.c");
    // These flags instrument, and come last: no other flag would undo them.
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("CFLAGS") {
            env::remove_var(name);
        }
    }
    cc::Build::new()
        .file("csrc/coverage.c")
        .warnings(true)
        .flag("-fno-sanitize=all")
        .compile("biobench_coverage");
    println!("cargo:rustc-link-arg-bins=-Wl,--wrap=__sanitizer_cov_trace_pc");
}
