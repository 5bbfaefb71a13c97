//! The vectors of section 21 held to the definition: what another implementation is asked for are the bits of the plain
//! loops, whichever kernels wrote the files.

#![allow(missing_docs)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use biobench_engine::definition::products::{attention, convolution, linear};
use biobench_engine::definition::windows::{adaptive_mean, pool, reduce, Pool};
use biobench_engine::definition::{functions, norms};
use biobench_engine::functions::Function;
use biobench_engine::shapes::{Attention, Window};
use serde_json::Value;

struct Tensor {
    shape: Vec<usize>,
    data: Vec<f32>,
}

fn sizes(value: &Value) -> Vec<usize> {
    let items = value.as_array().expect("a list");
    items
        .iter()
        .map(|n| n.as_u64().expect("a size") as usize)
        .collect()
}

fn pair(value: &Value) -> (usize, usize) {
    (sizes(value)[0], sizes(value)[1])
}

fn word(text: &str) -> f32 {
    f32::from_bits(u32::from_str_radix(text, 16).expect("hexadecimal digits"))
}

fn float(value: &Value) -> f32 {
    word(value.as_str().expect("digits"))
}

fn digits(values: &[f32]) -> String {
    let words: Vec<String> = values
        .iter()
        .map(|x| if x.is_nan() { 0x7fc0_0000 } else { x.to_bits() })
        .map(|word| format!("{word:08x}"))
        .collect();
    words.join(" ")
}

fn tensors(input: &Value) -> BTreeMap<&str, Tensor> {
    let named = input["inputs"].as_object().expect("inputs by name");
    named
        .iter()
        .filter(|(_, value)| value["bits"].is_string())
        .map(|(name, value)| {
            let text = value["bits"].as_str().expect("digits");
            let data = text.split(' ').map(word).collect();
            (
                name.as_str(),
                Tensor {
                    shape: sizes(&value["shape"]),
                    data,
                },
            )
        })
        .collect()
}

fn window(input: &[usize], kernel: (usize, usize), of: &Value) -> Window {
    let padding = sizes(&of["padding"]);
    Window {
        input: (input[1], input[2]),
        kernel,
        stride: pair(&of["stride"]),
        dilation: pair(&of["dilation"]),
        before: (padding[0], padding[1]),
        after: (padding[2], padding[3]),
    }
}

fn activation(of: &Value) -> Function {
    of["activation"]
        .as_str()
        .map_or(Function::Identity, |name| {
            Function::named(name).expect("an activation")
        })
}

fn normalised(name: &str, t: &BTreeMap<&str, Tensor>, of: &Value) -> Vec<f32> {
    let x = &t["x"];
    let width = *x.shape.last().expect("a dimension");
    let data = |name: &str| t.get(name).map(|t| &t.data[..]);
    let affine = data("weight").zip(data("bias"));
    match name {
        "softmax" => norms::softmax(&x.data, width),
        "layer_norm" => norms::layer_norm(&x.data, width, affine, float(&of["eps"])),
        "rms_norm" => norms::rms_norm(&x.data, width, data("weight"), float(&of["eps"])),
        "batch_norm" => {
            let (weight, bias) = affine.expect("weight and bias");
            let (mean, variance) = (&t["mean"].data, &t["variance"].data);
            norms::batch_norm(&x.data, mean, variance, weight, bias, float(&of["eps"]))
        }
        _ => {
            let (weight, bias) = affine.expect("weight and bias");
            let groups = of["groups"].as_u64().expect("groups") as usize;
            let positions = x.data.len() / x.shape[0] / width;
            let parts = (positions, width, groups);
            norms::group_norm(&x.data, parts, weight, bias, float(&of["eps"]))
        }
    }
}

/// The definition of an operation, `None` where it has none: what copies bits, and programs.
fn defined(name: &str, input: &Value) -> Option<Vec<f32>> {
    let of = &input["attributes"];
    let t = tensors(input);
    let optional = |name: &str| t.get(name).map(|t| &t.data[..]);
    if let Some(function) = Function::named(name) {
        return Some(
            t["x"]
                .data
                .iter()
                .map(|x| functions::apply(function, *x))
                .collect(),
        );
    }
    Some(match name {
        "linear" => {
            let (x, weight) = (&t["x"], &t["weight"]);
            let (n, k) = (weight.shape[0], weight.shape[1]);
            let m = x.data.len() / k;
            let (bias, residual) = (optional("bias"), optional("residual"));
            linear(
                &x.data,
                &weight.data,
                (m, k, n),
                bias,
                activation(of),
                residual,
            )
        }
        "matmul" => {
            let (a, b) = (&t["a"], &t["b"]);
            let k = *a.shape.last()?;
            let (m, n) = (a.shape[a.shape.len() - 2], *b.shape.last()?);
            let mut out = Vec::new();
            for (a, b) in a.data.chunks(m * k).zip(b.data.chunks(k * n)) {
                let turned: Vec<f32> = (0..n * k).map(|i| b[i % k * n + i / k]).collect();
                out.extend(linear(
                    a,
                    &turned,
                    (m, k, n),
                    None,
                    Function::Identity,
                    None,
                ));
            }
            out
        }
        "conv2d" => {
            let (x, weight) = (&t["x"], &t["weight"]);
            let w = window(&x.shape, (weight.shape[2], weight.shape[3]), of);
            let groups = of["groups"].as_u64()? as usize;
            let parts = (x.shape[0], x.shape[3], weight.shape[0], groups);
            let (bias, residual) = (optional("bias"), optional("residual"));
            convolution(
                &x.data,
                &weight.data,
                &w,
                parts,
                bias,
                activation(of),
                residual,
            )
        }
        "softmax" | "layer_norm" | "rms_norm" | "batch_norm" | "group_norm" => {
            normalised(name, &t, of)
        }
        "attention" => {
            let (q, k, v) = (&t["q"], &t["k"], &t["v"]);
            let a = Attention {
                batch: q.shape[0],
                heads: q.shape[2],
                queries: q.shape[1],
                keys: k.shape[1],
                width: q.shape[3],
                value_width: v.shape[3],
                scale: float(&of["scale"]),
                bias: t.get("bias").map(|b| (b.shape[0], b.shape[1])),
            };
            attention(&q.data, &k.data, &v.data, optional("bias"), &a)
        }
        "max_pool2d" | "avg_pool2d" => {
            let x = &t["x"];
            let w = window(&x.shape, pair(&of["kernel"]), of);
            let kind = match of["count_padding"].as_u64() {
                None => Pool::Max,
                Some(0) => Pool::MeanInside,
                Some(_) => Pool::Mean,
            };
            pool(&x.data, &w, x.shape[0], x.shape[3], kind)
        }
        "adaptive_avg_pool2d" => {
            let x = &t["x"];
            let parts = (x.shape[0], x.shape[1], x.shape[2], x.shape[3]);
            adaptive_mean(&x.data, parts, pair(&of["size"]))
        }
        "mean" | "amax" => {
            let (x, axes) = (&t["x"], sizes(&of["axes"]));
            let end = axes[0] + axes.len();
            let product = |part: &[usize]| part.iter().product::<usize>();
            let parts = (
                product(&x.shape[..axes[0]]),
                product(&x.shape[axes[0]..end]),
                product(&x.shape[end..]),
            );
            reduce(&x.data, parts, name == "amax")
        }
        _ => return None,
    })
}

#[test]
fn the_vectors_have_the_bits_of_the_definition() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/v1/conformance/required");
    let mut held = 0;
    for section in ["exact-arithmetic", "exact-functions", "exact-layers"] {
        for entry in fs::read_dir(folder.join(section)).expect("a section") {
            let text = fs::read(entry.expect("a file").path()).expect("a vector file");
            let file: Value = serde_json::from_slice(&text).expect("JSON");
            for case in file["cases"].as_array().expect("cases") {
                let name = case["input"]["operation"].as_str().expect("an operation");
                let Some(found) = defined(name, &case["input"]) else {
                    continue;
                };
                assert_eq!(case["output"]["bits"], digits(&found), "{}", case["id"]);
                held += 1;
            }
        }
    }
    assert!(held > 200, "{held} cases");
}
