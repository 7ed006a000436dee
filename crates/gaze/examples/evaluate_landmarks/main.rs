//! How far off is the gaze on recordings of real people, with one map per sitting?
//!
//! `cargo run --release -p gaze --example evaluate_landmarks -- gaze_landmarks.npz`
//!
//! Two measures, medians in pixels of a window scaled to 1512 px width:
//! *same* fits the map on all targets of a sitting but one and tests that one,
//! *next* uses a whole sitting's map at the same person's next sitting.
//! The table ends with the line `same=… next=…` of the geometric gaze with the
//! product's fit.

#[path = "../../tests/real_people/frames.rs"]
mod frames;
#[path = "../../tests/real_people/npz.rs"]
mod npz;

use std::path::Path;
use std::process::ExitCode;

use frames::Frame;
use gaze::affine::{FitOptions, GEOMETRIC_STRETCH, fit_with};
use gaze::eyes::iris_px;
use gaze::geometric::EyeModel;
use gaze::head;
use gaze::landmarks::{INNER_CORNER, OUTER_CORNER};
use gaze::screen::Screen;
use nalgebra::{Matrix2, Matrix2x3, Matrix3, Matrix3x2, Vector2, Vector3};

/// Windows are scaled to this width.
const WIDTH_PX: f64 = 1512.0;

/// Height of a window of that width and the usual shape: only the fit's idea of distance depends on it.
const HEIGHT_PX: f64 = WIDTH_PX * 9.0 / 16.0;

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

/// The product's own fit, in the form that it chooses: for raw points that are screen
/// points already. What it refuses (too few targets) gets the usual stretch and an offset.
fn product(looks: &[Look]) -> Map {
    let height = HEIGHT_PX;
    let norm = |p: &Vector2<f64>| [p.x / WIDTH_PX, p.y / height];
    let samples: Vec<_> = looks.iter().map(|(p, t)| (norm(p), norm(t))).collect();
    let options = FitOptions {
        aspect: WIDTH_PX / height,
        ..FitOptions::default()
    };
    let Ok(fit) = fit_with(&samples, options) else {
        return held_offset(looks);
    };
    let m = fit.map;
    let form = fit.form;
    FORMS.with_borrow_mut(|f| *f.entry(format!("{form:?}")).or_insert(0) += 1);
    Map {
        linear: Matrix2::new(m.a, m.b * WIDTH_PX / height, m.d * height / WIDTH_PX, m.e),
        offset: Vector2::new(m.c * WIDTH_PX, m.f * height),
    }
}

thread_local! {
    /// How often the product chose which form.
    static FORMS: std::cell::RefCell<std::collections::BTreeMap<String, u32>> = std::cell::RefCell::default();
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
    let (same, next) = report("geometric, the product's fit", &frames, ours, product);
    FORMS.with_borrow(|f| println!("forms chosen: {f:?}"));
    println!("same={same:.0} next={next:.0}");
    ExitCode::SUCCESS
}

/// No slope at all: the mean target.
fn plain_offset(looks: &[Look]) -> Map {
    offset(looks, Matrix2::zeros())
}

/// The usual stretch and an offset.
fn held_offset(looks: &[Look]) -> Map {
    offset(
        looks,
        Matrix2::from_diagonal(&Vector2::from(GEOMETRIC_STRETCH)),
    )
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
