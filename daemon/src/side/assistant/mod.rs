//! The assistant: asks a Moondream on this machine, every few seconds, which ninth of the
//! screen the person looks at. Off unless somebody switches it on.
//!
//! | module | does |
//! |---|---|
//! | here | when a picture is asked about, and what becomes of the answer |
//! | [`address`] | whom it asks: loopback addresses only |
//! | [`answer`] | words → a part of the screen |
//! | `ask` | one question over HTTP, bounded in time and size, on a thread of its own |
//! | `picture` | a frame → a small JPEG |
//!
//! Two threads, at a lower priority than what measures. `gaze-assistant` takes one picture
//! from its outlet when it is time, and tells the header; `gaze-asking` talks, may block for
//! as long as the limit says, and is not waited for when the daemon ends. One question is on
//! its way at most; who fails is asked less and less often. Answers go to the header, to
//! `gazed status` and into recorded labels, never into a sample.

pub mod address;
pub mod answer;
mod ask;
mod picture;

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use ring::clock;
use ring::layout::{AssistantNote, AssistantStatus, Region, put_text};

use super::outlet::{Inlet, View};
use super::stand_back;
use crate::log::say;
use crate::pipeline::compose::point_of;
use crate::pipeline::shared::Shared;
use address::Endpoint;
use answer::{Answer, region_of};
use ask::{Asker, Job};

/// So often it looks for a picture or an answer.
const GLANCE: Duration = Duration::from_millis(20);
/// The same until the next picture is due.
const SOON: Duration = Duration::from_millis(250);
/// The same while it is off or the camera closed; who changes that wakes it.
const REST: Duration = Duration::from_secs(1);
/// The longer side of the picture that is sent.
const LONGEST_SIDE: usize = 640;
/// A picture that waited for longer is not sent.
const TOO_OLD_NS: u64 = 1_000_000_000;
/// From an answer to the next question, at least.
const BREATH: Duration = Duration::from_millis(200);
/// Who fails is asked again after this time at the latest.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// Whom to ask, and how often.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Whom.
    pub endpoint: Endpoint,
    /// From one question to the next.
    pub every: Duration,
    /// An answer about a picture older than this is not fresh.
    pub fresh: Duration,
    /// There is no answer after this time.
    pub limit: Duration,
}

/// What the assistant's thread needs.
pub struct Assistant {
    /// The state shared by all threads.
    pub shared: Arc<Shared>,
    /// Pictures from the perceive thread.
    pub inlet: Inlet,
    /// At the start, then whenever the settings change.
    pub orders: Receiver<Option<Plan>>,
}

impl Assistant {
    /// Runs until the daemon stops.
    pub fn run(mut self) {
        stand_back();
        let mut talk = Talk {
            plan: None,
            next: Instant::now(),
            asker: None,
            pending: None,
            teller: Teller::default(),
        };
        talk.take_up(None);
        while !self.shared.stopping() {
            if let Some(order) = self.orders.try_iter().last() {
                talk.take_up(order);
            }
            talk.hear();
            let due = talk.is_due() && !self.shared.paused();
            match due {
                true => self.inlet.wish.want_every(0),
                false => self.inlet.wish.want_nothing(),
            }
            while let Some(view) = self.inlet.take() {
                if due {
                    talk.ask(&self.shared, &view);
                }
                self.inlet.give_back(view);
            }
            talk.teller.tell(&self.shared);
            let wanted = talk.plan.is_some() && !self.shared.paused();
            std::thread::park_timeout(match () {
                () if talk.pending.is_some() || wanted && talk.is_due() => GLANCE,
                () if wanted => SOON,
                () => REST,
            });
        }
    }
}

/// A question on its way.
struct Pending {
    captured_ns: u64,
    gaze: Region,
    /// It was asked under the settings of now.
    counts: bool,
}

struct Talk {
    plan: Option<Plan>,
    /// Nobody is asked before.
    next: Instant,
    asker: Option<Asker>,
    pending: Option<Pending>,
    teller: Teller,
}

impl Talk {
    fn take_up(&mut self, order: Option<Plan>) {
        if order == self.plan && order.is_some() {
            return;
        }
        self.teller.begin(order.as_ref());
        if let Some(pending) = &mut self.pending {
            pending.counts = false;
        }
        (self.plan, self.next) = (order, Instant::now());
    }

    fn is_due(&self) -> bool {
        self.plan.is_some() && self.pending.is_none() && Instant::now() >= self.next
    }

    fn ask(&mut self, shared: &Shared, view: &View) {
        let (Some(plan), Some(m), true) = (&self.plan, &view.measurement, self.is_due()) else {
            return;
        };
        let age_ns = clock::now_ns().saturating_sub(m.captured_ns);
        if age_ns > TOO_OLD_NS || !view.frame.is_sound() {
            return;
        }
        self.next = Instant::now() + plan.every;
        let Ok(jpeg) = picture::small(&view.frame, LONGEST_SIDE) else {
            return;
        };
        let mapping = shared.mapping.load().for_network(m.network.number);
        let gaze = point_of(m, &mapping).map_or(Region::None, region_of);
        let job = Job {
            endpoint: plan.endpoint.clone(),
            limit: plan.limit,
            jpeg,
        };
        if self.asker.is_none() {
            self.asker = Asker::start().ok();
        }
        // Where no thread can be had there is no answer either.
        if self.asker.as_ref().is_some_and(|asker| asker.ask(job)) {
            self.teller.note.asked += 1;
            self.pending = Some(Pending {
                captured_ns: m.captured_ns,
                gaze,
                counts: true,
            });
        }
    }

    fn hear(&mut self) {
        let Some(outcome) = self.asker.as_ref().and_then(Asker::outcome) else {
            return;
        };
        let outcome = outcome.unwrap_or_else(|| {
            self.asker = None; // another one is started
            Err("asking died of a fault of ours; please report this".into())
        });
        let asked = self.pending.take().filter(|asked| asked.counts);
        if let (Some(asked), Some(plan)) = (asked, &self.plan) {
            self.teller.hear(&asked, outcome, plan);
            let pause = match self.teller.note.failures {
                0 => BREATH,
                n => back_off(plan.every, n),
            };
            self.next = self.next.max(Instant::now() + pause);
        }
    }
}

/// How long nobody is asked after so many failures in a row: twice as long each time.
fn back_off(every: Duration, failures: u32) -> Duration {
    let longer = every.saturating_mul(1 << failures.min(16));
    longer.min(LONGEST_WAIT.max(every))
}

/// Keeps what the header says.
#[derive(Default)]
struct Teller {
    note: AssistantNote,
    told: Option<AssistantNote>,
    /// Notes that the publisher may still hold: it must not be the one who frees them.
    retired: Vec<Arc<AssistantNote>>,
    said: String,
}

impl Teller {
    fn begin(&mut self, plan: Option<&Plan>) {
        let counted = self.note;
        let status = match plan {
            Some(_) => AssistantStatus::Waiting,
            None => AssistantStatus::Off,
        };
        self.note = AssistantNote {
            status: status.raw(),
            fresh_ms: plan.map_or(0, |p| p.fresh.as_millis() as u32),
            asked: counted.asked,
            answered: counted.answered,
            compared: counted.compared,
            agreed: counted.agreed,
            text: put_text(plan.map_or("", |p| &p.endpoint.url)),
            ..AssistantNote::default()
        };
        self.said.clear();
        if let Some(plan) = plan {
            let every = plan.every.as_secs_f64();
            say!(
                "the assistant at {} gets a picture every {every} s",
                plan.endpoint.url
            );
        }
    }

    fn hear(&mut self, asked: &Pending, outcome: Result<Answer, String>, plan: &Plan) {
        let note = &mut self.note;
        match outcome {
            Ok(answer) => {
                let region = match answer {
                    Answer::Region(region) => region,
                    Answer::Nobody => Region::None,
                };
                let both = region != Region::None && asked.gaze != Region::None;
                note.status = AssistantStatus::Answering.raw();
                (note.region, note.gaze_region) = (region.raw(), asked.gaze.raw());
                (note.captured_ns, note.answered_ns) = (asked.captured_ns, clock::now_ns());
                note.failures = 0;
                note.answered += 1;
                note.compared += u64::from(both);
                note.agreed += u64::from(both && region == asked.gaze);
                note.text = put_text(&plan.endpoint.url);
                if !self.said.is_empty() {
                    say!("the assistant answers again");
                    self.said.clear();
                }
            }
            // Its last answer stays for as long as it is fresh.
            Err(why) => {
                note.status = AssistantStatus::Failing.raw();
                note.failures = note.failures.saturating_add(1);
                note.text = put_text(&why);
                if self.said != why {
                    say!("the assistant: {why}; it is asked less and less often");
                    self.said = why;
                }
            }
        }
    }

    fn tell(&mut self, shared: &Shared) {
        if self.told == Some(self.note) {
            return;
        }
        self.told = Some(self.note);
        self.retired.retain(|note| Arc::strong_count(note) > 1);
        let before = shared.assistant.swap(Arc::new(self.note));
        self.retired.push(before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan {
            endpoint: Endpoint::parse(address::USUAL).unwrap(),
            every: Duration::from_secs(5),
            fresh: Duration::from_secs(10),
            limit: Duration::from_secs(20),
        }
    }

    #[test]
    fn who_fails_is_asked_less_and_less_often_but_not_never() {
        let waits: Vec<u64> = [1, 2, 3, 6, 7, u32::MAX]
            .map(|n| back_off(Duration::from_secs(5), n).as_secs())
            .into();
        assert_eq!(waits, [10, 20, 40, 300, 300, 300]);
        let seldom = Duration::from_secs(600);
        assert_eq!(back_off(seldom, 1), seldom, "not sooner than was asked for");
    }

    #[test]
    fn agreement_is_counted_where_both_know_and_failures_keep_the_last_answer() {
        let mut teller = Teller::default();
        teller.begin(Some(&plan()));
        let at = |gaze, captured_ns| Pending {
            captured_ns,
            gaze,
            counts: true,
        };
        let here = Region::TopLeft;
        for (gaze, answer) in [
            (here, Answer::Region(here)),
            (Region::BottomRight, Answer::Region(here)),
            (Region::None, Answer::Region(here)),
            (here, Answer::Nobody),
            (here, Answer::Region(here)),
        ] {
            teller.hear(&at(gaze, 7), Ok(answer), &plan());
        }
        let note = teller.note;
        assert_eq!((note.answered, note.compared, note.agreed), (5, 3, 2));
        assert_eq!((note.region(), note.captured_ns), (here, 7));
        teller.hear(&at(here, 8), Err("nobody listens".into()), &plan());
        let note = teller.note;
        assert_eq!(
            (note.status(), note.failures),
            (AssistantStatus::Failing, 1)
        );
        assert_eq!((note.region(), note.captured_ns), (here, 7));
        assert!(note.is_fresh(7) && note.is_fresh(10_000_000_007));
        assert!(!note.is_fresh(10_000_000_008));
        teller.begin(None);
        assert!(
            !teller.note.is_fresh(7),
            "nothing is offered by what is off"
        );
    }
}
