//! Each kernel is much faster than its scalar twin, which emulates the fused multiply-add. One function that is not inlined
//! leaves the bits as they are and makes a kernel 5 to 21 times slower (`isa`). Only optimised builds are measured.
#![cfg(not(debug_assertions))]

use std::time::Instant;

use biobench_engine::attention::{attention, Factors, Heads};
use biobench_engine::conv::Convolution;
use biobench_engine::elementwise::map;
use biobench_engine::functions::Function;
use biobench_engine::gemm::{product, Epilogue, Packed};
use biobench_engine::isa::Isa;
use biobench_engine::norms::{rows, RowNorm};
use biobench_engine::pools;
use biobench_engine::regression::Regression;
use biobench_engine::shapes::{Attention, Window};
use biobench_engine::training::{AdamW, Batch, LinearHead};
use biobench_engine::Engine;

/// How many times the scalar twin a kernel is at least: about a third of what was measured on AVX2, and above what a missed
/// inlining left (5 times for exp, 8 for gelu, 1.3 for layer norm).
fn least(name: &str) -> f64 {
    match name {
        "layer norm" => 4.0,
        "depthwise" => 6.0,
        _ => 12.0,
    }
}

/// The outputs are allocated before: a fresh page costs a light kernel as much time as it computes.
type Work = Box<dyn FnMut(&Engine)>;

fn window(side: usize, kernel: usize) -> Window {
    let border = (kernel / 2, kernel / 2);
    Window {
        input: (side, side),
        kernel: (kernel, kernel),
        stride: (1, 1),
        dilation: (1, 1),
        before: border,
        after: border,
    }
}

/// Kernels in which fused multiply-adds or functions are most of the work.
fn kernels() -> Vec<(&'static str, Work)> {
    let x: Vec<f32> = (0..1 << 16)
        .map(|i| (i as f32 * 0.618).fract() - 0.5)
        .collect();
    let mut all: Vec<(&'static str, Work)> = Vec::new();
    let packed = Packed::transposed(&x[..256 * 48], 256, 48);
    let (y, mut out) = (x.clone(), vec![0.0; 56 * 48]);
    all.push((
        "product",
        Box::new(move |engine| {
            product(engine, &y[..56 * 256], &packed, &Epilogue::NONE, &mut out);
        }),
    ));
    for (name, channels, outputs, groups) in [("convolution", 16, 32, 1), ("depthwise", 64, 64, 64)]
    {
        let conv = Convolution::new(
            &x[..outputs * channels / groups * 9],
            window(14, 3),
            channels,
            outputs,
            groups,
        );
        let (y, mut out) = (x.clone(), vec![0.0; 196 * outputs]);
        all.push((
            name,
            Box::new(move |engine| {
                conv.apply(engine, &y[..196 * channels], &Epilogue::NONE, &mut out);
            }),
        ));
    }
    let (y, mut out) = (x.clone(), vec![0.0; 64 * 64]);
    all.push((
        "attention",
        Box::new(move |engine| {
            let view = Heads::contiguous(&y[..64 * 64], 64, 1, 64);
            let f = Factors {
                q: view,
                k: view,
                v: view,
                bias: None,
            };
            let a = Attention {
                batch: 1,
                heads: 1,
                queries: 64,
                keys: 64,
                width: 64,
                value_width: 64,
                scale: 0.1,
                bias: None,
            };
            attention(engine, &f, &a, &mut out);
        }),
    ));
    for function in [
        Function::Exp,
        Function::Erf,
        Function::Tanh,
        Function::Sigmoid,
        Function::Gelu,
        Function::GeluTanh,
    ] {
        let (y, mut out) = (x.clone(), vec![0.0; 1 << 16]);
        all.push((
            function.name(),
            Box::new(move |engine| map(engine, &y, function, &mut out)),
        ));
    }
    let (y, mut out) = (x.clone(), vec![0.0; 1 << 16]);
    all.push((
        "softmax",
        Box::new(move |engine| rows(engine, &y, 256, &RowNorm::Softmax, &mut out)),
    ));
    let y = x.clone();
    all.push((
        "training step",
        Box::new(move |engine| {
            let (gamma, beta) = (y[..128].to_vec(), y[..128].to_vec());
            let head = LinearHead::new(engine, &y[..32 * 128], gamma, beta, vec![0.0; 32]);
            let batch = Batch::new(&y, 128, None).expect("rows");
            let adamw = AdamW {
                beta1: 0.9,
                beta2: 0.999,
                epsilon: 1e-8,
                weight_decay: 0.01,
            };
            let factors = adamw.factors(0.001, (0.9, 0.999));
            let step = head
                .expect("sizes")
                .step(engine, &batch, &[3; 512], &factors);
            step.expect("sizes");
        }),
    ));
    let y: Vec<f64> = x[..256 * 64].iter().map(|x| f64::from(*x)).collect();
    all.push((
        "regression",
        Box::new(move |engine| {
            let ids = (0..256).map(|i| i % 12).collect();
            let problem = Regression::new(engine.isa(), &y, 64, ids, &[1.0; 12]);
            let fit = problem.expect("sizes").fit(0.1, 1e-5, None);
            fit.expect("sizes").expect("nobody stops it");
        }),
    ));
    let (y, mut out) = (x.clone(), vec![0.0; 1 << 16]);
    all.push((
        "layer norm",
        Box::new(move |engine| {
            let norm = RowNorm::Layer {
                affine: Some((&y[..1024], &y[..1024])),
                eps: 1e-6,
            };
            rows(engine, &y, 1024, &norm, &mut out);
        }),
    ));
    all
}

/// Seconds of one call, the best of several.
fn seconds(engine: &Engine, work: &mut Work) -> f64 {
    let mut time = || {
        let start = Instant::now();
        work(engine);
        start.elapsed().as_secs_f64()
    };
    (0..12).map(|_| time()).fold(f64::INFINITY, f64::min)
}

#[test]
fn kernels_are_faster_than_their_scalar_twins() {
    let sets = Isa::available();
    let scalar = Engine::with(sets[0], 1).expect("a thread");
    let mut slow = Vec::new();
    for isa in &sets[1..] {
        let engine = Engine::with(*isa, 1).expect("a thread");
        for (name, mut work) in kernels() {
            // A machine that is busy spoils one measurement, hardly three.
            let ratio = (0..3)
                .map(|_| seconds(&scalar, &mut work) / seconds(&engine, &mut work))
                .fold(0.0, f64::max);
            println!("{} {name}: {ratio:.1} times the scalar twin", isa.name());
            if ratio < least(name) {
                slow.push(format!("{} {name}: {ratio:.1}", isa.name()));
            }
        }
    }
    assert!(slow.is_empty(), "too close to the scalar twin: {slow:?}");
}

#[test]
fn poolings_are_not_slower_than_their_scalar_twins() {
    let sets = Isa::available();
    let x: Vec<f32> = (0..28 * 28 * 64)
        .map(|i| (i as f32 * 0.618).fract() - 0.5)
        .collect();
    let mut work: Work =
        Box::new(move |engine| pools::reduce(engine, &x, (1, 784, 64), false, &mut [0.0; 64]));
    let scalar = Engine::with(sets[0], 1).expect("a thread");
    for isa in &sets[1..] {
        let engine = Engine::with(*isa, 1).expect("a thread");
        let ratio = (0..3)
            .map(|_| seconds(&scalar, &mut work) / seconds(&engine, &mut work))
            .fold(0.0, f64::max);
        assert!(
            ratio > 0.9,
            "{}: {ratio:.2} times the scalar twin",
            isa.name()
        );
    }
}
