//! The memory of batches: lent to NumPy, and taken back when the last array over it is gone.

use std::process;
use std::sync::{Arc, Mutex, PoisonError};

use biobench_pixels::loader::{Aligned, Memory};
use biobench_pixels::PixelError;
use numpy::ndarray::{ArrayView, Dimension};
use numpy::{Element, PyArray, PyArray1, PyArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Memory of one batch.
pub(crate) enum Buffer {
    /// This library's own, which is used again.
    Own(Aligned),
    /// An array that the caller's function made.
    Caller(CallerArray),
}

// SAFETY: each kind keeps the promise.
unsafe impl Memory for Buffer {
    fn pointer(&self) -> *mut u8 {
        match self {
            Self::Own(memory) => memory.pointer(),
            Self::Caller(memory) => memory.start,
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Own(memory) => memory.size(),
            Self::Caller(memory) => memory.size,
        }
    }
}

/// The bytes of an array of Python's.
pub(crate) struct CallerArray {
    pub array: Py<PyArray1<u8>>,
    start: *mut u8,
    size: usize,
}

// SAFETY: the pointer is to the data of the array, which `array` keeps, and is tied to no thread.
unsafe impl Send for CallerArray {}

impl CallerArray {
    /// Takes what a function of the caller's gave, which nobody else may use from now on.
    pub fn new(given: &Bound<'_, PyAny>, size: usize) -> PyResult<Self> {
        let wrong = || {
            PyValueError::new_err(format!(
                "allocate: a new writable uint8 array of {size} bytes is expected"
            ))
        };
        let array = given.cast::<PyArray1<u8>>().map_err(|_| wrong())?;
        let mut borrowed = array.try_readwrite().map_err(|_| wrong())?;
        let bytes = borrowed.as_slice_mut().map_err(|_| wrong())?;
        if bytes.len() != size {
            return Err(wrong());
        }
        Ok(Self {
            array: array.clone().unbind(),
            start: bytes.as_mut_ptr(),
            size,
        })
    }
}

/// One piece of memory that waits to be used again.
#[derive(Default)]
pub(crate) struct BufferPool(Mutex<Option<Aligned>>);

impl BufferPool {
    /// The spare memory, or new one. All pieces of a loader have one size.
    pub fn take(&self, size: usize) -> Result<Aligned, PixelError> {
        let spare = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        spare
            .filter(|memory| memory.size() == size)
            .map_or_else(|| Aligned::zeroed(size), Ok)
    }

    fn keep(&self, memory: Aligned) {
        let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        spare.get_or_insert(memory);
    }
}

/// What an array over a batch holds on to.
#[pyclass(frozen, module = "biobench._native")]
struct ArrayOwner {
    memory: Option<Aligned>,
    pool: Arc<BufferPool>,
    process: u32,
}

impl Drop for ArrayOwner {
    fn drop(&mut self) {
        // In a forked child nobody asks for it, and another thread may have held the lock.
        if let Some(memory) = self.memory.take() {
            if self.process == process::id() {
                self.pool.keep(memory);
            }
        }
    }
}

/// An array over the first bytes of `memory`, without a copy.
pub(crate) fn array<'py, T: Element, D: Dimension>(
    py: Python<'py>,
    memory: Aligned,
    pool: &Arc<BufferPool>,
    shape: D,
) -> PyResult<Bound<'py, PyArray<T, D>>> {
    let bytes = shape.size().checked_mul(size_of::<T>());
    if bytes.is_none_or(|bytes| bytes > memory.size()) {
        return Err(PyValueError::new_err("an array larger than its memory"));
    }
    let start = memory.pointer().cast::<T>();
    let owner = ArrayOwner {
        memory: Some(memory),
        pool: Arc::clone(pool),
        process: process::id(),
    };
    let owner = Bound::new(py, owner)?;
    // SAFETY: the bytes are within the memory, aligned for every T, and every bit pattern that was
    // written there is a T. The view is gone before the array can be written to.
    let view = unsafe { ArrayView::from_shape_ptr(shape, start) };
    // SAFETY: the container keeps the memory until the array is gone, and nothing else uses it.
    Ok(unsafe { PyArray::borrow_from_array(&view, owner.into_any()) })
}
