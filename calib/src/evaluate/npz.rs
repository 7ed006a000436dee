//! Landmarks of people who look at known targets: one `.npz` file with the arrays
//! `landmarks_px` (n×478×3), `person`, `session`, `target_norm` (fraction of the
//! window), `window_px` and `image_px`.
//!
//! The container is the zip crate's business; of NumPy's own format (version 1, little
//! endian, C order, numbers of 32 bits) so much as these arrays need.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use gaze::camera::Intrinsics;
use gaze::evaluation::Frame;
use gaze::landmarks::COUNT;
use gaze::screen::Screen;
use zip::ZipArchive;

/// More than this is no array of a recording (a broken file may claim anything).
const LARGEST: u64 = 1 << 30;

/// An array of 32-bit numbers, integers turned into floats.
struct Array {
    shape: Vec<usize>,
    values: Vec<f32>,
}

/// Reads the looks in the file's order: by person, then by sitting.
///
/// # Errors
/// What is wrong with the file, in a few words.
pub fn read(path: &Path) -> Result<Vec<Frame>, String> {
    let file = File::open(path).map_err(|e| format!("cannot read: {e}"))?;
    let arrays = arrays(file)?;
    let array = |name: &str, per_frame: usize| {
        let a = arrays.get(name).ok_or_else(|| format!("no array {name}"))?;
        let n = a.shape.first().copied().unwrap_or(0);
        (a.values.len() == n.saturating_mul(per_frame))
            .then_some(&a.values[..])
            .ok_or_else(|| format!("{name} is {:?}, not of {per_frame} numbers each", a.shape))
    };
    let landmarks = array("landmarks_px", COUNT * 3)?;
    let (person, session) = (array("person", 1)?, array("session", 1)?);
    let (target, window) = (array("target_norm", 2)?, array("window_px", 2)?);
    let image = array("image_px", 2)?;
    let n = person.len();
    let lengths = [
        landmarks.len() / COUNT / 3,
        session.len(),
        target.len() / 2,
        window.len() / 2,
        image.len() / 2,
    ];
    if lengths != [n; 5] {
        return Err(format!("arrays of different lengths: {n} and {lengths:?}"));
    }
    let pair = |a: &[f32], i: usize| [f64::from(a[2 * i]), f64::from(a[2 * i + 1])];
    let frames = (0..n).map(|i| Frame {
        person: person[i] as i64,
        sitting: session[i] as i64,
        target: pair(target, i),
        screen: Screen::laptop(window[2 * i] as u32, window[2 * i + 1] as u32),
        camera: Intrinsics::webcam(image[2 * i] as u32, image[2 * i + 1] as u32),
        landmarks: Some(Box::new(std::array::from_fn(|k| {
            std::array::from_fn(|c| landmarks[(i * COUNT + k) * 3 + c])
        }))),
        head_deg: None,
    });
    Ok(frames.collect())
}

/// All arrays of a file, by name without `.npy`.
fn arrays(file: File) -> Result<HashMap<String, Array>, String> {
    let mut zip = ZipArchive::new(file).map_err(|e| format!("not an npz file: {e}"))?;
    let mut arrays = HashMap::new();
    for i in 0..zip.len() {
        let entry = zip.by_index(i).map_err(|e| e.to_string())?;
        let name = entry.name().trim_end_matches(".npy").to_owned();
        let mut bytes = Vec::new();
        (entry.take(LARGEST).read_to_end(&mut bytes)).map_err(|e| format!("{name}: {e}"))?;
        let array = npy(&bytes).ok_or_else(|| format!("{name} is no array of <f4 or <i4"))?;
        arrays.insert(name, array);
    }
    Ok(arrays)
}

fn npy(bytes: &[u8]) -> Option<Array> {
    let rest = bytes.strip_prefix(b"\x93NUMPY\x01\x00")?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (header, data) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    let header = std::str::from_utf8(header).ok()?;
    let float = header.contains("'<f4'");
    if !(float || header.contains("'<i4'")) || header.contains("'fortran_order': True") {
        return None;
    }
    let shape = header.split("'shape': (").nth(1)?.split(')').next()?;
    let shape: Vec<usize> = (shape.split(','))
        .filter_map(|n| n.trim().parse().ok())
        .collect();
    let number = |b: &[u8; 4]| {
        if float {
            f32::from_le_bytes(*b)
        } else {
            i32::from_le_bytes(*b) as f32
        }
    };
    let values: Vec<f32> = data.as_chunks::<4>().0.iter().map(number).collect();
    let claimed = shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d))?;
    (values.len() == claimed).then_some(Array { shape, values })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What NumPy writes.
    fn array(kind: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn arrays_are_read_and_what_is_none_is_refused() {
        let data: Vec<u8> = [1.5f32, -2.0]
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        let read = npy(&array("<f4", "(1, 2)", &data)).unwrap();
        assert_eq!((read.shape, read.values), (vec![1, 2], vec![1.5, -2.0]));
        let read = npy(&array("<i4", "(2,)", &[7, 0, 0, 0, 255, 255, 255, 255])).unwrap();
        assert_eq!(read.values, [7.0, -1.0]);
        for bad in [
            array("<f8", "(1,)", &data),
            array("<f4", "(3,)", &data),
            array("<f4", "(18446744073709551615, 2)", &data),
            array("<f4", "(1, 2)", &data)[..40].to_vec(),
            b"text".to_vec(),
        ] {
            assert!(npy(&bad).is_none());
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npz");
        std::fs::write(&path, "PK and nothing more").unwrap();
        assert!(super::read(&path).unwrap_err().contains("not an npz file"));
    }
}
