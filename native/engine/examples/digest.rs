//! One digest of the outputs of all operations, on one instruction set: `cargo run --release -p biobench-engine --example
//! digest -- [scalar|avx2|avx512|neon] [threads]`. It is the same everywhere; `tests/digest.rs` holds the value.

use std::process::ExitCode;

use biobench_engine::isa::Isa;
use biobench_engine::Engine;

#[path = "../tests/common/operations.rs"]
mod operations;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next();
    let isa = match &name {
        None => Isa::choose().ok(),
        Some(name) => Isa::named(name),
    };
    let threads = arguments.next().map_or(Some(1), |n| n.parse().ok());
    let (Some(isa), Some(threads)) = (isa, threads) else {
        eprintln!(
            "this processor has {:?}",
            Isa::available()
                .iter()
                .map(|s| s.name())
                .collect::<Vec<_>>()
        );
        return ExitCode::FAILURE;
    };
    let engine = Engine::with(isa, threads).expect("threads");
    println!(
        "{} {}, {threads} threads",
        operations::digest(&engine),
        isa.name()
    );
    ExitCode::SUCCESS
}
