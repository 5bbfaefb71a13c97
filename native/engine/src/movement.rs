//! Operations that only move data: slices, permutations, expansions, concatenation, padding, indexing.

use crate::engine::Engine;

/// Copies `out` (`shape`) from `x` by steps: the element at (i0, i1, ...) is at offset + i0 * steps\[0\] + i1 * steps\[1\] + ...
/// A slice, a permutation and an expansion (a step of 0) are such copies.
///
/// # Panics
///
/// Where an element would lie beside `x`.
pub fn strided(
    engine: &Engine,
    x: &[f32],
    offset: usize,
    shape: &[usize],
    steps: &[usize],
    out: &mut [f32],
) {
    let mut joined: Vec<(usize, usize)> = Vec::new();
    for (size, step) in shape.iter().zip(steps) {
        if *size == 1 {
            continue;
        }
        match joined.last_mut() {
            Some(last) if last.1 == step * size && *step > 0 => *last = (last.0 * size, *step),
            _ => joined.push((*size, *step)),
        }
    }
    let (length, step) = joined.pop().unwrap_or((1, 1));
    let size = engine.share(out.len(), length);
    engine.chunks(out, size, |_: &mut (), i, out| {
        for (j, out) in out.chunks_mut(length).enumerate() {
            let mut row = i * (size / length) + j;
            let mut at = offset;
            for (size, step) in joined.iter().rev() {
                at += row % size * step;
                row /= size;
            }
            if step == 1 {
                out.copy_from_slice(&x[at..at + out.len()]);
            } else {
                for (k, to) in out.iter_mut().enumerate() {
                    *to = x[at + k * step];
                }
            }
        }
    });
}

/// Steps of a shape without gaps.
#[must_use]
pub fn contiguous(shape: &[usize]) -> Vec<usize> {
    let mut steps = vec![1; shape.len()];
    for i in (1..shape.len()).rev() {
        steps[i - 1] = steps[i] * shape[i];
    }
    steps
}

/// Puts `parts`, each (outer, its length, inner) with its own number of elements a row, side by side.
pub fn concatenate(parts: &[(&[f32], usize)], out: &mut [f32]) {
    let width: usize = parts.iter().map(|(_, width)| width).sum();
    for (i, row) in out.chunks_mut(width).enumerate() {
        let mut rest = row;
        for (part, width) in parts {
            let (to, next) = rest.split_at_mut(*width);
            to.copy_from_slice(&part[i * width..(i + 1) * width]);
            rest = next;
        }
    }
}

/// Copies `x` (`shape`) into the middle of `out`, which has `before` more elements before and `after` more behind in each
/// dimension, filled with `value`.
pub fn pad(
    x: &[f32],
    shape: &[usize],
    before: &[usize],
    after: &[usize],
    value: f32,
    out: &mut [f32],
) {
    out.fill(value);
    let padded: Vec<usize> = (0..shape.len())
        .map(|i| before[i] + shape[i] + after[i])
        .collect();
    let steps = contiguous(&padded);
    let Some(length) = shape.last() else {
        out.copy_from_slice(x);
        return;
    };
    for (i, row) in x.chunks(*length).enumerate() {
        let mut rest = i;
        let mut at = before[shape.len() - 1];
        for d in (0..shape.len() - 1).rev() {
            at += (before[d] + rest % shape[d]) * steps[d];
            rest /= shape[d];
        }
        out[at..at + length].copy_from_slice(row);
    }
}

/// Takes rows `indices` of the middle one of (outer, length, inner). A roll and a flip are such choices.
///
/// # Panics
///
/// Where an index is beyond the length.
pub fn gather(x: &[f32], (length, inner): (usize, usize), indices: &[usize], out: &mut [f32]) {
    for (i, to) in out.chunks_mut(inner).enumerate() {
        let (outer, index) = (i / indices.len(), indices[i % indices.len()]);
        assert!(index < length, "index {index} of {length}");
        to.copy_from_slice(&x[(outer * length + index) * inner..][..inner]);
    }
}
