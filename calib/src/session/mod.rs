//! A sitting before the screen, as a pure state machine: no clock, no window, no
//! thread. It is told the time, the looks and the keys; it says what is to be seen and,
//! at the end, what is to be stored.
//!
//! ```text
//! Welcome ──go──▶ Target … Target ──▶ fit ──▶ Target … Target (held out) ──▶ Result
//!    ▲              │ 10 s nothing                                          │  │
//!    │              ▼                                                    redo  go
//!  leave          Stuck ──go: without it, redo: again                       │  │
//!    ▼                                                                      ▼  ▼
//!   Done                                                    Target (bad ones)  Done
//! ```
//!
//! Whoever owns the window calls, in any order and as often as it likes:
//! [`look`](Session::look) for every look, [`key`](Session::key) for every key,
//! [`tick`](Session::tick) before every picture, then draws [`view`](Session::view), and
//! ends when [`outcome`](Session::outcome) is there. Times are nanoseconds of one
//! monotonic clock, the one that stamps the looks; a time before the last one is taken
//! for the last one.

mod judge;
pub mod layout;
mod look;
mod plan;
mod view;

use gaze::calibration::Calibration;

use judge::Verdict;
pub use look::{Hint, Look, Problem};
pub use plan::{CHECKS, Kind, Plan, PlanError};
pub use view::{
    Flaw, Phase, PointResult, ResultView, Span, StuckView, TargetView, View, WelcomeView,
};

const MS: u64 = 1_000_000;
/// How long the dot travels: long enough for the eye to follow.
pub const MOVE_NS: u64 = 400 * MS;
/// After that, at least so long before looks count: a saccade begins some 200 ms after
/// the dot stops and the eye then still corrects itself.
pub const SETTLE_NS: u64 = 600 * MS;
/// So much time of looks at each target …
pub const COLLECT_NS: u64 = 1_000 * MS;
/// … and so many measured frames, which at 10 fps are hardly a second.
pub const LOOKS: usize = 8;
/// Without progress for so long the person is asked.
pub const STUCK_NS: u64 = 10_000 * MS;

/// A key of the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Space, enter: begin, go on, store.
    Go,
    /// R: show the bad points again, try this point again.
    Redo,
    /// Escape: leave, nothing is changed.
    Leave,
}

/// How a sitting ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The person accepted this calibration: it is valid, write it.
    Store(Box<Calibration>),
    /// The stored map was judged (validate): root mean square error, share of the
    /// diagonal, and what it is worth. Nothing is to be stored.
    Judged {
        /// Root mean square error at the targets.
        error: f64,
        /// What it is worth.
        grade: gaze::calibration::Grade,
    },
    /// The person left, or nothing usable came of it; a line says why. Nothing changes.
    Left(String),
}

/// One counted look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Counted {
    /// Uncalibrated point, normalised.
    pub point: [f64; 2],
    /// When it was taken.
    pub captured_ns: u64,
    /// Middle between the eyes, camera frame, millimetres.
    pub eyes_mm: [f64; 3],
    /// Yaw, pitch, roll of the head, degrees.
    pub head_deg: [f64; 3],
    /// Lids.
    pub openness: [f64; 2],
}

/// A target with the looks that were counted at it.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Where, normalised.
    pub target: [f64; 2],
    /// Held out of the fit.
    pub checking: bool,
    /// What was counted.
    pub looks: Vec<Counted>,
}

/// A dot on the screen.
#[derive(Debug, Clone)]
struct Showing {
    /// Its place in the queue.
    turn: usize,
    from: Option<[f64; 2]>,
    since_ns: u64,
    progress_ns: u64,
    counted: usize,
    last_progress_ns: u64,
    hint: Option<Hint>,
}

#[derive(Debug, Clone)]
enum Stage {
    Welcome { waiting: bool },
    Showing(Showing),
    Stuck(Showing, Hint),
    Result,
    Done(Outcome),
}

/// A sitting.
#[derive(Debug, Clone)]
pub struct Session {
    plan: Plan,
    now_ns: u64,
    points: Vec<Point>,
    /// What is shown in this pass: places in `points`.
    queue: Vec<usize>,
    stage: Stage,
    verdict: Verdict,
    last: Option<Look>,
    last_frame: Option<u64>,
}

impl Session {
    /// A sitting that shows its welcome.
    ///
    /// # Errors
    /// [`PlanError`]: there is nothing that could be done.
    pub fn new(plan: Plan) -> Result<Self, PlanError> {
        plan.check()?;
        let mut random = layout::Random::new(plan.seed);
        let point = |checking| {
            move |target| Point {
                target,
                checking,
                looks: Vec::new(),
            }
        };
        let points: Vec<Point> = match plan.kind {
            Kind::Calibrate { targets } => {
                let fitted = layout::shuffled(&layout::grid(targets), &mut random);
                let checks = layout::held_out(CHECKS, &fitted, &mut random);
                let fitted = fitted.into_iter().map(point(false));
                fitted.chain(checks.into_iter().map(point(true))).collect()
            }
            Kind::Validate { targets } => {
                let checks = layout::held_out(targets, &[], &mut random);
                checks.into_iter().map(point(true)).collect()
            }
            Kind::Repair => vec![point(false)([0.5, 0.5])],
        };
        Ok(Self {
            now_ns: 0,
            queue: (0..points.len()).collect(),
            points,
            stage: Stage::Welcome { waiting: false },
            verdict: Verdict::default(),
            last: None,
            last_frame: None,
            plan,
        })
    }

    /// Takes a look in.
    pub fn look(&mut self, now_ns: u64, look: &Look) {
        self.tick(now_ns);
        let fresh = look.problem.is_none() && self.last_frame.is_none_or(|f| f != look.frame_index);
        self.last = Some(look.clone());
        if look.problem.is_some() {
            if let Stage::Showing(showing) = &mut self.stage {
                showing.hint = look.problem.clone().map(Hint::Problem);
            }
            return;
        }
        self.last_frame = Some(look.frame_index);
        if let Stage::Welcome { waiting: true } = self.stage {
            self.show(0, None);
            return;
        }
        let Stage::Showing(showing) = &mut self.stage else {
            return;
        };
        showing.hint = None;
        let counts = look.captured_ns >= showing.since_ns + MOVE_NS + SETTLE_NS;
        let (Some(point), true, true) = (look.point, fresh, counts) else {
            return;
        };
        let Some(at) = self.queue.get(showing.turn).copied() else {
            return;
        };
        let looks = &mut self.points[at].looks;
        if let Some(before) = looks.last().filter(|_| showing.counted > 0) {
            let step = look.captured_ns.saturating_sub(before.captured_ns);
            showing.progress_ns += step.min(200 * MS);
        }
        looks.push(Counted {
            point,
            captured_ns: look.captured_ns,
            eyes_mm: look.eyes_mm,
            head_deg: look.head_deg,
            openness: look.openness,
        });
        showing.counted += 1;
        showing.last_progress_ns = self.now_ns;
        if showing.progress_ns >= COLLECT_NS && showing.counted >= LOOKS {
            let (turn, from) = (showing.turn + 1, self.points[at].target);
            self.show(turn, Some(from));
        }
    }

    /// Takes a key in.
    pub fn key(&mut self, now_ns: u64, key: Key) {
        self.tick(now_ns);
        match (&self.stage, key) {
            (Stage::Done(_), _) => {}
            (_, Key::Leave) => {
                self.stage = Stage::Done(Outcome::Left("left, nothing was changed".to_owned()));
            }
            (Stage::Welcome { .. }, Key::Go) => {
                if self.last.as_ref().is_some_and(|l| l.problem.is_none()) {
                    self.show(0, None);
                } else {
                    self.stage = Stage::Welcome { waiting: true };
                }
            }
            (Stage::Stuck(showing, _), Key::Go) => {
                let (turn, from) = (showing.turn + 1, self.target_of(showing));
                self.show(turn, from);
            }
            (Stage::Stuck(showing, _), Key::Redo) => {
                let (turn, from) = (showing.turn, self.target_of(showing));
                self.show(turn, from);
            }
            (Stage::Result, Key::Go) if self.can_store() => self.finish(),
            (Stage::Result, Key::Redo) => {
                let bad = |(i, _): &(usize, &Point)| {
                    self.verdict.bad.is_empty() || self.verdict.bad.contains(i)
                };
                self.queue = self
                    .points
                    .iter()
                    .enumerate()
                    .filter(bad)
                    .map(|(i, _)| i)
                    .collect();
                self.show(0, None);
            }
            _ => {}
        }
    }

    /// Lets time pass.
    pub fn tick(&mut self, now_ns: u64) {
        self.now_ns = self.now_ns.max(now_ns);
        if let Stage::Showing(showing) = &self.stage
            && self.now_ns.saturating_sub(showing.last_progress_ns) > STUCK_NS
        {
            let why = showing
                .hint
                .clone()
                .unwrap_or(Hint::Problem(Problem::NoFrames));
            self.stage = Stage::Stuck(showing.clone(), why);
        }
    }

    /// What is to be seen now.
    pub fn view(&self, now_ns: u64) -> View<'_> {
        let now_ns = self.now_ns.max(now_ns);
        match &self.stage {
            Stage::Welcome { waiting } => {
                let problem = self
                    .last
                    .as_ref()
                    .map_or(Some(Problem::Starting), |l| l.problem.clone());
                View::Welcome(WelcomeView {
                    kind: self.plan.kind,
                    user: &self.plan.setup.user,
                    targets: self.points.len(),
                    ready: problem.is_none(),
                    waiting: *waiting,
                    problem,
                    distance_mm: self.last.as_ref().and_then(Look::distance_mm),
                    previous: self.plan.previous.as_ref(),
                })
            }
            Stage::Showing(showing) => View::Target(self.target_view(showing, now_ns)),
            Stage::Stuck(showing, why) => {
                let at = self.target_of(showing).unwrap_or([0.5, 0.5]);
                View::Stuck(StuckView {
                    at,
                    number: showing.turn + 1,
                    of: self.queue.len(),
                    why: why.clone(),
                    skippable: true,
                })
            }
            Stage::Result => View::Result(self.result_view()),
            Stage::Done(outcome) => View::Done(outcome),
        }
    }

    /// How it ended, once it has.
    pub fn outcome(&self) -> Option<&Outcome> {
        match &self.stage {
            Stage::Done(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// All targets with what was counted at them, for a record of the sitting.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// What the sitting is to do.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    fn target_of(&self, showing: &Showing) -> Option<[f64; 2]> {
        let at = *self.queue.get(showing.turn)?;
        Some(self.points[at].target)
    }

    /// Shows the target whose turn it is, or the result after the last.
    fn show(&mut self, turn: usize, from: Option<[f64; 2]>) {
        let Some(at) = self.queue.get(turn) else {
            self.verdict = judge::judge(&self.points, &self.plan);
            self.stage = Stage::Result;
            return;
        };
        self.points[*at].looks.clear();
        self.stage = Stage::Showing(Showing {
            turn,
            from,
            since_ns: self.now_ns,
            progress_ns: 0,
            counted: 0,
            last_progress_ns: self.now_ns,
            hint: None,
        });
    }

    fn target_view(&self, showing: &Showing, now_ns: u64) -> TargetView {
        let age = now_ns.saturating_sub(showing.since_ns);
        let phase = match age {
            _ if age < MOVE_NS => Phase::Moving,
            _ if showing.counted == 0 => Phase::Settling,
            _ => Phase::Collecting,
        };
        let linear = (age as f64 / MOVE_NS as f64).min(1.0);
        let time = showing.progress_ns as f64 / COLLECT_NS as f64;
        let looks = showing.counted as f64 / LOOKS as f64;
        let at = self.queue.get(showing.turn).map(|i| &self.points[*i]);
        TargetView {
            at: at.map_or([0.5, 0.5], |p| p.target),
            from: showing.from,
            phase,
            // Smoothstep: begins and ends at rest.
            moved: linear * linear * (3.0 - 2.0 * linear),
            progress: time.min(looks).min(1.0),
            number: showing.turn + 1,
            of: self.queue.len(),
            checking: at.is_some_and(|p| p.checking),
            hint: showing.hint.clone(),
        }
    }

    fn can_store(&self) -> bool {
        match self.plan.kind {
            Kind::Validate { .. } => self.verdict.error.is_some(),
            _ => self.verdict.refused.is_none() && self.verdict.calibration.is_some(),
        }
    }

    fn finish(&mut self) {
        let outcome = match (self.plan.kind, &self.verdict) {
            (
                Kind::Validate { .. },
                Verdict {
                    error: Some(error),
                    grade: Some(grade),
                    ..
                },
            ) => Outcome::Judged {
                error: error.share,
                grade: *grade,
            },
            (
                _,
                Verdict {
                    calibration: Some(c),
                    ..
                },
            ) => Outcome::Store(Box::new(c.clone())),
            _ => return,
        };
        self.stage = Stage::Done(outcome);
    }

    fn result_view(&self) -> ResultView<'_> {
        let v = &self.verdict;
        ResultView {
            kind: self.plan.kind,
            display: &self.plan.setup.display,
            calibration: v.calibration.as_ref(),
            points: &v.points,
            checks: &v.checks,
            bad: &v.bad,
            error: v.error,
            grade: v.grade,
            refused: v.refused.as_deref(),
            warning: v.warning.as_deref(),
            before: self.plan.previous.as_ref().map(|c| c.cross_validated),
            can_store: self.can_store(),
            can_redo: true,
        }
    }
}
