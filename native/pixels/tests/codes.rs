//! Huffman codes of JPEGs: what the fast reader gives is what libjpeg-turbo gives, whatever the data.

use std::ptr::null_mut;

use biobench_pixels::{decode_bytes, load_bytes, Cancel, Kernel, Limits, Mode, PixelError, Recipe};
use turbojpeg_sys as turbo;

#[path = "../../fuzz/src/check.rs"]
#[allow(dead_code)]
mod check;

/// A generator of its own: the same numbers everywhere.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % end
    }
}

struct Encoding {
    quality: i32,
    subsampling: i32,
    /// Tables made for the image, with codes of up to 16 bits, in place of the usual ones.
    optimized: bool,
    /// Groups of blocks between two restart markers; 0 for none.
    restart: i32,
}

/// Waves under noise of `noise` levels, or noise alone.
fn picture(width: usize, height: usize, noise: usize, numbers: &mut Numbers) -> Vec<u8> {
    (0..width * height * 3)
        .map(|i| {
            let (x, y) = (i / 3 % width, i / 3 / width);
            let wave = 100.0 + 80.0 * (x as f64 * 0.11).sin() * (y as f64 * 0.07).cos();
            (wave as usize + numbers.below(noise)).min(255) as u8
        })
        .collect()
}

fn encode(pixels: &[u8], width: usize, height: usize, encoding: &Encoding) -> Vec<u8> {
    // SAFETY: the image has height rows of width pixels of three bytes without padding; the library
    // allocates the buffer, of which size bytes are copied before it is freed.
    unsafe {
        let handle = turbo::tj3Init(turbo::TJINIT_TJINIT_COMPRESS as i32);
        assert!(!handle.is_null());
        for (parameter, value) in [
            (turbo::TJPARAM_TJPARAM_QUALITY, encoding.quality),
            (turbo::TJPARAM_TJPARAM_SUBSAMP, encoding.subsampling),
            (turbo::TJPARAM_TJPARAM_OPTIMIZE, encoding.optimized.into()),
            (turbo::TJPARAM_TJPARAM_RESTARTBLOCKS, encoding.restart),
        ] {
            assert_eq!(turbo::tj3Set(handle, parameter as i32, value), 0);
        }
        let (mut buffer, mut size) = (null_mut(), 0);
        let status = turbo::tj3Compress8(
            handle,
            pixels.as_ptr(),
            width as i32,
            0,
            height as i32,
            turbo::TJPF_TJPF_RGB,
            &mut buffer,
            &mut size,
        );
        assert_eq!(status, 0);
        let file = std::slice::from_raw_parts(buffer, size as usize).to_vec();
        turbo::tj3Free(buffer.cast());
        turbo::tj3Destroy(handle);
        file
    }
}

/// The whole image by the way of loads.
fn loaded(data: &[u8], width: usize, height: usize) -> Result<Vec<u8>, PixelError> {
    let recipe = Recipe {
        mode: Mode::None,
        crop: (height, width),
        ..check::usual()
    };
    let mut crop = vec![0; recipe.crop_bytes()];
    let cancel = Cancel::default();
    let kernel = Kernel::scalar();
    load_bytes(
        data,
        &recipe,
        &Limits::default(),
        kernel,
        &cancel,
        &mut crop,
    )
    .map(|()| crop)
}

/// Both ways give the same pixels or refuse. Whether they gave pixels.
fn same(data: &[u8], width: usize, height: usize, what: &str) -> bool {
    let defined = decode_bytes(data, &Limits::default(), &Cancel::default());
    match (&defined, loaded(data, width, height)) {
        (Ok(image), _) if (image.width(), image.height()) != (width, height) => false,
        (Ok(image), Ok(pixels)) => {
            assert!(image.data() == pixels, "{what}: other pixels");
            true
        }
        (Err(one), Err(other)) => {
            assert_eq!(one.to_string(), other.to_string(), "{what}");
            false
        }
        (one, other) => panic!("{what}: {:?} and {:?}", one.as_ref().err(), other.err()),
    }
}

fn encodings() -> Vec<Encoding> {
    let mut all = Vec::new();
    for quality in [1, 30, 75, 95, 100] {
        for subsampling in [
            turbo::TJSAMP_TJSAMP_420,
            turbo::TJSAMP_TJSAMP_422,
            turbo::TJSAMP_TJSAMP_444,
            turbo::TJSAMP_TJSAMP_411,
            turbo::TJSAMP_TJSAMP_GRAY,
        ] {
            for (optimized, restart) in [(false, 0), (true, 0), (true, 1), (false, 7)] {
                all.push(Encoding {
                    quality,
                    subsampling,
                    optimized,
                    restart,
                });
            }
        }
    }
    all
}

/// Protects: whole files of every quality, subsampling, table and restart interval, smooth ones with
/// short codes and noisy ones whose blocks reach the last coefficient.
#[test]
fn whole_files() {
    let numbers = &mut Numbers(1);
    for (width, height) in [(1, 1), (8, 8), (67, 45), (160, 131)] {
        for noise in [1, 40, 256] {
            let pixels = picture(width, height, noise, numbers);
            for encoding in encodings() {
                let file = encode(&pixels, width, height, &encoding);
                assert!(same(&file, width, height, "whole file"));
            }
        }
    }
}

/// Protects: damaged data, which libjpeg-turbo reads as far as it can: codes that are none, values
/// behind the last coefficient, markers and ends anywhere, doubled 0xff, tables of other codes.
#[test]
fn damaged_files() {
    let numbers = &mut Numbers(2);
    let (width, height) = (61, 40);
    let mut accepted = 0;
    for noise in [1, 60] {
        let pixels = picture(width, height, noise, numbers);
        for encoding in encodings() {
            let file = encode(&pixels, width, height, &encoding);
            for _ in 0..40 {
                let mut damaged = file.clone();
                // Most of a file are its codes; its headers are hit too.
                for _ in 0..1 + numbers.below(4) {
                    let place = numbers.below(damaged.len());
                    let bytes: &[u8] = match numbers.below(5) {
                        0 => &[0xff],
                        1 => &[0],
                        2 => &[0xff, 0xff, 0],
                        _ => &[numbers.below(256) as u8],
                    };
                    let end = damaged.len().min(place + bytes.len());
                    damaged[place..end].copy_from_slice(&bytes[..end - place]);
                }
                if numbers.below(8) == 0 {
                    damaged.truncate(numbers.below(damaged.len()));
                }
                accepted += usize::from(same(&damaged, width, height, "damaged file"));
            }
        }
    }
    assert!(accepted > 4_000, "{accepted} of 8,000");
}

/// Protects: images of which parts are passed over: rows above the crop, columns beside it, rows
/// below.
#[test]
fn parts_of_files() {
    let numbers = &mut Numbers(3);
    for encoding in encodings() {
        let (width, height) = (150 + numbers.below(250), 150 + numbers.below(250));
        let pixels = picture(width, height, 1 + numbers.below(60), numbers);
        let file = encode(&pixels, width, height, &encoding);
        for damages in [0, 1, 1, 3] {
            let mut damaged = file.clone();
            for _ in 0..damages {
                let place = numbers.below(damaged.len());
                damaged[place] = numbers.below(256) as u8;
            }
            let recipe = Recipe {
                mode: Mode::None,
                crop: (1 + numbers.below(height), 1 + numbers.below(width)),
                ..check::usual()
            };
            check::file(&damaged, &recipe, &check::limits(1 << 18));
        }
    }
}
