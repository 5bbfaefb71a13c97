//! Batches through the public surface, with files made here.

use std::fs;
use std::path::{Path, PathBuf};

use biobench_pixels::{
    load_batch, Cancel, CropRounding, Filter, Kernel, Limits, LongSide, Mode, PixelError, Recipe,
};

fn recipe() -> Recipe {
    Recipe {
        mode: Mode::None,
        size: (2, 3),
        long_side: LongSide::Floor,
        filter: Filter::Bicubic,
        crop: (2, 3),
        crop_rounding: CropRounding::Floor,
        pad: [0, 0, 0],
    }
}

/// A PNG of 3 x 2 pixels of one colour.
fn write_png(path: &Path, colour: u8) {
    let mut encoder = png::Encoder::new(fs::File::create(path).unwrap(), 3, 2);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[colour; 18]).unwrap();
}

fn files(name: &str, count: u8) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    (0..count)
        .map(|index| {
            let path = folder.join(format!("{index}.png"));
            write_png(&path, index);
            path
        })
        .collect()
}

/// Protects: order, and a bad item in the midst of good ones.
#[test]
fn order_and_one_bad_item() {
    let mut paths = files("order", 9);
    paths[4] = "nowhere.png".into();
    let mut out = vec![255; 9 * 18];
    let outcomes = load_batch(
        &paths,
        &recipe(),
        &Limits::default(),
        3,
        Kernel::best(),
        &Cancel::default(),
        &mut out,
    )
    .unwrap();
    for (index, outcome) in outcomes.iter().enumerate() {
        let crop = &out[index * 18..][..18];
        if index == 4 {
            assert!(matches!(outcome, Err(PixelError::NotFound)));
            assert_eq!(crop, [0; 18]);
        } else {
            assert_eq!(crop, [index as u8; 18]);
            assert_eq!(outcome.as_ref().unwrap(), blake3::hash(crop).as_bytes());
        }
    }
}

/// Protects: a flag that is set stops every item that has not begun.
#[test]
fn cancelled_before_the_start() {
    let cancel = Cancel::default();
    cancel.set();
    let mut out = vec![0; 3 * 18];
    let paths = files("cancelled", 3);
    let outcomes = load_batch(
        &paths,
        &recipe(),
        &Limits::default(),
        2,
        Kernel::best(),
        &cancel,
        &mut out,
    )
    .unwrap();
    assert!(outcomes
        .iter()
        .all(|outcome| matches!(outcome, Err(PixelError::Cancelled))));
}

/// Protects: limits reach every item.
#[test]
fn limits_are_checked() {
    let paths = files("limits", 1);
    let mut out = vec![0; 18];
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
        let outcomes = load_batch(
            &paths,
            &recipe(),
            &limits,
            1,
            Kernel::best(),
            &Cancel::default(),
            &mut out,
        )
        .unwrap();
        assert!(matches!(outcomes[0], Err(PixelError::TooLarge { .. })));
    }
}

/// Protects: an output of another size is refused before anything is written.
#[test]
fn output_size_is_checked() {
    let paths = files("size", 2);
    let result = load_batch(
        &paths,
        &recipe(),
        &Limits::default(),
        1,
        Kernel::best(),
        &Cancel::default(),
        &mut [0; 18],
    );
    assert!(matches!(result, Err(PixelError::Internal(_))));
}
