//! Changes of a PNG that leave its checksums right and its compressed stream readable. Random bytes
//! would hardly ever get past either.

use std::io::{Read, Write};

use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use flate2::Compression;
use libfuzzer_sys::fuzzer_mutate;

/// The first bytes of every PNG.
pub const MAGIC: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Length, name and checksum of a chunk.
const FRAME: usize = 12;

/// Bytes of a decompressed stream that are changed at most.
const STREAM: usize = 1 << 16;

/// Changes the file in the first `size` bytes of `data`, all of which may be used. Returns the size
/// of the new one.
pub fn mutate(data: &mut [u8], size: usize, seed: u32) -> usize {
    let largest = data.len();
    match seed % 16 {
        // Wrong checksums must be tried too.
        0 => fuzzer_mutate(data, size, largest),
        1..=5 => match inside(&data[..size], largest, seed) {
            Some(changed) => {
                data[..changed.len()].copy_from_slice(&changed);
                changed.len()
            }
            None => fuzzer_mutate(data, size, largest),
        },
        _ => {
            let size = fuzzer_mutate(data, size, largest);
            repair(&mut data[..size]);
            size
        }
    }
}

/// The file with a change of its decompressed image data; `None` where there is none to change or
/// the result is too large.
fn inside(data: &[u8], largest: usize, seed: u32) -> Option<Vec<u8>> {
    let mut compressed = Vec::new();
    let (mut before, mut after) = (MAGIC.to_vec(), Vec::new());
    let mut place = MAGIC.len();
    while let Some(length) = length(data, place) {
        let chunk = &data[place..place + FRAME + length];
        if &chunk[4..8] == b"IDAT" {
            compressed.extend_from_slice(&chunk[8..8 + length]);
        } else if compressed.is_empty() {
            before.extend_from_slice(chunk);
        } else {
            after.extend_from_slice(chunk);
        }
        place += FRAME + length;
    }
    let mut stream = Vec::new();
    // A stream that breaks off has its front changed.
    let _ = ZlibDecoder::new(&compressed[..])
        .take(STREAM as u64)
        .read_to_end(&mut stream);
    if stream.is_empty() {
        return None;
    }
    let size = stream.len();
    stream.resize(size + 64, 0);
    let size = fuzzer_mutate(&mut stream, size, size + 64);
    let level = Compression::new(seed >> 4 & 1);
    let mut encoder = ZlibEncoder::new(Vec::new(), level);
    encoder.write_all(&stream[..size]).ok()?;
    let compressed = encoder.finish().ok()?;
    let mut file = before;
    file.extend_from_slice(&u32::try_from(compressed.len()).ok()?.to_be_bytes());
    file.extend_from_slice(b"IDAT");
    file.extend_from_slice(&compressed);
    file.extend_from_slice(&[0; 4]);
    file.extend_from_slice(&after);
    repair(&mut file);
    (file.len() <= largest).then_some(file)
}

/// Sets the checksum of every chunk that is whole.
fn repair(data: &mut [u8]) {
    let mut place = MAGIC.len();
    while let Some(length) = length(data, place) {
        let checksum = crc32fast::hash(&data[place + 4..place + 8 + length]);
        data[place + 8 + length..][..4].copy_from_slice(&checksum.to_be_bytes());
        place += FRAME + length;
    }
}

/// Length of the content of the chunk at `place`, if it is whole.
fn length(data: &[u8], place: usize) -> Option<usize> {
    let bytes = data.get(place..place + 4)?;
    let length = u32::from_be_bytes(bytes.try_into().ok()?) as usize;
    (data.len() >= place.checked_add(FRAME)?.checked_add(length)?).then_some(length)
}
