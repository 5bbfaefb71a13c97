//! A program under construction, operation by operation.

use std::collections::HashMap;

use biobench_engine::program::Program;
use biobench_engine::EngineError;
use serde_json::{json, Value};
use sha2::{Digest, Sha256};

/// A program under construction.
pub struct Draft {
    pub constants: Vec<Value>,
    pub operations: Vec<Value>,
    pub data: HashMap<String, Vec<u8>>,
}

impl Draft {
    pub fn new() -> Self {
        Self {
            constants: Vec::new(),
            operations: Vec::new(),
            data: HashMap::new(),
        }
    }

    pub fn bytes(&mut self, bytes: Vec<u8>, shape: &[usize], element: &str) -> String {
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

    pub fn constant(&mut self, x: &[f32], shape: &[usize]) -> String {
        self.bytes(
            x.iter().flat_map(|x| x.to_le_bytes()).collect(),
            shape,
            "float32",
        )
    }

    pub fn operation(
        &mut self,
        name: &str,
        inputs: Value,
        attributes: Value,
        shape: Value,
    ) -> String {
        let entry =
            json!({"operation": name, "inputs": inputs, "attributes": attributes, "shape": shape});
        self.operations.push(entry);
        format!("v{}", self.operations.len() - 1)
    }

    pub fn text(&self, input: &Value, output: &str) -> String {
        let document = json!({
            "schema": "biobench.program/1", "input": input, "constants": self.constants,
            "operations": self.operations, "output": output,
        });
        serde_json::to_string_pretty(&document).expect("a text")
    }

    /// The bytes of each constant, in order.
    pub fn supply(&self) -> Vec<Vec<u8>> {
        let digest = |entry: &Value| entry["digest"].as_str().expect("a digest").to_owned();
        let bytes = |entry: &Value| self.data[&digest(entry)].clone();
        self.constants.iter().map(bytes).collect()
    }

    pub fn read(&self, input: &Value, output: &str) -> Result<Program, EngineError> {
        Program::read(&self.text(input, output), |digest| {
            self.data.get(digest).cloned()
        })
    }
}

/// A float32 as a program has it.
pub fn bits(x: f32) -> String {
    format!("{:08x}", x.to_bits())
}
