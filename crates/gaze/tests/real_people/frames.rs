//! Frames of people who look at known targets, as landmarks: the arrays
//! `landmarks_px` (n×478×3), `person`, `session`, `target_norm` (fraction of the
//! window), `window_px` and `image_px` of one `.npz` file.

use std::path::Path;

use gaze::camera::Intrinsics;
use gaze::landmarks::{COUNT, Landmarks};

use super::npz;

/// One look. Each program that reads these uses a part of it.
#[allow(dead_code)]
pub struct Frame {
    pub landmarks: Landmarks,
    pub person: i64,
    pub session: i64,
    /// Fraction of the window.
    pub target: [f64; 2],
    pub window_px: [f64; 2],
    pub camera: Intrinsics,
}

/// In the file's order: by person, then by sitting.
pub fn read(path: &Path) -> Result<Vec<Frame>, String> {
    let arrays = npz::read(path)?;
    let array = |name: &str, per_frame: usize| {
        let a = arrays
            .get(name)
            .ok_or_else(|| format!("{}: no array {name}", path.display()))?;
        let n = a.shape.first().copied().unwrap_or(0);
        (a.values.len() == n * per_frame)
            .then_some(&a.values[..])
            .ok_or_else(|| format!("{}: {name} is {:?}", path.display(), a.shape))
    };
    let landmarks = array("landmarks_px", COUNT * 3)?;
    let (person, session) = (array("person", 1)?, array("session", 1)?);
    let (target, window) = (array("target_norm", 2)?, array("window_px", 2)?);
    let image = array("image_px", 2)?;
    let n = person.len();
    if [
        landmarks.len() / COUNT / 3,
        session.len(),
        target.len() / 2,
        window.len() / 2,
        image.len() / 2,
    ] != [n; 5]
    {
        return Err(format!("{}: arrays of different lengths", path.display()));
    }
    let pair = |a: &[f32], i: usize| [f64::from(a[2 * i]), f64::from(a[2 * i + 1])];
    Ok((0..n)
        .map(|i| Frame {
            landmarks: std::array::from_fn(|k| {
                std::array::from_fn(|c| landmarks[(i * COUNT + k) * 3 + c])
            }),
            person: person[i] as i64,
            session: session[i] as i64,
            target: pair(target, i),
            window_px: pair(window, i),
            camera: Intrinsics::webcam(image[2 * i] as u32, image[2 * i + 1] as u32),
        })
        .collect())
}
