//! Speed of the kernels: `cargo run --release -p biobench-engine --example speed [threads]`. GFLOP/s or milliseconds, the best
//! of several rounds, for each instruction set of this processor.

use std::time::Instant;

use biobench_engine::attention::{attention, Factors, Heads};
use biobench_engine::conv::Convolution;
use biobench_engine::elementwise::map;
use biobench_engine::functions::Function;
use biobench_engine::gemm::{product, Epilogue, Packed};
use biobench_engine::isa::Isa;
use biobench_engine::norms::{rows, RowNorm};
use biobench_engine::shapes::{Attention, Window};
use biobench_engine::Engine;

fn numbers(n: usize) -> Vec<f32> {
    let mut state = 1u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 16_777_216.0 - 0.5
    };
    (0..n).map(next).collect()
}

fn best(rounds: usize, mut work: impl FnMut()) -> f64 {
    (0..rounds)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min)
}

fn report(name: &str, seconds: f64, flops: f64) {
    println!(
        "  {name:34} {:8.2} ms {:7.1} GFLOP/s",
        seconds * 1e3,
        flops / seconds / 1e9
    );
}

fn main() {
    let threads = std::env::args()
        .nth(1)
        .map_or(1, |n| n.parse().expect("a number of threads"));
    for isa in Isa::available() {
        let engine = Engine::with(isa, threads).expect("threads");
        let (part, rounds) = if isa.name() == "scalar" {
            (16, 1)
        } else {
            (1, 5)
        };
        println!("{}, {threads} threads", isa.name());
        for (m, k, n) in [
            (1576, 768, 3072),
            (1576, 3072, 768),
            (6304, 768, 768),
            (1576, 768, 24),
        ] {
            let m = m / part;
            let (x, w) = (numbers(m * k), Packed::transposed(&numbers(k * n), k, n));
            let mut out = vec![0.0; m * n];
            let t = best(rounds, || {
                product(&engine, &x, &w, &Epilogue::NONE, &mut out)
            });
            report(
                &format!("product {m} x {k} x {n}"),
                t,
                2.0 * (m * k * n) as f64,
            );
        }
        for (side, channels, outputs, kernel, stride, groups) in [
            (56, 64, 64, 3, 1, 1),
            (28, 128, 128, 3, 1, 1),
            (14, 256, 256, 3, 1, 1),
            (7, 512, 512, 3, 1, 1),
            (224, 3, 64, 7, 2, 1),
            (14, 112, 672, 1, 1, 1),
            (112, 32, 16, 1, 1, 1),
            (56, 24, 144, 1, 1, 1),
            (56, 144, 144, 3, 1, 144),
            (112, 96, 96, 3, 2, 96),
            (56, 96, 96, 7, 1, 96),
        ] {
            let batch = if part == 1 { 8 } else { 1 };
            let border = (kernel / 2, kernel / 2);
            let window = Window {
                input: (side, side),
                kernel: (kernel, kernel),
                stride: (stride, stride),
                dilation: (1, 1),
                before: border,
                after: border,
            };
            let inside = channels / groups;
            let weight = numbers(outputs * inside * kernel * kernel);
            let conv = Convolution::new(&weight, window, channels, outputs, groups);
            let x = numbers(batch * side * side * channels);
            let (rows, columns) = window.output();
            let mut out = vec![0.0; batch * rows * columns * outputs];
            let t = best(rounds, || {
                conv.apply(&engine, &x, &Epilogue::NONE, &mut out)
            });
            let name = format!(
                "conv {kernel}x{kernel}/{stride} {side}x{side} {channels}->{outputs} g{groups}"
            );
            report(
                &name,
                t,
                2.0 * (out.len() * inside * kernel * kernel) as f64,
            );
        }
        for (batch, heads, n, d) in [(8, 12, 197, 64), (2, 16, 577, 64)] {
            let batch = if part == 1 { batch } else { 1 };
            let (q, k, v) = (
                numbers(batch * heads * n * d),
                numbers(batch * heads * n * d),
                numbers(batch * heads * n * d),
            );
            let view = |x| Heads::contiguous(x, n, heads, d);
            let f = Factors {
                q: view(&q),
                k: view(&k),
                v: view(&v),
                bias: None,
            };
            let a = Attention {
                batch,
                heads,
                queries: n,
                keys: n,
                width: d,
                value_width: d,
                scale: 0.125,
                bias: None,
            };
            let mut out = vec![0.0; q.len()];
            let t = best(rounds, || attention(&engine, &f, &a, &mut out));
            report(
                &format!("attention {batch} x {heads} x {n}"),
                t,
                4.0 * (batch * heads * n * n * d) as f64,
            );
        }
        let x = numbers(4_841_472 / part);
        let mut out = vec![0.0; x.len()];
        for function in [
            Function::Gelu,
            Function::GeluTanh,
            Function::Silu,
            Function::Exp,
        ] {
            let t = best(rounds, || map(&engine, &x, function, &mut out));
            report(
                &format!("{} of {}", function.name(), x.len()),
                t,
                x.len() as f64,
            );
        }
        let x = &x[..1576 / part * 768];
        let (w, b) = (numbers(768), numbers(768));
        let norm = RowNorm::Layer {
            affine: Some((&w, &b)),
            eps: 1e-6,
        };
        let mut out = vec![0.0; x.len()];
        let t = best(rounds, || rows(&engine, x, 768, &norm, &mut out));
        report(
            &format!("layer norm {} x 768", x.len() / 768),
            t,
            x.len() as f64,
        );
    }
}
