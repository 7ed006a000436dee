//! The clips thread: pictures in, MP4 files out, the header told how it stands.
//!
//! It encodes and writes, so it may take milliseconds or, on a slow disk, seconds: pictures
//! that come meanwhile are passed over and counted. It runs at a lower priority than what
//! measures. Whatever goes wrong ends the recording and nothing else.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use clips::{Recorder, Seen, Status, choice::encoders};
use gaze::trust;
use ring::clock;
use ring::layout::{ClipsNote, ClipsStatus, put_text};

use super::contact::seen;
use super::outlet::{Inlet, View};
use super::stand_back;
use crate::log::say;
use crate::pipeline::shared::Shared;

/// So often it looks for pictures: they do not wake it.
const GLANCE: Duration = Duration::from_millis(8);
/// The same while clips are off, or the camera is closed; who changes that wakes it.
const REST: Duration = Duration::from_secs(1);
/// The header's counters are renewed this often.
const TELL_EVERY: Duration = Duration::from_millis(250);

/// What is to be recorded; `None`: nothing.
pub type Order = Option<Plan>;

/// What is to be recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Where, when, how much.
    pub settings: clips::Settings,
    /// Every face counts as in contact since it was seen first: for measuring what recording
    /// costs.
    pub always: bool,
}

/// What the clips thread needs.
pub struct Clips {
    /// The state shared by all threads.
    pub shared: Arc<Shared>,
    /// Pictures from the perceive thread.
    pub inlet: Inlet,
    /// At the start, then whenever the settings change.
    pub orders: Receiver<Order>,
}

/// A recorder, or why there is none.
enum State {
    Off,
    On(Box<Recorder>, Plan),
    Failed(String),
}

impl Clips {
    /// Runs until the daemon stops.
    pub fn run(mut self) {
        stand_back();
        let mut state = State::Off;
        let mut teller = Teller::new(&self.shared);
        while !self.shared.stopping() {
            let order = self.orders.try_iter().last();
            if let Some(order) = order {
                state = self.take_up(state, order);
            }
            let rest = match (&mut state, self.inlet.take()) {
                (State::On(recorder, plan), Some(view)) => {
                    record(recorder, &view, plan.always);
                    self.inlet.give_back(view);
                    if matches!(recorder.status(), Status::Stopped(_)) {
                        self.inlet.wish.want_nothing();
                    }
                    None
                }
                (_, Some(view)) => {
                    self.inlet.give_back(view);
                    None
                }
                (State::On(recorder, _), None) => {
                    // With the camera closed nothing of before is kept.
                    let paused = self.shared.paused();
                    if paused {
                        recorder.finish();
                    }
                    recorder.quiet(clock::now_ns(), unix_ns());
                    // Whoever opens it again wakes the thread.
                    Some(if paused { REST } else { GLANCE })
                }
                (_, None) => Some(REST),
            };
            // Told before it rests: that is long.
            teller.tell(&self.shared, &state, self.inlet.wish.missed());
            if let Some(rest) = rest {
                std::thread::park_timeout(rest);
            }
        }
        if let State::On(recorder, _) = &mut state {
            recorder.finish();
        }
        teller.last_word(&self.shared, &state);
    }

    /// Other settings: the clip that runs ends.
    fn take_up(&self, now: State, order: Order) -> State {
        if let (State::On(recorder, plan), Some(next)) = (&now, &order)
            && plan == next
            && !matches!(recorder.status(), Status::Stopped(_))
        {
            return now;
        }
        if let State::On(mut recorder, _) = now {
            recorder.finish();
        }
        let Some(plan) = order else {
            self.inlet.wish.want_nothing();
            return State::Off;
        };
        let mut settings = plan.settings.clone();
        // Not to where a link of somebody else's leads.
        match trust::resolve(&settings.folder) {
            Ok(folder) => settings.folder = folder,
            Err(e) => {
                self.inlet.wish.want_nothing();
                let folder = settings.folder.display();
                return State::Failed(format!("{folder} is not recorded into: {e}"));
            }
        }
        match Recorder::new(settings, encoders(), unix_ns()) {
            Ok(recorder) => {
                self.inlet.wish.want_every((1e9 / plan.settings.fps) as u64);
                State::On(Box::new(recorder), plan)
            }
            Err(trouble) => {
                self.inlet.wish.want_nothing();
                State::Failed(trouble.to_string())
            }
        }
    }
}

fn record(recorder: &mut Recorder, view: &View, always: bool) {
    let Some(m) = &view.measurement else { return };
    let (mut faces, n) = seen(&m.table);
    if always {
        faces[..n]
            .iter_mut()
            .for_each(|f: &mut Seen| f.contact = true);
    }
    let age = clock::now_ns().saturating_sub(view.frame.captured_ns);
    recorder.picture(&view.frame, &faces[..n], unix_ns().saturating_sub(age));
}

/// UTC, nanoseconds since 1970.
fn unix_ns() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |d| d.as_nanos() as u64)
}

/// Tells the header.
struct Teller {
    note: ClipsNote,
    next: Instant,
    /// The last word on which encoder is at work.
    said: String,
}

impl Teller {
    fn new(shared: &Shared) -> Self {
        let note = ClipsNote {
            status: ClipsStatus::Off.raw(),
            since_ns: clock::now_ns(),
            ..ClipsNote::default()
        };
        shared.clips.store(Arc::new(note));
        Teller {
            note,
            next: Instant::now(),
            said: String::new(),
        }
    }

    /// At once when it stands otherwise than before, else now and then.
    fn tell(&mut self, shared: &Shared, state: &State, missed: u64) {
        let (status, face, text) = match state {
            State::Off => (ClipsStatus::Off, 0, String::new()),
            State::Failed(why) => (ClipsStatus::Stopped, 0, why.clone()),
            State::On(recorder, _) => match recorder.status() {
                Status::Watching => {
                    let note = recorder.note().unwrap_or_default();
                    (ClipsStatus::Watching, 0, note.to_owned())
                }
                Status::Recording { face, clip } => (ClipsStatus::Recording, face, clip),
                Status::Stopped(why) => (ClipsStatus::Stopped, 0, why),
            },
        };
        let text_field = put_text(&text);
        let same =
            (status.raw(), face, text_field) == (self.note.status, self.note.face, self.note.text);
        if same && Instant::now() < self.next {
            return;
        }
        self.next = Instant::now() + TELL_EVERY;
        let mut note = self.note;
        if !same {
            self.say(status, &text);
            note.since_ns = clock::now_ns();
        }
        (note.status, note.face, note.text) = (status.raw(), face, text_field);
        note.missed = missed;
        if let State::On(recorder, _) = state {
            let (clips, bytes) = recorder.on_disk();
            (note.clips, note.bytes) = (clips as u32, bytes);
            note.memory = recorder.in_memory() as u32;
            note.finished = recorder.finished;
        }
        if note != self.note {
            self.note = note;
            shared.clips.store(Arc::new(note));
        }
    }

    fn last_word(&mut self, shared: &Shared, state: &State) {
        self.next = Instant::now();
        self.tell(shared, state, self.note.missed);
    }
    /// On standard error, once a change; another encoder once, not after every clip.
    fn say(&mut self, status: ClipsStatus, text: &str) {
        match status {
            ClipsStatus::Recording => say!("recording {text}"),
            ClipsStatus::Stopped => say!("no clips any more: {text}"),
            ClipsStatus::Watching if self.said != text => {
                self.said = text.to_owned();
                if !text.is_empty() {
                    say!("clips: {text}");
                }
            }
            _ => {}
        }
    }
}
