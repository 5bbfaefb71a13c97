//! From the text of a program to operations with packed constants; every shape is computed and compared with the text.

use std::collections::HashMap;

use super::compiled::Compiled;
use super::document::{sha256, ConstantType, Document};
use super::inputs::{ensure, fixed, Checked, Inputs};
use super::plan::Plan;
use super::shape::{Dim, Shape};
use super::{Program, Source, Step};
use crate::conv::Convolution;
use crate::definition::windows::Pool;
use crate::elementwise::Binary;
use crate::error::EngineError;
use crate::functions::Function;
use crate::gemm::Packed;
use crate::norms::batch_norm_affine;
use crate::shapes::Window;

/// The operation, what it reads while it runs, and its shape.
type Built = (Compiled, Vec<Source>, Shape);

pub(super) fn build(
    document: Document,
    supply: impl Fn(&str) -> Option<Vec<u8>>,
) -> Result<Program, EngineError> {
    let bytes = |i: usize| -> Checked<Vec<u8>> {
        let constant = &document.constants[i];
        let bytes = supply(&constant.digest).ok_or("is not there")?;
        let size = if constant.element == ConstantType::Float32 {
            4
        } else {
            8
        };
        let expected = constant.shape.elements().factor * size;
        ensure(bytes.len() == expected, || {
            format!("has {} bytes, not {expected}", bytes.len())
        })?;
        ensure(sha256(&bytes) == constant.digest, || {
            format!("has the digest {}", sha256(&bytes))
        })?;
        Ok(bytes)
    };
    let floats = |i: usize| -> Checked<Vec<f32>> {
        let right = document.constants[i].element == ConstantType::Float32;
        ensure(right, || format!("c{i} must be of float32"))?;
        let bytes = bytes(i).map_err(|reason| format!("constant c{i} {reason}"))?;
        Ok(bytes
            .as_chunks()
            .0
            .iter()
            .map(|word| f32::from_le_bytes(*word))
            .collect())
    };
    let indices = |i: usize| -> Checked<Vec<usize>> {
        let right = document.constants[i].element == ConstantType::Int64;
        ensure(right, || format!("c{i} must be of int64"))?;
        let bytes = bytes(i).map_err(|reason| format!("constant c{i} {reason}"))?;
        let words = bytes
            .as_chunks()
            .0
            .iter()
            .map(|word| i64::from_le_bytes(*word));
        words
            .map(|n| usize::try_from(n).map_err(|_| format!("c{i} holds the index {n}")))
            .collect()
    };
    let mut steps: Vec<Step> = Vec::new();
    for (i, node) in document.nodes.iter().enumerate() {
        let shapes = |source: Source| match source {
            Source::Input => document.input.clone(),
            Source::Value(i) => steps[i].shape.clone(),
            Source::Constant(i) => document.constants[i].shape.clone(),
        };
        let inputs = Inputs::new(node, &shapes, &floats, &indices);
        let built = operation(&inputs).and_then(|built| {
            inputs.all_asked()?;
            ensure(built.2 == node.shape, || {
                format!("gives {}, the text says {}", built.2, node.shape)
            })?;
            Ok(built)
        });
        let (compiled, operands, shape) = built.map_err(|reason| EngineError::Operation {
            index: i,
            name: node.name.clone(),
            reason,
        })?;
        steps.push(Step {
            compiled,
            operands,
            shape,
        });
    }
    let mut constants = HashMap::new();
    let read = steps
        .iter()
        .flat_map(|s| &s.operands)
        .chain(std::iter::once(&document.output));
    for source in read {
        if let Source::Constant(i) = source {
            if !constants.contains_key(i) {
                let failed = |reason| EngineError::Constant {
                    name: format!("c{i}"),
                    reason,
                };
                constants.insert(*i, floats(*i).map_err(failed)?);
            }
        }
    }
    let plan = Plan::new(&steps, document.output);
    let (text, digest) = document.canonical();
    let output = document.output;
    Ok(Program {
        text,
        digest,
        document,
        steps,
        constants,
        output,
        plan,
    })
}

fn operation(i: &Inputs) -> Checked<Built> {
    if let Some(function) = Function::named(i.name()).filter(|f| *f != Function::Identity) {
        let x = i.source("x")?;
        return Ok((Compiled::Map(function), vec![x], i.shape(x)));
    }
    match i.name() {
        "linear" => linear(i),
        "matmul" => matmul(i),
        "conv2d" => conv(i),
        "batch_norm" | "layer_norm" | "rms_norm" | "group_norm" | "softmax" => norm(i),
        "attention" => attention(i),
        "add" => binary(i, Binary::Add),
        "sub" => binary(i, Binary::Sub),
        "mul" => binary(i, Binary::Mul),
        "div" => binary(i, Binary::Div),
        "mean" | "amax" => reduce(i),
        "max_pool2d" | "avg_pool2d" | "adaptive_avg_pool2d" => pool(i),
        "concatenate" | "slice" | "reshape" | "permute" | "expand" | "pad" | "gather" => {
            movement(i)
        }
        other => Err(format!("no operation is called {other:?}")),
    }
}

fn activation(i: &Inputs) -> Checked<Function> {
    match i.optional_attribute("activation") {
        None => Ok(Function::Identity),
        Some(name) => name
            .as_str()
            .and_then(Function::named)
            .filter(|f| *f != Function::Identity)
            .ok_or_else(|| format!("{name} is no activation")),
    }
}

fn last(shape: &Shape) -> Checked<usize> {
    fixed(*shape.0.last().ok_or("a value without dimensions")?)
}

/// x and a residual of the output's shape.
fn with_residual(i: &Inputs, x: Source, shape: &Shape) -> Checked<Vec<Source>> {
    let residual = i.optional("residual")?;
    if let Some(residual) = residual {
        ensure(i.shape(residual) == *shape, || {
            format!("the residual must have the shape {shape}")
        })?;
    }
    Ok([x].into_iter().chain(residual).collect())
}

fn linear(i: &Inputs) -> Checked<Built> {
    let x = i.source("x")?;
    let mut shape = i.shape(x);
    let k = last(&shape)?;
    let (weight, sizes) = i.constant("weight")?;
    ensure(sizes.len() == 2 && sizes[1] == k, || {
        format!("weight must have the shape [n, {k}]")
    })?;
    let n = sizes[0];
    shape.0.pop();
    shape.0.push(Dim {
        factor: n,
        batch: false,
    });
    let weight = Packed::transposed(&weight, k, n);
    let compiled = Compiled::Linear {
        weight,
        bias: i.optional_vector("bias", n)?,
        activation: activation(i)?,
    };
    Ok((compiled, with_residual(i, x, &shape)?, shape))
}

fn matmul(i: &Inputs) -> Checked<Built> {
    let (a, b) = (i.source("a")?, i.source("b")?);
    let (mut shape, right) = (i.shape(a), i.shape(b));
    let n = shape.0.len();
    ensure(
        n >= 2 && right.0.len() == n && shape.0[..n - 2] == right.0[..n - 2],
        || "a and b must have the same dimensions but for the last two".into(),
    )?;
    ensure(fixed(shape.0[n - 1])? == fixed(right.0[n - 2])?, || {
        "a's columns must be b's rows".into()
    })?;
    fixed(right.0[n - 1])?;
    fixed(shape.0[n - 2])?;
    shape.0[n - 1] = right.0[n - 1];
    Ok((Compiled::Matmul, vec![a, b], shape))
}

/// The sizes of an image (batch, height, width, channels).
fn image(shape: &Shape) -> Checked<(Dim, usize, usize, usize)> {
    match shape.0[..] {
        [b, h, w, c] => Ok((b, fixed(h)?, fixed(w)?, fixed(c)?)),
        _ => Err("x must be (batch, height, width, channels)".into()),
    }
}

fn window(i: &Inputs, input: (usize, usize), kernel: (usize, usize)) -> Checked<Window> {
    let [top, left, bottom, right] = i.numbers("padding")?[..] else {
        return Err("padding must be four integers: top, left, bottom, right".into());
    };
    let (stride, dilation) = (i.pair("stride")?, i.pair("dilation")?);
    let sizes = [
        kernel.0, kernel.1, stride.0, stride.1, dilation.0, dilation.1,
    ];
    let largest = sizes
        .iter()
        .chain(&[top, left, bottom, right])
        .all(|n| *n < 1 << 15);
    ensure(sizes.iter().all(|n| *n > 0) && largest, || {
        "a size of the window is 0 or 2^15 and more".into()
    })?;
    let w = Window {
        input,
        kernel,
        stride,
        dilation,
        before: (top, left),
        after: (bottom, right),
    };
    let output = w.output();
    ensure(output.0 > 0 && output.1 > 0, || {
        "the window is larger than the image".into()
    })?;
    Ok(w)
}

fn images(batch: Dim, (rows, columns): (usize, usize), channels: usize) -> Shape {
    let dim = |factor| Dim {
        factor,
        batch: false,
    };
    Shape(vec![batch, dim(rows), dim(columns), dim(channels)])
}

fn conv(i: &Inputs) -> Checked<Built> {
    let x = i.source("x")?;
    let (batch, h, w, channels) = image(&i.shape(x))?;
    let groups = i.number("groups")?;
    let (weight, sizes) = i.constant("weight")?;
    let fits = groups > 0
        && sizes.len() == 4
        && channels.is_multiple_of(groups)
        && sizes[1] == channels / groups
        && sizes[0].is_multiple_of(groups);
    ensure(fits, || {
        format!("weight must have the shape [outputs, {channels} / groups, rows, columns]")
    })?;
    let window = window(i, (h, w), (sizes[2], sizes[3]))?;
    let shape = images(batch, window.output(), sizes[0]);
    let conv = Convolution::new(&weight, window, channels, sizes[0], groups);
    let compiled = Compiled::Conv {
        conv,
        bias: i.optional_vector("bias", sizes[0])?,
        activation: activation(i)?,
    };
    Ok((compiled, with_residual(i, x, &shape)?, shape))
}

fn norm(i: &Inputs) -> Checked<Built> {
    let x = i.source("x")?;
    let shape = i.shape(x);
    let n = last(&shape)?;
    let compiled = match i.name() {
        "softmax" => Compiled::Softmax,
        "layer_norm" => {
            let pair = (
                i.optional_vector("weight", n)?,
                i.optional_vector("bias", n)?,
            );
            let affine = match pair {
                (Some(weight), Some(bias)) => Some((weight, bias)),
                (None, None) => None,
                _ => return Err("weight and bias go together".into()),
            };
            Compiled::LayerNorm {
                affine,
                eps: i.float("eps")?,
            }
        }
        "rms_norm" => Compiled::RmsNorm {
            weight: i.optional_vector("weight", n)?,
            eps: i.float("eps")?,
        },
        "batch_norm" => {
            let (mean, variance) = (i.vector("mean", n)?, i.vector("variance", n)?);
            let (weight, bias) = (i.vector("weight", n)?, i.vector("bias", n)?);
            let (scale, shift) =
                batch_norm_affine(&mean, &variance, &weight, &bias, i.float("eps")?);
            Compiled::Affine { scale, shift }
        }
        _ => {
            let groups = i.number("groups")?;
            ensure(
                groups > 0 && n.is_multiple_of(groups) && shape.0.len() > 2,
                || "x must be (batch, ..., channels), with a multiple of groups".into(),
            )?;
            let (weight, bias) = (i.vector("weight", n)?, i.vector("bias", n)?);
            Compiled::GroupNorm {
                weight,
                bias,
                groups,
                eps: i.float("eps")?,
            }
        }
    };
    Ok((compiled, vec![x], shape))
}

fn attention(i: &Inputs) -> Checked<Built> {
    let (q, k, v) = (i.source("q")?, i.source("k")?, i.source("v")?);
    let bias = i.optional("bias")?;
    let (qs, ks, vs) = (i.shape(q), i.shape(k), i.shape(v));
    let four = [&qs, &ks, &vs]
        .iter()
        .all(|s| s.0.len() == 4 && s.0[1..].iter().all(|d| !d.batch));
    ensure(four, || {
        "q, k and v must be (batch, rows, heads, width)".into()
    })?;
    let fits = qs.0[0] == ks.0[0] && ks.0[..3] == vs.0[..3] && qs.0[2..] == ks.0[2..];
    ensure(fits, || format!("{qs}, {ks} and {vs} do not fit"))?;
    let scale = i.float("scale")?;
    if let Some(bias) = bias {
        let b = i.shape(bias);
        let rows = b.0.len() == 4 && !b.0[0].batch && qs.0[0].factor.is_multiple_of(b.0[0].factor);
        let heads = rows && (b.0[1] == qs.0[2] || b.0[1].factor == 1) && !b.0[1].batch;
        ensure(heads && b.0[2] == qs.0[1] && b.0[3] == ks.0[1], || {
            "bias must be (rows, heads or 1, queries, keys), its rows a divisor of the batch".into()
        })?;
    }
    let shape = Shape(vec![qs.0[0], qs.0[1], qs.0[2], vs.0[3]]);
    Ok((
        Compiled::Attention { scale },
        [q, k, v].into_iter().chain(bias).collect(),
        shape,
    ))
}

fn binary(i: &Inputs, operation: Binary) -> Checked<Built> {
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

fn reduce(i: &Inputs) -> Checked<Built> {
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

fn pool(i: &Inputs) -> Checked<Built> {
    let x = i.source("x")?;
    let (batch, h, w, channels) = image(&i.shape(x))?;
    if i.name() == "adaptive_avg_pool2d" {
        let size = i.pair("size")?;
        ensure(size.0 > 0 && size.1 > 0, || "size must be positive".into())?;
        return Ok((
            Compiled::AdaptiveMean,
            vec![x],
            images(batch, size, channels),
        ));
    }
    let window = window(i, (h, w), i.pair("kernel")?)?;
    let kind = match i.name() {
        "max_pool2d" => Pool::Max,
        _ => match i.number("count_padding")? {
            0 => Pool::MeanInside,
            1 => Pool::Mean,
            _ => return Err("count_padding must be 0 or 1".into()),
        },
    };
    Ok((
        Compiled::Pool { window, kind },
        vec![x],
        images(batch, window.output(), channels),
    ))
}

fn movement(i: &Inputs) -> Checked<Built> {
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
