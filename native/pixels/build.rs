//! Compiles the C shim against the headers of the vendored libjpeg-turbo.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=csrc");
    let include = env::var("DEP_TURBOJPEG_INCLUDE")
        .expect("turbojpeg-sys tells where the headers of libjpeg-turbo are");
    let mut shim = cc::Build::new();
    shim.file("csrc/jpeg_shim.c")
        .file("csrc/codes/table.c")
        .file("csrc/codes/huffman.c")
        .std("c11")
        .warnings(true);
    for directory in include.split(',') {
        shim.include(directory);
    }
    shim.compile("biobench_jpeg_shim");
}
