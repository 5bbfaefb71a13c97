//! The bytes of a batch: many threads write one item each.

use std::alloc::{alloc_zeroed, dealloc, Layout};
use std::ptr::NonNull;

use crate::error::PixelError;

/// Bytes that a batch is written to.
///
/// # Safety
///
/// From [`Memory::pointer`] on, [`Memory::size`] bytes stay valid until the value is dropped, and
/// nobody else reads or writes them while a loader has the value.
pub unsafe trait Memory: Send + 'static {
    /// The first byte.
    fn pointer(&self) -> *mut u8;

    /// Number of bytes.
    fn size(&self) -> usize;
}

/// Bytes on the heap, aligned to cache lines, zero at first.
#[derive(Debug)]
pub struct Aligned {
    start: NonNull<u8>,
    layout: Layout,
}

/// Bytes of a cache line, and the alignment that array libraries like best.
const LINE: usize = 64;

impl Aligned {
    /// At least one byte is taken, so that the start is never dangling.
    pub fn zeroed(size: usize) -> Result<Self, PixelError> {
        let layout = Layout::from_size_align(size.max(1), LINE).map_err(|_| PixelError::Memory)?;
        // SAFETY: the layout has at least one byte.
        let start = unsafe { alloc_zeroed(layout) };
        let start = NonNull::new(start).ok_or(PixelError::Memory)?;
        Ok(Self { start, layout })
    }
}

impl Drop for Aligned {
    fn drop(&mut self) {
        // SAFETY: `start` came from `alloc_zeroed` with this layout and is freed once.
        unsafe { dealloc(self.start.as_ptr(), self.layout) }
    }
}

// SAFETY: the bytes belong to this value alone; it has no tie to a thread.
unsafe impl Send for Aligned {}

// SAFETY: only the pointer itself can be read through a shared reference.
unsafe impl Sync for Aligned {}

// SAFETY: the bytes are freed by `drop` and known to nobody else.
unsafe impl Memory for Aligned {
    fn pointer(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    fn size(&self) -> usize {
        self.layout.size()
    }
}

/// Memory as slots of one size.
pub(super) struct Slots<M> {
    memory: M,
    slot: usize,
}

impl<M: Memory> Slots<M> {
    /// Refuses memory of less than `count` slots of `slot` bytes.
    pub fn new(memory: M, slot: usize, count: usize) -> Result<Self, PixelError> {
        match slot.checked_mul(count) {
            Some(bytes) if bytes <= memory.size() => Ok(Self { memory, slot }),
            _ => Err(PixelError::Internal(
                "the memory of a batch is too small".into(),
            )),
        }
    }

    /// The bytes of one slot.
    ///
    /// # Safety
    ///
    /// `index` is below the count of [`Slots::new`], and no other reference to the slot is alive.
    #[allow(clippy::mut_from_ref, reason = "slots do not overlap")]
    pub unsafe fn slot(&self, index: usize) -> &mut [u8] {
        // SAFETY: the bytes lie within the memory, which `self` keeps alive, and the caller
        // promises that the slot is used once at a time.
        unsafe {
            std::slice::from_raw_parts_mut(self.memory.pointer().add(index * self.slot), self.slot)
        }
    }

    pub fn into_memory(self) -> M {
        self.memory
    }
}

// SAFETY: threads share `Slots` to write to slots that do not overlap; the memory itself is only
// asked for its pointer, which does not change.
unsafe impl<M: Memory> Sync for Slots<M> {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: alignment, zeros, and an error in place of an abort where there is no memory.
    #[test]
    fn aligned() {
        let memory = Aligned::zeroed(1000).unwrap();
        assert_eq!(memory.pointer() as usize % LINE, 0);
        assert_eq!(memory.size(), 1000);
        let slots = Slots::new(memory, 250, 4).unwrap();
        // SAFETY: four slots, one reference at a time.
        unsafe {
            slots.slot(3).fill(7);
            assert_eq!(slots.slot(2), [0; 250]);
            assert_eq!(slots.slot(3), [7; 250]);
        }
        assert!(matches!(
            Aligned::zeroed(isize::MAX as usize),
            Err(PixelError::Memory)
        ));
    }

    /// Protects: memory that is too small is refused before a thread writes past it.
    #[test]
    fn too_small() {
        for (slot, count) in [(11, 10), (usize::MAX, 2)] {
            assert!(Slots::new(Aligned::zeroed(109).unwrap(), slot, count).is_err());
        }
    }
}
