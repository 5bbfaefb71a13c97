//! The loader with work that waits, panics or counts.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use super::*;
use crate::loader::items::Outcome;
use crate::loader::Aligned;

/// Seconds that no test should ever wait.
const LONG: Duration = Duration::from_secs(20);

/// Writes the index of the item. Item 3 panics; item 0 waits for `gate`.
#[derive(Default)]
struct Script {
    gate: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    panic: bool,
}

impl Work for Script {
    fn load(&self, index: usize, _: &Permits, cancel: &Cancel, out: &mut [u8]) -> Loaded {
        Loaded {
            outcome: self.play(index, cancel, out),
            file: None,
        }
    }

    fn blank(&self, out: &mut [u8]) {
        out.fill(255);
    }
}

impl Script {
    fn play(&self, index: usize, cancel: &Cancel, out: &mut [u8]) -> Outcome {
        while index == 0 && !self.gate.load(Ordering::Relaxed) {
            cancel.check()?;
            thread::sleep(Duration::from_millis(1));
        }
        assert!(!(self.panic && index == 3), "a fault in item {index}");
        cancel.check()?;
        out.fill(index as u8);
        self.done.fetch_add(1, Ordering::Relaxed);
        Ok([index as u8; 32])
    }
}

fn loader(script: Script, count: usize, plan: (usize, usize, usize)) -> Loader<Aligned> {
    let plan = Plan {
        batch_size: plan.0,
        workers: plan.1,
        ahead: plan.2,
    };
    Loader::with_work(Box::new(script), count, 1, plan).unwrap()
}

fn fill(loader: &Loader<Aligned>) -> usize {
    let mut brought = 0;
    while let Some(size) = loader.next_size().unwrap() {
        loader.supply(Aligned::zeroed(size).unwrap()).unwrap();
        brought += 1;
    }
    brought
}

fn bytes(batch: &Batch<Aligned>) -> Vec<u8> {
    let count = batch.items.len();
    // SAFETY: the batch was taken, so that no thread writes to it.
    unsafe { std::slice::from_raw_parts(batch.memory.pointer(), count) }.to_vec()
}

fn open_gate() -> Script {
    Script {
        gate: Arc::new(AtomicBool::new(true)),
        ..Script::default()
    }
}

/// Protects: a panic is the error of its item, and the others are loaded.
#[test]
fn panic_is_an_error_of_its_item() {
    let script = Script {
        panic: true,
        ..open_gate()
    };
    let loader = loader(script, 5, (5, 2, 1));
    fill(&loader);
    let Next::Batch(batch) = loader.wait(LONG) else {
        panic!("no batch");
    };
    assert_eq!(bytes(&batch), [0, 1, 2, 255, 4]);
    match &batch.items[3].outcome {
        Err(PixelError::Internal(text)) => assert_eq!(text, "a fault in item 3"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(loader.wait(LONG), Next::End));
}

/// Protects: behind a slow item other threads load the rest of its batch and the batches that
/// follow; order stays.
#[test]
fn slow_item_stalls_nothing() {
    let script = Script::default();
    let (gate, done) = (Arc::clone(&script.gate), Arc::clone(&script.done));
    let loader = loader(script, 9, (3, 2, 3));
    assert_eq!(fill(&loader), 3);
    let started = Instant::now();
    while done.load(Ordering::Relaxed) < 8 {
        assert!(started.elapsed() < LONG);
        thread::sleep(Duration::from_millis(1));
    }
    assert!(matches!(loader.wait(Duration::ZERO), Next::Later));
    gate.store(true, Ordering::Relaxed);
    for start in [0, 3, 6] {
        let Next::Batch(batch) = loader.wait(LONG) else {
            panic!("no batch");
        };
        assert_eq!(batch.start, start);
        let expected: Vec<u8> = (start as u8..start as u8 + 3).collect();
        assert_eq!(bytes(&batch), expected);
    }
    assert!(matches!(loader.wait(LONG), Next::End));
}

/// Protects: memory. Batches in work are bounded, and one more may begin when one is taken.
#[test]
fn batches_ahead_are_bounded() {
    let script = open_gate();
    let done = Arc::clone(&script.done);
    let loader = loader(script, 20, (2, 2, 3));
    assert_eq!(fill(&loader), 3);
    thread::sleep(Duration::from_millis(50));
    assert_eq!(done.load(Ordering::Relaxed), 6);
    assert!(matches!(loader.wait(LONG), Next::Batch(_)));
    assert_eq!(fill(&loader), 1);
    // What is not wanted is dropped.
    loader.supply(Aligned::zeroed(2).unwrap()).unwrap();
    assert_eq!(loader.next_size().unwrap(), None);
}

/// Protects: memory that is too small is refused, and the batch can still have its own.
#[test]
fn too_little_memory() {
    let loader = loader(open_gate(), 2, (2, 1, 1));
    assert!(loader.supply(Aligned::zeroed(1).unwrap()).is_err());
    fill(&loader);
    assert!(matches!(loader.wait(LONG), Next::Batch(_)));
}

/// Protects: closing ends a slow item, those that wait in the queue, and a thread that awaits a
/// batch.
#[test]
fn close_ends_everything() {
    let script = Script::default();
    let done = Arc::clone(&script.done);
    let loader = loader(script, 300, (100, 1, 3));
    fill(&loader);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| matches!(loader.wait(LONG), Next::End));
        thread::sleep(Duration::from_millis(20));
        loader.close();
        assert!(waiting.join().unwrap());
    });
    assert_eq!(done.load(Ordering::Relaxed), 0);
    assert_eq!(loader.next_size().unwrap(), None);
    loader.close();
    assert!(matches!(loader.wait(LONG), Next::End));
}

/// Protects: a loader that is dropped stops, and its memory lives until no thread writes to it.
#[test]
fn dropped() {
    struct Counted(Aligned, Arc<AtomicUsize>);

    // SAFETY: as of `Aligned`.
    unsafe impl Memory for Counted {
        fn pointer(&self) -> *mut u8 {
            self.0.pointer()
        }

        fn size(&self) -> usize {
            self.0.size()
        }
    }

    impl Drop for Counted {
        fn drop(&mut self) {
            self.1.fetch_add(1, Ordering::Relaxed);
        }
    }

    let freed = Arc::new(AtomicUsize::new(0));
    let plan = Plan {
        batch_size: 4,
        workers: 2,
        ahead: 2,
    };
    let loader = Loader::with_work(Box::new(Script::default()), 8, 1, plan).unwrap();
    for _ in 0..2 {
        let memory = Counted(Aligned::zeroed(4).unwrap(), Arc::clone(&freed));
        loader.supply(memory).unwrap();
    }
    drop(loader);
    let started = Instant::now();
    while freed.load(Ordering::Relaxed) < 2 {
        assert!(started.elapsed() < LONG);
        thread::sleep(Duration::from_millis(1));
    }
}
