//! A program gives what its operations give one by one, for any batch, and says what is wrong with a bad text.

mod common;

use std::collections::HashMap;

use biobench_engine::definition as plain;
use biobench_engine::functions::Function;
use biobench_engine::isa::Isa;
use biobench_engine::program::{Program, Workspace};
use biobench_engine::shapes::{Attention, Window};
use biobench_engine::{Engine, EngineError};
use common::{assert_same, engines, Random};
use serde_json::{json, Value};
use sha2::{Digest, Sha256};

/// A program under construction.
struct Draft {
    constants: Vec<Value>,
    operations: Vec<Value>,
    data: HashMap<String, Vec<u8>>,
}

impl Draft {
    fn new() -> Self {
        Self {
            constants: Vec::new(),
            operations: Vec::new(),
            data: HashMap::new(),
        }
    }

    fn bytes(&mut self, bytes: Vec<u8>, shape: &[usize], element: &str) -> String {
        let digits: String = Sha256::digest(&bytes)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        let digest = format!("sha256:{digits}");
        self.constants
            .push(json!({"digest": digest, "shape": shape, "type": element}));
        self.data.insert(digest, bytes);
        format!("c{}", self.constants.len() - 1)
    }

    fn constant(&mut self, x: &[f32], shape: &[usize]) -> String {
        self.bytes(
            x.iter().flat_map(|x| x.to_le_bytes()).collect(),
            shape,
            "float32",
        )
    }

    fn operation(&mut self, name: &str, inputs: Value, attributes: Value, shape: Value) -> String {
        let entry =
            json!({"operation": name, "inputs": inputs, "attributes": attributes, "shape": shape});
        self.operations.push(entry);
        format!("v{}", self.operations.len() - 1)
    }

    fn text(&self, input: &Value, output: &str) -> String {
        let document = json!({
            "schema": "biobench.program/1", "input": input, "constants": self.constants,
            "operations": self.operations, "output": output,
        });
        serde_json::to_string_pretty(&document).expect("a text")
    }

    fn read(&self, input: &Value, output: &str) -> Result<Program, EngineError> {
        Program::read(&self.text(input, output), |digest| {
            self.data.get(digest).cloned()
        })
    }
}

fn bits(x: f32) -> String {
    format!("{:08x}", x.to_bits())
}

/// Sizes of a small transformer: image side, patch, width, heads.
const SIDE: usize = 12;
const PATCH: usize = 4;
const WIDTH: usize = 20;
const HEADS: usize = 2;
const TOKENS: usize = (SIDE / PATCH) * (SIDE / PATCH) + 1;

/// A block of a transformer and its definition, row by row.
struct Transformer {
    program: Program,
    weights: HashMap<&'static str, Vec<f32>>,
}

fn transformer() -> Transformer {
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
fn by_hand(w: &HashMap<&'static str, Vec<f32>>, image: &[f32]) -> Vec<f32> {
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

#[test]
fn a_small_transformer_is_its_definition_for_any_batch() {
    let Transformer { program, weights } = transformer();
    let mut r = Random::new(3);
    let size = 3 * SIDE * SIDE;
    let images: Vec<f32> = (0..5 * size).map(|_| r.plain()).collect();
    let expected: Vec<f32> = images
        .chunks(size)
        .flat_map(|image| by_hand(&weights, image))
        .collect();
    for (name, engine) in engines() {
        let mut workspace = Workspace::default();
        for batch in [5, 1, 2] {
            let out = program
                .run(&engine, &images[..batch * size], batch, &mut workspace)
                .expect("a run");
            assert_same(
                &out,
                &expected[..batch * WIDTH],
                &format!("{name}, batch {batch}"),
            );
        }
    }
}

#[test]
fn buffers_are_used_again() {
    let program = transformer().program;
    // The widest moments: the input's image in channels last and the patches, or a token's 5 times the width and a residual.
    let widest = 4 * (TOKENS * 6 * WIDTH + 2 * 3 * SIDE * SIDE);
    assert!(
        program.memory(1) <= widest,
        "{} bytes, {widest} expected at most",
        program.memory(1)
    );
    assert_eq!(program.memory(7), 7 * program.memory(1));
}

#[test]
fn the_digest_is_that_of_the_canonical_text() {
    let program = transformer().program;
    assert!(!program.text().contains(['\n', ' ']));
    assert!(program
        .text()
        .starts_with(r#"{"constants":[{"digest":"sha256:"#));
    let digits: String = Sha256::digest(program.text())
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert_eq!(program.digest(), format!("sha256:{digits}"));
    let lines = program.explain();
    assert!(
        lines.contains("v14 [b, 10, 2, 10] = attention(k=v11, q=v9, v=v13, scale=\"3e99999a\")"),
        "{lines}"
    );
}

#[test]
fn every_movement() {
    let mut d = Draft::new();
    let input = json!(["b", 2, 6]);
    let indices: Vec<u8> = [5i64, 0, 3].iter().flat_map(|i| i.to_le_bytes()).collect();
    let indices = d.bytes(indices, &[3], "int64");
    let a = d.operation(
        "gather",
        json!({"x": "input", "indices": indices}),
        json!({"axis": 2}),
        json!(["b", 2, 3]),
    );
    let attributes = json!({"before": [0, 1, 0], "after": [0, 0, 1], "value": bits(-1.5)});
    let b = d.operation("pad", json!({"x": a}), attributes, json!(["b", 3, 4]));
    let attributes = json!({"axis": 2, "start": 0, "end": 4, "step": 3});
    let s = d.operation("slice", json!({"x": b}), attributes, json!(["b", 3, 2]));
    let p = d.operation(
        "permute",
        json!({"x": s}),
        json!({"axes": [2, 1, 0]}),
        json!([2, 3, "b"]),
    );
    let program = d.read(&input, &p).expect("a program");
    let engine = Engine::with(Isa::available()[0], 1).expect("a thread");
    let x: Vec<f32> = (0..24).map(|i| i as f32).collect();
    let out = program
        .run(&engine, &x, 2, &mut Workspace::default())
        .expect("a run");
    let f = -1.5;
    assert_eq!(out, [f, f, 5.0, 17.0, 11.0, 23.0, f, f, f, f, f, f]);
}

#[test]
fn bad_texts_are_errors_of_one_line() {
    let mut d = Draft::new();
    let w = d.constant(&[1.0; 6], &[2, 3]);
    let v = d.operation(
        "linear",
        json!({"x": "input", "weight": w}),
        json!({}),
        json!(["b", 2]),
    );
    let good = d.text(&json!(["b", 3]), &v);
    let read = |text: &str| Program::read(text, |digest| d.data.get(digest).cloned());
    read(&good).expect("a program");
    for (from, to, message) in [
        (
            "\"linear\"",
            "\"liner\"",
            "program, operation 0 (liner): no operation is called \"liner\"",
        ),
        (
            "[\n        \"b\",\n        2\n      ]",
            "[\"b\", 4]",
            "program, operation 0 (linear): gives [b, 2], the text says [b, 4]",
        ),
        (
            "\"x\": \"input\"",
            "\"x\": \"v0\"",
            "program: operation 0: x names nothing before it",
        ),
        (
            "\"x\": \"input\"",
            "\"x\": \"input\", \"y\": \"input\"",
            "program, operation 0 (linear): y is not among its inputs and attributes",
        ),
        (
            "{},",
            "{\"activation\": \"sine\"},",
            "program, operation 0 (linear): \"sine\" is no activation",
        ),
        (
            "\"sha256:",
            "\"sha256:0",
            "program, operation 0 (linear): constant c0 is not there",
        ),
        (
            "program/1",
            "program/2",
            "program: schema must be \"biobench.program/1\"",
        ),
        (
            "3\n  ]",
            "3.5\n  ]",
            "program: 3.5: values are integers and printable ASCII text alone",
        ),
        (
            "3\n  ]",
            "4\n  ]",
            "program, operation 0 (linear): weight must have the shape [n, 4]",
        ),
    ] {
        assert!(good.contains(from), "{from} in {good}");
        let error = read(&good.replacen(from, to, 1))
            .err()
            .expect(to)
            .to_string();
        assert_eq!(error, message);
    }
    let lied = Program::read(&good, |_| Some(vec![0; 24]))
        .err()
        .expect("an error")
        .to_string();
    assert!(
        lied.contains("constant c0 has the digest sha256:"),
        "{lied}"
    );
}

#[test]
fn damaged_texts_never_panic() {
    let t = transformer();
    let text = t.program.text().to_owned();
    let supply: HashMap<String, Vec<u8>> = {
        let document: Value = serde_json::from_str(&text).expect("json");
        let constants = document["constants"].as_array().expect("a list").clone();
        let bytes = |x: &Vec<f32>| -> Vec<u8> { x.iter().flat_map(|x| x.to_le_bytes()).collect() };
        let all: Vec<Vec<u8>> = t.weights.values().map(bytes).collect();
        let digest = |b: &Vec<u8>| -> String {
            let digits: String = Sha256::digest(b)
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect();
            format!("sha256:{digits}")
        };
        assert_eq!(constants.len(), all.len());
        all.into_iter().map(|b| (digest(&b), b)).collect()
    };
    let engine = Engine::with(*Isa::available().last().expect("one"), 1).expect("a thread");
    let mut r = Random::new(8);
    let mut ran = 0;
    for _ in 0..4000 {
        let mut bytes = text.clone().into_bytes();
        for _ in 0..r.within(1, 3) {
            // A digit becomes another: shapes, axes, names of values.
            let digits: Vec<usize> = (0..bytes.len())
                .filter(|i| bytes[*i].is_ascii_digit())
                .collect();
            let after = text.find("\"input\":[").expect("the input");
            let digits: Vec<usize> = digits.into_iter().filter(|i| *i > after).collect();
            let at = digits[r.within(0, digits.len() - 1)];
            bytes[at] = b'0' + r.within(0, 9) as u8;
        }
        let damaged = String::from_utf8(bytes).expect("ASCII");
        if let Ok(program) = Program::read(&damaged, |digest| supply.get(digest).cloned()) {
            let size = program.input().elements().at(2);
            program
                .run(&engine, &vec![0.5; size], 2, &mut Workspace::default())
                .expect("a run");
            ran += 1;
        }
    }
    assert!(ran > 50, "only {ran} damaged programs could be run");
}
