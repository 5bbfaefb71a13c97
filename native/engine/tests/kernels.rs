//! Every kernel gives the bits of the definition, on every instruction set of this processor, with any number of threads.
//! `ENGINE_ROUNDS` sets how many random cases each test draws.

mod common;

use biobench_engine::attention::{attention, Factors, Heads};
use biobench_engine::conv::Convolution;
use biobench_engine::definition as plain;
use biobench_engine::definition::windows::Pool;
use biobench_engine::functions::Function;
use biobench_engine::gemm::{product, Epilogue, Packed};
use biobench_engine::norms::{affine, batch_norm_affine, group_norm, rows, RowNorm};
use biobench_engine::pools;
use biobench_engine::shapes::{Attention, Window};
use common::{assert_same, engines, rounds, Random};

/// Activations and residuals as they come.
fn after(r: &mut Random, n: usize, size: usize) -> (Option<Vec<f32>>, Function, Option<Vec<f32>>) {
    let bias = r.chance(60).then(|| r.numbers(n));
    let activation = if r.chance(50) {
        Function::ALL[r.within(0, 14)]
    } else {
        Function::Identity
    };
    let residual = r.chance(40).then(|| r.numbers(size));
    (bias, activation, residual)
}

#[test]
fn products() {
    let engines = engines();
    for round in 0..rounds(60) {
        let mut r = Random::new(round);
        let m = if r.chance(10) {
            r.within(150, 400)
        } else {
            r.within(1, 50)
        };
        let k = [
            r.within(0, 40),
            r.within(380, 390),
            r.within(760, 800),
            r.within(1, 9),
        ][r.within(0, 3)];
        let k = if m > 50 { k % 50 } else { k };
        let n = [r.within(1, 70), r.within(1, 16), 32, r.within(400, 460)][r.within(0, 3)];
        let n = if k > 300 { n % 40 + 1 } else { n };
        let (x, w) = (r.numbers(m * k), r.numbers(n * k));
        let (bias, activation, residual) = after(&mut r, n, m * n);
        let expected = plain::products::linear(
            &x,
            &w,
            (m, k, n),
            bias.as_deref(),
            activation,
            residual.as_deref(),
        );
        let packed = Packed::transposed(&w, k, n);
        for (name, engine) in &engines {
            let mut out = vec![f32::NAN; m * n];
            let e = Epilogue {
                bias: bias.as_deref(),
                activation,
                residual: residual.as_deref(),
            };
            product(engine, &x, &packed, &e, &mut out);
            assert_same(
                &out,
                &expected,
                &format!("{name}: {m} x {k} x {n}, {activation:?}, round {round}"),
            );
        }
    }
}

fn window(r: &mut Random) -> Window {
    let side = |r: &mut Random| {
        (
            r.within(1, 5),
            r.within(1, 3),
            r.within(1, 2),
            r.within(0, 3),
            r.within(0, 3),
        )
    };
    let (rows, columns) = (side(r), side(r));
    let least = |s: (usize, usize, usize, usize, usize)| {
        ((s.0 - 1) * s.2 + 1).saturating_sub(s.3 + s.4).max(1)
    };
    Window {
        input: (
            least(rows) + r.within(0, 9),
            least(columns) + r.within(0, 9),
        ),
        kernel: (rows.0, columns.0),
        stride: (rows.1, columns.1),
        dilation: (rows.2, columns.2),
        before: (rows.3, columns.3),
        after: (rows.4, columns.4),
    }
}

#[test]
fn convolutions() {
    let engines = engines();
    for round in 0..rounds(80) {
        let mut r = Random::new(1000 + round);
        let w = window(&mut r);
        let batch = r.within(1, 3);
        let groups = [1, 1, r.within(1, 4), r.within(1, 40)][r.within(0, 3)];
        let depthwise = groups > 4 || r.chance(30);
        let (inside, outside) = if depthwise {
            (1, 1)
        } else {
            (r.within(1, 20), r.within(1, 40))
        };
        let (channels, outputs) = (groups * inside, groups * outside);
        let (rows, columns) = w.output();
        let size = batch * rows * columns * outputs;
        let x = r.numbers(batch * w.input.0 * w.input.1 * channels);
        let weight = r.numbers(outputs * inside * w.kernel.0 * w.kernel.1);
        let (bias, activation, residual) = after(&mut r, outputs, size);
        let sizes = (batch, channels, outputs, groups);
        let expected = plain::products::convolution(
            &x,
            &weight,
            &w,
            sizes,
            bias.as_deref(),
            activation,
            residual.as_deref(),
        );
        let conv = Convolution::new(&weight, w, channels, outputs, groups);
        for (name, engine) in &engines {
            let mut out = vec![f32::NAN; size];
            let e = Epilogue {
                bias: bias.as_deref(),
                activation,
                residual: residual.as_deref(),
            };
            conv.apply(engine, &x, &e, &mut out);
            assert_same(
                &out,
                &expected,
                &format!("{name}: {w:?} {sizes:?}, round {round}"),
            );
        }
    }
}

#[test]
fn attentions() {
    let engines = engines();
    for round in 0..rounds(30) {
        let mut r = Random::new(2000 + round);
        let keys = if r.chance(10) {
            r.within(380, 400)
        } else {
            r.within(1, 60)
        };
        let width = if r.chance(5) {
            r.within(380, 390)
        } else {
            r.within(1, 70)
        };
        let bias = r.chance(50).then(|| (r.within(1, 2), r.within(0, 1)));
        let mut a = Attention {
            batch: r.within(1, 4),
            heads: r.within(1, 3),
            queries: r.within(1, if keys > 60 || width > 70 { 5 } else { 70 }),
            keys,
            width,
            value_width: r.within(1, 40),
            scale: r.plain(),
            bias: None,
        };
        a.bias = bias.map(|(rows, all)| (rows, if all == 1 { a.heads } else { 1 }));
        let q = r.numbers(a.batch * a.queries * a.heads * a.width);
        let k = r.numbers(a.batch * a.keys * a.heads * a.width);
        let v = r.numbers(a.batch * a.keys * a.heads * a.value_width);
        let bias = a.bias.map(|(rows, heads)| {
            let mut bias = r.numbers(rows * heads * a.queries * a.keys);
            if r.chance(50) {
                bias.iter_mut()
                    .for_each(|x| *x = if r.chance(30) { f32::NEG_INFINITY } else { 0.0 });
            }
            bias
        });
        let expected = plain::products::attention(&q, &k, &v, bias.as_deref(), &a);
        for (name, engine) in &engines {
            let mut out = vec![f32::NAN; expected.len()];
            let f = Factors {
                q: Heads::contiguous(&q, a.queries, a.heads, a.width),
                k: Heads::contiguous(&k, a.keys, a.heads, a.width),
                v: Heads::contiguous(&v, a.keys, a.heads, a.value_width),
                bias: bias.as_deref(),
            };
            attention(engine, &f, &a, &mut out);
            assert_same(&out, &expected, &format!("{name}: {a:?}, round {round}"));
        }
    }
}

#[test]
fn normalisations() {
    let engines = engines();
    for round in 0..rounds(60) {
        let mut r = Random::new(3000 + round);
        let (count, width) = (r.within(1, 40), r.within(1, 90));
        let x = r.numbers(count * width);
        let (weight, bias) = (r.numbers(width), r.numbers(width));
        let eps = [1e-6, 1e-5, 0.0][r.within(0, 2)];
        let pair = r.chance(70).then_some((&weight[..], &bias[..]));
        let single = pair.map(|(w, _)| w);
        let variance: Vec<f32> = r.numbers(width).iter().map(|v| v.abs()).collect();
        let groups = (1..=width.div_ceil(2))
            .rev()
            .find(|g| width.is_multiple_of(*g))
            .unwrap_or(1);
        let groups = if r.chance(50) { groups } else { 1 };
        let per_image = (1..=count)
            .filter(|n| count.is_multiple_of(*n))
            .nth(1)
            .unwrap_or(1);
        let sizes = (per_image, width, groups);
        let layer = plain::norms::layer_norm(&x, width, pair, eps);
        let rms = plain::norms::rms_norm(&x, width, single, eps);
        let softmax = plain::norms::softmax(&x, width);
        let batch = plain::norms::batch_norm(&x, &bias, &variance, &weight, &bias, eps);
        let group = plain::norms::group_norm(&x, sizes, &weight, &bias, eps);
        let (scale, shift) = batch_norm_affine(&bias, &variance, &weight, &bias, eps);
        for (name, engine) in &engines {
            let what = format!("{name}: {count} x {width}, round {round}");
            let mut out = vec![f32::NAN; x.len()];
            rows(
                engine,
                &x,
                width,
                &RowNorm::Layer { affine: pair, eps },
                &mut out,
            );
            assert_same(&out, &layer, &format!("layer norm, {what}"));
            rows(
                engine,
                &x,
                width,
                &RowNorm::Rms {
                    weight: single,
                    eps,
                },
                &mut out,
            );
            assert_same(&out, &rms, &format!("RMS norm, {what}"));
            rows(engine, &x, width, &RowNorm::Softmax, &mut out);
            assert_same(&out, &softmax, &format!("softmax, {what}"));
            affine(engine, &x, &scale, &shift, &mut out);
            assert_same(&out, &batch, &format!("batch norm, {what}"));
            group_norm(engine, &x, sizes, (&weight, &bias), eps, &mut out);
            assert_same(&out, &group, &format!("group norm, {what}"));
        }
    }
}

#[test]
fn poolings() {
    let engines = engines();
    for round in 0..rounds(60) {
        let mut r = Random::new(4000 + round);
        let w = window(&mut r);
        let (batch, channels) = (r.within(1, 3), r.within(1, 40));
        let x = r.numbers(batch * w.input.0 * w.input.1 * channels);
        let (rows, columns) = w.output();
        let (height, width) = w.input;
        let parts = (r.within(1, 6), r.within(1, 6));
        let sizes = (batch, height * width, channels);
        let adaptive = plain::windows::adaptive_mean(&x, (batch, height, width, channels), parts);
        for (name, engine) in &engines {
            let what = format!("{name}: {w:?} {batch} {channels}, round {round}");
            for kind in [Pool::Max, Pool::Mean, Pool::MeanInside] {
                let expected = plain::windows::pool(&x, &w, batch, channels, kind);
                let mut out = vec![f32::NAN; batch * rows * columns * channels];
                pools::pool(engine, &x, &w, channels, kind, &mut out);
                assert_same(&out, &expected, &format!("{kind:?}, {what}"));
            }
            let mut out = vec![f32::NAN; adaptive.len()];
            pools::adaptive_mean(engine, &x, (height, width, channels), parts, &mut out);
            assert_same(&out, &adaptive, &format!("adaptive, {what}"));
            for max in [false, true] {
                let mut out = vec![f32::NAN; batch * channels];
                pools::reduce(engine, &x, sizes, max, &mut out);
                assert_same(
                    &out,
                    &plain::windows::reduce(&x, sizes, max),
                    &format!("across, {what}"),
                );
                let along = (batch * channels, height * width, 1);
                pools::reduce(engine, &x, along, max, &mut out);
                assert_same(
                    &out,
                    &plain::windows::reduce(&x, along, max),
                    &format!("along, {what}"),
                );
            }
        }
    }
}
