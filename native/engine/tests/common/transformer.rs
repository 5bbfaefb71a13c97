//! A small transformer as a program.

use std::collections::HashMap;

use serde_json::{json, Value};

use super::draft::{bits, Draft};
use super::Random;

/// Sizes of a small transformer: image side, patch, width, heads.
pub const SIDE: usize = 12;
pub const PATCH: usize = 4;
pub const WIDTH: usize = 20;
pub const HEADS: usize = 2;
pub const TOKENS: usize = (SIDE / PATCH) * (SIDE / PATCH) + 1;

/// A block of a transformer: the draft, the shape of its input and its output.
pub fn transformer() -> (Draft, Value, String) {
    let mut r = Random::new(77);
    let mut d = Draft::new();
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
    (d, json!(["b", 3, SIDE, SIDE]), x)
}
