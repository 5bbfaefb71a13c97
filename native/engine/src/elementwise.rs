//! Functions of one number and operations on two, with broadcasting.

use crate::engine::Engine;
use crate::functions::Function;
use crate::isa::{Kernel, Simd, LANES};

/// An operation on two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the field's")]
pub enum Binary {
    Add,
    Sub,
    Mul,
    Div,
}

impl Binary {
    /// The name in a program.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Sub => "sub",
            Self::Mul => "mul",
            Self::Div => "div",
        }
    }

    #[inline(always)]
    fn apply<S: Simd>(self, s: S, a: S::Group, b: S::Group) -> S::Group {
        match self {
            Self::Add => s.add(a, b),
            Self::Sub => s.sub(a, b),
            Self::Mul => s.mul(a, b),
            Self::Div => s.div(a, b),
        }
    }
}

/// `function` of each element.
pub fn map(engine: &Engine, x: &[f32], function: Function, out: &mut [f32]) {
    assert_eq!(x.len(), out.len(), "the output");
    let size = engine.share(x.len(), LANES);
    engine.chunks(out, size, |_: &mut (), i, out| {
        engine.isa().run(Map {
            x: &x[i * size..][..out.len()],
            function,
            out,
        });
    });
}

struct Map<'a> {
    x: &'a [f32],
    function: Function,
    out: &'a mut [f32],
}

impl Kernel for Map<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (groups, rest) = self.x.as_chunks::<LANES>();
        let (to, end) = self.out.as_chunks_mut::<LANES>();
        for (x, y) in groups.iter().zip(to) {
            s.store(self.function.apply(s, s.load(x)), y);
        }
        if !rest.is_empty() {
            s.store_part(self.function.apply(s, s.load_part(rest, 0.0)), end);
        }
    }
}

/// `operation` on `a` and `b`, whose shapes are broadcast to `shape`: dimensions are aligned at the end, and one of 1
/// stands for any.
///
/// # Panics
///
/// Where the sizes do not fit.
pub fn binary(
    engine: &Engine,
    operation: Binary,
    (a, a_shape): (&[f32], &[usize]),
    (b, b_shape): (&[f32], &[usize]),
    shape: &[usize],
    out: &mut [f32],
) {
    let (a_steps, b_steps) = (steps(a_shape, shape), steps(b_shape, shape));
    // Dimensions that both operands walk without gaps, or stand still in, become one.
    let mut joined: Vec<(usize, usize, usize)> = Vec::new();
    for ((size, a), b) in shape.iter().zip(&a_steps).zip(&b_steps) {
        if *size == 1 {
            continue;
        }
        match joined.last_mut() {
            Some(last) if last.1 == a * size && last.2 == b * size => {
                *last = (last.0 * size, *a, *b)
            }
            _ => joined.push((*size, *a, *b)),
        }
    }
    let inner = joined.pop().unwrap_or((1, 0, 0));
    let rows = out.len() / inner.0;
    let size = engine.share(out.len(), inner.0);
    assert_eq!(rows * inner.0, out.len(), "the output");
    engine.chunks(out, size, |_: &mut (), i, out| {
        for (j, out) in out.chunks_mut(inner.0).enumerate() {
            let mut row = i * (size / inner.0) + j;
            let (mut at, mut bt) = (0, 0);
            for (size, a, b) in joined.iter().rev() {
                at += row % size * a;
                bt += row % size * b;
                row /= size;
            }
            let (a, b) = (&a[at..], &b[bt..]);
            engine.isa().run(Row {
                operation,
                a: (a, inner.1),
                b: (b, inner.2),
                out,
            });
        }
    });
}

/// Steps of `from` in each dimension of `to`, 0 where it stands for any.
fn steps(from: &[usize], to: &[usize]) -> Vec<usize> {
    let mut steps = vec![0; to.len()];
    let mut step = 1;
    for (i, size) in from.iter().rev().enumerate() {
        let place = to.len() - 1 - i;
        assert!(
            *size == 1 || *size == to[place],
            "{from:?} cannot be broadcast to {to:?}"
        );
        steps[place] = if *size == 1 { 0 } else { step };
        step *= size;
    }
    steps
}

/// One row; an operand has a step of 1 or stands still.
struct Row<'a> {
    operation: Binary,
    a: (&'a [f32], usize),
    b: (&'a [f32], usize),
    out: &'a mut [f32],
}

impl Kernel for Row<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let n = self.out.len();
        for (i, out) in self.out.chunks_mut(LANES).enumerate() {
            let (at, count) = (i * LANES, LANES.min(n - i * LANES));
            let y = self
                .operation
                .apply(s, take(s, self.a, at, count), take(s, self.b, at, count));
            s.store_part(y, out);
        }
    }
}

#[inline(always)]
fn take<S: Simd>(s: S, (x, step): (&[f32], usize), at: usize, count: usize) -> S::Group {
    if step == 0 {
        s.splat(x[0])
    } else {
        s.load_part(&x[at..at + count], 0.0)
    }
}
