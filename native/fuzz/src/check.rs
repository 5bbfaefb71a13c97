//! What must hold for the bytes of any file, whatever they are.
//!
//! Shared by the fuzz targets and by the test of `biobench-pixels` that replays their corpus, so
//! that both demand the same.

use biobench_pixels::geometry::{crop_offset, target_size};
use biobench_pixels::{
    decode_bytes, load_bytes, load_image, resize, Cancel, CropRounding, Filter, Kernel, Limits,
    LongSide, Mode, PixelError, Recipe, RgbImage,
};

/// Seconds of processor time that one call may take. The time on a clock would tell how busy the
/// machine is.
pub const SECONDS: f64 = 1.0;

/// Largest target that is resized whole, to compare a crop with.
const WHOLE: usize = 1 << 14;

/// Limits of the targets: images small enough for thousands of runs a second, whose sides can
/// still differ as much as those of the worst strip.
pub fn limits(max_pixels: u64) -> Limits {
    Limits {
        max_pixels,
        max_file_bytes: 1 << 20,
        ..Limits::default()
    }
}

/// The recipe of most models, in small.
pub fn usual() -> Recipe {
    Recipe {
        mode: Mode::Shortest,
        size: (24, 24),
        long_side: LongSide::Floor,
        filter: Filter::Bicubic,
        crop: (20, 20),
        crop_rounding: CropRounding::HalfEven,
        pad: [1, 2, 3],
    }
}

/// One that looks at the middle of the image alone, where rows and columns can be left out.
pub fn middle() -> Recipe {
    Recipe {
        mode: Mode::None,
        crop: (5, 7),
        ..usual()
    }
}

/// A file gives the same crop in every way there is, or none in any.
///
/// The crop that is made by rows, with each kernel, must be the one that follows from the whole
/// decoded image by plain steps; and a file must be refused by both or by neither.
pub fn file(data: &[u8], recipe: &Recipe, limits: &Limits) {
    let cancel = Cancel::default();
    let whole = timed("decode", || decode_bytes(data, limits, &cancel));
    let outcomes: Vec<_> = Kernel::available()
        .into_iter()
        .map(|kernel| {
            let mut crop = vec![0; recipe.crop_bytes()];
            timed(kernel.name(), || {
                load_bytes(data, recipe, limits, kernel, &cancel, &mut crop)
            })
            .map(|()| crop)
        })
        .collect();
    for (outcome, kernel) in outcomes.iter().zip(Kernel::available()) {
        match (&whole, outcome) {
            (Ok(whole), Ok(found)) => {
                if let Some(expected) = plain(whole, recipe) {
                    assert!(*found == expected, "{}: another crop", kernel.name());
                }
                assert!(
                    Some(found) == outcomes[0].as_ref().ok(),
                    "{}: not the crop of the definition",
                    kernel.name()
                );
            }
            (Ok(whole), Err(PixelError::TooLarge { .. })) => {
                let (height, width) = target_size(recipe, whole.height(), whole.width());
                assert!((height * width) as u64 > limits.max_pixels);
            }
            (Ok(_), Err(error)) => panic!("{}: refused alone: {error}", kernel.name()),
            (Err(error), Ok(_)) => panic!("{}: accepted in spite of: {error}", kernel.name()),
            (Err(one), Err(other)) => {
                for error in [one, other] {
                    // The images are small: there is memory for all that is not refused as too large.
                    assert!(!["internal", "memory"].contains(&error.kind()), "{error}");
                }
            }
        }
    }
}

/// An image gives the same crop with every kernel, the one that follows by plain steps.
pub fn image(image: &RgbImage, recipe: &Recipe, limits: &Limits) {
    let expected = plain(image, recipe);
    for kernel in Kernel::available() {
        let mut crop = vec![0; recipe.crop_bytes()];
        let outcome = timed(kernel.name(), || {
            load_image(image, recipe, limits, kernel, &Cancel::default(), &mut crop)
        });
        match outcome {
            Ok(()) => {
                if let Some(expected) = &expected {
                    assert!(crop == *expected, "{}: another crop", kernel.name());
                }
            }
            Err(PixelError::TooLarge { .. }) => {}
            Err(error) => panic!("{}: {error}", kernel.name()),
        }
    }
}

/// Resize of the whole image by the definition, then the crop; `None` where that would be large.
fn plain(image: &RgbImage, recipe: &Recipe) -> Option<Vec<u8>> {
    let (height, width) = target_size(recipe, image.height(), image.width());
    if height.checked_mul(width)? > WHOLE {
        return None;
    }
    let resized = resize(image, height, width, recipe.filter, Kernel::scalar()).unwrap();
    let top = crop_offset(recipe.crop_rounding, height, recipe.crop.0);
    let left = crop_offset(recipe.crop_rounding, width, recipe.crop.1);
    let place = |offset: i64, index: usize, side: usize| {
        usize::try_from(offset + index as i64)
            .ok()
            .filter(|place| *place < side)
    };
    let mut crop = Vec::with_capacity(recipe.crop_bytes());
    for y in 0..recipe.crop.0 {
        let row = place(top, y, height).map(|y| resized.row(y));
        for x in 0..recipe.crop.1 {
            match (row, place(left, x, width)) {
                (Some(row), Some(x)) => crop.extend_from_slice(&row[3 * x..][..3]),
                _ => crop.extend_from_slice(&recipe.pad),
            }
        }
    }
    Some(crop)
}

/// Runs `work`, which must not take longer than [`SECONDS`].
fn timed<T>(name: &str, work: impl FnOnce() -> T) -> T {
    let start = processor_time();
    let result = work();
    let seconds = processor_time() - start;
    assert!(seconds < SECONDS, "{name}: {seconds:.2} s");
    result
}

/// Seconds that this thread has used.
pub fn processor_time() -> f64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the place is valid, and the clock exists on every system that this runs on.
    let status = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    assert_eq!(status, 0);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}
