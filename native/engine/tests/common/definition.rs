//! Operations by the definition, by their names, and whole programs of them: plain loops, one number at a time, and none
//! of the engine's code but the sizes of `shapes`.

use std::collections::BTreeMap;

use biobench_engine::definition::products::{attention, convolution, linear};
use biobench_engine::definition::windows::{adaptive_mean, pool, reduce, Pool};
use biobench_engine::definition::{functions, norms};
use biobench_engine::functions::Function;
use biobench_engine::shapes::{Attention, Window};
use serde_json::Value;

use super::moves;

/// A value of a program.
#[derive(Clone)]
pub struct Tensor {
    pub shape: Vec<usize>,
    pub data: Vec<f32>,
}

/// What an operation reads.
#[derive(Default)]
pub struct Given {
    pub tensors: BTreeMap<String, Tensor>,
    pub parts: Vec<Tensor>,
    pub indices: Vec<usize>,
}

pub fn sizes(value: &Value) -> Vec<usize> {
    let items = value.as_array().expect("a list");
    items
        .iter()
        .map(|n| n.as_u64().expect("a size") as usize)
        .collect()
}

fn pair(value: &Value) -> (usize, usize) {
    (sizes(value)[0], sizes(value)[1])
}

pub fn number(value: &Value) -> usize {
    value.as_u64().expect("an integer") as usize
}

/// A float32 of 8 hexadecimal digits.
pub fn word(text: &str) -> f32 {
    f32::from_bits(u32::from_str_radix(text, 16).expect("hexadecimal digits"))
}

pub fn float(value: &Value) -> f32 {
    word(value.as_str().expect("digits"))
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

fn normalised(name: &str, t: &BTreeMap<String, Tensor>, of: &Value) -> Vec<f32> {
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
            let groups = number(&of["groups"]);
            let positions = x.data.len() / x.shape[0] / width;
            let parts = (positions, width, groups);
            norms::group_norm(&x.data, parts, weight, bias, float(&of["eps"]))
        }
    }
}

/// The value of an operation of the given shape.
///
/// # Panics
///
/// Where no operation has the name, or what it reads does not fit.
pub fn defined(name: &str, given: &Given, of: &Value, shape: &[usize]) -> Vec<f32> {
    let t = &given.tensors;
    let optional = |name: &str| t.get(name).map(|t| &t.data[..]);
    if let Some(function) = Function::named(name) {
        let each = |x: &f32| functions::apply(function, *x);
        return t["x"].data.iter().map(each).collect();
    }
    match name {
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
            let k = a.shape[a.shape.len() - 1];
            let (m, n) = (a.shape[a.shape.len() - 2], b.shape[b.shape.len() - 1]);
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
            let groups = number(&of["groups"]);
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
            normalised(name, t, of)
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
        "add" | "sub" | "mul" | "div" => moves::binary(name, &t["a"], &t["b"], shape),
        "concatenate" => moves::concatenate(&given.parts, number(&of["axis"])),
        "slice" => moves::slice(&t["x"], of, shape),
        "reshape" => t["x"].data.clone(),
        "permute" => moves::permute(&t["x"], &sizes(&of["axes"]), shape),
        "expand" => moves::expand(&t["x"], shape),
        "pad" => moves::pad(&t["x"], &sizes(&of["before"]), float(&of["value"]), shape),
        "gather" => moves::gather(&t["x"], &given.indices, number(&of["axis"]), shape),
        _ => panic!("no operation is called {name}"),
    }
}

/// By how much the batch is multiplied in a size such as `"b"` or `"64b"`; `None` in a number.
fn of_batch(size: &Value) -> Option<usize> {
    let factor = size.as_str()?.strip_suffix('b').expect("a batch");
    Some(if factor.is_empty() {
        1
    } else {
        factor.parse().expect("a factor")
    })
}

/// The value of a program by the definition of each of its operations, one after the other. `constants` are the
/// little-endian bytes of each; `input` has the program's shape with the batch in it.
pub fn run(program: &Value, constants: &[Vec<u8>], input: Tensor) -> Vec<f32> {
    let stated = program["input"].as_array().expect("a shape").iter();
    let batch = stated
        .zip(&input.shape)
        .find_map(|(size, n)| of_batch(size).map(|factor| n / factor))
        .unwrap_or(1);
    let entries = program["constants"].as_array().expect("constants");
    let floats: Vec<Option<Tensor>> = entries
        .iter()
        .zip(constants)
        .map(|(entry, bytes)| {
            let words = bytes.as_chunks().0.iter().map(|w| f32::from_le_bytes(*w));
            (entry["type"] == "float32").then(|| Tensor {
                shape: sizes(&entry["shape"]),
                data: words.collect(),
            })
        })
        .collect();
    let mut values: Vec<Tensor> = Vec::new();
    for node in program["operations"].as_array().expect("operations") {
        let read = |name: &Value| -> Tensor {
            let name = name.as_str().expect("a name");
            let place = || name[1..].parse::<usize>().expect("a place");
            match &name[..1] {
                "i" => input.clone(),
                "v" => values[place()].clone(),
                _ => floats[place()].clone().expect("a constant of float32"),
            }
        };
        let mut given = Given::default();
        for (key, source) in node["inputs"].as_object().expect("inputs") {
            if key == "parts" {
                given.parts = source
                    .as_array()
                    .expect("a list")
                    .iter()
                    .map(read)
                    .collect();
            } else if key == "indices" {
                let name = source.as_str().expect("a name");
                let bytes = &constants[name[1..].parse::<usize>().expect("a place")];
                let words = bytes.as_chunks().0.iter().map(|w| i64::from_le_bytes(*w));
                given.indices = words.map(|n| n as usize).collect();
            } else {
                given.tensors.insert(key.clone(), read(source));
            }
        }
        let shape: Vec<usize> = node["shape"]
            .as_array()
            .expect("a shape")
            .iter()
            .map(|size| of_batch(size).map_or_else(|| number(size), |factor| factor * batch))
            .collect();
        let name = node["operation"].as_str().expect("a name");
        let data = defined(name, &given, &node["attributes"], &shape);
        assert_eq!(data.len(), shape.iter().product::<usize>(), "{name}");
        values.push(Tensor { shape, data });
    }
    match program["output"]
        .as_str()
        .expect("a name")
        .strip_prefix('v')
    {
        Some(place) => values[place.parse::<usize>().expect("a place")]
            .data
            .clone(),
        None => input.data,
    }
}
