//! How far off is the gaze on recordings of real people, with one map per sitting?
//!
//! `cargo run --release -p gaze --example evaluate_landmarks -- gaze_landmarks.npz`
//!
//! Two measures, medians in pixels of a window scaled to 1512 px width:
//! *same* fits the map on all targets of a sitting but one and tests that one,
//! *next* uses a whole sitting's map at the same person's next sitting.
//! The table ends with the line `same=… next=…` of the geometric gaze with the
//! held map.

#[path = "../../tests/real_people/frames.rs"]
mod frames;
#[path = "../../tests/real_people/npz.rs"]
mod npz;

use std::path::Path;
use std::process::ExitCode;

use frames::Frame;
use gaze::eyes::iris_px;
use gaze::geometric::EyeModel;
use gaze::head;
use gaze::landmarks::{INNER_CORNER, OUTER_CORNER};
use gaze::screen::Screen;
use nalgebra::{Matrix2, Matrix2x3, Matrix3, Matrix3x2, Vector2, Vector3};

/// Windows are scaled to this width.
const WIDTH_PX: f64 = 1512.0;

/// The held map's stretch where the targets say nothing: what least squares
/// leaves of a slope of one, with the noise of the geometric gaze. From the
/// same recordings as [`EyeModel::FACE_MESH`].
const HELD_STRETCH: [f64; 2] = [0.8, 0.6];

/// How strongly the map is held to it: as by a look whose raw point moved by
/// this many pixels, for each target.
const HOLD_PX: f64 = 470.0;

/// One look: the raw point of a method and the target, both in scaled pixels.
type Look = (Vector2<f64>, Vector2<f64>);

/// Fits a map to looks.
type Fit = fn(&[Look]) -> Map;

/// From a raw point to a screen point.
struct Map {
    linear: Matrix2<f64>,
    offset: Vector2<f64>,
}

impl Map {
    fn error(&self, (raw, target): &Look) -> f64 {
        (self.linear * raw + self.offset - target).norm()
    }
}

/// All six coefficients by least squares.
fn plain(looks: &[Look]) -> Map {
    let (mut normal, mut right) = (Matrix3::zeros(), Matrix3x2::zeros());
    for (raw, target) in looks {
        let row = Vector3::new(raw.x, raw.y, 1.0);
        normal += row * row.transpose();
        right += row * target.transpose();
    }
    let solved: Matrix2x3<f64> = normal
        .try_inverse()
        .map_or(Matrix2x3::zeros(), |inverse| (inverse * right).transpose());
    Map {
        linear: solved.fixed_columns::<2>(0).into_owned(),
        offset: solved.column(2).into_owned(),
    }
}

/// The same, held to [`HELD_STRETCH`]: for raw points that are screen points already.
fn held(looks: &[Look]) -> Map {
    let n = looks.len() as f64;
    let (mut raw_mean, mut mean) = (Vector2::zeros(), Vector2::zeros());
    for (raw, target) in looks {
        raw_mean += raw / n;
        mean += target / n;
    }
    let usual = Matrix2::from_diagonal(&Vector2::from(HELD_STRETCH));
    let (mut spread, mut cross) = (
        Matrix2::identity() * (HOLD_PX * HOLD_PX * n),
        Matrix2::zeros(),
    );
    for (raw, target) in looks {
        let d = raw - raw_mean;
        spread += d * d.transpose();
        cross += (target - mean - usual * d) * d.transpose();
    }
    let linear = usual + cross * spread.try_inverse().unwrap_or_default();
    Map {
        linear,
        offset: mean - linear * raw_mean,
    }
}

fn scaled(frame: &Frame, norm: [f64; 2]) -> Vector2<f64> {
    let height = WIDTH_PX * frame.window_px[1] / frame.window_px[0];
    Vector2::new(norm[0] * WIDTH_PX, norm[1] * height)
}

/// The irises' offset from the middle of the eyes' corners, over the eyes' width.
fn iris_offset(frame: &Frame) -> Option<Vector2<f64>> {
    let point = |i: usize| {
        let [x, y, _] = frame.landmarks[i].map(f64::from);
        Vector2::new(x, y)
    };
    let mut sum = Vector2::zeros();
    for eye in [0, 1] {
        let (outer, inner) = (point(OUTER_CORNER[eye]), point(INNER_CORNER[eye]));
        let offset = iris_px(&frame.landmarks, eye).coords - (outer + inner) / 2.0;
        sum += offset / (outer - inner).norm() / 2.0;
    }
    Some(sum)
}

/// The geometric gaze where it meets an assumed screen of the window's shape.
fn geometric(frame: &Frame, model: &EyeModel) -> Option<Vector2<f64>> {
    let pose = head::estimate(&frame.landmarks, &frame.camera)?;
    let gaze = model.gaze(&frame.landmarks, &frame.camera, &pose)?;
    let screen = Screen::laptop(frame.window_px[0] as u32, frame.window_px[1] as u32);
    let hit = screen.intersect(&gaze.combined)?;
    Some(scaled(frame, [hit.x, hit.y]))
}

/// Errors at the same and at the next sitting.
#[derive(Default)]
struct Errors {
    same: Vec<f64>,
    next: Vec<f64>,
}

/// One person's sittings, in order.
fn errors(sittings: &[Vec<Look>], fit: Fit) -> Errors {
    let mut out = Errors::default();
    for looks in sittings {
        for i in 0..looks.len() {
            let mut others = looks.clone();
            let tested = others.remove(i);
            out.same.push(fit(&others).error(&tested));
        }
    }
    for pair in sittings.windows(2) {
        let map = fit(&pair[0]);
        out.next.extend(pair[1].iter().map(|look| map.error(look)));
    }
    out
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    match n {
        0 => f64::NAN,
        _ => (values[(n - 1) / 2] + values[n / 2]) / 2.0,
    }
}

/// Prints a line of the table; `raw` gives no point where a method has none.
fn report(
    name: &str,
    frames: &[Frame],
    raw: impl Fn(&Frame) -> Option<Vector2<f64>>,
    fit: Fit,
) -> (f64, f64) {
    let (mut all, mut by_person, mut lost) = (Errors::default(), String::new(), 0);
    for of_person in frames.chunk_by(|a, b| a.person == b.person) {
        let sittings: Vec<Vec<Look>> = of_person
            .chunk_by(|a, b| a.session == b.session)
            .map(|sitting| {
                let looks: Vec<Look> = sitting
                    .iter()
                    .filter_map(|f| Some((raw(f)?, scaled(f, f.target))))
                    .collect();
                lost += sitting.len() - looks.len();
                looks
            })
            .collect();
        let e = errors(&sittings, fit);
        by_person += &format!(
            "  {:4.0} /{:4.0}",
            median(e.same.clone()),
            median(e.next.clone())
        );
        all.same.extend(e.same);
        all.next.extend(e.next);
    }
    let (same, next) = (median(all.same), median(all.next));
    println!("{name:44} {same:5.0} {next:5.0}  | {by_person}  | {lost} frames without a point");
    (same, next)
}

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("which recordings? evaluate_landmarks FILE.npz");
        return ExitCode::from(2);
    };
    let frames = match frames::read(Path::new(&path)) {
        Ok(frames) => frames,
        Err(reason) => {
            eprintln!("{reason}");
            return ExitCode::FAILURE;
        }
    };
    println!(
        "{:44} {:>5} {:>5}  |  each person's same / next",
        "px, median", "same", "next"
    );
    report(
        "the middle of the targets, always",
        &frames,
        |_| Some(Vector2::zeros()),
        plain_offset,
    );
    report("iris offset, affine", &frames, iris_offset, plain);
    report(
        "true eyeball, no response of the mesh",
        &frames,
        |f| geometric(f, &EyeModel::EYEBALL),
        plain,
    );
    let no_lids = EyeModel {
        lid_deg_per_mm: 0.0,
        ..EyeModel::FACE_MESH
    };
    report(
        "geometric without lids, affine",
        &frames,
        |f| geometric(f, &no_lids),
        plain,
    );
    let ours = |f: &Frame| geometric(f, &EyeModel::FACE_MESH);
    report("geometric, affine", &frames, ours, plain);
    report("geometric, offset alone", &frames, ours, held_offset);
    let (same, next) = report(
        "geometric, affine held to the usual stretch",
        &frames,
        ours,
        held,
    );
    println!("same={same:.0} next={next:.0}");
    ExitCode::SUCCESS
}

/// No slope at all: the mean target.
fn plain_offset(looks: &[Look]) -> Map {
    offset(looks, Matrix2::zeros())
}

/// The usual stretch and an offset.
fn held_offset(looks: &[Look]) -> Map {
    offset(looks, Matrix2::from_diagonal(&Vector2::from(HELD_STRETCH)))
}

fn offset(looks: &[Look], linear: Matrix2<f64>) -> Map {
    let mut mean = Vector2::zeros();
    for (raw, target) in looks {
        mean += (target - linear * raw) / looks.len() as f64;
    }
    Map {
        linear,
        offset: mean,
    }
}
