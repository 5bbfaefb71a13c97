//! Batches of files, loaded ahead.

use std::mem;
use std::path::PathBuf;
use std::process;
use std::sync::Arc;
use std::time::Duration;

use biobench_pixels::layout::{Format, Layout, Values};
use biobench_pixels::loader::{Batch, Next, Plan};
use biobench_pixels::{CropRounding, Filter, Items, LongSide, Mode, Outcome, Place, Recipe};
use biobench_pixels::{Limits, PixelError};
use numpy::ndarray::Dim;
use numpy::{PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::exceptions::{PyException, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PySlice};

use crate::batch_memory::{self, Buffer, BufferPool, CallerArray};
use crate::external::{self, Decoder};
use crate::files::{read, Read};
use crate::single::{chosen, exception, named};

/// Time between two looks for a signal.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Index of the first item, array, digests, (index in the batch, kind, message) of each item that
/// failed, and what was read of each file.
type Loaded<'py> = (
    usize,
    Bound<'py, PyAny>,
    Vec<Bound<'py, PyBytes>>,
    Vec<(usize, &'static str, String)>,
    Vec<Option<Read<'py>>>,
);

/// An item as Python gives it.
#[derive(FromPyObject)]
pub(crate) enum Item {
    /// The content of a file; the bytes are Python's own until a thread decodes them.
    Bytes(PyBackedBytes),
    Path(PathBuf),
}

impl From<Item> for Place {
    fn from(item: Item) -> Self {
        match item {
            Item::Bytes(bytes) => Self::Memory(Box::new(bytes)),
            Item::Path(path) => Self::Path(path),
        }
    }
}

#[pyclass(frozen, module = "biobench._native")]
pub(crate) struct Loader {
    /// Absent only while it is dropped.
    core: Option<biobench_pixels::Loader<Buffer>>,
    pool: Arc<BufferPool>,
    allocate: Option<Py<PyAny>>,
    /// Axes of an item.
    axes: [usize; 3],
    float: bool,
    process: u32,
}

#[pymethods]
impl Loader {
    #[new]
    #[pyo3(signature = (
        items, *, mode, size, long_side, filter, crop, crop_rounding, pad, layout, table,
        batch_size, workers, ahead, allocate = None, kernel = None, hash_files = false,
        decoder = None
    ))]
    #[expect(
        clippy::too_many_arguments,
        reason = "keyword arguments: one for each field of a recipe and a plan"
    )]
    fn new(
        py: Python<'_>,
        items: Vec<Item>,
        mode: &str,
        size: (usize, usize),
        long_side: &str,
        filter: &str,
        crop: (usize, usize),
        crop_rounding: &str,
        pad: (u8, u8, u8),
        layout: &str,
        table: Option<PyReadonlyArray2<'_, f32>>,
        batch_size: usize,
        workers: usize,
        ahead: usize,
        allocate: Option<Py<PyAny>>,
        kernel: Option<&str>,
        hash_files: bool,
        decoder: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        for (name, number) in [
            ("batch_size", batch_size),
            ("workers", workers),
            ("ahead", ahead),
        ] {
            if number == 0 {
                return Err(PyValueError::new_err(format!("{name} must be at least 1")));
            }
        }
        let mode = named("mode", mode, Mode::from_name(mode), Mode::NAMES)?;
        let long_side = named(
            "long_side",
            long_side,
            LongSide::from_name(long_side),
            LongSide::NAMES,
        )?;
        let filter = named("filter", filter, Filter::from_name(filter), Filter::NAMES)?;
        let crop_rounding = named(
            "crop_rounding",
            crop_rounding,
            CropRounding::from_name(crop_rounding),
            CropRounding::NAMES,
        )?;
        let layout = named("layout", layout, Layout::from_name(layout), Layout::NAMES)?;
        let float = table.is_some();
        let items = Items {
            places: items.into_iter().map(Place::from).collect(),
            recipe: Recipe {
                mode,
                size,
                long_side,
                filter,
                crop,
                crop_rounding,
                pad: [pad.0, pad.1, pad.2],
            },
            format: Format {
                layout,
                values: table.map_or(Ok(Values::Bytes), |table| values(&table))?,
            },
            hash_files,
            decoder: match decoder {
                Some(object) => Some(Arc::new(Decoder::new(&object)?)),
                None => None,
            },
            limits: Limits::default(),
            kernel: chosen(kernel)?,
        };
        let plan = Plan {
            batch_size,
            workers,
            ahead,
        };
        let core = py
            .detach(|| biobench_pixels::Loader::start(items, plan))
            .map_err(|error| exception(&error, "loader"))?;
        let loader = Self {
            core: Some(core),
            pool: Arc::default(),
            allocate,
            axes: match layout {
                Layout::Nhwc => [crop.0, crop.1, 3],
                Layout::Nchw => [3, crop.0, crop.1],
            },
            float,
            process: process::id(),
        };
        loader.provide(py)?;
        Ok(loader)
    }

    /// Waits for the next batch.
    fn next<'py>(&self, py: Python<'py>) -> PyResult<Option<Loaded<'py>>> {
        let core = self.core()?;
        loop {
            self.provide(py)?;
            match py.detach(|| core.wait(POLL_INTERVAL)) {
                Next::Batch(batch) => {
                    external::stay_at_the_end(py);
                    let loaded = self.loaded(py, batch)?;
                    // Where there is no memory now there may be some at the next call.
                    return match self.provide(py) {
                        Err(error) if !error.is_instance_of::<PyException>(py) => Err(error),
                        _ => Ok(Some(loaded)),
                    };
                }
                Next::End => return Ok(None),
                Next::Later => py.check_signals()?,
            }
        }
    }

    fn close(&self, py: Python<'_>) {
        // In a forked child there is nothing to stop.
        if let Ok(core) = self.core() {
            if external::is_inside() {
                // A finalizer on one of the threads that would be waited for.
                core.stop();
            } else {
                py.detach(|| core.close());
            }
        }
    }
}

impl Loader {
    /// The threads did not come along into a forked child, and a lock may be held for ever there.
    fn core(&self) -> PyResult<&biobench_pixels::Loader<Buffer>> {
        match &self.core {
            Some(core) if self.process == process::id() => Ok(core),
            _ => Err(PyRuntimeError::new_err(format!(
                "the loader belongs to process {}, from which this one was forked: make it here",
                self.process
            ))),
        }
    }

    /// Memory for every batch that may begin.
    fn provide(&self, py: Python<'_>) -> PyResult<()> {
        let core = self.core()?;
        let failed = |error: PixelError| exception(&error, "loader");
        while let Some(size) = core.next_size().map_err(failed)? {
            let buffer = match &self.allocate {
                None => Buffer::Own(py.detach(|| self.pool.take(size)).map_err(failed)?),
                Some(allocate) => {
                    Buffer::Caller(CallerArray::new(&allocate.bind(py).call1((size,))?, size)?)
                }
            };
            core.supply(buffer).map_err(failed)?;
        }
        Ok(())
    }

    fn loaded<'py>(&self, py: Python<'py>, batch: Batch<Buffer>) -> PyResult<Loaded<'py>> {
        let [one, two, three] = self.axes;
        let shape = [batch.items.len(), one, two, three];
        let array = match batch.memory {
            Buffer::Own(memory) if self.float => {
                batch_memory::array::<f32, _>(py, memory, &self.pool, Dim(shape))?.into_any()
            }
            Buffer::Own(memory) => {
                batch_memory::array::<u8, _>(py, memory, &self.pool, Dim(shape))?.into_any()
            }
            Buffer::Caller(memory) => {
                let element = if self.float { size_of::<f32>() } else { 1 };
                let bytes = shape.iter().product::<usize>() * element;
                memory
                    .array
                    .bind(py)
                    .get_item(PySlice::new(py, 0, bytes as isize, 1))?
                    .call_method1("view", (if self.float { "float32" } else { "uint8" },))?
                    .call_method1("reshape", (shape,))?
            }
        };
        let mut digests = Vec::with_capacity(batch.items.len());
        let mut files = Vec::with_capacity(batch.items.len());
        let mut failures = Vec::new();
        for (index, item) in batch.items.into_iter().enumerate() {
            digests.push(PyBytes::new(py, &digest(&item.outcome)));
            files.push(item.file.map(|file| read(py, &file)));
            if let Err(error) = item.outcome {
                failures.push((index, error.kind(), error.to_string()));
            }
        }
        Ok((batch.start, array, digests, failures, files))
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        if self.process != process::id() {
            // Ending the pool would take locks that another thread may have held at the fork.
            mem::forget(self.core.take());
        }
    }
}

/// No pixels, no digest: 32 zero bytes keep the rows of callers aligned.
fn digest(outcome: &Outcome) -> [u8; 32] {
    outcome.as_ref().map_or([0; 32], |digest| *digest)
}

fn values(table: &PyReadonlyArray2<'_, f32>) -> PyResult<Values> {
    let wrong = || PyValueError::new_err("table: float32 of shape (3, 256) is expected");
    if table.shape() != [3, 256] {
        return Err(wrong());
    }
    let mut rows = Box::new([[0.0; 256]; 3]);
    let numbers = table.as_slice().map_err(|_| wrong())?;
    for (row, numbers) in rows.iter_mut().zip(numbers.chunks_exact(256)) {
        row.copy_from_slice(numbers);
    }
    Ok(Values::Table(rows))
}
