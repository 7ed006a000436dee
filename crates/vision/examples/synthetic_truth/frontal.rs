//! Frontal pictures: are the faces found, and the irises where they are?

use std::path::Path;

use gaze::landmarks::FACE_COUNT;
use nalgebra::Point2;
use render::scenario::Shot;
use render::scene::Picture;
use render::truth::Truth;
use vision::Face;

use super::stage::{Stage, on_every_core, on_the_face};

/// What was found in one picture.
#[derive(Debug, Clone)]
pub struct Found {
    /// Number of the shot.
    pub shot: usize,
    /// From each found iris to the true one, pixels; `None` where no face was found on this one.
    pub error_px: Option<[f64; 2]>,
    /// From the camera to the eyes.
    pub distance_mm: f64,
    /// Mean of the eight-bit green about the eyes.
    pub brightness: f64,
    /// Whether the person wears glasses.
    pub glasses: bool,
}

impl Found {
    /// The worse eye's error; a face that was not found is worse than any.
    pub fn worst(&self) -> f64 {
        self.error_px.map_or(f64::INFINITY, |[a, b]| a.max(b))
    }
}

/// Shows the pictures of all shots to the networks.
pub fn look(shots: &[Shot]) -> Vec<Found> {
    let sittings: Vec<&[Shot]> = shots.chunk_by(|a, b| a.sitting == b.sitting).collect();
    let each = |stage: &mut Stage, job: usize| {
        let mut one = |shot: &Shot| {
            let truth = stage.paint(shot);
            let face = stage.perceive().filter(|face| on_the_face(face, &truth));
            Found {
                shot: shot.index,
                error_px: face
                    .map(|f| [0, 1].map(|eye| (f.eyes.iris_px[eye] - truth.iris_px[eye]).norm())),
                distance_mm: truth.head_mm.norm(),
                brightness: brightness(&stage.picture, &truth),
                glasses: stage.wears_glasses(shot),
            }
        };
        sittings[job].iter().map(&mut one).collect::<Vec<_>>()
    };
    on_every_core(sittings.len(), each).concat()
}

/// Mean green of a box about both eyes, one eye distance beyond each and as high.
fn brightness(picture: &Picture, truth: &Truth) -> f64 {
    let [l, r] = truth.iris_px;
    let apart = (r - l).norm();
    let range = |from: f64, to: f64, size: u32| {
        (from.max(0.0) as usize).min(size as usize)..(to.max(0.0) as usize).min(size as usize)
    };
    let (mut sum, mut n) = (0.0, 0.0);
    for y in range(l.y.min(r.y) - apart, l.y.max(r.y) + apart, picture.height) {
        for x in range(l.x - apart, r.x + apart, picture.width) {
            sum += f64::from(picture.rgb[3 * (y * picture.width as usize + x) + 1]);
            n += 1.0;
        }
    }
    sum / n
}

/// Writes the eyes of these shots, five times as large, with the true irises (green crosses) and
/// the landmarks (red; irises yellow), and says which file is which.
pub fn write_pictures(
    shots: &[Shot],
    worst: &[&Found],
    folder: &Path,
) -> Result<(), Box<dyn std::error::Error>> {
    std::fs::create_dir_all(folder)?;
    let mut stage = Stage::new();
    for (place, found) in worst.iter().enumerate() {
        let Some(shot) = shots.iter().find(|s| s.index == found.shot) else {
            continue;
        };
        let truth = stage.paint(shot);
        let face = stage.perceive();
        let path = folder.join(format!("{place:02}-shot-{}.png", shot.index));
        enlarged(&stage.picture, &truth, face.as_ref()).save(path)?;
    }
    Ok(())
}

/// The eyes with what is true and what was found drawn in.
fn enlarged(picture: &Picture, truth: &Truth, face: Option<&Face>) -> image::RgbImage {
    const TIMES: f64 = 5.0;
    let [l, r] = truth.iris_px;
    let apart = (r - l).norm();
    let (x0, y0) = (l.x - 0.8 * apart, (l.y + r.y) / 2.0 - 0.8 * apart);
    let (w, h) = ((r.x + 0.8 * apart - x0) * TIMES, 1.6 * apart * TIMES);
    let mut out = image::RgbImage::from_fn(w as u32, h as u32, |x, y| {
        let (px, py) = (x0 + f64::from(x) / TIMES, y0 + f64::from(y) / TIMES);
        let inside = (0.0..f64::from(picture.width)).contains(&px)
            && (0.0..f64::from(picture.height)).contains(&py);
        if !inside {
            return image::Rgb([0, 0, 80]);
        }
        let i = 3 * (py as usize * picture.width as usize + px as usize);
        image::Rgb([picture.rgb[i], picture.rgb[i + 1], picture.rgb[i + 2]])
    });
    let mut mark = |p: Point2<f64>, arm: i64, colour: [u8; 3]| {
        let (x, y) = (((p.x - x0) * TIMES) as i64, ((p.y - y0) * TIMES) as i64);
        for k in -arm..=arm {
            for (x, y) in [(x + k, y), (x, y + k)] {
                if (0..i64::from(out.width())).contains(&x)
                    && (0..i64::from(out.height())).contains(&y)
                {
                    out.put_pixel(x as u32, y as u32, image::Rgb(colour));
                }
            }
        }
    };
    if let Some(face) = face {
        for (i, p) in face.landmarks.iter().enumerate() {
            let iris = i >= FACE_COUNT;
            let colour = if iris { [255, 230, 0] } else { [255, 40, 40] };
            let at = Point2::new(f64::from(p[0]), f64::from(p[1]));
            mark(at, i64::from(iris) + 1, colour);
        }
    }
    for p in truth.iris_px {
        mark(p, 8, [0, 255, 0]);
    }
    out
}
