//! Every operation once or more, with sizes that leave ends in all tiles, and one digest of all outputs.

use biobench_engine::attention::{attention, Factors, Heads};
use biobench_engine::conv::Convolution;
use biobench_engine::definition::windows::Pool;
use biobench_engine::elementwise::{binary, map, Binary};
use biobench_engine::functions::Function;
use biobench_engine::gemm::{product, Epilogue, Packed};
use biobench_engine::hinge::{self, Machine};
use biobench_engine::isa::environment::Environment;
use biobench_engine::norms::{affine, batch_norm_affine, group_norm, rows, RowNorm};
use biobench_engine::regression::{decisions, Regression};
use biobench_engine::shapes::{Attention, Window};
use biobench_engine::tables::{self, Interpolation};
use biobench_engine::training::{Activation, AdamW, Batch, LinearHead, TraitsHead};
use biobench_engine::{pools, Engine};
use sha2::{Digest, Sha256};

/// Numbers between -1 and 1 from a generator that is written here, so that nothing else decides them.
fn numbers(seed: u32, n: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    (0..n).map(next).collect()
}

struct All<'a> {
    engine: &'a Engine,
    hash: Sha256,
}

impl All<'_> {
    /// Adds an output to the digest; a NaN has one form there.
    fn add(&mut self, x: &[f32]) {
        for x in x {
            let word = if x.is_nan() { 0x7fc0_0000 } else { x.to_bits() };
            self.hash.update(word.to_le_bytes());
        }
    }

    fn products(&mut self) {
        for (i, (m, k, n)) in [(1, 1, 1), (37, 128, 65), (15, 801, 33), (171, 40, 24)]
            .into_iter()
            .enumerate()
        {
            let packed = Packed::transposed(&numbers(10, n * k), k, n);
            let (bias, residual) = (numbers(12, n), numbers(13, m * n));
            let activation = [
                Function::Gelu,
                Function::QuickGelu,
                Function::Silu,
                Function::Relu,
            ][i];
            let e = Epilogue {
                bias: Some(&bias),
                activation,
                residual: Some(&residual),
            };
            let mut out = vec![0.0; m * n];
            product(self.engine, &numbers(11, m * k), &packed, &e, &mut out);
            self.add(&out);
        }
    }

    fn convolutions(&mut self) {
        for (side, channels, outputs, kernel, stride, groups) in [
            (13, 20, 35, 3, 1, 1),
            (23, 3, 17, 7, 2, 1),
            (9, 24, 36, 3, 2, 4),
            (11, 37, 37, 5, 1, 37),
            (8, 48, 48, 3, 2, 48),
        ] {
            let border = (kernel / 2, kernel / 2);
            let window = Window {
                input: (side, side + 2),
                kernel: (kernel, kernel),
                stride: (stride, stride),
                dilation: (1, 1),
                before: border,
                after: border,
            };
            let (rows, columns) = window.output();
            let weight = numbers(20, outputs * channels / groups * kernel * kernel);
            let conv = Convolution::new(&weight, window, channels, outputs, groups);
            let bias = numbers(21, outputs);
            let e = Epilogue {
                bias: Some(&bias),
                activation: Function::HardSwish,
                residual: None,
            };
            let mut out = vec![0.0; 2 * rows * columns * outputs];
            let x = numbers(22, 2 * side * (side + 2) * channels);
            conv.apply(self.engine, &x, &e, &mut out);
            self.add(&out);
            for kind in [Pool::Max, Pool::Mean, Pool::MeanInside] {
                let mut out = vec![0.0; 2 * rows * columns * channels];
                pools::pool(self.engine, &x, &window, channels, kind, &mut out);
                self.add(&out);
            }
            let mut out = vec![0.0; 2 * 3 * 4 * channels];
            pools::adaptive_mean(
                self.engine,
                &x,
                (side, side + 2, channels),
                (3, 4),
                &mut out,
            );
            self.add(&out);
            let mut out = vec![0.0; 2 * channels];
            for max in [false, true] {
                pools::reduce(
                    self.engine,
                    &x,
                    (2, side * (side + 2), channels),
                    max,
                    &mut out,
                );
                self.add(&out);
                pools::reduce(
                    self.engine,
                    &x,
                    (2 * channels, side * (side + 2), 1),
                    max,
                    &mut out,
                );
                self.add(&out);
            }
        }
    }

    fn attentions(&mut self) {
        for (queries, keys, width, bias) in
            [(37, 37, 32, false), (33, 41, 16, true), (1, 401, 24, true)]
        {
            let a = Attention {
                batch: 2,
                heads: 3,
                queries,
                keys,
                width,
                value_width: width + 1,
                scale: 0.17,
                bias: bias.then_some((1, 3)),
            };
            let (q, k) = (
                numbers(30, 6 * queries * width),
                numbers(31, 6 * keys * width),
            );
            let (v, b) = (
                numbers(32, 6 * keys * (width + 1)),
                numbers(33, 3 * queries * keys),
            );
            let f = Factors {
                q: Heads::contiguous(&q, queries, 3, width),
                k: Heads::contiguous(&k, keys, 3, width),
                v: Heads::contiguous(&v, keys, 3, width + 1),
                bias: bias.then_some(&b),
            };
            let mut out = vec![0.0; 6 * queries * (width + 1)];
            attention(self.engine, &f, &a, &mut out);
            self.add(&out);
        }
    }

    fn norms(&mut self) {
        let (x, width) = (numbers(40, 12 * 90), 90);
        let (weight, bias) = (numbers(41, width), numbers(42, width));
        let affine_of = Some((&weight[..], &bias[..]));
        let mut out = vec![0.0; x.len()];
        let norms = [
            RowNorm::Layer {
                affine: affine_of,
                eps: 1e-6,
            },
            RowNorm::Rms {
                weight: Some(&weight),
                eps: 1e-5,
            },
            RowNorm::Softmax,
        ];
        for norm in norms {
            rows(self.engine, &x, width, &norm, &mut out);
            self.add(&out);
        }
        group_norm(
            self.engine,
            &x,
            (4, width, 5),
            (&weight, &bias),
            1e-5,
            &mut out,
        );
        self.add(&out);
        let variance: Vec<f32> = numbers(43, width).iter().map(|v| v.abs()).collect();
        let (scale, shift) = batch_norm_affine(&bias, &variance, &weight, &bias, 1e-5);
        affine(self.engine, &x, &scale, &shift, &mut out);
        self.add(&out);
    }

    fn elements(&mut self) {
        // Every sign and binade, and NaN.
        let x: Vec<f32> = (0..=u32::MAX).step_by(65_537).map(f32::from_bits).collect();
        let mut out = vec![0.0; x.len()];
        for function in Function::ALL {
            map(self.engine, &x, function, &mut out);
            self.add(&out);
        }
        let (a, b) = (numbers(50, 35 * 30), numbers(51, 30));
        let mut out = vec![0.0; a.len()];
        for operation in [Binary::Add, Binary::Sub, Binary::Mul, Binary::Div] {
            binary(
                self.engine,
                operation,
                (&a, &[35, 30]),
                (&b, &[30]),
                &[35, 30],
                &mut out,
            );
            self.add(&out);
        }
    }
}

/// Training, of which NEON and the scalar code see no other recording.
impl All<'_> {
    fn trained(&mut self) {
        let adamw = AdamW {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.01,
        };
        let (n, d, outputs, units) = (301, 150, 21, 37);
        let x = numbers(60, n * d);
        let some: Vec<usize> = (0..n).filter(|row| row % 3 != 1).collect();
        let labels: Vec<usize> = (0..n).map(|row| row * 5 % outputs).collect();
        let traits: Vec<f32> = (0..n * outputs).map(|i| (i * i % 3 / 2) as f32).collect();
        let (gamma, beta) = (numbers(62, d), numbers(63, d));
        let weight = numbers(61, outputs * d);
        let linear = LinearHead::new(self.engine, &weight, gamma, beta, numbers(64, outputs));
        let layers = (
            numbers(65, units * d),
            numbers(66, units),
            numbers(67, outputs * units),
            numbers(68, outputs),
        );
        let network = TraitsHead::new(self.engine, d, layers, Activation::Relu);
        let (mut linear, mut network) = (linear.expect("sizes"), network.expect("sizes"));
        let mut powers = (1.0, 1.0);
        for rows in [None, Some(&some[..]), Some(&some[7..])] {
            powers = adamw.powers(powers);
            let factors = adamw.factors(0.003, powers);
            let batch = Batch::new(&x, d, rows).expect("rows");
            let step = linear.step(self.engine, &batch, &labels, &factors);
            step.expect("sizes");
            let step = network.step(self.engine, &batch, &traits, None, &factors);
            step.expect("sizes");
        }
        for list in 0..3 {
            self.add(&linear.list(list));
            self.add(&network.list(list));
        }
        let (weight, bias) = linear.folded(self.engine);
        self.add(&weight);
        self.add(&bias);
    }
}

/// Fits in float64, and the constants of models.
impl All<'_> {
    fn add_double(&mut self, x: &[f64]) {
        for x in x {
            let word = if x.is_nan() {
                0x7ff8_0000_0000_0000
            } else {
                x.to_bits()
            };
            self.hash.update(word.to_le_bytes());
        }
    }

    /// Softmax regression: three sizes that leave ends in all tiles, one of which ends with products in float64.
    fn regressions(&mut self) {
        for (n, features, classes, tolerance) in
            [(101, 37, 19, 1e-9), (30, 16, 2, 1e-9), (20, 5, 3, 1e-30)]
        {
            let x = doubles(70, n * features);
            let ids = (0..n).map(|row| row * row % classes);
            let ids: Vec<usize> = (0..classes).chain(ids).take(n).collect();
            let weights = usual(|| {
                (0..classes)
                    .map(|c| 1.0 + c as f64 / 3.0)
                    .collect::<Vec<_>>()
            });
            let isa = self.engine.isa();
            let problem = Regression::new(isa, &x, features, ids, &weights).expect("sizes");
            for strength in [0.01, 3.0] {
                let fit = problem.fit(strength, tolerance, None).expect("sizes");
                let fit = fit.expect("nobody stops it");
                self.add_double(&fit.point);
                self.add_double(&[fit.gradient]);
            }
            let point = doubles(71, problem.size());
            self.add_double(&problem.gradient(&point, 0.3).expect("sizes"));
            let (weight, bias) = (doubles(72, classes * features), doubles(73, classes));
            self.add_double(&decisions(isa, &x, &weight, &bias).expect("sizes"));
        }
    }

    /// Support vector machines, whose products are kept or computed again.
    fn hinges(&mut self) {
        for (n, depth, kept) in [(40, 30, 1 << 30), (83, 17, 0)] {
            let rows = doubles(80, n * depth);
            let signs: Vec<f64> = (0..n)
                .map(|row| if row * row % 3 == 0 { 1.0 } else { -1.0 })
                .collect();
            for limit in [0.01, 10.0] {
                let machine = Machine {
                    rows: &rows,
                    depth,
                    signs: &signs,
                    limit,
                    tolerance: 1e-3,
                    kept,
                };
                let dual = hinge::minimise(self.engine.isa(), &machine, usize::MAX, &|| false);
                self.add_double(&dual.expect("nothing stops it"));
            }
            let right = doubles(81, 23 * depth);
            let mut out = vec![0.0; n * 23];
            hinge::products(self.engine, &rows, &right, depth, &mut out);
            self.add_double(&out);
        }
    }

    fn constants(&mut self) {
        for x in doubles(90, 500) {
            let (wide, base, exponent) = usual(|| (x * 300_000.0, 10_000.0 * x * x + 1.0, 3.0 * x));
            let power = tables::pow(base, exponent);
            self.add_double(&[tables::sin(wide), tables::cos(wide), power]);
        }
        let x = numbers(91, 5 * 7 * 3);
        for how in [Interpolation::Bilinear, Interpolation::Bicubic] {
            for antialias in [false, true] {
                for size in [(9, 4), (3, 11)] {
                    self.add(&tables::resize(&x, (5, 7, 3), size, how, antialias));
                }
            }
        }
    }
}

/// The inputs of a test are the same in a thread whose environment is spoilt.
fn usual<T>(inputs: impl FnOnce() -> T) -> T {
    let _environment = Environment::standard();
    inputs()
}

/// Numbers between -1 and 1 with more bits than float32 has.
fn doubles(seed: u32, n: usize) -> Vec<f64> {
    let pairs = numbers(seed, 2 * n);
    usual(|| {
        pairs
            .chunks(2)
            .map(|pair| f64::from(pair[0]) + f64::from(pair[1]) * 1e-9)
            .collect()
    })
}

/// The digest of all outputs.
pub fn digest(engine: &Engine) -> String {
    let mut all = All {
        engine,
        hash: Sha256::new(),
    };
    all.products();
    all.convolutions();
    all.attentions();
    all.norms();
    all.elements();
    all.trained();
    all.regressions();
    all.hinges();
    all.constants();
    all.hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
