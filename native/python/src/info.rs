//! What this build is made of, for the record of a result.

use pyo3::prelude::*;
use pyo3::types::PyDict;

#[pyfunction]
pub(crate) fn build_info(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let info = PyDict::new(py);
    info.set_item("version", env!("CARGO_PKG_VERSION"))?;
    info.set_item("profile", env!("BIOBENCH_PROFILE"))?;
    info.set_item("target", env!("BIOBENCH_TARGET"))?;
    info.set_item("libjpeg_turbo", biobench_pixels::jpeg::library_version())?;
    info.set_item("libjpeg_turbo_simd", biobench_pixels::jpeg::has_simd())?;
    Ok(info)
}

/// The kernels of the resize on this machine, the fastest last.
#[pyfunction]
pub(crate) fn kernels() -> Vec<&'static str> {
    let available = biobench_pixels::Kernel::available();
    available
        .into_iter()
        .map(biobench_pixels::Kernel::name)
        .collect()
}
