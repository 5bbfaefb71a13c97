//! A small convolutional network as a program, which ends in attention over its places: with the transformer beside it every
//! operation that there is.

use biobench_engine::functions::Function;
use serde_json::{json, Value};

use super::draft::{bits, Draft};
use super::Random;

/// A network under construction, with numbers for its weights.
struct Network {
    draft: Draft,
    random: Random,
}

impl Network {
    fn drawn(&mut self, shape: &[usize]) -> String {
        let numbers: Vec<f32> = (0..shape.iter().product())
            .map(|_| self.random.plain())
            .collect();
        self.draft.constant(&numbers, shape)
    }

    /// Numbers from 0.5 to 2.5, as variances are.
    fn positive(&mut self, n: usize) -> String {
        let numbers: Vec<f32> = (0..n).map(|_| self.random.plain() + 1.5).collect();
        self.draft.constant(&numbers, &[n])
    }

    fn step(&mut self, name: &str, inputs: Value, attributes: Value, shape: &[usize]) -> String {
        let sizes = shape.iter().map(|n| json!(n));
        let shape: Vec<Value> = [json!("b")].into_iter().chain(sizes).collect();
        self.draft.operation(name, inputs, attributes, json!(shape))
    }

    fn of_x(&mut self, name: &str, x: &str, attributes: Value, shape: &[usize]) -> String {
        self.step(name, json!({"x": x}), attributes, shape)
    }

    /// A function of numbers between -1 and 1, the root of their exponentials.
    fn function(&mut self, function: Function, x: &str, shape: &[usize]) -> String {
        let x = match function {
            Function::Sqrt => self.of_x("exp", x, json!({}), shape),
            _ => x.to_owned(),
        };
        self.of_x(function.name(), &x, json!({}), shape)
    }
}

fn window(stride: usize, padding: [usize; 4]) -> Value {
    json!({"stride": [stride, stride], "dilation": [1, 1], "padding": padding})
}

fn with(mut attributes: Value, name: &str, value: Value) -> Value {
    attributes[name] = value;
    attributes
}

/// The draft, the shape of its input and its output.
pub fn convolutional() -> (Draft, Value, String) {
    let mut n = Network {
        draft: Draft::new(),
        random: Random::new(78),
    };
    let border = json!({"before": [0, 1, 0, 0], "after": [0, 0, 2, 0], "value": bits(0.25)});
    let x = n.of_x("pad", "input", border, &[14, 13, 3]);
    let (weight, bias) = (n.drawn(&[20, 3, 3, 3]), n.drawn(&[20]));
    let image = [7, 7, 20];
    let x = n.step(
        "conv2d",
        json!({"x": x, "weight": weight, "bias": bias}),
        with(window(2, [1; 4]), "groups", json!(1)),
        &image,
    );
    let (mean, variance) = (n.drawn(&[20]), n.positive(20));
    let (weight, bias) = (n.drawn(&[20]), n.drawn(&[20]));
    let x = n.step(
        "batch_norm",
        json!({"x": x, "mean": mean, "variance": variance, "weight": weight, "bias": bias}),
        json!({"eps": bits(1e-5)}),
        &image,
    );
    let bent = n.of_x("tanh", &x, json!({}), &image);
    let mut x = x;
    for function in Function::ALL {
        if function != Function::Identity {
            let y = n.function(function, &bent, &image);
            x = n.step("add", json!({"a": x, "b": y}), json!({}), &image);
        }
    }
    let half = [4, 4, 20];
    let pooled = with(window(2, [1; 4]), "kernel", json!([3, 3]));
    let x = n.of_x("max_pool2d", &x, pooled, &half);
    let (weight, bias) = (n.drawn(&[20, 1, 3, 3]), n.drawn(&[20]));
    let attributes = with(window(1, [1; 4]), "groups", json!(20));
    let x = n.step(
        "conv2d",
        json!({"x": x, "weight": weight, "bias": bias, "residual": x}),
        with(attributes, "activation", json!("silu")),
        &half,
    );
    let (weight, bias) = (n.drawn(&[20]), n.drawn(&[20]));
    let x = n.step(
        "group_norm",
        json!({"x": x, "weight": weight, "bias": bias}),
        json!({"groups": 4, "eps": bits(1e-6)}),
        &half,
    );
    let pooled = with(window(1, [0, 1, 0, 1]), "kernel", json!([2, 2]));
    let pooled = with(pooled, "count_padding", json!(0));
    let x = n.of_x("avg_pool2d", &x, pooled, &[3, 5, 20]);
    let weight = n.drawn(&[24, 5, 1, 1]);
    let x = n.step(
        "conv2d",
        json!({"x": x, "weight": weight}),
        with(window(1, [0; 4]), "groups", json!(4)),
        &[3, 5, 24],
    );
    let x = n.of_x(
        "adaptive_avg_pool2d",
        &x,
        json!({"size": [2, 3]}),
        &[2, 3, 24],
    );
    let places = [6, 24];
    let x = n.of_x("reshape", &x, json!({}), &places);
    let turned = n.of_x("permute", &x, json!({"axes": [0, 2, 1]}), &[24, 6]);
    let scores = n.step("matmul", json!({"a": x, "b": turned}), json!({}), &[6, 6]);
    let scale = n.draft.constant(&[4.9], &[1]);
    let scores = n.step("div", json!({"a": scores, "b": scale}), json!({}), &[6, 6]);
    let shares = n.of_x("softmax", &scores, json!({}), &[6, 6]);
    let y = n.step("matmul", json!({"a": shares, "b": x}), json!({}), &places);
    let x = n.step("sub", json!({"a": y, "b": x}), json!({}), &places);
    let weight = n.drawn(&[24]);
    let x = n.step("mul", json!({"a": x, "b": weight}), json!({}), &places);
    let indices: Vec<u8> = [5i64, 0, 0, 3, 2]
        .iter()
        .flat_map(|i| i.to_le_bytes())
        .collect();
    let indices = n.draft.bytes(indices, &[5], "int64");
    let x = n.step(
        "gather",
        json!({"x": x, "indices": indices}),
        json!({"axis": 1}),
        &[5, 24],
    );
    let heads = n.of_x("reshape", &x, json!({}), &[5, 2, 12]);
    let bias = n.drawn(&[1, 2, 5, 5]);
    let x = n.step(
        "attention",
        json!({"q": heads, "k": heads, "v": heads, "bias": bias}),
        json!({"scale": bits(0.29)}),
        &[5, 2, 12],
    );
    let x = n.of_x("amax", &x, json!({"axes": [1]}), &[2, 12]);
    let output = n.of_x("reshape", &x, json!({}), &[24]);
    (n.draft, json!(["b", 13, 11, 3]), output)
}
