//! Independence of the images of a batch, which can then be computed one after another.

use super::compiled::Compiled;
use super::document::Document;
use super::shape::Shape;
use super::step::{Source, Step};

/// True where each image's part of the output depends on its part of the input alone, and both lie one image after
/// another.
///
/// Along the dimension of the batch an image has runs of places: all of its places in one run where images follow one another,
/// as in the input, or fewer where something else was folded in before the batch. No operation but a reshape gives an element to
/// another image: axes that are reduced, joined, cut, padded or gathered have fixed sizes, and each place of the batch
/// is computed by itself. A reshape reads the same memory, so that runs are longer or shorter there, and must end where a
/// place of the new dimension does. What has no run is the same for every image.
pub(super) fn images_apart(document: &Document, steps: &[Step]) -> bool {
    let mut runs: Vec<Option<usize>> = Vec::with_capacity(steps.len());
    let shape = |source: Source| match source {
        Source::Input => &document.input,
        Source::Value(i) => &steps[i].shape,
        Source::Constant(i) => &document.constants[i].shape,
    };
    let run_of = |runs: &[Option<usize>], source: Source| match source {
        Source::Input => batch_of(&document.input).map(|batch| batch.factor),
        Source::Value(i) => runs[i],
        Source::Constant(_) => None,
    };
    for step in steps {
        let mut found = step.operands.iter().filter_map(|s| run_of(&runs, *s));
        let mut run = found.next();
        if found.any(|other| Some(other) != run) {
            return false;
        }
        if let Some(before) = run {
            let Some(batch) = batch_of(&step.shape) else {
                return false;
            };
            if matches!(step.compiled, Compiled::Reshape) {
                let Some(old) = batch_of(shape(step.operands[0])) else {
                    return false;
                };
                let elements = before * old.within;
                let after = elements / batch.within;
                if elements % batch.within != 0 || after == 0 || batch.factor % after != 0 {
                    return false;
                }
                run = Some(after);
            }
            // A bias has a row for each place, in turn.
            let bias = step.operands.get(3).map(|bias| shape(*bias).0[0].factor);
            if matches!(step.compiled, Compiled::Attention { .. })
                && bias.is_some_and(|rows| rows > 1)
                && run != Some(batch.factor)
            {
                return false;
            }
        }
        runs.push(run);
    }
    let whole = |shape: &Shape, run: Option<usize>| {
        batch_of(shape).is_some_and(|batch| batch.first && run == Some(batch.factor))
    };
    batch_of(&document.input).is_some_and(|batch| batch.first)
        && whole(shape(document.output), run_of(&runs, document.output))
}

/// The dimension of the batch: its places for one image, the elements within a place, and whether it is the first.
struct Batch {
    factor: usize,
    within: usize,
    first: bool,
}

fn batch_of(shape: &Shape) -> Option<Batch> {
    let place = shape.0.iter().position(|dim| dim.batch)?;
    let product = |dims: &[super::shape::Dim]| dims.iter().map(|dim| dim.factor).product::<usize>();
    Some(Batch {
        factor: shape.0[place].factor,
        within: product(&shape.0[place + 1..]),
        first: product(&shape.0[..place]) == 1,
    })
}
