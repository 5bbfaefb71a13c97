//! Buffers by lifetime: a value's buffer is free after its last reader.

use std::collections::BTreeSet;

use super::compiled::Compiled;
use super::shape::Dim;
use super::step::{Source, Step};

/// Which buffer each value has.
#[derive(Debug)]
pub(super) struct Plan {
    /// The slot of each operation's output; unused for a reshape.
    pub slot: Vec<usize>,
    pub slots: Vec<Room>,
    /// What holds the numbers of each operation's output: itself, or what a reshape reads.
    holder: Vec<Source>,
}

/// The largest values of a slot, in numbers: of those with a batch for each image, and of those without one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Room {
    each: usize,
    fixed: usize,
}

impl Room {
    /// The numbers for a batch.
    pub fn at(self, batch: usize) -> usize {
        (self.each * batch).max(self.fixed)
    }

    fn hold(&mut self, size: Dim) {
        let kind = if size.batch {
            &mut self.each
        } else {
            &mut self.fixed
        };
        *kind = size.factor.max(*kind);
    }
}

/// Slots that hold no value, by their room, then by the order in which they became free.
#[derive(Default)]
struct Free {
    slots: BTreeSet<(usize, usize, usize)>,
    freed: usize,
}

impl Free {
    fn put(&mut self, slot: usize, room: usize) {
        self.slots.insert((room, self.freed, slot));
        self.freed += 1;
    }

    /// The smallest that is large enough, else the largest.
    fn take(&mut self, size: usize) -> Option<usize> {
        let fit = self.slots.range((size, 0, 0)..).next();
        let chosen = *fit.or_else(|| self.slots.last())?;
        self.slots.remove(&chosen);
        Some(chosen.2)
    }
}

impl Plan {
    pub fn new(steps: &[Step], output: Source) -> Self {
        let mut plan = Self {
            slot: vec![0; steps.len()],
            slots: Vec::new(),
            holder: Vec::with_capacity(steps.len()),
        };
        let mut last: Vec<usize> = (0..steps.len()).collect();
        for (i, step) in steps.iter().enumerate() {
            for source in &step.operands {
                if let Source::Value(read) = plan.holder(*source) {
                    last[read] = i;
                }
            }
            plan.holder.push(match step.compiled {
                Compiled::Reshape => plan.holder(step.operands[0]),
                _ => Source::Value(i),
            });
        }
        if let Source::Value(read) = plan.holder(output) {
            last[read] = steps.len();
        }
        // The values that nothing reads any more after each step, in their order.
        let mut ended = vec![Vec::new(); steps.len() + 1];
        for (value, end) in last.into_iter().enumerate() {
            if plan.holder[value] == Source::Value(value) {
                ended[end].push(value);
            }
        }
        let mut free = Free::default();
        for (i, step) in steps.iter().enumerate() {
            if plan.holder[i] == Source::Value(i) {
                let size = step.shape.elements();
                let slot = free.take(size.factor).unwrap_or(plan.slots.len());
                if slot == plan.slots.len() {
                    plan.slots.push(Room::default());
                }
                plan.slots[slot].hold(size);
                plan.slot[i] = slot;
            }
            for value in &ended[i] {
                let slot = plan.slot[*value];
                free.put(slot, plan.slots[slot].at(1));
            }
        }
        plan
    }

    /// What holds the numbers of a source.
    pub fn holder(&self, source: Source) -> Source {
        match source {
            Source::Value(i) => self.holder[i],
            other => other,
        }
    }
}
