//! Operations of two values and those that copy bits, element by element from the place of each.

use serde_json::Value;

use super::definition::{number, Tensor};

/// Each place of a shape, the last dimension the fastest.
fn places(shape: &[usize]) -> impl Iterator<Item = Vec<usize>> + '_ {
    (0..shape.iter().product()).map(move |mut i| {
        let mut place = vec![0; shape.len()];
        for (index, size) in place.iter_mut().zip(shape).rev() {
            (*index, i) = (i % size, i / size);
        }
        place
    })
}

impl Tensor {
    fn at(&self, place: &[usize]) -> f32 {
        let step = |i: usize, (index, size): (&usize, &usize)| {
            assert!(index < size, "{place:?} in {:?}", self.shape);
            i * size + index
        };
        assert_eq!(place.len(), self.shape.len());
        self.data[place.iter().zip(&self.shape).fold(0, step)]
    }

    /// The element that stands at a place after dimensions of 1 were repeated; dimensions align at the end.
    fn repeated(&self, place: &[usize]) -> f32 {
        let end = &place[place.len() - self.shape.len()..];
        let one = |(index, size): (&usize, &usize)| if *size == 1 { 0 } else { *index };
        let own: Vec<usize> = end.iter().zip(&self.shape).map(one).collect();
        self.at(&own)
    }
}

pub fn binary(name: &str, a: &Tensor, b: &Tensor, shape: &[usize]) -> Vec<f32> {
    places(shape)
        .map(|place| {
            let (a, b) = (a.repeated(&place), b.repeated(&place));
            match name {
                "add" => a + b,
                "sub" => a - b,
                "mul" => a * b,
                _ => a / b,
            }
        })
        .collect()
}

pub fn expand(x: &Tensor, shape: &[usize]) -> Vec<f32> {
    places(shape).map(|place| x.repeated(&place)).collect()
}

pub fn concatenate(parts: &[Tensor], axis: usize) -> Vec<f32> {
    let mut shape = parts[0].shape.clone();
    shape[axis] = parts.iter().map(|part| part.shape[axis]).sum();
    places(&shape)
        .map(|mut place| {
            for part in parts {
                if place[axis] < part.shape[axis] {
                    return part.at(&place);
                }
                place[axis] -= part.shape[axis];
            }
            unreachable!("the parts are as long as the whole")
        })
        .collect()
}

pub fn slice(x: &Tensor, of: &Value, shape: &[usize]) -> Vec<f32> {
    let axis = number(&of["axis"]);
    let (start, step) = (number(&of["start"]), number(&of["step"]));
    let moved = |mut place: Vec<usize>| {
        place[axis] = start + place[axis] * step;
        x.at(&place)
    };
    places(shape).map(moved).collect()
}

pub fn permute(x: &Tensor, axes: &[usize], shape: &[usize]) -> Vec<f32> {
    let moved = |place: Vec<usize>| {
        let mut own = vec![0; axes.len()];
        for (index, axis) in place.iter().zip(axes) {
            own[*axis] = *index;
        }
        x.at(&own)
    };
    places(shape).map(moved).collect()
}

pub fn pad(x: &Tensor, before: &[usize], value: f32, shape: &[usize]) -> Vec<f32> {
    let moved = |place: Vec<usize>| {
        let own: Option<Vec<usize>> = place
            .iter()
            .zip(before)
            .zip(&x.shape)
            .map(|((index, border), size)| index.checked_sub(*border).filter(|i| i < size))
            .collect();
        own.map_or(value, |own| x.at(&own))
    };
    places(shape).map(moved).collect()
}

pub fn gather(x: &Tensor, indices: &[usize], axis: usize, shape: &[usize]) -> Vec<f32> {
    let moved = |mut place: Vec<usize>| {
        place[axis] = indices[place[axis]];
        x.at(&place)
    };
    places(shape).map(moved).collect()
}
