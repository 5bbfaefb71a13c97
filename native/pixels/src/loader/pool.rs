//! An ordered stream of batches, loaded ahead on a pool of threads.
//!
//! Whoever takes the batches brings the memory of those to come, so that the number of batches in
//! work is bounded by what was brought. The items of all of them are one queue from which every
//! thread takes the next: behind one huge file the others go on with the batches after it.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rayon::ThreadPool;

use super::items::{Items, Loaded, Work};
use super::memory::{Memory, Slots};
use crate::error::PixelError;
use crate::limits::{Cancel, Permits};
use crate::threads::threads;

/// How a loader works; no pixel depends on it.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Items of a batch; the last batch may have fewer. At least 1.
    pub batch_size: usize,
    /// Threads, each with one file and a few rows of its image in memory. At least 1.
    pub workers: usize,
    /// Batches at most that wait to be taken or are being loaded. At least 1.
    pub ahead: usize,
}

/// Consecutive items that are loaded.
#[derive(Debug)]
pub struct Batch<M> {
    /// Index of the first one.
    pub start: usize,
    /// Their bytes, one item after the other; those of an item that failed are of a black crop.
    pub memory: M,
    /// What became of each.
    pub items: Vec<Loaded>,
}

/// What [`Loader::wait`] found.
#[derive(Debug)]
pub enum Next<M> {
    /// The next batch in order.
    Batch(Batch<M>),
    /// It is not complete yet.
    Later,
    /// No batch will come: all are taken, or the loader is closed.
    End,
}

/// Loads batches in order. Any thread may call any method; dropping it stops the work.
pub struct Loader<M: Memory> {
    shared: Arc<Shared<M>>,
    /// Gone once the loader is closed.
    pool: Mutex<Option<ThreadPool>>,
}

struct Shared<M> {
    work: Box<dyn Work>,
    count: usize,
    slot: usize,
    plan: Plan,
    cancel: Cancel,
    permits: Permits,
    state: Mutex<State<M>>,
    changed: Condvar,
}

struct State<M> {
    /// Batches that have memory and are not taken, in order.
    batches: VecDeque<Loading<M>>,
    /// Number of the first of them.
    first: usize,
    /// Items that were given to the pool and are not done.
    unfinished: usize,
}

struct Loading<M> {
    slots: Arc<Slots<M>>,
    items: Vec<Option<Loaded>>,
    left: usize,
}

impl<M: Memory> Loader<M> {
    /// Starts the threads. They have nothing to do until memory is supplied.
    pub fn start(items: Items, plan: Plan) -> Result<Self, PixelError> {
        let (count, slot) = (items.places.len(), items.bytes()?);
        Self::with_work(Box::new(items), count, slot, plan)
    }

    /// Loads `count` items of `slot` bytes.
    fn with_work(
        work: Box<dyn Work>,
        count: usize,
        slot: usize,
        plan: Plan,
    ) -> Result<Self, PixelError> {
        if plan.batch_size == 0 || plan.workers == 0 || plan.ahead == 0 {
            return Err(PixelError::Internal("a plan with a zero".into()));
        }
        // More threads than items have nothing to do.
        let pool = threads(plan.workers.min(count.max(1)), "pixels")?;
        let shared = Shared {
            work,
            count,
            slot,
            plan,
            cancel: Cancel::default(),
            permits: Permits::default(),
            state: Mutex::new(State {
                batches: VecDeque::new(),
                first: 0,
                unfinished: 0,
            }),
            changed: Condvar::new(),
        };
        Ok(Self {
            shared: Arc::new(shared),
            pool: Mutex::new(Some(pool)),
        })
    }

    /// Bytes that the memory of a batch needs, if memory for one more is wanted.
    pub fn next_size(&self) -> Result<Option<usize>, PixelError> {
        let shared = &self.shared;
        let largest = shared.plan.batch_size.min(shared.count);
        let bytes = shared.slot.checked_mul(largest).ok_or(PixelError::Memory)?;
        let state = shared.lock();
        Ok(shared.next_batch(&state).map(|_| bytes))
    }

    /// Gives memory to the next batch that has none, and its items to the threads. Memory that is
    /// not wanted is dropped.
    pub fn supply(&self, memory: M) -> Result<(), PixelError> {
        let shared = &self.shared;
        let pool = locked(&self.pool);
        let mut state = shared.lock();
        let (Some(number), Some(pool)) = (shared.next_batch(&state), pool.as_ref()) else {
            return Ok(());
        };
        let start = number * shared.plan.batch_size;
        let count = shared.plan.batch_size.min(shared.count - start);
        let slots = Arc::new(Slots::new(memory, shared.slot, count)?);
        state.batches.push_back(Loading {
            slots: Arc::clone(&slots),
            items: (0..count).map(|_| None).collect(),
            left: count,
        });
        state.unfinished += count;
        drop(state);
        // Under the lock: two callers must not mix the order of their batches.
        for place in 0..count {
            let (shared, slots) = (Arc::clone(shared), Arc::clone(&slots));
            pool.spawn_fifo(move || shared.load(number, place, slots));
        }
        Ok(())
    }

    /// The next batch, if it is complete within `timeout`. A batch that got no memory never is.
    pub fn wait(&self, timeout: Duration) -> Next<M> {
        let shared = &self.shared;
        let deadline = Instant::now() + timeout;
        let mut state = shared.lock();
        loop {
            if shared.cancel.is_set() || state.first * shared.plan.batch_size >= shared.count {
                return Next::End;
            }
            if state.batches.front().is_some_and(|batch| batch.left == 0) {
                return shared.take(&mut state);
            }
            let now = Instant::now();
            if now >= deadline {
                return Next::Later;
            }
            let waited = shared.changed.wait_timeout(state, deadline - now);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Stops the work without waiting: threads may write to their memory for a while, which lives as
    /// long.
    pub fn stop(&self) {
        drop(self.shared.stop());
    }

    /// Stops the work and waits until no thread touches memory any more, which takes no longer
    /// than one scan of an image, or the whole of one that the external decoder decodes. It may be called again.
    pub fn close(&self) {
        let shared = &self.shared;
        let mut state = shared.stop();
        while state.unfinished > 0 {
            let waited = shared.changed.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        state.batches.clear();
        drop(state);
        locked(&self.pool).take();
    }
}

impl<M: Memory> Drop for Loader<M> {
    fn drop(&mut self) {
        self.stop();
    }
}

impl<M: Memory> Shared<M> {
    fn lock(&self) -> MutexGuard<'_, State<M>> {
        locked(&self.state)
    }

    fn stop(&self) -> MutexGuard<'_, State<M>> {
        let state = self.lock();
        self.cancel.set();
        self.changed.notify_all();
        state
    }

    /// The number of the next batch that needs memory, if one may be begun.
    fn next_batch(&self, state: &State<M>) -> Option<usize> {
        let number = state.first + state.batches.len();
        let wanted = state.batches.len() < self.plan.ahead
            && number * self.plan.batch_size < self.count
            && !self.cancel.is_set();
        wanted.then_some(number)
    }

    /// One item, on a thread of the pool.
    fn load(&self, number: usize, place: usize, slots: Arc<Slots<M>>) {
        let index = number * self.plan.batch_size + place;
        // SAFETY: `place` is below the count that the slots were made for, and only this call is
        // given it; the batch is taken after `slots` is dropped.
        let slot = unsafe { slots.slot(place) };
        let work = AssertUnwindSafe(|| self.work.load(index, &self.permits, &self.cancel, slot));
        let item = catch_unwind(work).unwrap_or_else(|panic| Loaded {
            outcome: Err(PixelError::Internal(panic_text(panic.as_ref()))),
            file: None,
        });
        if item.outcome.is_err() {
            self.work.blank(slot);
        }
        // Before the item counts as done: then nobody else has the memory when the last one does.
        drop(slots);
        let mut state = self.lock();
        state.unfinished -= 1;
        // A batch leaves the queue complete, or with all others when nothing is unfinished.
        let queued = number - state.first;
        if let Some(batch) = state.batches.get_mut(queued) {
            batch.items[place] = Some(item);
            batch.left -= 1;
            if batch.left == 0 {
                self.changed.notify_all();
            }
        }
        if state.unfinished == 0 {
            self.changed.notify_all();
        }
    }

    /// The first batch, which is complete.
    fn take(&self, state: &mut State<M>) -> Next<M> {
        let Some(batch) = state.batches.pop_front() else {
            return Next::Later;
        };
        let start = state.first * self.plan.batch_size;
        state.first += 1;
        let Some(slots) = Arc::into_inner(batch.slots) else {
            unreachable!("every item dropped its share before it counted as done");
        };
        Next::Batch(Batch {
            start,
            memory: slots.into_memory(),
            items: batch.items.into_iter().flatten().collect(),
        })
    }
}

/// No code that holds a lock of this module can leave what it guards half changed.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a text".to_owned())
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
