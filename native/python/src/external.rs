//! Formats that a Python object decodes, on the threads of the loader.
//!
//! A thread holds the interpreter only inside of the object's methods. Nobody waits for such a thread
//! while holding the interpreter: [`super::loader`] and [`super::interrupt`] detach before they wait.

use std::cell::Cell;
use std::ops::Range;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use biobench_pixels::{ExternalDecoder, ExternalImage, PixelError};
use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Kinds that a refusal may have: they are part of what users rely on.
const KINDS: [&str; 4] = [
    "unreadable",
    "truncated",
    "unsupported-feature",
    "too-large",
];

/// A `biobench.decode.pillow.PillowDecoder`.
#[derive(Debug)]
pub(crate) struct Decoder {
    formats: Vec<String>,
    object: Py<PyAny>,
}

impl Decoder {
    pub fn new(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self {
            formats: object.getattr("formats")?.extract()?,
            object: object.clone().unbind(),
        })
    }
}

impl ExternalDecoder for Decoder {
    fn reads(&self, format: &str) -> bool {
        self.formats.iter().any(|name| name == format)
    }

    fn open(&self, data: Vec<u8>) -> Result<Box<dyn ExternalImage>, PixelError> {
        let image = inside(|py| {
            let bytes = PyBytes::new_with(py, data.len(), |bytes| {
                bytes.copy_from_slice(&data);
                Ok(())
            })?;
            drop(data);
            let object = self.object.bind(py).call_method1("open", (bytes,))?;
            let size = object.getattr("size")?.extract()?;
            Ok(Image {
                object: Some(object.unbind()),
                size,
            })
        })?;
        Ok(Box::new(image))
    }
}

/// A `biobench.decode.pillow.PillowImage`.
struct Image {
    /// Absent only while it is dropped.
    object: Option<Py<PyAny>>,
    size: (usize, usize),
}

impl Image {
    fn bind<'py>(&self, py: Python<'py>) -> PyResult<&Bound<'py, PyAny>> {
        let object = self.object.as_ref();
        Ok(object
            .ok_or_else(|| PyMemoryError::new_err("dropped"))?
            .bind(py))
    }
}

impl ExternalImage for Image {
    fn size(&self) -> (usize, usize) {
        self.size
    }

    fn decode(&mut self) -> Result<(usize, usize), PixelError> {
        inside(|py| self.bind(py)?.call_method0("decode")?.extract())
    }

    fn rows(
        &mut self,
        rows: Range<usize>,
        columns: Range<usize>,
        out: &mut [u8],
    ) -> Result<(), PixelError> {
        let same = inside(|py| {
            let part = (rows.start, rows.end, columns.start, columns.end);
            let pixels = self.bind(py)?.call_method1("rows", part)?;
            let pixels: &[u8] = pixels.cast::<PyBytes>()?.as_bytes();
            let same = pixels.len() == out.len();
            if same {
                out.copy_from_slice(pixels);
            }
            Ok(same)
        })?;
        if !same {
            return Err(PixelError::Internal("a part of another size".into()));
        }
        Ok(())
    }
}

impl Drop for Image {
    /// At once: left to the next thread that holds the interpreter, the pixels would stay until then.
    fn drop(&mut self) {
        let object = self.object.take();
        // Where the interpreter ends nobody is left to free it.
        let _ = inside(|_| {
            drop(object);
            Ok(())
        });
    }
}

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    /// Whether this thread ends the interpreter.
    static ENDING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is decoding with Python: what Python runs there, such as the finalizer of an
/// object, must not wait for the loader that waits for this thread.
pub(crate) fn is_inside() -> bool {
    INSIDE.get()
}

/// Runs `work` with the interpreter, unless that has begun to end.
fn inside<T>(work: impl FnOnce(Python<'_>) -> PyResult<T>) -> Result<T, PixelError> {
    let _entry = Entry::new().ok_or(PixelError::Cancelled)?;
    let result = Python::try_attach(|py| work(py).map_err(|error| refusal(py, &error)));
    result.unwrap_or(Err(PixelError::Cancelled))
}

/// What an exception says of the file. One that is no refusal is a fault of our own.
fn refusal(py: Python<'_>, error: &PyErr) -> PixelError {
    if error.is_instance_of::<PyMemoryError>(py) {
        return PixelError::Memory;
    }
    let value = error.value(py);
    let kind: Option<String> = value.getattr("kind").and_then(|kind| kind.extract()).ok();
    let kind = KINDS
        .into_iter()
        .find(|known| Some(*known) == kind.as_deref());
    match kind {
        Some(kind) => PixelError::External {
            kind,
            message: value.to_string(),
        },
        None => PixelError::Internal(error.to_string()),
    }
}

/// Threads that are in Python or about to be, the process that they are threads of, and whether the
/// interpreter has begun to end. One number: a forked child has none of the threads, and no lock that
/// another one could have held.
static ENTRIES: AtomicU64 = AtomicU64::new(0);

const COUNT: u64 = (1 << 31) - 1;
const ENDED: u64 = 1 << 31;

/// The state for this process: of another one nothing counts.
fn current(state: u64) -> u64 {
    let process = u64::from(process::id()) << 32;
    if state & !(COUNT | ENDED) == process {
        state
    } else {
        process
    }
}

/// A thread that may use the interpreter until this is dropped.
struct Entry;

impl Entry {
    fn new() -> Option<Self> {
        let enter = |state| (current(state) & ENDED == 0).then(|| current(state) + 1);
        ENTRIES
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, enter)
            .ok()?;
        INSIDE.set(true);
        Some(Self)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        INSIDE.set(false);
        ENTRIES.fetch_sub(1, Ordering::Release);
    }
}

/// Waits until no thread of a loader is in Python, and lets none in any more. Called by `atexit`: a
/// thread that comes back to an interpreter that is gone would end the process, or hang.
#[pyfunction]
pub(crate) fn leave_interpreter(py: Python<'_>) -> PyResult<()> {
    ENDING.set(true);
    let end = |state| Some(current(state) | ENDED);
    let _ = ENTRIES.fetch_update(Ordering::AcqRel, Ordering::Acquire, end);
    while current(ENTRIES.load(Ordering::Acquire)) & COUNT > 0 {
        py.detach(|| thread::sleep(Duration::from_millis(1)));
        py.check_signals()?;
    }
    Ok(())
}

/// Keeps a thread that got a batch after another one began to end the interpreter: images that were
/// stopped for that are no errors to be shown. Such a thread is a daemon, for the others have ended.
pub(crate) fn stay_at_the_end(py: Python<'_>) {
    if current(ENTRIES.load(Ordering::Acquire)) & ENDED != 0 && !ENDING.get() {
        py.detach(|| loop {
            thread::park();
        });
    }
}

/// Has [`leave_interpreter`] called when the interpreter ends.
pub(crate) fn at_exit(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let leave = module.getattr("leave_interpreter")?;
    let register = module.py().import("atexit")?;
    register.call_method1("register", (leave,))?;
    Ok(())
}
