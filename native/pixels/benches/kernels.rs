//! The steps of loading one image, each by itself, and all of them (`cargo bench`).
//!
//! Rates are in pixels of the source, but those of the weights, which are in source positions.

use std::hint::black_box;
use std::time::Duration;

use biobench_pixels::{
    decode_bytes, load_bytes, resize, Cancel, CropRounding, Filter, Kernel, Limits, LongSide, Mode,
    Recipe, RgbImage,
};
use criterion::{BenchmarkId, Criterion, Throughput};

const SIDE: usize = 1024;
const TARGET: usize = 224;

/// Waves with noise: neither flat nor random, like a photograph to a decoder.
fn picture(height: usize, width: usize) -> RgbImage {
    let mut state = 1u32;
    let mut bytes = Vec::with_capacity(height * width * 3);
    for y in 0..height {
        for x in 0..width {
            for channel in 0..3 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let wave = (y as f64 * 0.013).sin() * (x as f64 * 0.017 + channel as f64).cos();
                bytes.push((128.0 + 90.0 * wave) as u8 ^ (state >> 29) as u8);
            }
        }
    }
    RgbImage::from_raw(width, height, bytes).unwrap()
}

fn png(image: &RgbImage) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, image.width() as u32, image.height() as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(image.data()).unwrap();
    drop(writer);
    file
}

/// Quality 85, 4:2:0, by the encoder beside the decoder.
fn jpeg(image: &RgbImage) -> Vec<u8> {
    let (mut buffer, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: the image has height rows of width pixels of three bytes without padding; the
    // library allocates the buffer, of which size bytes are copied before it is freed.
    unsafe {
        let handle = turbojpeg_sys::tjInitCompress();
        assert!(!handle.is_null());
        let status = turbojpeg_sys::tjCompress2(
            handle,
            image.data().as_ptr(),
            image.width() as i32,
            0,
            image.height() as i32,
            turbojpeg_sys::TJPF_TJPF_RGB,
            &mut buffer,
            &mut size,
            turbojpeg_sys::TJSAMP_TJSAMP_420,
            85,
            0,
        );
        assert_eq!(status, 0);
        let file = std::slice::from_raw_parts(buffer, size as usize).to_vec();
        turbojpeg_sys::tjFree(buffer);
        turbojpeg_sys::tjDestroy(handle);
        file
    }
}

fn files() -> [(&'static str, Vec<u8>); 2] {
    let image = picture(SIDE, SIDE);
    [("jpeg", jpeg(&image)), ("png", png(&image))]
}

fn passes(criterion: &mut Criterion) {
    let image = picture(SIDE, SIDE);
    for (name, height, width) in [("horizontal", SIDE, TARGET), ("vertical", TARGET, SIDE)] {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements((SIDE * SIDE) as u64));
        for filter in [Filter::Bilinear, Filter::Bicubic, Filter::Lanczos] {
            for kernel in Kernel::available() {
                let id = BenchmarkId::new(kernel.name(), format!("{filter:?}"));
                group.bench_function(id, |bencher| {
                    bencher.iter(|| resize(black_box(&image), height, width, filter, kernel));
                });
            }
        }
        group.finish();
    }
}

/// One row: next to nothing but the making of weights.
fn weights(criterion: &mut Criterion) {
    let width = 65_536;
    let row = picture(1, width);
    let mut group = criterion.benchmark_group("weights");
    group.throughput(Throughput::Elements(width as u64));
    for filter in [Filter::Bilinear, Filter::Bicubic, Filter::Lanczos] {
        group.bench_function(format!("{filter:?}"), |bencher| {
            bencher.iter(|| resize(black_box(&row), 1, TARGET, filter, Kernel::best()));
        });
    }
    group.finish();
}

fn rows(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rows");
    group.throughput(Throughput::Elements((SIDE * SIDE) as u64));
    for (name, data) in files() {
        group.bench_function(name, |bencher| {
            bencher.iter(|| decode_bytes(black_box(&data), &Limits::default(), &Cancel::default()));
        });
    }
    group.finish();
}

fn whole(criterion: &mut Criterion) {
    let recipe = Recipe {
        mode: Mode::Shortest,
        size: (TARGET, TARGET),
        long_side: LongSide::Floor,
        filter: Filter::Bicubic,
        crop: (TARGET, TARGET),
        crop_rounding: CropRounding::HalfEven,
        pad: [0; 3],
    };
    let (limits, cancel) = (Limits::default(), Cancel::default());
    let mut crop = vec![0; recipe.crop_bytes()];
    let mut group = criterion.benchmark_group("load");
    group.throughput(Throughput::Elements((SIDE * SIDE) as u64));
    for (name, data) in files() {
        for kernel in Kernel::available() {
            group.bench_function(BenchmarkId::new(name, kernel.name()), |bencher| {
                bencher.iter(|| {
                    load_bytes(
                        black_box(&data),
                        &recipe,
                        &limits,
                        kernel,
                        &cancel,
                        &mut crop,
                    )
                });
            });
        }
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    for steps in [passes, weights, rows, whole] {
        steps(&mut criterion);
    }
    criterion.final_summary();
}
