//! What a window draws. Places are normalised to the display: (0, 0) top left,
//! (1, 1) bottom right. A view borrows from the session and is asked for anew for
//! every picture.

use gaze::calibration::{Calibration, DisplayRecord, Grade};

use super::{Hint, Kind, Outcome, Problem};

/// What is to be seen now.
#[derive(Debug, Clone, PartialEq)]
pub enum View<'a> {
    /// Before the first target: what will happen, and whether the person can be seen.
    Welcome(WelcomeView<'a>),
    /// A dot.
    Target(TargetView),
    /// Nothing could be measured at a dot for a while.
    Stuck(StuckView),
    /// How it went, and what can be done now.
    Result(ResultView<'a>),
    /// It is over: close the window.
    Done(&'a Outcome),
}

/// Before the first target. Space begins; where the person cannot be seen yet, it
/// begins as soon as they can.
#[derive(Debug, Clone, PartialEq)]
pub struct WelcomeView<'a> {
    /// What is made.
    pub kind: Kind,
    /// For whom.
    pub user: &'a str,
    /// How many targets will be shown, held-out ones included.
    pub targets: usize,
    /// Whether the eyes are seen now.
    pub ready: bool,
    /// Space was pressed and the eyes are not seen yet.
    pub waiting: bool,
    /// Why not ready.
    pub problem: Option<Problem>,
    /// How far the eyes are from the camera, in millimetres, where known.
    pub distance_mm: Option<f64>,
    /// The stored calibration that would be replaced or is judged.
    pub previous: Option<&'a Calibration>,
}

/// What the dot does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It is on its way from `from` to `at`.
    Moving,
    /// It has arrived; the eyes have not, or do not rest yet.
    Settling,
    /// Looks are counted; the dot shrinks with `progress`.
    Collecting,
}

/// A dot that is to be looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetView {
    /// Where it belongs.
    pub at: [f64; 2],
    /// Where it came from; `None` for the first.
    pub from: Option<[f64; 2]>,
    /// What it does.
    pub phase: Phase,
    /// Share of the way from `from` to `at`, eased, 0..1; 1 after the move.
    pub moved: f64,
    /// Share of the looks that this target needs, 0..1. Never falls at one target.
    pub progress: f64,
    /// Its number, from 1.
    pub number: usize,
    /// Of so many that are shown in this pass.
    pub of: usize,
    /// It is a held-out one.
    pub checking: bool,
    /// Why nothing is counted just now. Only after a moment without progress: a blink
    /// makes no words flicker.
    pub hint: Option<Hint>,
}

impl TargetView {
    /// Where the dot is to be drawn now.
    pub fn dot(&self) -> [f64; 2] {
        let from = self.from.unwrap_or(self.at);
        let along = |i: usize| from[i] + (self.at[i] - from[i]) * self.moved;
        [along(0), along(1)]
    }
}

/// A dot at which nothing could be measured for ten seconds. R tries again, space goes
/// on without it (where `skippable`, else it tries again too), escape leaves.
#[derive(Debug, Clone, PartialEq)]
pub struct StuckView {
    /// Where it is.
    pub at: [f64; 2],
    /// Its number, from 1.
    pub number: usize,
    /// Of so many.
    pub of: usize,
    /// What was wrong.
    pub why: Hint,
    /// The sitting can do without it.
    pub skippable: bool,
}

/// A length on the display in all units that people think in.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Span {
    /// Share of the display's diagonal.
    pub share: f64,
    /// Pixels.
    pub px: f64,
    /// Degrees, seen from where the eyes were.
    pub deg: f64,
    /// Centimetres.
    pub cm: f64,
}

/// What is wrong with a point of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flaw {
    /// Its looks contradict all others; the fit set it aside.
    Wild,
    /// It is far from where the other targets say.
    FarOff,
    /// Five targets contradict each other, and it cannot be told which is wrong.
    Doubtful,
    /// Too few looks were measured.
    Few,
    /// Its looks lie too far apart.
    Scattered,
}

impl Flaw {
    /// A few words for the person.
    pub fn text(self) -> &'static str {
        match self {
            Self::Wild => "set aside: contradicts the others",
            Self::FarOff => "far off",
            Self::Doubtful => "this or another is wrong",
            Self::Few => "too few looks",
            Self::Scattered => "looks too far apart",
        }
    }
}

/// One target of the result.
#[derive(Debug, Clone, PartialEq)]
pub struct PointResult {
    /// Where it was shown.
    pub target: [f64; 2],
    /// The looks at it, through the new map (or uncalibrated where there is no map).
    pub looks: Vec<[f64; 2]>,
    /// Their mean without strays (median, where it was not fitted), through the map;
    /// `None` without looks.
    pub mean: Option<[f64; 2]>,
    /// Root mean square distance of the looks from their mean, through the map.
    pub scatter: Option<Span>,
    /// From the target to the mean, through the map.
    pub error: Option<Span>,
    /// The same with a map that was made without this target. For held-out targets it
    /// is `error`.
    pub held_out: Option<Span>,
    /// What is wrong with it, if anything.
    pub flaw: Option<Flaw>,
}

/// How it went.
#[derive(Debug, Clone, PartialEq)]
pub struct ResultView<'a> {
    /// What was made.
    pub kind: Kind,
    /// The display, for whoever draws lengths.
    pub display: &'a DisplayRecord,
    /// What would be stored (calibrate, repair) or was judged (validate); `None` where
    /// there is no map.
    pub calibration: Option<&'a Calibration>,
    /// The targets of the fit, in the order in which they were first shown.
    pub points: &'a [PointResult],
    /// The held-out targets.
    pub checks: &'a [PointResult],
    /// Places in `points` that are worth showing again.
    pub bad: &'a [usize],
    /// Root mean square error at the held-out targets (of the fit's left-out ones where
    /// no held-out one was seen); of a repair: how far the stored map is off.
    pub error: Option<Span>,
    /// What that is worth.
    pub grade: Option<Grade>,
    /// Why nothing can be stored, a line for the person: the old map stays.
    pub refused: Option<&'a str>,
    /// What to think about before storing, a line for the person.
    pub warning: Option<&'a str>,
    /// The error that the stored calibration promised, share of the diagonal.
    pub before: Option<f64>,
    /// Its error at today's held-out targets, where its geometry is this one.
    pub before_today: Option<f64>,
    /// What a repair would add to points.
    pub offset: Option<[f64; 2]>,
    /// Space stores (calibrate, repair) or ends (validate). Where false it does nothing.
    pub can_store: bool,
    /// So many targets R would show again; where 0 it does nothing.
    pub again: usize,
}
