//! A recording before the screen, as a pure state machine: no clock, no window, no socket.
//!
//! ```text
//! Consent ──go──▶ Opening ──ready──▶ Dot … Dot ──▶ Summary ──go──▶ Done
//!    │ leave                          │ leave, trouble ▲
//!    ▼                                └────────────────┘
//!   Done: nothing stored
//! ```
//!
//! It is told keys, what the daemon answers, and the time; it says what is to be seen and what
//! is to be said to the daemon ([`Recording::order`]). Until the person has agreed it says
//! nothing to the daemon at all. Times are nanoseconds of the samples' clock.

use std::collections::VecDeque;
use std::path::PathBuf;

use gaze::dataset::Prompt;
use gaze::dataset::protocol::{Answer, Begin, Done, Request, Stored, Target, Trouble};
use gaze::screen::Screen;

use super::plan::{Step, pictures, words};
use super::view::{Dot, Page, View};
use crate::session::{Key, Look, MOVE_NS, Phase};

const MS: u64 = 1_000_000;
/// The daemon has not answered for so long: it will not.
const SILENCE_NS: u64 = 5_000 * MS;
/// A blink makes no words flicker.
const BLINK_NS: u64 = 500 * MS;
/// A place at which no picture could be taken is tried so often.
const TRIES: u32 = 3;

/// What is to be recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Where pairs go; absolute.
    pub folder: PathBuf,
    /// The display.
    pub screen: Screen,
    /// Places, in order.
    pub steps: Vec<Step>,
    /// The person has agreed already (`--yes`), and nobody is there to close the window.
    pub agreed: bool,
}

/// How it ended.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct Report {
    /// Where the pairs are.
    pub folder: PathBuf,
    /// Pairs stored now.
    pub stored: u64,
    /// Places at which a pair was stored.
    pub places: usize,
    /// Places that were planned.
    pub planned: usize,
    /// Whole pairs in the folder, earlier ones included.
    pub pairs: u64,
    /// Lowest and highest head yaw, degrees.
    pub yaw_deg: Option<[f64; 2]>,
    /// Lowest and highest head pitch, degrees.
    pub pitch_deg: Option<[f64; 2]>,
    /// Nearest and farthest head, millimetres from the camera.
    pub distance_mm: Option<[f64; 2]>,
    /// The person did not agree.
    pub declined: bool,
    /// What ended it early, for people.
    pub trouble: Option<String>,
    /// The same for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Trouble>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    Consent,
    Opening { since_ns: u64 },
    Dot(Showing),
    Summary,
    Done,
}

/// A dot on the screen.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Showing {
    step: usize,
    /// It left the place before at this time; a further try begins where it is.
    since_ns: u64,
    travels: bool,
    tries: u32,
    stored: u32,
    /// The target has been said to the daemon; pictures until then.
    asked_until_ns: Option<u64>,
    /// Why the try before brought nothing.
    why: Option<&'static str>,
}

/// A recording.
#[derive(Debug, Clone)]
pub struct Recording {
    plan: Plan,
    stage: Stage,
    orders: VecDeque<Request>,
    page: Page,
    report: Report,
    /// Stored at each place.
    counts: Vec<u32>,
    /// Why the person cannot be seen, and since when.
    problem: Option<(String, u64)>,
}

impl Recording {
    /// A recording that asks for consent first, if that has not been given.
    pub fn new(plan: Plan, now_ns: u64) -> Self {
        let report = Report {
            folder: plan.folder.clone(),
            planned: plan.steps.len(),
            ..Report::default()
        };
        let mut recording = Self {
            counts: vec![0; plan.steps.len()],
            page: consent(&plan),
            stage: Stage::Consent,
            orders: VecDeque::new(),
            problem: None,
            plan,
            report,
        };
        if recording.plan.agreed {
            recording.agree(now_ns);
        }
        recording
    }

    /// The display that places are on.
    pub fn screen(&self) -> &Screen {
        &self.plan.screen
    }

    /// The next thing to say to the daemon.
    pub fn order(&mut self) -> Option<Request> {
        self.orders.pop_front()
    }

    /// What is to be seen.
    pub fn view(&self, now_ns: u64) -> View<'_> {
        match &self.stage {
            Stage::Dot(showing) => View::Dot(self.dot(showing, now_ns)),
            _ => View::Page(&self.page),
        }
    }

    /// How it ended, once the window can close.
    pub fn report(&self) -> Option<&Report> {
        (self.stage == Stage::Done).then_some(&self.report)
    }

    /// What the daemon measures, for the words beside the dot.
    pub fn look(&mut self, now_ns: u64, look: &Look) {
        self.problem = match (&look.problem, self.problem.take()) {
            (Some(now), Some((_, since))) => Some((now.to_string(), since)),
            (Some(now), None) => Some((now.to_string(), now_ns)),
            (None, _) => None,
        };
    }

    /// Whether the daemon has nothing to do any more.
    pub fn is_past(&self) -> bool {
        matches!(self.stage, Stage::Summary | Stage::Done)
    }

    /// A key.
    pub fn key(&mut self, now_ns: u64, key: Key) {
        match (self.stage, key) {
            (Stage::Consent, Key::Go) => self.agree(now_ns),
            (Stage::Consent, Key::Leave) => {
                self.report.declined = true;
                self.stage = Stage::Done;
            }
            (Stage::Opening { .. } | Stage::Dot(_), Key::Leave) => self.summarise(),
            (Stage::Summary, Key::Go | Key::Leave) => self.stage = Stage::Done,
            _ => {}
        }
    }

    /// Ends at once, as when the window was closed; how it ended.
    pub fn close(&mut self) -> &Report {
        if self.stage == Stage::Consent {
            self.report.declined = true;
        } else if !self.is_past() {
            self.summarise();
        }
        self.stage = Stage::Done;
        &self.report
    }

    /// Time passes.
    pub fn tick(&mut self, now_ns: u64) {
        match self.stage {
            Stage::Opening { since_ns } if now_ns > since_ns + SILENCE_NS => self.silence(),
            Stage::Dot(mut showing) => {
                let step = self.plan.steps[showing.step];
                match showing.asked_until_ns {
                    Some(until) if now_ns > until + SILENCE_NS => self.silence(),
                    Some(_) => {}
                    None if now_ns >= showing.arrives_ns() => {
                        // Said early, so that no picture is missed; it counts from then on.
                        let from_ns = showing.arrives_ns().max(now_ns) + step.settle_ns;
                        let until_ns = from_ns + step.collect_ns;
                        self.orders.push_back(Request::Target(Target {
                            place: showing.step as u32,
                            x_px: step.at[0] * f64::from(self.plan.screen.width_px),
                            y_px: step.at[1] * f64::from(self.plan.screen.height_px),
                            from_ns,
                            until_ns,
                            frames: step.frames,
                            every_ms: step.every_ms,
                            prompt: step.prompt,
                        }));
                        showing.asked_until_ns = Some(until_ns);
                        self.stage = Stage::Dot(showing);
                    }
                    None => {}
                }
            }
            _ => {}
        }
    }

    /// What the daemon says.
    pub fn answer(&mut self, now_ns: u64, answer: &Answer) {
        match (answer, self.stage) {
            (Answer::Failed(failed), _) => self.trouble(&failed.why, Some(failed.kind)),
            (Answer::Ready(ready), Stage::Opening { .. }) => {
                self.report.pairs = ready.pairs;
                self.report.folder.clone_from(&ready.folder);
                self.show(now_ns, 0);
            }
            // Pairs that are on their way when escape is pressed are there, too.
            (Answer::Stored(stored), _) => {
                self.count(stored);
                if let Stage::Dot(showing) = &mut self.stage {
                    showing.stored += u32::from(stored.place as usize == showing.step);
                }
                if self.is_past() {
                    self.summarise();
                }
            }
            (Answer::Done(done), Stage::Dot(showing)) if done.place as usize == showing.step => {
                self.done(now_ns, showing, done);
            }
            _ => {}
        }
    }

    /// The daemon is gone, or cannot be had.
    pub fn gone(&mut self, why: &str) {
        self.trouble(why, None);
    }

    fn agree(&mut self, now_ns: u64) {
        self.orders.push_back(Request::Record(Begin {
            folder: self.plan.folder.clone(),
            consent: true,
            screen: self.plan.screen,
        }));
        self.stage = Stage::Opening { since_ns: now_ns };
        self.page = Page {
            title: "One moment".into(),
            lines: vec![format!("Opening {}", self.plan.folder.display())],
            keys: vec![("Esc", "leave")],
        };
    }

    fn show(&mut self, now_ns: u64, step: usize) {
        if step >= self.plan.steps.len() {
            return self.summarise();
        }
        self.stage = Stage::Dot(Showing {
            step,
            since_ns: now_ns,
            travels: step > 0,
            tries: 1,
            stored: 0,
            asked_until_ns: None,
            why: None,
        });
    }

    fn done(&mut self, now_ns: u64, showing: Showing, done: &Done) {
        if done.stored > 0 || showing.tries >= TRIES {
            return self.show(now_ns, showing.step + 1);
        }
        self.stage = Stage::Dot(Showing {
            since_ns: now_ns,
            travels: false,
            tries: showing.tries + 1,
            stored: 0,
            asked_until_ns: None,
            why: Some(match done.passed_over.mostly() {
                Some(why) => why,
                None if done.late > 0 => "the disk is too slow",
                None => "no picture came from the camera",
            }),
            ..showing
        });
    }

    fn count(&mut self, stored: &Stored) {
        let report = &mut self.report;
        report.stored += 1;
        report.pairs += 1;
        if let Some(count) = self.counts.get_mut(stored.place as usize) {
            *count += 1;
        }
        report.places = self.counts.iter().filter(|n| **n > 0).count();
        let [x, y, z] = stored.head_mm;
        widen(&mut report.yaw_deg, stored.head_deg[0]);
        widen(&mut report.pitch_deg, stored.head_deg[1]);
        widen(&mut report.distance_mm, x.hypot(y).hypot(z));
    }

    fn silence(&mut self) {
        self.trouble("gazed does not answer; see: gazed status", None);
    }

    fn trouble(&mut self, why: &str, kind: Option<Trouble>) {
        // The first trouble is the cause; what comes after the end is none.
        if matches!(self.stage, Stage::Opening { .. } | Stage::Dot(_)) {
            self.report.trouble = Some(why.to_owned());
            self.report.kind = kind;
            self.summarise();
        }
    }

    fn summarise(&mut self) {
        self.orders.clear();
        self.page = Page {
            title: match (&self.report.trouble, self.report.stored) {
                (Some(_), 0) => "Nothing was stored".into(),
                (None, n) if n == u64::from(pictures(&self.plan.steps)) => "Done".into(),
                (None, _) => "Ended".into(),
                (Some(_), _) => "Ended early".into(),
            },
            lines: (self.report.trouble.iter().cloned())
                .chain(self.report.lines())
                .collect(),
            keys: vec![("Space", "close")],
        };
        self.stage = match self.plan.agreed {
            true => Stage::Done,
            false => Stage::Summary,
        };
    }

    fn dot(&self, showing: &Showing, now_ns: u64) -> Dot {
        let step = &self.plan.steps[showing.step];
        let before = showing.step.checked_sub(1).filter(|_| showing.travels);
        let linear = match before {
            Some(_) => {
                (now_ns.saturating_sub(showing.since_ns) as f64 / MOVE_NS as f64).clamp(0.0, 1.0)
            }
            None => 1.0,
        };
        let collects = showing
            .asked_until_ns
            .is_some_and(|until| now_ns >= until - step.collect_ns);
        Dot {
            at: step.at,
            from: before.map(|k| self.plan.steps[k].at),
            phase: match (linear < 1.0, collects) {
                (true, _) => Phase::Moving,
                (false, false) => Phase::Settling,
                (false, true) => Phase::Collecting,
            },
            moved: linear * linear * (3.0 - 2.0 * linear),
            progress: (f64::from(showing.stored) / f64::from(step.frames)).min(1.0),
            number: showing.step + 1,
            of: self.plan.steps.len(),
            words: match (words(step.prompt), showing.why) {
                (_, Some(why)) => Some(format!("once more: {why}")),
                (ask, None) => ask.map(str::to_owned),
            },
            problem: (self.problem.as_ref())
                .filter(|(_, since)| now_ns.saturating_sub(*since) > BLINK_NS)
                .map(|(line, _)| line.clone()),
        }
    }
}

impl Showing {
    fn arrives_ns(&self) -> u64 {
        self.since_ns + if self.travels { MOVE_NS } else { 0 }
    }
}

impl Report {
    /// What there is now, for people.
    pub fn lines(&self) -> Vec<String> {
        let folder = self.folder.display();
        let mut lines = vec![match self.stored {
            0 => format!("no pair was stored in {folder}"),
            n => format!(
                "{n} pairs stored in {folder} ({} of {} places); {} are there now",
                self.places, self.planned, self.pairs
            ),
        }];
        if let (Some([l, r]), Some([d, u]), Some([near, far])) =
            (self.yaw_deg, self.pitch_deg, self.distance_mm)
        {
            lines.push(format!(
                "head: yaw {l:+.0}° to {r:+.0}°, pitch {d:+.0}° to {u:+.0}°, {:.0} to {:.0} cm away",
                near / 10.0,
                far / 10.0
            ));
        }
        lines
    }
}

fn widen(range: &mut Option<[f64; 2]>, value: f64) {
    if value.is_finite() {
        let [low, high] = range.unwrap_or([value; 2]);
        *range = Some([low.min(value), high.max(value)]);
    }
}

/// What a person must know before the first picture. Also what `--yes` agrees to.
fn consent(plan: &Plan) -> Page {
    let turns = plan.steps.iter().any(|s| s.prompt != Prompt::Still);
    let moves = if turns {
        " Sometimes you will be asked to move your head."
    } else {
        ""
    };
    Page {
        title: "Store pictures of your face?".into(),
        lines: vec![
            format!(
                "Look at the dot wherever it goes.{moves} About {} camera pictures will be stored, each with the place of the dot, in",
                pictures(&plan.steps)
            ),
            plan.folder.display().to_string(),
            "They show your face and what is behind you. Nothing leaves this computer; only your user can open the files; remove the folder and they are gone. Pictures with somebody else in them are not stored.".into(),
        ],
        keys: vec![("Space", "I agree"), ("Esc", "no: store nothing")],
    }
}

#[cfg(test)]
mod tests;
