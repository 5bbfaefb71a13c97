//! The text of a program.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::shape::Shape;
use super::step::Source;
use crate::error::EngineError;

const SCHEMA: &str = "biobench.program/1";

/// What the elements of a constant are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConstantType {
    /// 4 bytes each.
    Float32,
    /// 8 bytes each: indices.
    Int64,
}

/// A constant by its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constant {
    /// `sha256:` and the digest of its little-endian bytes, row-major.
    pub digest: String,
    /// The sizes.
    pub shape: Shape,
    /// The elements.
    pub element: ConstantType,
}

/// An operation of the text.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub name: String,
    pub inputs: BTreeMap<String, Vec<Source>>,
    pub attributes: Map<String, Value>,
    pub shape: Shape,
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let mut parts = Vec::new();
        for (name, sources) in &self.inputs {
            let sources: Vec<String> = sources.iter().map(Source::to_string).collect();
            parts.push(format!("{name}={}", sources.join("+")));
        }
        for (name, value) in &self.attributes {
            parts.push(format!("{name}={value}"));
        }
        write!(f, "{}({})", self.name, parts.join(", "))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Input => write!(f, "input"),
            Self::Value(i) => write!(f, "v{i}"),
            Self::Constant(i) => write!(f, "c{i}"),
        }
    }
}

impl Source {
    fn parse(value: &Value) -> Option<Self> {
        let text = value.as_str()?;
        let source = match text.split_at_checked(1)? {
            ("v", number) => Self::Value(number.parse().ok()?),
            ("c", number) => Self::Constant(number.parse().ok()?),
            _ => Self::Input,
        };
        (source.to_string() == text).then_some(source)
    }
}

/// The text, read.
#[derive(Clone, Debug)]
pub(super) struct Document {
    pub input: Shape,
    pub constants: Vec<Constant>,
    pub nodes: Vec<Node>,
    pub output: Source,
    value: Value,
}

fn bad(reason: impl Into<String>) -> EngineError {
    EngineError::Program(reason.into())
}

fn members<'a>(
    value: &'a Value,
    what: &str,
    names: &[&str],
) -> Result<&'a Map<String, Value>, EngineError> {
    let map = value
        .as_object()
        .ok_or_else(|| bad(format!("{what} must be an object")))?;
    for name in names {
        if !map.contains_key(*name) {
            return Err(bad(format!("{what} has no member {name:?}")));
        }
    }
    match map.keys().find(|key| !names.contains(&key.as_str())) {
        Some(key) => Err(bad(format!("{what} has an unknown member {key:?}"))),
        None => Ok(map),
    }
}

fn list<'a>(value: &'a Value, what: &str) -> Result<&'a Vec<Value>, EngineError> {
    value
        .as_array()
        .ok_or_else(|| bad(format!("{what} must be a list")))
}

impl Document {
    pub fn parse(text: &str) -> Result<Self, EngineError> {
        let value: Value = serde_json::from_str(text).map_err(|e| bad(e.to_string()))?;
        integers_alone(&value)?;
        let top = members(
            &value,
            "the document",
            &["schema", "input", "constants", "operations", "output"],
        )?;
        if top["schema"] != SCHEMA {
            return Err(bad(format!("schema must be {SCHEMA:?}")));
        }
        let input = Shape::parse(&top["input"]).ok_or_else(|| bad("input is not a shape"))?;
        let mut constants = Vec::new();
        for (i, entry) in list(&top["constants"], "constants")?.iter().enumerate() {
            let map = members(
                entry,
                &format!("constant {i}"),
                &["digest", "shape", "type"],
            )?;
            let shape = Shape::parse(&map["shape"]).filter(|s| !s.elements().batch);
            constants.push(Constant {
                digest: map["digest"].as_str().unwrap_or_default().to_owned(),
                shape: shape
                    .ok_or_else(|| bad(format!("constant {i}: no shape, or one with a batch")))?,
                element: match map["type"].as_str() {
                    Some("float32") => ConstantType::Float32,
                    Some("int64") => ConstantType::Int64,
                    _ => return Err(bad(format!("constant {i}: type must be float32 or int64"))),
                },
            });
        }
        let mut nodes = Vec::new();
        for (i, entry) in list(&top["operations"], "operations")?.iter().enumerate() {
            nodes.push(node(i, entry, constants.len())?);
        }
        let output =
            Source::parse(&top["output"]).filter(|s| known(*s, nodes.len(), constants.len()));
        let output = output.ok_or_else(|| bad("output names nothing"))?;
        Ok(Self {
            input,
            constants,
            nodes,
            output,
            value,
        })
    }

    /// The canonical text and its digest. Members are ASCII and numbers are integers, so that sorting by bytes and plain
    /// decimals are the canonical form.
    pub fn canonical(&self) -> (String, String) {
        let text = self.value.to_string();
        let digest = sha256(text.as_bytes());
        (text, digest)
    }
}

/// `sha256:` and 64 digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    let digits: String = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{digits}")
}

fn known(source: Source, values: usize, constants: usize) -> bool {
    match source {
        Source::Input => true,
        Source::Value(i) => i < values,
        Source::Constant(i) => i < constants,
    }
}

fn node(i: usize, entry: &Value, constants: usize) -> Result<Node, EngineError> {
    let what = format!("operation {i}");
    let map = members(
        entry,
        &what,
        &["operation", "inputs", "attributes", "shape"],
    )?;
    let mut inputs = BTreeMap::new();
    let given = map["inputs"]
        .as_object()
        .ok_or_else(|| bad(format!("{what}: inputs must be an object")))?;
    for (name, value) in given {
        let one = std::slice::from_ref(value);
        let values = value.as_array().map_or(one, Vec::as_slice);
        let sources: Option<Vec<Source>> = values
            .iter()
            .map(|v| Source::parse(v).filter(|s| known(*s, i, constants)))
            .collect();
        let sources = sources.filter(|s| !s.is_empty());
        inputs.insert(
            name.clone(),
            sources.ok_or_else(|| bad(format!("{what}: {name} names nothing before it")))?,
        );
    }
    let attributes = map["attributes"].as_object().cloned();
    Ok(Node {
        name: map["operation"].as_str().unwrap_or_default().to_owned(),
        inputs,
        attributes: attributes
            .ok_or_else(|| bad(format!("{what}: attributes must be an object")))?,
        shape: Shape::parse(&map["shape"]).ok_or_else(|| bad(format!("{what}: no shape")))?,
    })
}

/// Fails on a fraction, `null`, `true` and `false`, and on text that is not printable ASCII: a program needs none.
fn integers_alone(value: &Value) -> Result<(), EngineError> {
    let plain = |text: &str| {
        text.bytes()
            .all(|b| (0x20..0x7f).contains(&b) && b != b'"' && b != b'\\')
    };
    match value {
        Value::Number(n) if n.as_i64().is_some_and(|n| n.abs() < 1 << 53) => Ok(()),
        Value::String(text) if plain(text) => Ok(()),
        Value::Array(items) => items.iter().try_for_each(integers_alone),
        Value::Object(map) => map.iter().try_for_each(|(key, value)| {
            if plain(key) {
                integers_alone(value)
            } else {
                Err(bad("a name that is not printable ASCII"))
            }
        }),
        other => Err(bad(format!(
            "{other}: values are integers and printable ASCII text alone"
        ))),
    }
}
