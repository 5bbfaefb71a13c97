//! Reading a long program takes time in proportion to its lines, whatever they read, and no more of the stack; values share
//! buffers as by the plain rule.

mod common;

use std::time::{Duration, Instant};

use biobench_engine::isa::Isa;
use biobench_engine::program::Program;
use biobench_engine::Engine;
use common::Random;
use serde_json::{json, Value};

/// A line of a program.
fn line(name: &str, inputs: &Value, attributes: &Value, shape: &Value) -> Value {
    json!({"operation": name, "inputs": inputs, "attributes": attributes, "shape": shape})
}

fn text(operations: &[Value]) -> String {
    json!({
        "schema": "biobench.program/1", "input": ["b", 6], "constants": [],
        "operations": operations, "output": format!("v{}", operations.len() - 1),
    })
    .to_string()
}

fn value(i: usize) -> String {
    format!("v{i}")
}

fn before(i: usize) -> String {
    i.checked_sub(1).map_or("input".into(), value)
}

fn relu(x: &str) -> Value {
    line("relu", &json!({"x": x}), &json!({}), &json!(["b", 6]))
}

/// Each line reads the one before it.
fn chain(n: usize) -> String {
    let lines: Vec<Value> = (0..n).map(|i| relu(&before(i))).collect();
    text(&lines)
}

/// Each line is the memory of the one before it in another shape.
fn reshapes(n: usize) -> String {
    let shapes = [json!(["b", 2, 3]), json!(["b", 6])];
    let reshape = |i: usize| {
        line(
            "reshape",
            &json!({"x": before(i)}),
            &json!({}),
            &shapes[i % 2],
        )
    };
    let lines: Vec<Value> = (0..n).map(reshape).collect();
    text(&lines)
}

/// A third of the lines is alive at once; the second adds them up, and the last finds all of their buffers free.
fn wide(n: usize) -> String {
    let n = n / 3;
    let mut lines: Vec<Value> = (0..n).map(|_| relu("input")).collect();
    for i in 0..n {
        let inputs = json!({"a": value(n + i - 1), "b": value(i)});
        lines.push(line("add", &inputs, &json!({}), &json!(["b", 6])));
    }
    lines.extend((2 * n..3 * n).map(|i| relu(&value(i - 1))));
    text(&lines)
}

fn read(text: &str) -> Program {
    Program::read(text, |_| None).expect("a program")
}

/// The shortest of three times.
fn time(text: &str) -> Duration {
    let once = |_| {
        let start = Instant::now();
        read(text);
        start.elapsed()
    };
    (0..3).map(once).min().expect("three times")
}

#[test]
fn thirty_two_times_the_lines_take_about_as_many_times_as_long() {
    for (name, make) in [
        ("chain", chain as fn(usize) -> String),
        ("reshapes", reshapes),
        ("wide", wide),
    ] {
        let (few, many) = (time(&make(2_000)), time(&make(64_000)));
        let ratio = many.as_secs_f64() / few.as_secs_f64();
        println!("{name}: {few:?} for 2,000 lines, {many:?} for 64,000: {ratio:.1}");
        // Other work on the machine may take its part; as many lines squared are 1,024 times as many.
        assert!(ratio < 150.0, "{name}: {ratio:.1}");
    }
}

#[test]
fn a_long_program_runs() {
    let engine = Engine::with(Isa::available()[0], 1).expect("a thread");
    for text in [chain(100_000), reshapes(100_000), wide(9_999)] {
        let out = read(&text).run(&engine, &[1.0; 6], 1).expect("a run");
        assert_eq!(out.len(), 6);
    }
}

/// A program of random lines over values (b, n).
fn drawn(r: &mut Random) -> Vec<Value> {
    let mut lines: Vec<Value> = Vec::new();
    let mut widths: Vec<usize> = Vec::new();
    for i in 0..r.within(1, 60) {
        let one = |r: &mut Random| match r.within(0, i.min(6)) {
            0 => ("input".to_owned(), 6),
            back => (value(i - back), widths[i - back]),
        };
        let ((a, width), (b, other)) = (one(r), one(r));
        let none = json!({});
        let (name, inputs, attributes, width) = match r.within(0, 4) {
            0 => ("relu", json!({"x": a}), none, width),
            1 => ("reshape", json!({"x": a}), none, width),
            2 if width == other => ("add", json!({"a": a, "b": b}), none, width),
            3 if width > 1 => {
                let end = r.within(1, width - 1);
                let of = json!({"axis": 1, "start": 0, "end": end, "step": 1});
                ("slice", json!({"x": a}), of, end)
            }
            _ if width + other < 300 => {
                let parts = json!({"parts": [a, b]});
                ("concatenate", parts, json!({"axis": 1}), width + other)
            }
            _ => ("tanh", json!({"x": a}), none, width),
        };
        lines.push(line(name, &inputs, &attributes, &json!(["b", width])));
        widths.push(width);
    }
    lines
}

/// The bytes of the buffers of one image by the rule as it is told: a value goes into the smallest free buffer that has room for
/// it, else into the largest free one, else into a new one, and a buffer is free after the last line that reads its value.
fn plain_memory(lines: &[Value]) -> usize {
    let root = |mut name: String| -> Option<usize> {
        loop {
            let i = name.strip_prefix('v')?.parse::<usize>().expect("a place");
            match lines[i]["inputs"]["x"].as_str() {
                Some(x) if lines[i]["operation"] == "reshape" => name = x.to_owned(),
                _ => return Some(i),
            }
        }
    };
    let mut last: Vec<usize> = (0..lines.len()).collect();
    for (i, line) in lines.iter().enumerate() {
        for inputs in line["inputs"].as_object().expect("inputs").values() {
            let names = inputs
                .as_array()
                .map_or(std::slice::from_ref(inputs), Vec::as_slice);
            let names = names.iter().map(|name| name.as_str().expect("a name"));
            for read in names.filter_map(|name| root(name.to_owned())) {
                last[read] = i;
            }
        }
    }
    if let Some(output) = root(value(lines.len() - 1)) {
        last[output] = lines.len();
    }
    let (mut rooms, mut free): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
    let mut buffer_of = vec![0; lines.len()];
    for (i, line) in lines.iter().enumerate() {
        if line["operation"] != "reshape" {
            let size = line["shape"][1].as_u64().expect("a size") as usize;
            let fits = free.iter().copied().filter(|b| rooms[*b] >= size);
            let fits = fits.min_by_key(|b| rooms[*b]);
            let chosen = fits.or_else(|| free.iter().copied().max_by_key(|b| rooms[*b]));
            let buffer = chosen.unwrap_or(rooms.len());
            if buffer == rooms.len() {
                rooms.push(0);
            }
            free.retain(|b| *b != buffer);
            rooms[buffer] = rooms[buffer].max(size);
            buffer_of[i] = buffer;
        }
        let ended = (0..=i).filter(|read| last[*read] == i);
        free.extend(
            ended
                .filter(|read| lines[*read]["operation"] != "reshape")
                .map(|read| buffer_of[read]),
        );
    }
    4 * rooms.iter().sum::<usize>()
}

#[test]
fn buffers_are_those_of_the_plain_rule() {
    let mut again = 0;
    for round in 0..500 {
        let lines = drawn(&mut Random::new(400 + round));
        let program = read(&text(&lines));
        let expected = plain_memory(&lines);
        assert_eq!(program.memory(1), expected, "round {round}");
        assert_eq!(program.memory(3), 3 * expected, "round {round}");
        again += usize::from(lines.len() > 20 && expected > 0);
    }
    assert!(again > 100, "only {again} programs are long");
}
