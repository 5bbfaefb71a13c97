//! Batches through the public surface, with files made here.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use biobench_pixels::layout::{Format, Layout, Values};
use biobench_pixels::loader::{Aligned, Batch, Memory, Next, Plan};
use biobench_pixels::{
    CropRounding, Filter, Items, Kernel, Limits, Loader, LongSide, Mode, PixelError, Place, Recipe,
};
use sha2::{Digest, Sha256};

/// Bytes of a crop.
const CROP: usize = 18;

const ONE: Plan = Plan {
    batch_size: 1,
    workers: 1,
    ahead: 1,
};

/// Items without a resize, as they are.
fn items(paths: Vec<PathBuf>) -> Items {
    Items {
        places: paths.into_iter().map(Place::Path).collect(),
        recipe: Recipe {
            mode: Mode::None,
            size: (2, 3),
            long_side: LongSide::Floor,
            filter: Filter::Bicubic,
            crop: (2, 3),
            crop_rounding: CropRounding::Floor,
            pad: [0, 0, 0],
        },
        format: Format {
            layout: Layout::Nhwc,
            values: Values::Bytes,
        },
        hash_files: true,
        decoder: None,
        limits: Limits::default(),
        kernel: Kernel::best(),
    }
}

/// PNGs of 3 x 2 pixels; the colour of each is its index.
fn files(name: &str, count: u8) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    (0..count)
        .map(|index| {
            let path = folder.join(format!("{index}.png"));
            let mut encoder = png::Encoder::new(fs::File::create(&path).unwrap(), 3, 2);
            encoder.set_color(png::ColorType::Rgb);
            let mut writer = encoder.write_header().unwrap();
            writer.write_image_data(&[index; CROP]).unwrap();
            path
        })
        .collect()
}

fn bytes(batch: &Batch<Aligned>) -> &[u8] {
    // SAFETY: the batch was taken, so that no thread writes to it.
    unsafe { std::slice::from_raw_parts(batch.memory.pointer(), batch.memory.size()) }
}

fn all(items: Items, plan: Plan) -> Vec<Batch<Aligned>> {
    let loader = Loader::start(items, plan).unwrap();
    let mut found = Vec::new();
    loop {
        while let Some(size) = loader.next_size().unwrap() {
            loader.supply(Aligned::zeroed(size).unwrap()).unwrap();
        }
        match loader.wait(Duration::from_secs(20)) {
            Next::Batch(batch) => found.push(batch),
            Next::Later => panic!("no batch after twenty seconds"),
            Next::End => return found,
        }
    }
}

/// Protects: order, starts, digests, and a bad item in the midst of good ones, whatever the plan.
#[test]
fn order_and_one_bad_item() {
    let mut paths = files("order", 9);
    paths[4] = "nowhere.png".into();
    for (batch_size, workers, ahead) in [(1, 1, 1), (2, 3, 2), (4, 2, 9), (20, 2, 1)] {
        let plan = Plan {
            batch_size,
            workers,
            ahead,
        };
        let batches = all(items(paths.clone()), plan);
        assert_eq!(batches.len(), 9_usize.div_ceil(batch_size));
        let mut index = 0;
        for batch in &batches {
            assert_eq!(batch.start, index);
            for (item, crop) in batch.items.iter().zip(bytes(batch).chunks_exact(CROP)) {
                if index == 4 {
                    assert!(matches!(item.outcome, Err(PixelError::NotFound)));
                    assert_eq!(crop, [0; CROP]);
                    assert!(item.file.is_none());
                } else {
                    let content = fs::read(&paths[index]).unwrap();
                    let sha256: [u8; 32] = Sha256::digest(&content).into();
                    assert_eq!(item.file.unwrap().sha256, sha256);
                    assert_eq!(crop, [index as u8; CROP]);
                    assert_eq!(
                        item.outcome.as_ref().unwrap(),
                        blake3::hash(crop).as_bytes()
                    );
                }
                index += 1;
            }
        }
        assert_eq!(index, 9);
    }
}

/// Protects: a failed item has the table's values for black, and the digest is of the crop.
#[test]
fn table_of_a_bad_item() {
    let mut items = items(files("table", 2));
    items.places[0] = Place::Path("nowhere.png".into());
    items.format = Format {
        layout: Layout::Nchw,
        values: Values::Table(Box::new([[1.5; 256], [2.5; 256], [3.5; 256]])),
    };
    let plan = Plan {
        batch_size: 2,
        ..ONE
    };
    let batch = &all(items, plan)[0];
    for item in bytes(batch).chunks_exact(4 * CROP) {
        for (place, value) in item.chunks_exact(4).enumerate() {
            let value = f32::from_ne_bytes(value.try_into().unwrap());
            assert_eq!(value, [1.5, 2.5, 3.5][place / 6]);
        }
    }
    let digest = batch.items[1].outcome.as_ref().unwrap();
    assert_eq!(digest, blake3::hash(&[1; CROP]).as_bytes());
}

/// Protects: limits reach every item.
#[test]
fn limits_are_checked() {
    for limits in [
        Limits {
            max_pixels: 5,
            ..Limits::default()
        },
        Limits {
            max_file_bytes: 20,
            ..Limits::default()
        },
    ] {
        let mut items = items(files("limits", 1));
        items.limits = limits;
        let outcome = &all(items, ONE)[0].items[0].outcome;
        assert!(matches!(outcome, Err(PixelError::TooLarge { .. })));
    }
}

/// Protects: no items are no batch, and a plan that cannot be is refused.
#[test]
fn plans() {
    assert!(all(items(Vec::new()), ONE).is_empty());
    for zero in ["batch_size", "workers", "ahead"] {
        let number = |name| usize::from(name != zero);
        let plan = Plan {
            batch_size: number("batch_size"),
            workers: number("workers"),
            ahead: number("ahead"),
        };
        assert!(Loader::<Aligned>::start(items(Vec::new()), plan).is_err());
    }
}
