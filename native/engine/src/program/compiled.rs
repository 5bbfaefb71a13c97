//! Operations with their constants packed, and what each runs.

use crate::attention::{attention, Factors, Heads};
use crate::conv::Convolution;
use crate::definition::windows::Pool;
use crate::elementwise::{binary, map, Binary};
use crate::engine::Engine;
use crate::functions::Function;
use crate::gemm::{product, Epilogue, Packed};
use crate::movement;
use crate::norms::{affine, group_norm, rows, RowNorm};
use crate::pools;
use crate::shapes::{Attention, Window};

/// A value at hand.
pub(super) struct Operand<'a> {
    pub data: &'a [f32],
    pub shape: Vec<usize>,
}

/// An operation. Where a residual or a bias of attention is among the operands it is the last.
pub(super) enum Compiled {
    Linear {
        weight: Packed,
        bias: Option<Vec<f32>>,
        activation: Function,
    },
    Matmul,
    Conv {
        conv: Convolution,
        bias: Option<Vec<f32>>,
        activation: Function,
    },
    Affine {
        scale: Vec<f32>,
        shift: Vec<f32>,
    },
    LayerNorm {
        affine: Option<(Vec<f32>, Vec<f32>)>,
        eps: f32,
    },
    RmsNorm {
        weight: Option<Vec<f32>>,
        eps: f32,
    },
    GroupNorm {
        weight: Vec<f32>,
        bias: Vec<f32>,
        groups: usize,
        eps: f32,
    },
    Softmax,
    Attention {
        scale: f32,
    },
    Map(Function),
    Binary(Binary),
    Reduce {
        first: usize,
        count: usize,
        max: bool,
    },
    Pool {
        window: Window,
        kind: Pool,
    },
    AdaptiveMean,
    Concatenate {
        axis: usize,
    },
    Slice {
        axis: usize,
        start: usize,
        step: usize,
    },
    Reshape,
    Permute(Vec<usize>),
    Expand,
    Pad {
        before: Vec<usize>,
        after: Vec<usize>,
        value: f32,
    },
    Gather {
        axis: usize,
        indices: Vec<usize>,
    },
}

impl Compiled {
    pub fn run(&self, engine: &Engine, operands: &[Operand], shape: &[usize], out: &mut [f32]) {
        let x = &operands[0];
        let last = x.shape.last().copied().unwrap_or(1);
        let residual = operands.get(1).map(|r| r.data);
        match self {
            Self::Linear {
                weight,
                bias,
                activation,
            } => {
                let e = Epilogue {
                    bias: bias.as_deref(),
                    activation: *activation,
                    residual,
                };
                product(engine, x.data, weight, &e, out);
            }
            Self::Matmul => matmul(engine, x, &operands[1], shape, out),
            Self::Conv {
                conv,
                bias,
                activation,
            } => {
                let e = Epilogue {
                    bias: bias.as_deref(),
                    activation: *activation,
                    residual,
                };
                conv.apply(engine, x.data, &e, out);
            }
            Self::Affine { scale, shift } => affine(engine, x.data, scale, shift, out),
            Self::LayerNorm { affine, eps } => {
                let affine = affine.as_ref().map(|(w, b)| (&w[..], &b[..]));
                rows(
                    engine,
                    x.data,
                    last,
                    &RowNorm::Layer { affine, eps: *eps },
                    out,
                );
            }
            Self::RmsNorm { weight, eps } => {
                rows(
                    engine,
                    x.data,
                    last,
                    &RowNorm::Rms {
                        weight: weight.as_deref(),
                        eps: *eps,
                    },
                    out,
                );
            }
            Self::GroupNorm {
                weight,
                bias,
                groups,
                eps,
            } => {
                let positions = x.data.len() / x.shape[0] / last;
                group_norm(
                    engine,
                    x.data,
                    (positions, last, *groups),
                    (weight, bias),
                    *eps,
                    out,
                );
            }
            Self::Softmax => rows(engine, x.data, last, &RowNorm::Softmax, out),
            Self::Attention { scale } => attend(engine, operands, *scale, out),
            Self::Map(function) => map(engine, x.data, *function, out),
            Self::Binary(operation) => {
                let b = &operands[1];
                binary(
                    engine,
                    *operation,
                    (x.data, &x.shape),
                    (b.data, &b.shape),
                    shape,
                    out,
                );
            }
            Self::Reduce { first, count, max } => {
                let size = |range: &[usize]| range.iter().product::<usize>();
                let (end, dims) = (first + count, &x.shape);
                let sizes = (
                    size(&dims[..*first]),
                    size(&dims[*first..end]),
                    size(&dims[end..]),
                );
                pools::reduce(engine, x.data, sizes, *max, out);
            }
            Self::Pool { window, kind } => pools::pool(engine, x.data, window, last, *kind, out),
            Self::AdaptiveMean => {
                let sizes = (x.shape[1], x.shape[2], x.shape[3]);
                pools::adaptive_mean(engine, x.data, sizes, (shape[1], shape[2]), out);
            }
            Self::Concatenate { axis } => {
                let parts: Vec<(&[f32], usize)> = operands
                    .iter()
                    .map(|o| (o.data, o.shape[*axis..].iter().product()))
                    .collect();
                movement::concatenate(&parts, out);
            }
            Self::Slice { axis, start, step } => {
                let mut steps = movement::contiguous(&x.shape);
                let offset = start * steps[*axis];
                steps[*axis] *= step;
                movement::strided(engine, x.data, offset, shape, &steps, out);
            }
            Self::Reshape => unreachable!("a reshape moves nothing"),
            Self::Permute(axes) => {
                let steps = movement::contiguous(&x.shape);
                let steps: Vec<usize> = axes.iter().map(|axis| steps[*axis]).collect();
                movement::strided(engine, x.data, 0, shape, &steps, out);
            }
            Self::Expand => {
                let own = movement::contiguous(&x.shape);
                let more = shape.len() - own.len();
                let steps: Vec<usize> = (0..shape.len())
                    .map(|i| {
                        if i < more || x.shape[i - more] != shape[i] {
                            0
                        } else {
                            own[i - more]
                        }
                    })
                    .collect();
                movement::strided(engine, x.data, 0, shape, &steps, out);
            }
            Self::Pad {
                before,
                after,
                value,
            } => {
                movement::pad(x.data, &x.shape, before, after, *value, out);
            }
            Self::Gather { axis, indices } => {
                let inner = x.shape[axis + 1..].iter().product();
                movement::gather(x.data, (x.shape[*axis], inner), indices, out);
            }
        }
    }
}

fn matmul(engine: &Engine, a: &Operand, b: &Operand, shape: &[usize], out: &mut [f32]) {
    let n = shape.len();
    let (rows, columns, depth) = (shape[n - 2], shape[n - 1], a.shape[n - 1]);
    for (i, out) in out.chunks_mut(rows * columns).enumerate() {
        let right = Packed::plain(
            &b.data[i * depth * columns..][..depth * columns],
            depth,
            columns,
        );
        product(
            engine,
            &a.data[i * rows * depth..][..rows * depth],
            &right,
            &Epilogue::NONE,
            out,
        );
    }
}

fn attend(engine: &Engine, operands: &[Operand], scale: f32, out: &mut [f32]) {
    let [q, k, v] = [&operands[0], &operands[1], &operands[2]];
    let bias = operands.get(3);
    let a = Attention {
        batch: q.shape[0],
        heads: q.shape[2],
        queries: q.shape[1],
        keys: k.shape[1],
        width: q.shape[3],
        value_width: v.shape[3],
        scale,
        bias: bias.map(|b| (b.shape[0], b.shape[1])),
    };
    let f = Factors {
        q: Heads::contiguous(q.data, a.queries, a.heads, a.width),
        k: Heads::contiguous(k.data, a.keys, a.heads, a.width),
        v: Heads::contiguous(v.data, a.keys, a.heads, a.value_width),
        bias: bias.map(|b| b.data),
    };
    attention(engine, &f, &a, out);
}
