//! A small transformer as a program, and by the definition of each operation.

use std::collections::HashMap;

use biobench_engine::definition as plain;
use biobench_engine::functions::Function;
use biobench_engine::program::Program;
use biobench_engine::shapes::{Attention, Window};
use serde_json::json;

use super::draft::{bits, Draft};
use super::Random;

/// Sizes of a small transformer: image side, patch, width, heads.
pub const SIDE: usize = 12;
pub const PATCH: usize = 4;
pub const WIDTH: usize = 20;
pub const HEADS: usize = 2;
pub const TOKENS: usize = (SIDE / PATCH) * (SIDE / PATCH) + 1;

/// A block of a transformer and its definition, row by row.
pub struct Transformer {
    pub program: Program,
    pub weights: HashMap<&'static str, Vec<f32>>,
}

pub fn transformer() -> Transformer {
    let mut r = Random::new(77);
    let mut d = Draft::new();
    let mut weights = HashMap::new();
    let mut names = HashMap::new();
    let shapes: [(&str, &[usize]); 12] = [
        ("patch", &[WIDTH, 3, PATCH, PATCH]),
        ("patch_bias", &[WIDTH]),
        ("class", &[1, 1, WIDTH]),
        ("positions", &[1, TOKENS, WIDTH]),
        ("norm", &[WIDTH]),
        ("norm_bias", &[WIDTH]),
        ("qkv", &[3 * WIDTH, WIDTH]),
        ("qkv_bias", &[3 * WIDTH]),
        ("proj", &[WIDTH, WIDTH]),
        ("up", &[4 * WIDTH, WIDTH]),
        ("up_bias", &[4 * WIDTH]),
        ("down", &[WIDTH, 4 * WIDTH]),
    ];
    for (name, shape) in shapes {
        let x: Vec<f32> = (0..shape.iter().product()).map(|_| r.plain()).collect();
        names.insert(name, d.constant(&x, shape));
        weights.insert(name, x);
    }
    let c = |name: &str| json!(names[name]);
    let none = || json!({});
    let x = d.operation(
        "permute",
        json!({"x": "input"}),
        json!({"axes": [0, 2, 3, 1]}),
        json!(["b", SIDE, SIDE, 3]),
    );
    let n = SIDE / PATCH;
    let patches = d.operation(
        "conv2d",
        json!({"x": x, "weight": c("patch"), "bias": c("patch_bias")}),
        json!({"stride": [PATCH, PATCH], "dilation": [1, 1], "padding": [0, 0, 0, 0], "groups": 1}),
        json!(["b", n, n, WIDTH]),
    );
    let patches = d.operation(
        "reshape",
        json!({"x": patches}),
        none(),
        json!(["b", n * n, WIDTH]),
    );
    let class = d.operation(
        "expand",
        json!({"x": c("class")}),
        none(),
        json!(["b", 1, WIDTH]),
    );
    let tokens = json!(["b", TOKENS, WIDTH]);
    let x = d.operation(
        "concatenate",
        json!({"parts": [class, patches]}),
        json!({"axis": 1}),
        tokens.clone(),
    );
    let x = d.operation(
        "add",
        json!({"a": x, "b": c("positions")}),
        none(),
        tokens.clone(),
    );
    let norm = json!({"eps": bits(1e-6)});
    let y = d.operation(
        "layer_norm",
        json!({"x": x, "weight": c("norm"), "bias": c("norm_bias")}),
        norm.clone(),
        tokens.clone(),
    );
    let qkv = d.operation(
        "linear",
        json!({"x": y, "weight": c("qkv"), "bias": c("qkv_bias")}),
        none(),
        json!(["b", TOKENS, 3 * WIDTH]),
    );
    let heads = json!(["b", TOKENS, HEADS, WIDTH / HEADS]);
    let part = |d: &mut Draft, i: usize| {
        let attributes = json!({"axis": 2, "start": i * WIDTH, "end": (i + 1) * WIDTH, "step": 1});
        let y = d.operation("slice", json!({"x": qkv}), attributes, tokens.clone());
        d.operation("reshape", json!({"x": y}), none(), heads.clone())
    };
    let (q, k, v) = (part(&mut d, 0), part(&mut d, 1), part(&mut d, 2));
    let y = d.operation(
        "attention",
        json!({"q": q, "k": k, "v": v}),
        json!({"scale": bits(0.3)}),
        heads.clone(),
    );
    let y = d.operation("reshape", json!({"x": y}), none(), tokens.clone());
    let x = d.operation(
        "linear",
        json!({"x": y, "weight": c("proj"), "residual": x}),
        none(),
        tokens.clone(),
    );
    let y = d.operation(
        "rms_norm",
        json!({"x": x, "weight": c("norm")}),
        norm,
        tokens.clone(),
    );
    let y = d.operation(
        "linear",
        json!({"x": y, "weight": c("up"), "bias": c("up_bias")}),
        json!({"activation": "gelu"}),
        json!(["b", TOKENS, 4 * WIDTH]),
    );
    let x = d.operation(
        "linear",
        json!({"x": y, "weight": c("down"), "residual": x}),
        none(),
        tokens,
    );
    let x = d.operation(
        "mean",
        json!({"x": x}),
        json!({"axes": [1]}),
        json!(["b", WIDTH]),
    );
    let program = d.read(&json!(["b", 3, SIDE, SIDE]), &x).expect("a program");
    Transformer { program, weights }
}

/// The same for one image, by the definition.
pub fn by_hand(w: &HashMap<&'static str, Vec<f32>>, image: &[f32]) -> Vec<f32> {
    let area = SIDE * SIDE;
    let last: Vec<f32> = (0..3 * area).map(|i| image[i % 3 * area + i / 3]).collect();
    let window = Window {
        input: (SIDE, SIDE),
        kernel: (PATCH, PATCH),
        stride: (PATCH, PATCH),
        dilation: (1, 1),
        before: (0, 0),
        after: (0, 0),
    };
    let none = Function::Identity;
    let bias = Some(&w["patch_bias"][..]);
    let patches = plain::products::convolution(
        &last,
        &w["patch"],
        &window,
        (1, 3, WIDTH, 1),
        bias,
        none,
        None,
    );
    let tokens: Vec<f32> = w["class"]
        .iter()
        .chain(&patches)
        .zip(&w["positions"])
        .map(|(a, b)| a + b)
        .collect();
    let y = plain::norms::layer_norm(&tokens, WIDTH, Some((&w["norm"], &w["norm_bias"])), 1e-6);
    let qkv = plain::products::linear(
        &y,
        &w["qkv"],
        (TOKENS, WIDTH, 3 * WIDTH),
        Some(&w["qkv_bias"]),
        none,
        None,
    );
    let part = |i: usize| -> Vec<f32> {
        qkv.chunks(3 * WIDTH)
            .flat_map(|row| row[i * WIDTH..(i + 1) * WIDTH].to_vec())
            .collect()
    };
    let width = WIDTH / HEADS;
    let sizes = Attention {
        batch: 1,
        heads: HEADS,
        queries: TOKENS,
        keys: TOKENS,
        width,
        value_width: width,
        scale: 0.3,
        bias: None,
    };
    let y = plain::products::attention(&part(0), &part(1), &part(2), None, &sizes);
    let x = plain::products::linear(
        &y,
        &w["proj"],
        (TOKENS, WIDTH, WIDTH),
        None,
        none,
        Some(&tokens),
    );
    let y = plain::norms::rms_norm(&x, WIDTH, Some(&w["norm"]), 1e-6);
    let y = plain::products::linear(
        &y,
        &w["up"],
        (TOKENS, WIDTH, 4 * WIDTH),
        Some(&w["up_bias"]),
        Function::Gelu,
        None,
    );
    let x = plain::products::linear(
        &y,
        &w["down"],
        (TOKENS, 4 * WIDTH, WIDTH),
        None,
        none,
        Some(&x),
    );
    plain::windows::reduce(&x, (1, TOKENS, WIDTH), false)
}
