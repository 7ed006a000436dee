//! Labelled pictures in the user's format: `img_N.jpg` and `img_N.json`
//! ([`gaze::dataset`]). Of the pictures only the size is read; the gaze comes from the
//! landmarks in the labels, and where there are none from the head's angles.
//!
//! One person; a pause of more than [`PAUSE_MS`] begins another sitting.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use gaze::camera::Intrinsics;
use gaze::dataset::{self, Labelled};
use gaze::evaluation::Frame;
use gaze::landmarks::COUNT;
use gaze::screen::Screen;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;

use super::Recordings;

/// Who pauses for longer has begun another sitting.
pub const PAUSE_MS: u64 = 60_000;

/// Targets nearer than this share of the screen outside its edges are real.
const BESIDE: f64 = 0.5;

/// Reads all pairs, in the order of their numbers.
///
/// # Errors
/// The folder cannot be read, or holds no pair of use.
pub fn read(folder: &Path) -> Result<Recordings, String> {
    let mut skipped: BTreeMap<&'static str, usize> = BTreeMap::new();
    let mut skip = |what| *skipped.entry(what).or_insert(0) += 1;
    let (pictures, labels) = numbered(folder)?;
    pictures.symmetric_difference(&labels).for_each(|n| {
        skip(if pictures.contains(n) {
            "pictures without a label"
        } else {
            "labels without a picture"
        })
    });
    let mut frames: Vec<Frame> = Vec::new();
    let (mut sitting, mut last_ms) = (0, None);
    for number in pictures.intersection(&labels) {
        let at = |kind: &str| folder.join(format!("img_{number}.{kind}"));
        let label = fs::read(at("json")).ok();
        let Some(label) = label.and_then(|text| dataset::read(&text).ok()) else {
            skip("labels that are broken or name no target");
            continue;
        };
        let Some([width, height]) = size(&at("jpg")) else {
            skip("pictures that are none");
            continue;
        };
        // A pause is one whether or not the first look after it is of use.
        if let Some(now) = label.timestamp_ms {
            let paused = last_ms.is_some_and(|last: u64| now.abs_diff(last) > PAUSE_MS);
            sitting += i64::from(paused);
            last_ms = Some(now);
        }
        match frame(&label, sitting, Intrinsics::webcam(width, height)) {
            Ok(frame) => frames.push(frame),
            Err(what) => skip(what),
        }
    }
    if frames.iter().any(|f| f.landmarks.is_some()) {
        let before = frames.len();
        frames.retain(|f| f.landmarks.is_some());
        let without = before - frames.len();
        if without > 0 {
            skipped.insert("labels without landmarks, beside others with them", without);
        }
    }
    let skipped: Vec<_> = skipped.into_iter().collect();
    if frames.is_empty() {
        let why: Vec<String> = (skipped.iter())
            .map(|(what, n)| format!("{n} {what}"))
            .collect();
        let why = if why.is_empty() {
            "no img_N.jpg with img_N.json".to_owned()
        } else {
            why.join(", ")
        };
        return Err(format!("nothing to evaluate: {why}"));
    }
    Ok(Recordings { frames, skipped })
}

/// The numbers of all pictures and of all labels.
fn numbered(folder: &Path) -> Result<(BTreeSet<u64>, BTreeSet<u64>), String> {
    let (mut pictures, mut labels) = (BTreeSet::new(), BTreeSet::new());
    let entries = fs::read_dir(folder).map_err(|e| format!("cannot read: {e}"))?;
    for entry in entries {
        let name = entry.map_err(|e| format!("cannot read: {e}"))?.file_name();
        let parts = (name.to_str())
            .and_then(|n| n.strip_prefix("img_"))
            .and_then(|n| n.split_once('.'));
        let Some((Ok(number), kind)) = parts.map(|(n, kind)| (n.parse::<u64>(), kind)) else {
            continue;
        };
        match kind {
            "jpg" => drop(pictures.insert(number)),
            "json" => drop(labels.insert(number)),
            _ => {}
        }
    }
    Ok((pictures, labels))
}

fn frame(label: &Labelled, sitting: i64, camera: Intrinsics) -> Result<Frame, &'static str> {
    let target = label.target();
    let on_screen = |t: &f64| (-BESIDE..=1.0 + BESIDE).contains(t);
    if !target.iter().all(on_screen) {
        return Err("targets far beside the screen");
    }
    let landmarks = label.landmarks.as_ref().filter(|all| all.len() == COUNT);
    let landmarks =
        landmarks.map(|all| Box::new(std::array::from_fn(|i| all[i].map(|v| v as f32))));
    let head_deg = label.head_deg.map(|[yaw, pitch, _]| [yaw, pitch]);
    if landmarks.is_none() && head_deg.is_none() {
        return Err("labels without a face");
    }
    let [width, height] = label.screen_px;
    Ok(Frame {
        person: 0,
        sitting,
        target,
        screen: label.screen.unwrap_or(Screen::laptop(width, height)),
        camera,
        landmarks,
        head_deg,
    })
}

fn size(path: &Path) -> Option<[u32; 2]> {
    let bytes = fs::read(path).ok()?;
    let mut decoder = JpegDecoder::new(ZCursor::new(bytes));
    decoder.decode_headers().ok()?;
    let (width, height) = decoder.dimensions()?;
    let both = [u32::try_from(width).ok()?, u32::try_from(height).ok()?];
    both.iter().all(|v| *v > 0).then_some(both)
}
