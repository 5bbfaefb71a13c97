//! `biobench._native`: checks arguments, allocates arrays, detaches from the interpreter, maps
//! errors. All arithmetic is in `biobench-pixels`. The documentation for users is `_native.pyi`.

mod batch;
mod info;
mod interrupt;
mod single;

use pyo3::prelude::*;

#[pymodule(gil_used = false)]
mod _native {
    #[pymodule_export]
    use super::batch::load_batch;
    #[pymodule_export]
    use super::info::{build_info, kernels};
    #[pymodule_export]
    use super::interrupt::Cancel;
    #[pymodule_export]
    use super::single::{decode, resize};
}
