//! Threads and the instruction set that they compute with.

use rayon::prelude::*;
use rayon::ThreadPool;

use crate::error::EngineError;
use crate::isa::environment::Environment;
use crate::isa::Isa;

/// A pool of threads of a stated size and an instruction set. Neither moves a bit of any result.
#[derive(Debug)]
pub struct Engine {
    isa: Isa,
    threads: usize,
    pool: Option<ThreadPool>,
}

impl Engine {
    /// An engine with the fastest instruction set, or the one that the variable [`crate::isa::VARIABLE`] names.
    ///
    /// # Errors
    ///
    /// [`EngineError::InstructionSet`], [`EngineError::Threads`].
    pub fn new(threads: usize) -> Result<Self, EngineError> {
        let isa = Isa::choose().map_err(|name| EngineError::InstructionSet {
            name,
            available: Isa::available()
                .iter()
                .map(|s| s.name())
                .collect::<Vec<_>>()
                .join(", "),
        })?;
        Self::with(isa, threads)
    }

    /// An engine with this instruction set.
    ///
    /// # Errors
    ///
    /// [`EngineError::Threads`] where the system gives no threads, or where none are asked for.
    pub fn with(isa: Isa, threads: usize) -> Result<Self, EngineError> {
        let failed = |reason: String| EngineError::Threads { threads, reason };
        if threads == 0 {
            return Err(failed("at least one is needed".into()));
        }
        let pool = if threads == 1 {
            None
        } else {
            let built = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .thread_name(|i| format!("engine-{i}"))
                .build();
            Some(built.map_err(|e| failed(e.to_string()))?)
        };
        Ok(Self { isa, threads, pool })
    }

    /// The same with the calling thread alone.
    pub(crate) fn single(&self) -> Self {
        Self {
            isa: self.isa,
            threads: 1,
            pool: None,
        }
    }

    /// The instruction set, by whose name results say how they were made.
    #[must_use]
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// The number of threads.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Calls `task` with each chunk of `size` elements and its number, with a scratch that lives as long as a thread's
    /// share of the work.
    pub(crate) fn chunks<E: Send, T: Default>(
        &self,
        out: &mut [E],
        size: usize,
        task: impl Fn(&mut T, usize, &mut [E]) + Sync,
    ) {
        if out.is_empty() || size == 0 {
            return;
        }
        let guarded = |scratch: &mut T, (i, chunk): (usize, &mut [E])| {
            let _environment = Environment::standard();
            task(scratch, i, chunk);
        };
        match &self.pool {
            Some(pool) if out.len() > size => pool.install(|| {
                out.par_chunks_mut(size)
                    .enumerate()
                    .for_each_init(T::default, guarded);
            }),
            _ => {
                let mut scratch = T::default();
                for part in out.chunks_mut(size).enumerate() {
                    guarded(&mut scratch, part);
                }
            }
        }
    }

    /// Elements of a chunk so that each thread gets several, and none is so small that its start is felt.
    pub(crate) fn share(&self, elements: usize, unit: usize) -> usize {
        let parts = if self.threads == 1 {
            1
        } else {
            4 * self.threads
        };
        let size = elements.div_ceil(parts).max(16 * 1024);
        size.next_multiple_of(unit.max(1))
    }
}
