//! One image: decode, resize.

use std::path::PathBuf;

use biobench_pixels::{ExternalDecoder, Filter, Kernel, Limits, PixelError, RgbImage};
use numpy::{PyArray1, PyArray3, PyArrayMethods, PyReadonlyArray3, PyUntypedArrayMethods};
use pyo3::exceptions::{
    PyFileNotFoundError, PyKeyboardInterrupt, PyMemoryError, PyOSError, PyPermissionError,
    PyRuntimeError, PyValueError,
};
use pyo3::prelude::*;

use crate::external::Decoder;
use crate::interrupt;

#[pyfunction]
#[pyo3(signature = (path, *, max_pixels = None, decoder = None))]
pub(crate) fn decode<'py>(
    py: Python<'py>,
    path: PathBuf,
    max_pixels: Option<u64>,
    decoder: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyArray3<u8>>> {
    let limits = limits(max_pixels);
    let decoder = decoder.map(|object| Decoder::new(&object)).transpose()?;
    let decoder = decoder
        .as_ref()
        .map(|decoder| decoder as &dyn ExternalDecoder);
    let image = interrupt::run(py, |cancel| {
        biobench_pixels::decode_file(&path, decoder, &limits, cancel)
    })?
    .map_err(|error| exception(&error, &shown(&path.to_string_lossy())))?;
    into_array(py, image)
}

#[pyfunction]
#[pyo3(signature = (image, height, width, filter, *, kernel = None))]
pub(crate) fn resize<'py>(
    py: Python<'py>,
    image: PyReadonlyArray3<'py, u8>,
    height: usize,
    width: usize,
    filter: &str,
    kernel: Option<&str>,
) -> PyResult<Bound<'py, PyArray3<u8>>> {
    let kernel = chosen(kernel)?;
    let filter = named("filter", filter, Filter::from_name(filter), Filter::NAMES)?;
    let &[rows, columns, channels] = image.shape() else {
        return Err(PyValueError::new_err("image: three axes are expected"));
    };
    if channels != 3 || rows == 0 || columns == 0 {
        return Err(PyValueError::new_err(
            "image: shape (height, width, 3) is expected, with at least one pixel",
        ));
    }
    if height == 0 || width == 0 {
        return Err(PyValueError::new_err("height and width must be at least 1"));
    }
    let mut pixels = Vec::new();
    pixels
        .try_reserve_exact(image.len())
        .map_err(|_| exception(&PixelError::Memory, "resize"))?;
    match image.as_slice() {
        Ok(slice) => pixels.extend_from_slice(slice),
        Err(_) => pixels.extend(image.as_array().iter()),
    }
    let resized = py
        .detach(|| {
            let image = RgbImage::from_raw(columns, rows, pixels)?;
            biobench_pixels::resize(&image, height, width, filter, kernel)
        })
        .map_err(|error| exception(&error, "resize"))?;
    into_array(py, resized)
}

fn into_array(py: Python<'_>, image: RgbImage) -> PyResult<Bound<'_, PyArray3<u8>>> {
    let shape = [image.height(), image.width(), 3];
    PyArray1::from_vec(py, image.into_raw()).reshape(shape)
}

pub(crate) fn limits(max_pixels: Option<u64>) -> Limits {
    let mut limits = Limits::default();
    if let Some(pixels) = max_pixels {
        limits.max_pixels = pixels;
    }
    limits
}

/// The value that was found under a name, or an error that lists the names.
pub(crate) fn named<T>(
    argument: &str,
    name: &str,
    value: Option<T>,
    names: &[&str],
) -> PyResult<T> {
    value.ok_or_else(|| {
        PyValueError::new_err(format!(
            "{argument}: {name:?} is unknown; one of {} is expected",
            names.join(", ")
        ))
    })
}

/// The kernel of a name, or the fastest.
pub(crate) fn chosen(name: Option<&str>) -> PyResult<Kernel> {
    let Some(name) = name else {
        return Ok(Kernel::best());
    };
    let names: Vec<_> = Kernel::available().into_iter().map(Kernel::name).collect();
    named("kernel", name, Kernel::from_name(name), &names)
}

/// A name fit for a message: what a terminal obeys or nobody sees is escaped.
fn shown(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for character in name.chars() {
        match character {
            '\\' | '\'' | '"' => text.push(character),
            _ => text.extend(character.escape_debug()),
        }
    }
    text
}

/// A built-in exception where one fits.
pub(crate) fn exception(error: &PixelError, place: &str) -> PyErr {
    let text = format!("{place}: {error}");
    match error {
        PixelError::NotFound => PyFileNotFoundError::new_err(text),
        PixelError::Permission => PyPermissionError::new_err(text),
        PixelError::Io(_) => PyOSError::new_err(text),
        PixelError::Memory => PyMemoryError::new_err(text),
        PixelError::Cancelled => PyKeyboardInterrupt::new_err(text),
        PixelError::Internal(_) => PyRuntimeError::new_err(text),
        _ => PyValueError::new_err(text),
    }
}
