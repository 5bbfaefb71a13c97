//! Programs of models held to the digests of their features: `cargo run --example features -- FOLDER`, on every
//! instruction set of the processor. `tests/golden/families.py` writes the folder.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use biobench_engine::isa::Isa;
use biobench_engine::program::Program;
use biobench_engine::Engine;
use sha2::{Digest, Sha256};

fn features(folder: &Path, isa: Isa) -> Result<String, Box<dyn Error>> {
    let text = fs::read_to_string(folder.join("program.json"))?;
    let constant = |digest: &str| fs::read(folder.join(digest.strip_prefix("sha256:")?)).ok();
    let program = Program::read(&text, constant)?;
    let input = fs::read(folder.join("input"))?;
    let words = input.as_chunks().0.iter();
    let images: Vec<f32> = words.map(|word| f32::from_le_bytes(*word)).collect();
    let batch = images.len() / program.input().elements().at(1);
    let engine = Engine::with(isa, 2)?;
    let found = program.run(&engine, &images, batch)?;
    let bytes: Vec<u8> = found.iter().flat_map(|x| x.to_le_bytes()).collect();
    let digits: String = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok(format!("sha256:{digits}"))
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("which folder?")?;
    let (mut compared, mut wrong) = (0, 0);
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let expected = fs::read_to_string(path.join("expected"))?;
        for isa in Isa::available() {
            let found = features(&path, isa)?;
            compared += 1;
            if found != expected {
                wrong += 1;
                eprintln!(
                    "{}, {}: {found}, not {expected}",
                    path.display(),
                    isa.name()
                );
            }
        }
    }
    println!("{compared} programs and instruction sets, {wrong} with other features");
    let right = wrong == 0 && compared > 0;
    Ok(if right {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
