//! Whether the images of a batch can be computed one after another.

use super::compiled::Compiled;
use super::document::Document;
use super::shape::Shape;
use super::step::{Source, Step};

/// True where each image's part of the output depends on its part of the input alone, and both lie one image after
/// another.
///
/// An element belongs to the image that its place in the dimension of the batch says. No operation but a reshape gives
/// an element to another image: axes that are reduced, joined, cut, padded or gathered have fixed sizes, and dimensions of a
/// batch meet only their like. A reshape reads the same memory, so that elements keep their images where the dimensions before
/// the batch have the same product.
pub(super) fn images_apart(document: &Document, steps: &[Step]) -> bool {
    let shape = |source: Source| match source {
        Source::Input => &document.input,
        Source::Value(i) => &steps[i].shape,
        Source::Constant(i) => &document.constants[i].shape,
    };
    let first = |shape: &Shape| before_batch(shape) == Some(1);
    let kept = |step: &Step| {
        !matches!(step.compiled, Compiled::Reshape)
            || before_batch(&step.shape) == before_batch(shape(step.operands[0]))
    };
    first(&document.input) && first(shape(document.output)) && steps.iter().all(kept)
}

/// The product of the sizes before the batch; None without a batch.
fn before_batch(shape: &Shape) -> Option<usize> {
    let place = shape.0.iter().position(|dim| dim.batch)?;
    Some(shape.0[..place].iter().map(|dim| dim.factor).product())
}
