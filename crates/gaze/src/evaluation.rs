//! How far off is the gaze on recordings of people who look at known targets?
//!
//! Two measures, in pixels of a screen scaled to [`WIDTH_PX`], medians over all looks:
//!
//! * **same**: a map fitted to all targets of a sitting but one, tested at that one;
//! * **next**: a sitting's map, tested at the same person's next sitting.
//!
//! Each way from a face to a raw point ([`Method`]) is paired with a way to fit a map. The
//! last is the product's own, with the history of the person's earlier sittings, and
//! never a later one. Of that it is also told what share of the looks lies within the
//! expected-error radius ([`Row::within`]).
//!
//! ```
//! use gaze::evaluation::{Fitting, Look, errors};
//! // A person who always looks a tenth of the screen too far left; the next day, too far right.
//! let sitting = |shift: f64| -> Vec<Look> {
//!     (0..9).map(|i| [0.1 + 0.4 * f64::from(i % 3), 0.1 + 0.4 * f64::from(i / 3)])
//!         .map(|t| Look::new([t[0] - shift, t[1]], t, 1.6))
//!         .collect()
//! };
//! let found = errors(&[sitting(0.1), sitting(-0.1)], Fitting::Affine);
//! assert!(found.same.iter().all(|e| *e < 1e-6));
//! assert!(found.next.iter().all(|e| (*e - 0.2 * 1512.0).abs() < 1e-6));
//! ```

mod fitting;
mod methods;
mod radius;

use serde::Serialize;

use crate::camera::Intrinsics;
use crate::landmarks::Landmarks;
use crate::screen::Screen;

pub use fitting::{Errors, Fitting, Look, errors};
pub use methods::Method;

/// Screens are scaled to this width.
pub const WIDTH_PX: f64 = 1512.0;

/// Targets nearer than this share of the screen are one target, shown more than once.
pub const ONE_TARGET: f64 = 0.02;

/// One labelled look of a person.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Number of the person.
    pub person: i64,
    /// Number of the sitting, counted for each person.
    pub sitting: i64,
    /// What was looked at, normalised.
    pub target: [f64; 2],
    /// The screen, as far as it is known.
    pub screen: Screen,
    /// The camera.
    pub camera: Intrinsics,
    /// The face's landmarks, where they were recorded.
    pub landmarks: Option<Box<Landmarks>>,
    /// Yaw and pitch of the head as recorded, degrees, of whatever signs.
    pub head_deg: Option<[f64; 2]>,
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// What was measured.
    pub name: String,
    /// Median error at the same sitting, px.
    pub same: Option<f64>,
    /// Median error at the next sitting, px.
    pub next: Option<f64>,
    /// The same two of each person.
    pub people: Vec<[Option<f64>; 2]>,
    /// Which shares of the looks, 0..1, lie within the expected error at the same and at
    /// the next sitting: of the product's maps. One frame each, without the filter and its
    /// part of the radius.
    pub within: Option<[Option<f64>; 2]>,
    /// Sittings whose map was made with history.
    pub history_used: usize,
    /// Looks that gave no point.
    pub without_point: usize,
    /// Sittings that the map would not be fitted to.
    pub refused: usize,
}

/// All that the recordings tell.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// How many looks.
    pub looks: usize,
    /// How many people.
    pub people: usize,
    /// How many sittings.
    pub sittings: usize,
    /// One for each method; the last is the product's.
    pub rows: Vec<Row>,
}

/// Evaluates looks in the order of their recording: each person's together, sitting by
/// sitting.
pub fn evaluate(frames: &[Frame]) -> Evaluation {
    let people: Vec<Vec<&[Frame]>> = frames
        .chunk_by(|a, b| a.person == b.person)
        .map(|p| p.chunk_by(|a, b| a.sitting == b.sitting).collect())
        .collect();
    let with_landmarks = frames.iter().any(|f| f.landmarks.is_some());
    let methods: &[(Method, Fitting)] = if with_landmarks {
        &[
            (Method::Nothing, Fitting::Offset),
            (Method::IrisOffset, Fitting::Affine),
            (Method::Eyeball, Fitting::Affine),
            (Method::GeometricWithoutLids, Fitting::Affine),
            (Method::Geometric, Fitting::Affine),
            (Method::Geometric, Fitting::Offset),
            (Method::Geometric, Fitting::Product),
            (Method::Geometric, Fitting::ProductWithHistory),
        ]
    } else {
        &[
            (Method::Nothing, Fitting::Offset),
            (Method::HeadAngles, Fitting::Affine),
            (Method::HeadAngles, Fitting::Product),
            (Method::HeadAngles, Fitting::ProductWithHistory),
        ]
    };
    let mut rows = Vec::new();
    for (method, fitting) in methods {
        let mut without_point = 0;
        let mut looks_of = |frames: &[Frame]| {
            let looks: Vec<Look> = frames.iter().filter_map(|f| method.look(f)).collect();
            without_point += frames.len() - looks.len();
            fitting::snapped(looks)
        };
        let looks: Vec<Vec<Vec<Look>>> = (people.iter())
            .map(|sittings| sittings.iter().map(|s| looks_of(s)).collect())
            .collect();
        let name = format!("{}, {}", method.name(), fitting.name());
        rows.push(row(name, *fitting, &looks, without_point));
    }
    Evaluation {
        looks: frames.len(),
        people: people.len(),
        sittings: people.iter().map(Vec::len).sum(),
        rows,
    }
}

fn row(name: String, fitting: Fitting, people: &[Vec<Vec<Look>>], without_point: usize) -> Row {
    let (mut all, mut of_people) = (Errors::default(), Vec::new());
    for sittings in people {
        let found = errors(sittings, fitting);
        of_people.push([median(&found.same), median(&found.next)]);
        all.add(&found);
    }
    let share =
        |within: usize, of: &[f64]| (!of.is_empty()).then(|| within as f64 / of.len() as f64);
    let ours = matches!(fitting, Fitting::Product | Fitting::ProductWithHistory);
    Row {
        name,
        same: median(&all.same),
        next: median(&all.next),
        people: of_people,
        within: ours.then(|| {
            [
                share(all.same_within, &all.same),
                share(all.next_within, &all.next),
            ]
        }),
        history_used: all.history_used,
        without_point,
        refused: all.refused,
    }
}

/// `None` of nothing.
fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    (n > 0).then(|| (sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0)
}

#[cfg(test)]
mod tests;
