//! The operands and attributes of an operation, asked for by name; what nobody asks for is an error.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::Value;

use super::document::Node;
use super::shape::{Dim, Shape};
use super::step::Source;

/// What an operation is made of.
pub(super) struct Inputs<'a> {
    node: &'a Node,
    shapes: &'a dyn Fn(Source) -> Shape,
    floats: &'a dyn Fn(usize) -> Result<Vec<f32>, String>,
    indices: &'a dyn Fn(usize) -> Result<Vec<usize>, String>,
    asked: RefCell<BTreeSet<String>>,
}

pub(super) type Checked<T> = Result<T, String>;

/// Fails with a reason unless it holds.
pub(super) fn ensure(holds: bool, reason: impl FnOnce() -> String) -> Checked<()> {
    if holds {
        Ok(())
    } else {
        Err(reason())
    }
}

impl<'a> Inputs<'a> {
    pub fn new(
        node: &'a Node,
        shapes: &'a dyn Fn(Source) -> Shape,
        floats: &'a dyn Fn(usize) -> Result<Vec<f32>, String>,
        indices: &'a dyn Fn(usize) -> Result<Vec<usize>, String>,
    ) -> Self {
        Self {
            node,
            shapes,
            floats,
            indices,
            asked: RefCell::default(),
        }
    }

    /// Fails where the text has an input or an attribute that nothing asked for.
    pub fn all_asked(&self) -> Checked<()> {
        let asked = self.asked.borrow();
        let mut names = self.node.inputs.keys().chain(self.node.attributes.keys());
        match names.find(|name| !asked.contains(*name)) {
            Some(name) => Err(format!("{name} is not among its inputs and attributes")),
            None => Ok(()),
        }
    }

    fn ask(&self, name: &str) {
        self.asked.borrow_mut().insert(name.to_owned());
    }

    pub fn sources(&self, name: &str) -> Checked<&'a [Source]> {
        self.ask(name);
        self.node
            .inputs
            .get(name)
            .map(Vec::as_slice)
            .ok_or_else(|| format!("{name} is missing"))
    }

    pub fn optional(&self, name: &str) -> Checked<Option<Source>> {
        self.ask(name);
        match self.node.inputs.get(name).map(Vec::as_slice) {
            None => Ok(None),
            Some([source]) => Ok(Some(*source)),
            Some(_) => Err(format!("{name} must be one value")),
        }
    }

    pub fn source(&self, name: &str) -> Checked<Source> {
        self.optional(name)?
            .ok_or_else(|| format!("{name} is missing"))
    }

    pub fn shape(&self, source: Source) -> Shape {
        (self.shapes)(source)
    }

    /// A constant of float32 that an operation packs or reads by itself, with its sizes.
    pub fn optional_constant(&self, name: &str) -> Checked<Option<(Vec<f32>, Vec<usize>)>> {
        match self.optional(name)? {
            None => Ok(None),
            Some(source @ Source::Constant(i)) => {
                Ok(Some(((self.floats)(i)?, self.shape(source).at(1))))
            }
            Some(_) => Err(format!("{name} must be a constant")),
        }
    }

    pub fn constant(&self, name: &str) -> Checked<(Vec<f32>, Vec<usize>)> {
        self.optional_constant(name)?
            .ok_or_else(|| format!("{name} is missing"))
    }

    /// A constant with one number for each of `n` channels.
    pub fn optional_vector(&self, name: &str, n: usize) -> Checked<Option<Vec<f32>>> {
        let Some((data, shape)) = self.optional_constant(name)? else {
            return Ok(None);
        };
        ensure(shape == [n], || format!("{name} must have the shape [{n}]"))?;
        Ok(Some(data))
    }

    pub fn vector(&self, name: &str, n: usize) -> Checked<Vec<f32>> {
        self.optional_vector(name, n)?
            .ok_or_else(|| format!("{name} is missing"))
    }

    pub fn index_constant(&self, name: &str) -> Checked<Vec<usize>> {
        match self.source(name)? {
            Source::Constant(i) => (self.indices)(i),
            _ => Err(format!("{name} must be a constant")),
        }
    }

    pub fn attribute(&self, name: &str) -> Checked<&'a Value> {
        self.optional_attribute(name)
            .ok_or_else(|| format!("{name} is missing"))
    }

    pub fn optional_attribute(&self, name: &str) -> Option<&'a Value> {
        self.ask(name);
        self.node.attributes.get(name)
    }

    pub fn number(&self, name: &str) -> Checked<usize> {
        let number = self.attribute(name)?.as_u64().filter(|n| *n < 1 << 31);
        number
            .map(|n| n as usize)
            .ok_or_else(|| format!("{name} must be an integer from 0 on, below 2^31"))
    }

    pub fn numbers(&self, name: &str) -> Checked<Vec<usize>> {
        let items = self.attribute(name)?.as_array();
        let numbers: Option<Vec<usize>> = items.and_then(|items| {
            items
                .iter()
                .map(|v| v.as_u64().filter(|n| *n < 1 << 31).map(|n| n as usize))
                .collect()
        });
        numbers.ok_or_else(|| format!("{name} must be a list of integers from 0 on, below 2^31"))
    }

    pub fn pair(&self, name: &str) -> Checked<(usize, usize)> {
        match self.numbers(name)?[..] {
            [a, b] => Ok((a, b)),
            _ => Err(format!("{name} must be two integers")),
        }
    }

    /// A float32 as its bits.
    pub fn float(&self, name: &str) -> Checked<f32> {
        let text = self.attribute(name)?.as_str().unwrap_or_default();
        let plain = text.len() == 8
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let word = plain.then(|| u32::from_str_radix(text, 16).ok()).flatten();
        word.map(f32::from_bits)
            .ok_or_else(|| format!("{name} must be the 8 hexadecimal digits of a float32"))
    }

    /// The shape that the text states, which some operations take as an attribute.
    pub fn stated(&self) -> &'a Shape {
        &self.node.shape
    }

    pub fn name(&self) -> &'a str {
        &self.node.name
    }
}

/// A dimension without the batch.
pub(super) fn fixed(dim: Dim) -> Checked<usize> {
    if dim.batch {
        Err("the batch lies where a fixed size is needed".into())
    } else {
        Ok(dim.factor)
    }
}
