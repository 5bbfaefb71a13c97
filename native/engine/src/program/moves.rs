//! Operations of a program that move elements about, work on two values, or reduce axes.

use super::compiled::Compiled;
use super::inputs::{ensure, fixed, Checked, Inputs};
use super::shape::{Dim, Shape};
use super::step::Built;
use crate::elementwise::Binary;

pub(super) fn binary(i: &Inputs, operation: Binary) -> Checked<Built> {
    let (a, b) = (i.source("a")?, i.source("b")?);
    let (left, right) = (i.shape(a), i.shape(b));
    let n = left.0.len().max(right.0.len());
    let one = Dim {
        factor: 1,
        batch: false,
    };
    let dim = |s: &Shape, d: usize| (d + s.0.len()).checked_sub(n).map_or(one, |d| s.0[d]);
    let mut dims = Vec::new();
    for d in 0..n {
        dims.push(match (dim(&left, d), dim(&right, d)) {
            (x, y) if x == y || y == one => x,
            (x, y) if x == one => y,
            _ => return Err(format!("{left} and {right} cannot be broadcast")),
        });
    }
    Ok((Compiled::Binary(operation), vec![a, b], Shape(dims)))
}

pub(super) fn reduce(i: &Inputs) -> Checked<Built> {
    let x = i.source("x")?;
    let mut shape = i.shape(x);
    let axes = i.numbers("axes")?;
    let in_turn = axes.windows(2).all(|pair| pair[1] == pair[0] + 1);
    let (Some(first), true) = (axes.first().copied(), in_turn) else {
        return Err("axes must be ascending, without gaps".into());
    };
    ensure(first + axes.len() <= shape.0.len(), || {
        "an axis beyond the shape".into()
    })?;
    for dim in shape.0.drain(first..first + axes.len()) {
        fixed(dim)?;
    }
    Ok((
        Compiled::Reduce {
            first,
            count: axes.len(),
            max: i.name() == "amax",
        },
        vec![x],
        shape,
    ))
}

pub(super) fn movement(i: &Inputs) -> Checked<Built> {
    if i.name() == "concatenate" {
        return concatenate(i);
    }
    let x = i.source("x")?;
    let mut shape = i.shape(x);
    let rank = shape.0.len();
    let axis = |name| {
        i.number(name).and_then(|axis| {
            ensure(axis < rank, || "an axis beyond the shape".into()).map(|()| axis)
        })
    };
    let compiled = match i.name() {
        "reshape" => {
            ensure(i.stated().elements() == shape.elements(), || {
                format!("{shape} cannot become {}", i.stated())
            })?;
            shape = i.stated().clone();
            Compiled::Reshape
        }
        "expand" => {
            let to = i.stated();
            let more =
                to.0.len()
                    .checked_sub(rank)
                    .ok_or("fewer dimensions than before")?;
            let one = Dim {
                factor: 1,
                batch: false,
            };
            let fits = shape
                .0
                .iter()
                .zip(&to.0[more..])
                .all(|(from, to)| from == to || *from == one);
            ensure(fits, || format!("{shape} cannot become {to}"))?;
            shape = to.clone();
            Compiled::Expand
        }
        "permute" => {
            let axes = i.numbers("axes")?;
            let mut sorted = axes.clone();
            sorted.sort_unstable();
            ensure(sorted.into_iter().eq(0..rank), || {
                "axes must name each once".into()
            })?;
            shape = Shape(axes.iter().map(|axis| shape.0[*axis]).collect());
            Compiled::Permute(axes)
        }
        "slice" => {
            let (axis, start, end, step) = (
                axis("axis")?,
                i.number("start")?,
                i.number("end")?,
                i.number("step")?,
            );
            let size = fixed(shape.0[axis])?;
            ensure(start < end && end <= size && step > 0, || {
                format!("{start} to {end} of {size}, step {step}")
            })?;
            shape.0[axis].factor = (end - start).div_ceil(step);
            Compiled::Slice { axis, start, step }
        }
        "pad" => {
            let (before, after) = (i.numbers("before")?, i.numbers("after")?);
            ensure(before.len() == rank && after.len() == rank, || {
                "before and after must have one number an axis".into()
            })?;
            for (d, dim) in shape.0.iter_mut().enumerate() {
                ensure(!dim.batch || before[d] + after[d] == 0, || {
                    "the batch cannot be padded".into()
                })?;
                dim.factor += before[d] + after[d];
            }
            Compiled::Pad {
                before,
                after,
                value: i.float("value")?,
            }
        }
        _ => {
            let axis = axis("axis")?;
            let size = fixed(shape.0[axis])?;
            let indices = i.index_constant("indices")?;
            ensure(indices.iter().all(|index| *index < size), || {
                format!("an index beyond {size}")
            })?;
            shape.0[axis].factor = indices.len();
            Compiled::Gather { axis, indices }
        }
    };
    Ok((compiled, vec![x], shape))
}

fn concatenate(i: &Inputs) -> Checked<Built> {
    let parts = i.sources("parts")?;
    let axis = i.number("axis")?;
    let mut shape = i.shape(parts[0]);
    ensure(axis < shape.0.len(), || "an axis beyond the shape".into())?;
    let mut total = 0;
    for part in parts {
        let mut other = i.shape(*part);
        ensure(other.0.len() == shape.0.len(), || {
            "parts of different dimensions".into()
        })?;
        total += fixed(other.0[axis])?;
        other.0[axis] = shape.0[axis];
        ensure(other == shape, || format!("{other} beside {shape}"))?;
    }
    shape.0[axis].factor = total;
    Ok((Compiled::Concatenate { axis }, parts.to_vec(), shape))
}
