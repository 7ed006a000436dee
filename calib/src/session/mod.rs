//! A sitting before the screen, as a pure state machine: no clock, no window, no
//! thread. It is told the time, the looks and the keys; it says what is to be seen and,
//! at the end, what is to be stored.
//!
//! ```text
//! Welcome ──go──▶ Target … Target ──▶ Target … Target ──▶ Result ──go──▶ Done: store
//!                  (to be fitted)        (held out)        │   ▲
//!                     │    ▲                              redo │
//!          10 s nothing    │ redo: again                   ▼   │
//!                     ▼    │ go: on without it          Target … (the bad ones)
//!                     Stuck
//! leave, from anywhere ──▶ Done: left, nothing is changed
//! ```
//!
//! Whoever owns the window calls, in any order and as often as it likes:
//! [`look`](Session::look) for every look, [`key`](Session::key) for every key,
//! [`tick`](Session::tick) before every picture, then draws [`view`](Session::view), and
//! ends when [`outcome`](Session::outcome) is there. Times are nanoseconds of one
//! monotonic clock, the one that stamps the looks; a time before the last one is taken
//! for the last one.
//!
//! What happens at a target: `collect.rs`; what becomes of it all: `judge.rs`.
//!
//! **Redo** shows the bad targets of the fit again. The looks at the held-out targets are
//! uncalibrated, so they judge the new map as well as they did the old one and are not
//! shown again, unless something was wrong with one of them or the grade failed: then all
//! of them are shown anew, at other places.

mod collect;
mod judge;
pub mod layout;
mod look;
mod plan;
mod ruler;
#[cfg(test)]
mod scripted;
#[cfg(test)]
mod tests;
mod view;

#[cfg(test)]
pub(crate) use tests::one_stored;

use gaze::calibration::{Calibration, Grade};

use collect::{Collector, Person};
pub use judge::MAX_DRIFT;
use judge::Verdict;
pub use look::{Hint, Look, Problem};
pub use plan::{CHECKS, Kind, Plan, PlanError};
pub use ruler::Ruler;
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
/// … and so many measured frames.
pub const LOOKS: usize = 8;
/// Without progress for so long the person is asked.
pub const STUCK_NS: u64 = 10_000 * MS;
/// Why nothing counts is said after so long.
const HINT_NS: u64 = 500 * MS;
/// Without a look for so long no pictures come.
const SILENT_NS: u64 = 1_000 * MS;

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
    /// The stored map was judged (validate). Nothing is to be stored.
    Judged {
        /// The stored calibration with today's validation in place of its own.
        calibration: Box<Calibration>,
        /// Root mean square error at today's targets, share of the diagonal.
        error: f64,
        /// What that is worth; may be [`Grade::Failed`].
        grade: Grade,
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
    /// Lids of the image-left and the image-right eye, 0..1.
    pub openness: [f64; 2],
    /// How far the network expected to be off, degrees; where it tells.
    pub spread_deg: Option<f64>,
}

/// A target with the looks that were counted at it.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Where, normalised.
    pub target: [f64; 2],
    /// Held out of the fit.
    pub checking: bool,
    /// What was counted; empty where it was not shown yet or was passed over.
    pub looks: Vec<Counted>,
}

/// A dot on the screen.
#[derive(Debug, Clone)]
struct Showing {
    /// Its place in the queue.
    turn: usize,
    from: Option<[f64; 2]>,
    since_ns: u64,
    collector: Collector,
}

#[derive(Debug, Clone)]
enum Stage {
    Welcome { waiting: bool },
    Showing(Box<Showing>),
    Stuck { turn: usize, why: Hint },
    Result,
    Done(Outcome),
}

/// A sitting.
#[derive(Debug, Clone)]
pub struct Session {
    plan: Plan,
    random: layout::Random,
    now_ns: u64,
    points: Vec<Point>,
    /// What is shown in this pass: places in `points`.
    queue: Vec<usize>,
    stage: Stage,
    verdict: Verdict,
    person: Person,
    last: Option<Look>,
    /// When the last look came, in the caller's time.
    heard_ns: u64,
    /// Capture time and number of the last measured frame.
    last_frame: Option<(u64, u64)>,
    /// The looks before and after cannot be put together: the sitting is over.
    spoiled: bool,
}

impl Session {
    /// A sitting that shows its welcome.
    ///
    /// # Errors
    /// [`PlanError`]: there is nothing that could be done.
    pub fn new(plan: Plan) -> Result<Self, PlanError> {
        plan.check()?;
        let mut random = layout::Random::new(plan.seed);
        let (fitted, checks) = match plan.kind {
            Kind::Calibrate { targets } => {
                let fitted = layout::shuffled(&layout::grid(targets), &mut random);
                let checks = layout::held_out(CHECKS, &fitted, &mut random);
                (fitted, checks)
            }
            Kind::Validate { targets } => {
                let seen = plan.previous.iter().flat_map(|c| &c.targets);
                let seen: Vec<[f64; 2]> = seen.map(|t| [t.x, t.y]).collect();
                (Vec::new(), layout::held_out(targets, &seen, &mut random))
            }
            Kind::Repair => (vec![[0.5, 0.5]], Vec::new()),
        };
        let point = |target, checking| Point {
            target,
            checking,
            looks: Vec::new(),
        };
        let points: Vec<Point> = fitted
            .into_iter()
            .map(|t| point(t, false))
            .chain(checks.into_iter().map(|t| point(t, true)))
            .collect();
        Ok(Self {
            random,
            now_ns: 0,
            queue: (0..points.len()).collect(),
            points,
            stage: Stage::Welcome { waiting: false },
            verdict: Verdict::default(),
            person: Person::default(),
            last: None,
            heard_ns: 0,
            last_frame: None,
            spoiled: false,
            plan,
        })
    }

    /// Takes a look in.
    pub fn look(&mut self, now_ns: u64, look: &Look) {
        self.heard_ns = self.heard_ns.max(now_ns);
        self.tick(now_ns);
        self.last = Some(look.clone());
        if let Some(Problem::Changed(line)) = &look.problem {
            return self.spoil(line.clone());
        }
        if look.problem.is_none() {
            let frame = (look.captured_ns, look.frame_index);
            let seen = |(ns, index): (u64, u64)| frame.0 <= ns || frame.1 == index;
            if self.last_frame.is_some_and(seen) {
                return;
            }
            self.last_frame = Some(frame);
        }
        match &mut self.stage {
            Stage::Welcome { waiting: true } if look.problem.is_none() => self.show(0, None),
            Stage::Showing(showing) => {
                showing.collector.take(self.now_ns, look, &mut self.person);
                if showing.collector.progress() >= 1.0 {
                    self.next();
                }
            }
            _ => {}
        }
    }

    /// Takes a key in.
    pub fn key(&mut self, now_ns: u64, key: Key) {
        self.tick(now_ns);
        match (&self.stage, key) {
            (Stage::Done(_), _) => {}
            (_, Key::Leave) => {
                let line = if self.spoiled {
                    self.verdict.refused.clone()
                } else {
                    None
                };
                let line = line.unwrap_or_else(|| "left: nothing was changed".to_owned());
                self.stage = Stage::Done(Outcome::Left(line));
            }
            (Stage::Welcome { .. }, Key::Go) => {
                if self.sees_eyes(now_ns).is_none() {
                    self.show(0, None);
                } else {
                    self.stage = Stage::Welcome { waiting: true };
                }
            }
            (Stage::Stuck { turn, .. }, Key::Go) if self.can_skip(*turn) => {
                let turn = *turn;
                self.points[self.queue[turn]].looks.clear();
                let from = self.target_of(turn);
                self.show(turn + 1, from);
            }
            (Stage::Stuck { turn, .. }, Key::Go | Key::Redo) => {
                let turn = *turn;
                // Who moved and says "again" sits where they want to sit.
                self.person.forget_place();
                self.show(turn, None);
            }
            (Stage::Result, Key::Go) if self.can_store() => self.finish(),
            (Stage::Result, Key::Redo) => self.redo(),
            _ => {}
        }
    }

    /// Lets time pass.
    pub fn tick(&mut self, now_ns: u64) {
        self.now_ns = self.now_ns.max(now_ns);
        let silent = self.now_ns.saturating_sub(self.heard_ns) > SILENT_NS;
        let Stage::Showing(showing) = &mut self.stage else {
            return;
        };
        if silent {
            showing.collector.pause(Hint::Problem(Problem::NoFrames));
        }
        let idle = self
            .now_ns
            .saturating_sub(showing.collector.last_progress_ns);
        if idle > STUCK_NS {
            self.stage = Stage::Stuck {
                turn: showing.turn,
                why: showing.collector.why.clone().unwrap_or(Hint::Rest),
            };
        }
    }

    /// What is to be seen now.
    pub fn view(&self, now_ns: u64) -> View<'_> {
        let now_ns = self.now_ns.max(now_ns);
        match &self.stage {
            Stage::Welcome { waiting } => {
                let problem = self.sees_eyes(now_ns);
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
            Stage::Stuck { turn, why } => View::Stuck(StuckView {
                at: self.target_of(*turn).unwrap_or([0.5; 2]),
                number: turn + 1,
                of: self.queue.len(),
                why: why.clone(),
                skippable: self.can_skip(*turn),
            }),
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

    /// Why the eyes are not seen now, if they are not.
    fn sees_eyes(&self, now_ns: u64) -> Option<Problem> {
        let Some(last) = &self.last else {
            return Some(Problem::Starting);
        };
        if last.problem.is_none() && now_ns.saturating_sub(self.heard_ns) > SILENT_NS {
            return Some(Problem::NoFrames);
        }
        last.problem.clone()
    }

    fn target_of(&self, turn: usize) -> Option<[f64; 2]> {
        let at = *self.queue.get(turn)?;
        Some(self.points[at].target)
    }

    /// Shows the target whose turn it is, or the result after the last.
    fn show(&mut self, turn: usize, from: Option<[f64; 2]>) {
        // Before the held-out ones: they are of no use where there is no map to judge.
        let checking = self
            .queue
            .get(turn)
            .is_some_and(|i| self.points[*i].checking);
        let first = turn == 0 || !self.points[self.queue[turn - 1]].checking;
        let fits = matches!(self.plan.kind, Kind::Calibrate { .. });
        let hopeless =
            fits && checking && first && judge::fitted(&self.points, &self.plan).is_err();
        if turn >= self.queue.len() || hopeless {
            self.verdict = judge::judge(&self.points, &self.plan);
            self.stage = Stage::Result;
            return;
        }
        self.stage = Stage::Showing(Box::new(Showing {
            turn,
            from,
            since_ns: self.now_ns,
            collector: Collector::new(self.now_ns, self.plan.setup.display.aspect()),
        }));
    }

    /// Keeps the looks at this target, in place of older ones, and goes on.
    fn next(&mut self) {
        let Stage::Showing(showing) = &mut self.stage else {
            return;
        };
        let (turn, at) = (showing.turn, self.queue[showing.turn]);
        self.points[at].looks = showing.collector.take_looks();
        let from = self.points[at].target;
        self.show(turn + 1, Some(from));
    }

    /// Whether enough targets remain without this one.
    fn can_skip(&self, turn: usize) -> bool {
        let checking = self.points[self.queue[turn]].checking;
        if self.plan.kind == Kind::Repair {
            return false;
        }
        // Those that have looks, and those whose turn is still to come.
        let left = |(i, p): &(usize, &Point)| {
            let to_come = self.queue[turn..].contains(i);
            p.checking == checking && (to_come || !p.looks.is_empty())
        };
        let left = self.points.iter().enumerate().filter(left).count();
        judge::can_do_without(left, checking)
    }

    /// What R would show: places in `points`.
    fn again(&self) -> Vec<usize> {
        if self.spoiled {
            return Vec::new();
        }
        let v = &self.verdict;
        let fitted = self.points.iter().enumerate().filter(|(_, p)| !p.checking);
        let bad = fitted.map(|(i, _)| i).enumerate();
        let bad = bad.filter(|(place, _)| v.bad.contains(place));
        let mut again: Vec<usize> = bad.map(|(_, i)| i).collect();
        let unseen = |p: &Point| p.checking && p.looks.is_empty();
        let checks = v.check_again || self.points.iter().any(unseen);
        let refused = v.refused.is_some();
        for (i, p) in self.points.iter().enumerate() {
            let everything = refused && v.bad.is_empty() && !p.checking;
            if everything || (checks && p.checking) {
                again.push(i);
            }
        }
        again.sort_unstable();
        again
    }

    fn redo(&mut self) {
        let again = self.again();
        if again.is_empty() {
            return;
        }
        let seen = self.points.iter().filter(|p| !p.checking);
        let seen: Vec<[f64; 2]> = match &self.plan.previous {
            Some(c) if matches!(self.plan.kind, Kind::Validate { .. }) => {
                c.targets.iter().map(|t| [t.x, t.y]).collect()
            }
            _ => seen.map(|p| p.target).collect(),
        };
        let checks: Vec<usize> = again
            .iter()
            .copied()
            .filter(|i| self.points[*i].checking)
            .collect();
        let places = layout::held_out(checks.len(), &seen, &mut self.random);
        for (i, target) in checks.iter().zip(places) {
            self.points[*i].target = target;
            self.points[*i].looks.clear();
        }
        self.queue = again;
        self.show(0, None);
    }

    fn spoil(&mut self, line: String) {
        if matches!(self.stage, Stage::Done(_)) {
            return;
        }
        self.spoiled = true;
        self.verdict = Verdict {
            refused: Some(line),
            ..Verdict::default()
        };
        self.stage = Stage::Result;
    }

    fn target_view(&self, showing: &Showing, now_ns: u64) -> TargetView {
        let age = now_ns.saturating_sub(showing.since_ns);
        let progress = showing.collector.progress();
        let phase = match age {
            _ if age < MOVE_NS => Phase::Moving,
            _ if progress == 0.0 => Phase::Settling,
            _ => Phase::Collecting,
        };
        let linear = (age as f64 / MOVE_NS as f64).min(1.0);
        let idle = now_ns.saturating_sub(showing.collector.last_progress_ns);
        let at = self.queue.get(showing.turn).map(|i| &self.points[*i]);
        TargetView {
            at: at.map_or([0.5; 2], |p| p.target),
            from: showing.from,
            phase,
            // Smoothstep: begins and ends at rest.
            moved: linear * linear * (3.0 - 2.0 * linear),
            progress,
            number: showing.turn + 1,
            of: self.queue.len(),
            checking: at.is_some_and(|p| p.checking),
            hint: showing.collector.why.clone().filter(|_| idle >= HINT_NS),
        }
    }

    fn can_store(&self) -> bool {
        let v = &self.verdict;
        match self.plan.kind {
            Kind::Validate { .. } => v.calibration.is_some(),
            _ => v.refused.is_none() && v.calibration.is_some(),
        }
    }

    fn finish(&mut self) {
        let Some(calibration) = self.verdict.calibration.clone().map(Box::new) else {
            return;
        };
        let outcome = match self.plan.kind {
            Kind::Validate { .. } => Outcome::Judged {
                error: self.verdict.error.map_or(f64::NAN, |e| e.share),
                grade: calibration.grade,
                calibration,
            },
            _ => Outcome::Store(calibration),
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
            before: self.plan.previous.as_ref().map(Calibration::expected_error),
            before_today: v.before_today,
            offset: v.offset,
            can_store: self.can_store(),
            again: self.again().len(),
        }
    }
}
