//! Files that mean harm: the corpus of the fuzz targets again, and what is too large for them.

use std::fs;
use std::io::Write;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::{Path, PathBuf};

use biobench_pixels::{load_bytes, Cancel, Filter, Kernel, Limits, Mode, PixelError, Recipe};

#[path = "../../fuzz/src/check.rs"]
mod check;
#[path = "../../fuzz/src/inputs.rs"]
mod inputs;

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    entries
}

/// Protects: what fuzzing found stays repaired, and what it starts from is handled as it demands.
/// A folder has the name of its target.
#[test]
fn corpus() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let mut files = 0;
    // git keeps no empty folder: one without findings is absent from a clone.
    let kinds = ["seeds", "findings"].map(|kind| fuzz.join(kind));
    for folder in kinds.iter().filter(|kind| kind.is_dir()) {
        for folder in entries(folder).iter().filter(|path| path.is_dir()) {
            let run = match folder.file_name().unwrap().to_str().unwrap() {
                "load" => inputs::any_file,
                "resize" => inputs::any_resize,
                _ => inputs::format,
            };
            for path in entries(folder) {
                let data = fs::read(&path).unwrap();
                let outcome = catch_unwind(AssertUnwindSafe(|| run(&data)));
                assert!(outcome.is_ok(), "{}", path.display());
                files += 1;
            }
        }
    }
    assert!(files > 100, "{files} files");
}

fn recipe(filter: Filter) -> Recipe {
    Recipe {
        mode: Mode::Squash,
        size: (224, 224),
        filter,
        crop: (224, 224),
        ..check::usual()
    }
}

/// Seconds and the error of one file with the default limits.
fn cost(data: &[u8], filter: Filter) -> (f64, Option<PixelError>) {
    let recipe = recipe(filter);
    let (limits, cancel) = (Limits::default(), Cancel::default());
    let mut crop = vec![0; recipe.crop_bytes()];
    let start = check::processor_time();
    let outcome = load_bytes(data, &recipe, &limits, Kernel::best(), &cancel, &mut crop);
    (check::processor_time() - start, outcome.err())
}

fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let body = [&name[..], content].concat();
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&length[..], &body, &crc32fast::hash(&body).to_be_bytes()].concat()
}

/// A black PNG of one bit a pixel, with `more` bytes of image data than it has pixels for.
fn black_png(width: u32, height: u32, more: usize) -> Vec<u8> {
    let mut stream = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    let mut left = (width as usize).div_ceil(8).saturating_add(1) * height as usize + more;
    let zeros = vec![0; 1 << 20];
    while left > 0 {
        let step = left.min(zeros.len());
        stream.write_all(&zeros[..step]).unwrap();
        left -= step;
    }
    let header = [
        &width.to_be_bytes()[..],
        &height.to_be_bytes(),
        &[1, 0, 0, 0, 0],
    ]
    .concat();
    [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(b"IHDR", &header),
        chunk(b"IDAT", &stream.finish().unwrap()),
        chunk(b"IEND", &[]),
    ]
    .concat()
}

/// Protects time and memory: the worst sides that are permitted, and no worse ones.
#[test]
fn strips() {
    for (width, height) in [(1_000_000, 17), (17, 1_000_000)] {
        let (seconds, error) = cost(&black_png(width, height, 0), Filter::Lanczos);
        assert!(error.is_none());
        assert!(seconds < 4.0, "{width} x {height}: {seconds:.1} s");
    }
    for (width, height) in [(10_000_000, 17), (17, 10_000_000)] {
        let (seconds, error) = cost(&black_png(width, height, 0), Filter::Lanczos);
        assert!(matches!(error, Some(PixelError::TooLarge { .. })));
        assert!(seconds < 1.0, "{width} x {height}: {seconds:.1} s");
    }
}

/// Protects time: a stream that goes on after the last row is not decompressed to its end.
#[test]
fn endless_stream() {
    let (seconds, error) = cost(&black_png(1, 1, 1 << 30), Filter::Bicubic);
    assert!(error.is_none());
    assert!(seconds < 1.0, "{seconds:.1} s");
}

/// A gray progressive JPEG whose scans have no data.
fn scans(side: u16, scans: usize) -> Vec<u8> {
    let mut file = b"\xff\xd8\xff\xdb\x00\x43\x00".to_vec();
    file.extend([1; 64]);
    file.extend(b"\xff\xc2\x00\x0b\x08");
    file.extend([side.to_be_bytes(), side.to_be_bytes()].concat());
    file.extend(b"\x01\x01\x11\x00");
    for table in [0x00, 0x10] {
        file.extend([0xff, 0xc4, 0, 20, table, 1]);
        file.extend([0; 16]);
    }
    for scan in 0..scans {
        let spectrum = if scan == 0 { [0, 0] } else { [1, 63] };
        file.extend(b"\xff\xda\x00\x08\x01\x01\x00");
        file.extend(spectrum);
        file.push(0);
    }
    file.extend(b"\xff\xd9");
    file
}

/// Protects time: a few bytes a scan do not go over a large image a thousand times.
#[test]
fn many_scans() {
    let (_, error) = cost(&scans(16, 1000), Filter::Bicubic);
    assert!(error.is_none());
    let (seconds, error) = cost(&scans(13_000, 13), Filter::Bicubic);
    assert!(matches!(
        error,
        Some(PixelError::TooLarge { limit: 12, .. })
    ));
    assert!(seconds < 4.0, "{seconds:.1} s");
}
