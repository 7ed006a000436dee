//! What the irises and the measured gaze do when the eyes turn and when the head turns, person by
//! person.
//!
//! *Still head*: the person, level and [`DISTANCE_MM`] away, looks at a grid of points of a 14-inch
//! laptop's screen. *Head turns*: the person looks at the same point while the head yaws (or
//! pitches) about its neck; the eyes turn back in it.
//!
//! *Pupil, not face*, the share of the head's turn that the gaze takes for its own:
//!
//! > spread of (measured − true gaze) over the turns ÷ spread of the eyes' turn in the head over
//! > the same turns ÷ what one degree of eye turn moves the gaze when the head is still.
//!
//! Spreads are root mean squares about each target's mean, all targets of a person together; so
//! noise counts as movement. The error is taken, not the gaze itself, because the eyes move
//! sideways with the head and their true direction with them. A measure that follows the head
//! alone has 1 ÷ its answer to the eyes, and the ideal one 0.

use std::sync::Arc;

use gaze::screen::Screen;
use nalgebra::{Point2, Vector3};
use render::identity::Identity;
use render::person::Person;
use render::truth::Pose;

use super::stage::{Sight, Stage};
use super::stats::{Products, median};

/// From the camera to the eyes.
pub const DISTANCE_MM: f64 = 600.0;

/// Head yaws and pitches, degrees.
pub const YAWS: [f64; 5] = [-25.0, -12.5, 0.0, 12.5, 25.0];
pub const PITCHES: [f64; 5] = [-15.0, -7.5, 0.0, 7.5, 15.0];
/// What is looked at while the head turns, fractions of the screen.
pub const TARGETS: [[f64; 2]; 3] = [[0.2, 0.3], [0.5, 0.7], [0.8, 0.3]];
/// What is looked at while it is still.
pub const GRID_X: [f64; 5] = [0.05, 0.275, 0.5, 0.725, 0.95];
pub const GRID_Y: [f64; 4] = [0.05, 0.35, 0.65, 0.95];

/// All that was seen of one person.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Seed of the person.
    pub seed: u64,
    /// Still head, all of the grid.
    pub still: Vec<Sight>,
    /// For each target, one for each head yaw; and for each head pitch.
    pub turns: [Vec<Vec<Sight>>; 2],
    /// Pictures without a face where it is, and with one but without a gaze.
    pub lost: [usize; 2],
    /// Pictures in all.
    pub pictures: usize,
}

/// Shows one person: every target of `grid` with a still head, every target of `targets` with the
/// head turned by `yaws` and by `pitches`.
pub fn show(
    stage: &mut Stage,
    who: Identity,
    grid: &[[f64; 2]],
    targets: &[[f64; 2]],
    [yaws, pitches]: [&[f64]; 2],
) -> Seen {
    let mut seen = Seen {
        seed: who.seed,
        ..Seen::default()
    };
    let person = Arc::new(Person::new(who));
    let screen = Screen::default();
    let mut look = |target: [f64; 2], head: [f64; 3]| {
        let pose = Pose {
            target: screen.point_mm(Point2::from(target)),
            head,
            place: Vector3::new(0.0, 15.0, DISTANCE_MM),
            shut: 0.0,
            units: Vec::new(),
        };
        seen.pictures += 1;
        let (_, sight) = stage.sight(&person, pose, seen.pictures as u64);
        match sight {
            None => seen.lost[0] += 1,
            Some(Sight { gaze: None, .. }) => seen.lost[1] += 1,
            Some(_) => {}
        }
        sight
    };
    let still = grid.iter().filter_map(|t| look(*t, [0.0; 3])).collect();
    let mut turns = [Vec::new(), Vec::new()];
    for (axis, by) in [yaws, pitches].into_iter().enumerate() {
        for target in targets {
            let mut turn = Vec::new();
            for degrees in by {
                let mut head = [0.0; 3];
                head[axis] = *degrees;
                turn.extend(look(*target, head));
            }
            turns[axis].push(turn);
        }
    }
    seen.still = still;
    seen.turns = turns;
    seen
}

/// The whole grid of the still head.
pub fn grid() -> Vec<[f64; 2]> {
    let row = |y: f64| GRID_X.map(|x| [x, y]);
    GRID_Y.into_iter().flat_map(row).collect()
}

impl Seen {
    /// Pairs of true and measured gaze along an axis (0: yaw), still head.
    fn answers(&self, axis: usize) -> Vec<(f64, f64)> {
        let pair = |s: &Sight| Some((s.true_gaze[axis], s.gaze?[axis]));
        self.still.iter().filter_map(pair).collect()
    }

    /// Degrees of measured gaze for a degree of true gaze, still head.
    pub fn answer(&self, axis: usize) -> f64 {
        Products::of(&self.answers(axis)).slope()
    }

    /// Median of measured minus true gaze, still head, degrees.
    pub fn bias(&self, axis: usize) -> f64 {
        median(self.answers(axis).iter().map(|(t, m)| m - t))
    }

    /// Pairs of true gaze (degrees) and iris offset (eye widths) along an axis, still head: by the
    /// landmarks, or of the true iris.
    pub fn offsets(&self, axis: usize, of_truth: bool) -> Vec<(f64, f64)> {
        let offset = |s: &Sight| if of_truth { s.true_offset } else { s.offset };
        let pair = |s: &Sight| (s.true_gaze[axis], offset(s)[axis]);
        self.still.iter().map(pair).collect()
    }

    /// *Pupil, not face* of yaw (0) or pitch (1): by the spread, and by the slope with its sign
    /// (positive: the gaze goes with the head).
    pub fn pupil_not_face(&self, axis: usize) -> PupilNotFace {
        let mut products = Products::default();
        for turn in &self.turns[axis] {
            let pair = |s: &Sight| Some((-s.true_eye[axis], s.gaze?[axis] - s.true_gaze[axis]));
            products.add(&turn.iter().filter_map(pair).collect::<Vec<_>>());
        }
        let answer = self.answer(axis).abs();
        PupilNotFace {
            spread: (products.yy / products.xx).sqrt() / answer,
            slope: products.slope() / answer,
            deg_per_deg: products.slope(),
        }
    }
}

/// See [`Seen::pupil_not_face`].
#[derive(Debug, Clone, Copy)]
pub struct PupilNotFace {
    /// The measure.
    pub spread: f64,
    /// The same by the slope of a line: noise does not count.
    pub slope: f64,
    /// Degrees of gaze for a degree of head.
    pub deg_per_deg: f64,
}

/// Of all people, each person as heavy as the other.
pub fn median_of(all: &[Seen], of: impl Fn(&Seen) -> f64) -> f64 {
    median(all.iter().map(of))
}
