//! Just enough of NumPy's files to read arrays of 32-bit numbers: `.npy`
//! (format version 1, little endian, C order) inside a `.npz` (zip, stored or
//! deflated, no zip64).

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use flate2::read::DeflateDecoder;

/// An array of 32-bit numbers, integers turned into floats.
pub struct Array {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// All arrays of a file, by name without `.npy`.
pub fn read(path: &Path) -> Result<HashMap<String, Array>, String> {
    let bytes = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let fail = |what: &str| format!("{}: {what}", path.display());
    let end = bytes
        .windows(4)
        .rposition(|w| w == b"PK\x05\x06")
        .ok_or_else(|| fail("not a zip file"))?;
    let count = number(&bytes, end + 10, 2).ok_or_else(|| fail("the zip file's end is cut off"))?;
    let mut at =
        number(&bytes, end + 16, 4).ok_or_else(|| fail("the zip file's end is cut off"))?;
    let mut arrays = HashMap::new();
    for _ in 0..count {
        let (name, data, next) =
            entry(&bytes, at).ok_or_else(|| fail("a broken entry in the zip directory"))?;
        let array = npy(&data).ok_or_else(|| fail(&format!("{name} is no array of <f4 or <i4")))?;
        arrays.insert(name.trim_end_matches(".npy").to_owned(), array);
        at = next;
    }
    Ok(arrays)
}

/// Name and contents of the entry described at `at`, and where the next description is.
fn entry(bytes: &[u8], at: usize) -> Option<(String, Vec<u8>, usize)> {
    let (method, packed) = (number(bytes, at + 10, 2)?, number(bytes, at + 20, 4)?);
    let [name, extra, comment] = [28, 30, 32].map(|o| number(bytes, at + o, 2));
    let (name, after) = (name?, extra? + comment?);
    let text = String::from_utf8_lossy(bytes.get(at + 46..at + 46 + name)?).into_owned();
    let local = number(bytes, at + 42, 4)?;
    let start = local + 30 + number(bytes, local + 26, 2)? + number(bytes, local + 28, 2)?;
    let packed = bytes.get(start..start + packed)?;
    let mut data = Vec::new();
    match method {
        0 => data.extend_from_slice(packed),
        8 => drop(DeflateDecoder::new(packed).read_to_end(&mut data).ok()?),
        _ => return None,
    }
    Some((text, data, at + 46 + name + after))
}

fn npy(bytes: &[u8]) -> Option<Array> {
    let header_len = bytes
        .starts_with(b"\x93NUMPY\x01")
        .then(|| number(bytes, 8, 2))??;
    let header = std::str::from_utf8(bytes.get(10..10 + header_len)?).ok()?;
    let float = header.contains("'<f4'");
    if !(float || header.contains("'<i4'")) || header.contains("'fortran_order': True") {
        return None;
    }
    let shape = header.split("'shape': (").nth(1)?.split(')').next()?;
    let shape: Vec<usize> = shape
        .split(',')
        .filter_map(|n| n.trim().parse().ok())
        .collect();
    let values: Vec<f32> = bytes[10 + header_len..]
        .as_chunks::<4>()
        .0
        .iter()
        .map(|b| {
            if float {
                f32::from_le_bytes(*b)
            } else {
                i32::from_le_bytes(*b) as f32
            }
        })
        .collect();
    (values.len() == shape.iter().product::<usize>()).then_some(Array { shape, values })
}

/// An unsigned little-endian number of `len` bytes.
fn number(bytes: &[u8], at: usize, len: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(len)?)?;
    Some(bytes.iter().rev().fold(0, |n, b| n << 8 | usize::from(*b)))
}
