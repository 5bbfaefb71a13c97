//! `biobench._native`: checks arguments, allocates arrays, detaches from the interpreter, maps
//! errors. All arithmetic is in `biobench-pixels` and `biobench-engine`. The documentation for users is `_native.pyi`.

mod batch_memory;
mod engine;
mod external;
mod files;
mod hinge;
mod info;
mod interrupt;
mod loader;
mod numpy_api;
mod regression;
mod single;
mod tables;
mod training;

use pyo3::prelude::*;

#[pymodule(gil_used = false)]
mod _native {
    #[pymodule_export]
    use super::engine::{Engine, Program};
    #[pymodule_export]
    use super::external::leave_interpreter;
    #[pymodule_export]
    use super::files::read_files;
    #[pymodule_export]
    use super::hinge::{hinge_dual, row_products};
    #[pymodule_export]
    use super::info::{build_info, kernels};
    #[pymodule_export]
    use super::loader::Loader;
    #[pymodule_export]
    use super::regression::{decisions, SoftmaxRegression};
    #[pymodule_export]
    use super::single::{decode, resize};
    #[pymodule_export]
    use super::tables::{cosines, interpolate, logarithms, powers, sines};
    #[pymodule_export]
    use super::training::{linear, Head};
    use super::{external, numpy_api, Bound, PyModule, PyResult};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        numpy_api::look_up(module.py())?;
        external::at_exit(module)
    }
}
