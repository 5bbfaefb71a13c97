//! Copies `spec/` to `OUT_DIR/_spec`, from where maturin takes it into the wheel.
//!
//! maturin skips symbolic links in silence and cannot move a folder from outside the package into
//! it, so the copy is made here. It is cleared first: a file that left `spec/` leaves the wheel.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo:rustc-env=BIOBENCH_PROFILE={}", env_value("PROFILE"));
    println!("cargo:rustc-env=BIOBENCH_TARGET={}", env_value("TARGET"));
    let spec = Path::new(&env_value("CARGO_MANIFEST_DIR")).join("../../spec");
    println!("cargo:rerun-if-changed={}", spec.display());
    let copy = PathBuf::from(env_value("OUT_DIR")).join("_spec");
    if copy.exists() {
        fs::remove_dir_all(&copy)?;
    }
    fs::create_dir_all(&copy)?;
    if spec.is_dir() {
        copy_folder(&spec, &copy)?;
    }
    Ok(())
}

fn env_value(name: &str) -> String {
    env::var(name).expect("cargo sets it for build scripts")
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            // Implementations in other languages are no part of what the runner reads.
            if entry.file_name() == "ports" {
                continue;
            }
            fs::create_dir_all(&target)?;
            copy_folder(&source, &target)?;
        } else {
            fs::copy(&source, &target)?;
        }
    }
    Ok(())
}
