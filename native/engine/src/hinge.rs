//! The dual of a linear support vector machine by sequential minimal optimisation in float64 (SPEC.md, section "Support
//! vector machine").
//!
//! Every sum runs from left to right and every product is rounded before it is added, so that plain code in any language has
//! the same bits. No fused multiply-add: a compiler makes none of its own accord.

use std::rc::Rc;

use crate::engine::Engine;
use crate::isa::environment::Environment;
use crate::isa::{Isa, Kernel, Simd};

/// Columns of a panel.
const WIDE: usize = 8;
/// Rows that are multiplied with a panel at a time.
const TALL: usize = 4;
/// The least curvature of a step: rows that are equal have none.
const LEAST_CURVATURE: f64 = 1e-12;
/// Steps between two looks at whether to stop.
const STEPS: usize = 256;

/// The rows of a matrix in panels of [`WIDE`] rows, column after column; beyond the last row zeros.
#[derive(Debug)]
struct Panels {
    columns: Vec<[f64; WIDE]>,
    depth: usize,
}

impl Panels {
    fn new(rows: &[f64], depth: usize) -> Self {
        let mut columns = Vec::with_capacity(rows.len().div_ceil(WIDE) + depth * WIDE);
        for panel in rows.chunks(WIDE * depth) {
            for k in 0..depth {
                let mut column = [0.0; WIDE];
                for (x, row) in column.iter_mut().zip(panel.chunks(depth)) {
                    *x = row[k];
                }
                columns.push(column);
            }
        }
        Self { columns, depth }
    }

    /// The products of up to [`TALL`] rows with all rows of the panels, `width` numbers a row.
    fn times(&self, isa: Isa, left: &[f64], out: &mut [f64], width: usize) {
        let last = left.len() / self.depth - 1;
        let row = |r: usize| &left[r.min(last) * self.depth..][..self.depth];
        isa.run(Products {
            left: [row(0), row(1), row(2), row(3)],
            panels: self,
            out,
            width,
        });
    }
}

struct Products<'a> {
    left: [&'a [f64]; TALL],
    panels: &'a Panels,
    out: &'a mut [f64],
    width: usize,
}

impl Kernel for Products<'_> {
    type Output = ();

    #[inline(always)]
    #[allow(clippy::needless_range_loop, reason = "see below")]
    fn run<S: Simd>(self, _: S) {
        let panels = self.panels.columns.chunks_exact(self.panels.depth);
        for (p, panel) in panels.enumerate() {
            // Indices, not iterators: the sums then stay in registers.
            let mut sums = [[0.0; WIDE]; TALL];
            let left = self.left.map(|row| &row[..panel.len()]);
            for k in 0..panel.len() {
                let column = panel[k];
                for r in 0..TALL {
                    let x = left[r][k];
                    for c in 0..WIDE {
                        sums[r][c] += x * column[c];
                    }
                }
            }
            for (out, sums) in self.out.chunks_mut(self.width).zip(&sums) {
                let out = &mut out[p * WIDE..];
                let count = out.len().min(WIDE);
                out[..count].copy_from_slice(&sums[..count]);
            }
        }
    }
}

/// The products of each row of `left` with each of `right`, both `depth` numbers a row, to `out`.
///
/// # Panics
///
/// Where the sizes do not fit.
pub fn products(engine: &Engine, left: &[f64], right: &[f64], depth: usize, out: &mut [f64]) {
    assert!(depth > 0 && left.len().is_multiple_of(depth) && right.len().is_multiple_of(depth));
    let (panels, width) = (Panels::new(right, depth), right.len() / depth);
    assert!(
        out.len() == left.len() / depth * width,
        "a number for each pair of rows"
    );
    engine.chunks(out, TALL * width, |_: &mut (), i, out| {
        let rows = out.len() / width;
        let left = &left[i * TALL * depth..][..rows * depth];
        panels.times(engine.isa(), left, out, width);
    });
}

/// A support vector machine of two classes.
#[derive(Clone, Copy, Debug)]
pub struct Machine<'a> {
    /// Rows, `depth` numbers each.
    pub rows: &'a [f64],
    /// Numbers of a row.
    pub depth: usize,
    /// +1 or -1 of each row, both occurring.
    pub signs: &'a [f64],
    /// The bound C of the dual variables.
    pub limit: f64,
    /// The violation at which the steps end.
    pub tolerance: f64,
    /// Bytes of products of rows that are kept: beyond it all are dropped, and computed again as they are asked for.
    pub kept: usize,
}

/// Products of the rows with each other, computed as they are asked for.
struct Gram<'a> {
    machine: &'a Machine<'a>,
    panels: Panels,
    blocks: Vec<Option<Rc<[f64]>>>,
    room: usize,
    isa: Isa,
}

impl<'a> Gram<'a> {
    fn new(isa: Isa, machine: &'a Machine<'a>) -> Self {
        let count = machine.signs.len();
        let room = (machine.kept / (8 * TALL * count)).max(2);
        Self {
            machine,
            panels: Panels::new(machine.rows, machine.depth),
            blocks: vec![None; count.div_ceil(TALL)],
            room,
            isa,
        }
    }

    /// The block that has the products of a row, and where they begin in it.
    fn row(&mut self, row: usize) -> (Rc<[f64]>, usize) {
        let (count, depth) = (self.machine.signs.len(), self.machine.depth);
        let (block, place) = (row / TALL, row % TALL * count);
        if let Some(found) = &self.blocks[block] {
            return (Rc::clone(found), place);
        }
        if self.room == 0 {
            self.room = self.blocks.iter().flatten().count();
            self.blocks.fill(None);
        }
        self.room -= 1;
        let first = block * TALL;
        let rows = &self.machine.rows[first * depth..count.min(first + TALL) * depth];
        let mut made = vec![0.0; rows.len() / depth * count];
        self.panels.times(self.isa, rows, &mut made, count);
        let made: Rc<[f64]> = made.into();
        self.blocks[block] = Some(Rc::clone(&made));
        (made, place)
    }
}

/// The dual variables at which the violation is at most the tolerance, or those after `most` steps. `None` where `stop`
/// says so.
///
/// # Panics
///
/// Where the sizes do not fit.
pub fn minimise(
    isa: Isa,
    machine: &Machine<'_>,
    most: usize,
    stop: &dyn Fn() -> bool,
) -> Option<Vec<f64>> {
    let _environment = Environment::standard();
    let count = machine.signs.len();
    assert!(
        machine.depth > 0 && machine.rows.len() == count * machine.depth,
        "a sign for each row"
    );
    let squares: Vec<f64> = (machine.rows.chunks_exact(machine.depth))
        .map(|row| row.iter().fold(0.0, |sum, x| sum + x * x))
        .collect();
    let mut gram = Gram::new(isa, machine);
    let mut state = State {
        machine,
        dual: vec![0.0; count],
        gaps: machine.signs.to_vec(),
    };
    for step in 0..most {
        if step % STEPS == 0 && stop() {
            return None;
        }
        let Some(top) = state.top() else { break };
        let (products, place) = gram.row(top);
        let with_top = &products[place..place + count];
        let Some((low, bend)) = state.low(top, &squares, with_top) else {
            break;
        };
        let (products, place) = gram.row(low);
        state.exchange((top, low), bend, with_top, &products[place..place + count]);
    }
    Some(state.dual)
}

/// Dual variables a, and the gaps h = y - w x of all rows.
struct State<'a> {
    machine: &'a Machine<'a>,
    dual: Vec<f64>,
    gaps: Vec<f64>,
}

impl State<'_> {
    /// How far a y of a row may grow.
    fn above(&self, row: usize) -> f64 {
        let positive = self.machine.signs[row] > 0.0;
        if positive {
            self.machine.limit - self.dual[row]
        } else {
            self.dual[row]
        }
    }

    /// How far a y of a row may shrink.
    fn below(&self, row: usize) -> f64 {
        let positive = self.machine.signs[row] > 0.0;
        if positive {
            self.dual[row]
        } else {
            self.machine.limit - self.dual[row]
        }
    }

    /// The row of the largest gap of those whose a y may grow; the first of equal ones.
    fn top(&self) -> Option<usize> {
        let mut top: Option<usize> = None;
        for (row, gap) in self.gaps.iter().enumerate() {
            if self.above(row) > 0.0 && top.is_none_or(|best| *gap > self.gaps[best]) {
                top = Some(row);
            }
        }
        top
    }

    /// The row whose exchange with `top` is best, with its curvature, of those whose a y may shrink; the first of equal
    /// ones. `None` where no gap is further below that of `top` than the tolerance.
    fn low(&self, top: usize, squares: &[f64], with_top: &[f64]) -> Option<(usize, f64)> {
        let (mut widest, mut best, mut found) = (f64::NEG_INFINITY, 0.0, None);
        for (row, gap) in self.gaps.iter().enumerate() {
            let gap = self.gaps[top] - gap;
            if self.below(row) > 0.0 && gap > 0.0 {
                widest = gap.max(widest);
                let bend = squares[top] + squares[row] - 2.0 * with_top[row];
                let bend = bend.max(LEAST_CURVATURE);
                let gain = gap * gap / bend;
                if gain > best {
                    best = gain;
                    found = Some((row, bend));
                }
            }
        }
        found.filter(|_| widest > self.machine.tolerance)
    }

    /// Increases a y of the first row and decreases that of the second by the same, until their gaps meet or a bound does.
    fn exchange(
        &mut self,
        (top, low): (usize, usize),
        bend: f64,
        with_top: &[f64],
        with_low: &[f64],
    ) {
        let (above, below) = (self.above(top), self.below(low));
        let step = ((self.gaps[top] - self.gaps[low]) / bend)
            .min(above)
            .min(below);
        // Set, not added up: a variable at a bound must be exactly there.
        let bound = |positive: bool| if positive { self.machine.limit } else { 0.0 };
        let (s, t) = (self.machine.signs[top], self.machine.signs[low]);
        let (rises, falls) = (bound(s > 0.0), bound(t < 0.0));
        self.dual[top] = if step == above {
            rises
        } else {
            self.dual[top] + s * step
        };
        self.dual[low] = if step == below {
            falls
        } else {
            self.dual[low] - t * step
        };
        for ((gap, x), y) in self.gaps.iter_mut().zip(with_top).zip(with_low) {
            *gap -= step * (x - y);
        }
    }
}
