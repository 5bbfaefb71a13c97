//! A program gives what its operations give one by one, for any batch, and says what is wrong with a bad text.

mod common;

use std::collections::BTreeSet;

use biobench_engine::functions::Function;
use biobench_engine::isa::Isa;
use biobench_engine::program::Program;
use biobench_engine::Engine;
use common::convolutional::convolutional;
use common::definition::{run, Tensor};
use common::draft::{bits, Draft};
use common::transformer::{transformer, SIDE, TOKENS, WIDTH};
use common::{assert_same, engines, Random};
use serde_json::{json, Value};
use sha2::{Digest, Sha256};

fn read((draft, input, output): &(Draft, Value, String)) -> Program {
    draft.read(input, output).expect("a program")
}

/// Every engine gives the bits of the definition, for any batch.
fn is_its_definition(network: &(Draft, Value, String), what: &str) {
    let (program, (draft, input, output)) = (read(network), network);
    let text: Value = serde_json::from_str(&draft.text(input, output)).expect("JSON");
    let mut r = Random::new(3);
    let size = program.input().elements().at(1);
    let images: Vec<f32> = (0..5 * size).map(|_| r.plain()).collect();
    let shape = |batch: usize| -> Vec<usize> {
        let sides = input.as_array().expect("a shape")[1..].iter();
        let sides = sides.map(|n| n.as_u64().expect("a size") as usize);
        [batch].into_iter().chain(sides).collect()
    };
    let defined = |from: usize, batch: usize| {
        let data = images[from * size..(from + batch) * size].to_vec();
        let image = Tensor {
            shape: shape(batch),
            data,
        };
        run(&text, &draft.supply(), image)
    };
    let expected: Vec<f32> = (0..5).flat_map(|i| defined(i, 1)).collect();
    assert!(expected.iter().all(|x| x.is_finite()), "{what}");
    assert_same(
        &defined(0, 5),
        &expected,
        &format!("{what}, by the definition"),
    );
    let width = expected.len() / 5;
    for (name, engine) in engines() {
        for batch in [5, 1, 2] {
            let out = program
                .run(&engine, &images[..batch * size], batch)
                .expect("a run");
            assert_same(
                &out,
                &expected[..batch * width],
                &format!("{what}, {name}, batch {batch}"),
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
fn a_small_transformer_is_its_definition_for_any_batch() {
    is_its_definition(&transformer(), "transformer");
}

#[test]
fn a_small_convolutional_network_is_its_definition_for_any_batch() {
    is_its_definition(&convolutional(), "convolutional");
}

/// What the specification lists is what the two networks are made of, so no operation is without a twin in a whole
/// program.
#[test]
fn the_two_networks_have_every_operation() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../spec/SPEC.md");
    let page = std::fs::read_to_string(page).expect("the specification");
    let rows = page
        .lines()
        .skip_while(|line| !line.starts_with("| operation |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let listed = rows.flat_map(|row| {
        let cell = row.split('|').nth(1).expect("a cell");
        cell.split('`').skip(1).step_by(2).map(str::to_owned)
    });
    let functions = Function::ALL
        .into_iter()
        .filter(|f| *f != Function::Identity);
    let listed: BTreeSet<String> = listed
        .chain(functions.map(|f| f.name().to_owned()))
        .collect();
    let name = |entry: &Value| entry["operation"].as_str().expect("a name").to_owned();
    let used: BTreeSet<String> = [transformer().0, convolutional().0]
        .iter()
        .flat_map(|draft| draft.operations.iter().map(name))
        .collect();
    assert!(listed.len() > 35, "{listed:?}");
    assert_eq!(used, listed);
}

#[test]
fn buffers_are_used_again() {
    let program = read(&transformer());
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
    let program = read(&transformer());
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
    let network = transformer();
    let (text, supply) = (read(&network).text().to_owned(), network.0.data);
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

/// Protects: a program that needs more memory than there is can be refused before one of its constants is read.
#[test]
fn memory_of_constants_is_known_from_the_text() {
    let mut d = Draft::new();
    let flat = json!({"stride": [1, 1], "dilation": [1, 1], "padding": [0, 0, 0, 0], "groups": 6});
    let image = json!(["b", 1, 1, 6]);
    let (depthwise, grouped) = (
        d.constant(&[1.0; 6], &[6, 1, 1, 1]),
        d.constant(&[2.0; 12], &[12, 1, 1, 1]),
    );
    let (thin, table) = (
        d.constant(&[3.0; 12], &[1, 12]),
        d.constant(&[4.0; 6], &[6]),
    );
    let mut x = "input".to_owned();
    // A table is an operand, which is there once.
    for _ in 0..3 {
        let inputs = json!({"a": x, "b": table});
        x = d.operation("add", inputs, json!({}), image.clone());
    }
    let inputs = json!({"x": x, "weight": depthwise});
    x = d.operation("conv2d", inputs, flat.clone(), image);
    let inputs = json!({"x": x, "weight": grouped, "bias": grouped_bias(&mut d)});
    x = d.operation("conv2d", inputs, flat, json!(["b", 1, 1, 12]));
    let (once, twice) = (4 * (6 + 6 + 6 * 16 + 12), 2 * 4 * 12 * 16);
    for _ in 0..2 {
        let inputs = json!({"x": x, "weight": thin});
        d.operation("linear", inputs, json!({}), json!(["b", 1, 1, 1]));
    }
    let text = d.text(&json!(["b", 1, 1, 6]), "v6");
    d.read(&json!(["b", 1, 1, 6]), "v6").expect("a program");
    let copies = 4 * 4 * 12;
    let found = Program::constants_memory(&text).expect("a text");
    assert_eq!(found, once + twice + copies);
    Program::constants_memory("{}").expect_err("no program");
}

fn grouped_bias(d: &mut Draft) -> String {
    d.constant(&[5.0; 12], &[12])
}
