//! Long work off the interpreter, ended soon after Ctrl-C.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use biobench_pixels::Cancel;
use pyo3::prelude::*;

/// Time between two looks for a signal.
const PATIENCE: Duration = Duration::from_millis(50);

/// Runs `work` as [`stoppable`]; a handler that raises sets the flag.
pub(crate) fn run<T, F>(py: Python<'_>, work: F) -> PyResult<T>
where
    T: Send,
    F: FnOnce(&Cancel) -> T + Send,
{
    let flag = &Cancel::default();
    stoppable(py, || flag.set(), || work(flag))
}

/// Runs `work` on a thread of its own, detached from the interpreter, while this thread looks for
/// signals. Where a handler raises, `stop` is called, and its exception is returned once `work` has
/// ended.
pub(crate) fn stoppable<T, F>(py: Python<'_>, stop: impl Fn() + Sync, work: F) -> PyResult<T>
where
    T: Send,
    F: FnOnce() -> T + Send,
{
    let stop = &stop;
    py.detach(|| {
        let (sender, receiver) = mpsc::channel();
        thread::scope(|scope| {
            // Not `scope.spawn`, which panics where the system has no thread to give.
            let worker = thread::Builder::new().spawn_scoped(scope, move || {
                let result = work();
                // The receiver waits in this scope, so that sending cannot fail.
                let _ = sender.send(());
                result
            })?;
            let mut raised = None;
            while let Err(RecvTimeoutError::Timeout) = receiver.recv_timeout(PATIENCE) {
                if raised.is_none() {
                    if let Err(error) = Python::attach(|py| py.check_signals()) {
                        stop();
                        raised = Some(error);
                    }
                }
            }
            let result = worker.join();
            match (raised, result) {
                (Some(error), _) => Err(error),
                (None, Ok(result)) => Ok(result),
                (None, Err(panic)) => std::panic::resume_unwind(panic),
            }
        })
    })
}
