//! Buffers by lifetime: a value's buffer is free after its last reader.

use super::compiled::Compiled;
use super::shape::Dim;
use super::step::{Source, Step};

/// Which buffer each value has.
#[derive(Debug)]
pub(super) struct Plan {
    /// The slot of each operation's output; unused for a reshape.
    pub slot: Vec<usize>,
    /// The sizes of the values of each slot.
    pub slots: Vec<Vec<Dim>>,
}

/// The value whose buffer is read.
fn root(steps: &[Step], source: Source) -> Option<usize> {
    match source {
        Source::Value(i) if matches!(steps[i].compiled, Compiled::Reshape) => {
            root(steps, steps[i].operands[0])
        }
        Source::Value(i) => Some(i),
        _ => None,
    }
}

impl Plan {
    pub fn new(steps: &[Step], output: Source) -> Self {
        let mut last: Vec<usize> = (0..steps.len()).collect();
        for (i, step) in steps.iter().enumerate() {
            for value in step.operands.iter().filter_map(|s| root(steps, *s)) {
                last[value] = last[value].max(i);
            }
        }
        if let Some(value) = root(steps, output) {
            last[value] = steps.len();
        }
        let mut plan = Self {
            slot: vec![0; steps.len()],
            slots: Vec::new(),
        };
        let mut free: Vec<usize> = Vec::new();
        for (i, step) in steps.iter().enumerate() {
            if !matches!(step.compiled, Compiled::Reshape) {
                let size = step.shape.elements();
                let room = |slot: &usize| {
                    plan.slots[*slot]
                        .iter()
                        .map(|d| d.factor)
                        .max()
                        .unwrap_or(0)
                };
                // The smallest that is large enough, else the largest.
                let fit = free
                    .iter()
                    .copied()
                    .filter(|s| room(s) >= size.factor)
                    .min_by_key(|s| room(s));
                let chosen = fit.or_else(|| free.iter().copied().max_by_key(|s| room(s)));
                let slot = chosen.unwrap_or(plan.slots.len());
                free.retain(|s| *s != slot);
                if slot == plan.slots.len() {
                    plan.slots.push(Vec::new());
                }
                plan.slots[slot].push(size);
                plan.slot[i] = slot;
            }
            for value in 0..=i {
                if last[value] == i && !matches!(steps[value].compiled, Compiled::Reshape) {
                    free.push(plan.slot[value]);
                }
            }
        }
        plan
    }
}
