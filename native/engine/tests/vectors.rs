//! The vectors of section 21 held to the definition: what another implementation is asked for are the bits of the plain
//! loops, whichever kernels wrote the files.

#![allow(missing_docs)]

mod common;

use std::fs;
use std::path::Path;

use common::definition::{defined, run, sizes, word, Given, Tensor};
use serde_json::Value;

fn digits(values: &[f32]) -> String {
    let words: Vec<String> = values
        .iter()
        .map(|x| if x.is_nan() { 0x7fc0_0000 } else { x.to_bits() })
        .map(|word| format!("{word:08x}"))
        .collect();
    words.join(" ")
}

fn tensor(value: &Value) -> Tensor {
    let text = value["bits"].as_str().expect("digits");
    Tensor {
        shape: sizes(&value["shape"]),
        data: text.split(' ').map(word).collect(),
    }
}

fn given(inputs: &Value) -> Given {
    let mut given = Given::default();
    for (name, value) in inputs.as_object().expect("inputs by name") {
        if let Some(parts) = value.as_array() {
            given.parts = parts.iter().map(tensor).collect();
        } else if value["indices"].is_array() {
            given.indices = sizes(&value["indices"]);
        } else {
            given.tensors.insert(name.clone(), tensor(value));
        }
    }
    given
}

/// The little-endian bytes of a constant as a case holds it.
fn bytes(value: &Value) -> Vec<u8> {
    if value["indices"].is_array() {
        let indices = sizes(&value["indices"]).into_iter();
        return indices.flat_map(|i| (i as i64).to_le_bytes()).collect();
    }
    let numbers = tensor(value).data.into_iter();
    numbers.flat_map(f32::to_le_bytes).collect()
}

/// Every case of a section that has an output.
fn cases(section: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/v1/conformance/required");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder.join(section)).expect("a section") {
        let text = fs::read(entry.expect("a file").path()).expect("a vector file");
        let file: Value = serde_json::from_slice(&text).expect("JSON");
        found.extend(file["cases"].as_array().expect("cases").iter().cloned());
    }
    found.retain(|case| case["output"]["bits"].is_string());
    found
}

#[test]
fn the_vectors_have_the_bits_of_the_definition() {
    let mut held = 0;
    for section in [
        "exact-arithmetic",
        "exact-elements",
        "exact-functions",
        "exact-layers",
    ] {
        for case in cases(section) {
            let input = &case["input"];
            let name = input["operation"].as_str().expect("an operation");
            let shape = sizes(&input["shape"]);
            let found = defined(name, &given(&input["inputs"]), &input["attributes"], &shape);
            assert_eq!(case["output"]["bits"], digits(&found), "{}", case["id"]);
            held += 1;
        }
    }
    assert!(held > 300, "{held} cases");
}

#[test]
fn programs_of_the_vectors_have_the_bits_of_the_definition() {
    let held = cases("exact-programs");
    for case in &held {
        let (program, input) = (&case["input"]["program"], tensor(&case["input"]["input"]));
        let constants = case["input"]["constants"].as_array().expect("a list");
        let constants: Vec<Vec<u8>> = constants.iter().map(bytes).collect();
        let found = run(program, &constants, input);
        assert_eq!(case["output"]["bits"], digits(&found), "{}", case["id"]);
    }
    assert!(held.len() > 9, "{} programs", held.len());
}
