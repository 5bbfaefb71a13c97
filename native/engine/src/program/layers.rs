//! Layers of a program: products, convolutions, norms, attention and poolings with their constants packed.

use super::compiled::Compiled;
use super::inputs::{ensure, fixed, Checked, Inputs};
use super::shape::{Dim, Shape};
use super::step::{Built, Source};
use crate::conv::Convolution;
use crate::definition::windows::Pool;
use crate::functions::Function;
use crate::gemm::Packed;
use crate::norms::batch_norm_affine;
use crate::shapes::Window;

fn activation(i: &Inputs) -> Checked<Function> {
    match i.optional_attribute("activation") {
        None => Ok(Function::Identity),
        Some(name) => name
            .as_str()
            .and_then(Function::named)
            .filter(|f| *f != Function::Identity)
            .ok_or_else(|| format!("{name} is not an activation")),
    }
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

pub(super) fn linear(i: &Inputs) -> Checked<Built> {
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

pub(super) fn matmul(i: &Inputs) -> Checked<Built> {
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

pub(super) fn conv(i: &Inputs) -> Checked<Built> {
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

pub(super) fn norm(i: &Inputs) -> Checked<Built> {
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
            let inner = &shape.0[1..];
            ensure(
                groups > 0
                    && n.is_multiple_of(groups)
                    && inner.len() > 1
                    && inner.iter().all(|dim| !dim.batch),
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

pub(super) fn attention(i: &Inputs) -> Checked<Built> {
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

pub(super) fn pool(i: &Inputs) -> Checked<Built> {
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

fn last(shape: &Shape) -> Checked<usize> {
    fixed(*shape.0.last().ok_or("a value without dimensions")?)
}
