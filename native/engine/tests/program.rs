//! A program gives what its operations give one by one, for any batch, and says what is wrong with a bad text.

mod common;

use std::collections::HashMap;

use biobench_engine::isa::Isa;
use biobench_engine::program::Program;
use biobench_engine::Engine;
use common::draft::{bits, Draft};
use common::transformer::{by_hand, transformer, Transformer, SIDE, TOKENS, WIDTH};
use common::{assert_same, engines, Random};
use serde_json::{json, Value};
use sha2::{Digest, Sha256};

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
        for batch in [5, 1, 2] {
            let out = program
                .run(&engine, &images[..batch * size], batch)
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
fn images_that_a_program_mixes_are_computed_together() {
    // Rows of two images change places where the batch is moved inwards and folded otherwise; the definition says so for any batch.
    let mut d = Draft::new();
    let p = d.operation(
        "permute",
        json!({"x": "input"}),
        json!({"axes": [1, 0, 2]}),
        json!([2, "b", 3]),
    );
    let folded = d.operation("reshape", json!({"x": p}), json!({}), json!(["b", 6]));
    let program = d.read(&json!(["b", 2, 3]), &folded).expect("a program");
    let x: Vec<f32> = (0..24).map(|i| i as f32).collect();
    let moved: Vec<f32> = [0, 2, 4, 6, 1, 3, 5, 7]
        .iter()
        .flat_map(|row| x[3 * row..][..3].to_vec())
        .collect();
    for (name, engine) in engines() {
        assert_same(&program.run(&engine, &x, 4).expect("a run"), &moved, &name);
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
    let out = program.run(&engine, &x, 2).expect("a run");
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
            "program, operation 0 (linear): \"sine\" is not an activation",
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
            program.run(&engine, &vec![0.5; size], 2).expect("a run");
            ran += 1;
        }
    }
    assert!(ran > 50, "only {ran} damaged programs could be run");
}
