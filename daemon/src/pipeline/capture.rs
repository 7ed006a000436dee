//! The capture thread: owns the frame source and nothing else.
//!
//! It fills recycled frames and hands them on; newest wins. It may block in the
//! source (bounded), allocate and open devices, because it is not on the way
//! from frame to sample: it only must never hold that way up. When a live
//! source fails it says why, waits with growing back-off, and opens it again.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::Sender;
use std::thread::Thread;
use std::time::{Duration, Instant};

use ring::clock;
use ring::layout::{Reason, State};
use ringbuf::traits::{Consumer, Producer};
use ringbuf::{HeapCons, HeapProd};
use vision::Frame;

use super::Event;
use super::compose::TOO_OLD_NS;
use super::shared::Shared;
use crate::sources::{
    self, ErrorKind, FrameSource, Next, OpenOptions, Origin, SourceError, SourceSpec, Victim, dies,
};

/// Frames in a row that say they are too old to be of use, after which the camera's stamps
/// are not believed until as many in a row are fresh again: a second of 30 frames.
const UNBELIEVED_AFTER: u32 = 30;
/// How long one call into the source may block.
const PATIENCE: Duration = Duration::from_millis(100);
/// A live source that gives nothing for this long is opened anew.
const STALLED_FOR: Duration = Duration::from_secs(5);
/// Back-off between attempts to open a lost source.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(8);
/// While it waits, the thread looks this often whether it is to end.
const GLANCE: Duration = Duration::from_millis(20);
/// The same while the camera is closed; who opens it, or ends the daemon, wakes the thread.
const REST: Duration = Duration::from_secs(1);

/// Before an empty chair a frame is unpacked so long after the one before it, nanoseconds: every
/// third of 30 a second. `SEARCH_EVERY_NS` (`commands/run/loading.rs`) is less: whatever is
/// unpacked then is searched.
const RESTING_NS: u64 = 80_000_000;

/// What the header was last told of the stream.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Nothing,
    Running,
    Bad,
}

/// What the capture thread needs.
pub struct Capture {
    /// The state shared by all threads.
    pub shared: Arc<Shared>,
    /// What to open.
    pub spec: SourceSpec,
    /// How to open it.
    pub options: OpenOptions,
    /// Already open (files are opened before the daemon starts, to fail early).
    pub source: Option<Box<dyn FrameSource>>,
    /// Frames on their way to perception.
    pub filled: HeapProd<Frame>,
    /// Frames on their way back.
    pub empty: HeapCons<Frame>,
    /// Woken when a frame is there.
    pub perceive: Thread,
    /// Tells the supervisor that the source ended or cannot be had.
    pub events: Sender<Event>,
    /// The source was lost since it was last open (not: paused).
    pub lost: bool,
    /// Wait for perception instead of dropping: every frame is measured.
    pub lossless: bool,
    /// The number of the next frame.
    pub next_index: u64,
    /// What becomes of the times that frames come with.
    pub stamps: Stamps,
}

/// What a live source says of when its frames were taken. Never later than arrival, never
/// before the frame that came before; and a camera whose clock was set does not look late
/// for ever.
#[derive(Debug, Default)]
pub struct Stamps {
    last_ns: u64,
    disbelieved: bool,
    /// Frames in a row that speak for the contrary.
    against: u32,
}

impl Stamps {
    /// The source was opened: its clock may be another. Time does not go back with it.
    fn opened(&mut self) {
        (self.disbelieved, self.against) = (false, 0);
    }

    fn believed(&mut self, captured_ns: u64, arrived_ns: u64) -> u64 {
        let late = arrived_ns.saturating_sub(captured_ns) > TOO_OLD_NS;
        self.against = if late == self.disbelieved {
            0
        } else {
            self.against + 1
        };
        if self.against > UNBELIEVED_AFTER {
            (self.disbelieved, self.against) = (late, 0);
        }
        let at = match self.disbelieved {
            true => arrived_ns,
            false => captured_ns,
        };
        self.last_ns = at.max(self.last_ns).min(arrived_ns);
        self.last_ns
    }
}

impl Capture {
    /// Runs until the daemon stops or the source ends.
    pub fn run(mut self) {
        let mut wait = FIRST_WAIT;
        let mut hand = Frame::default();
        let mut opened_before = self.source.is_some();
        while !self.shared.stopping() {
            if self.shared.paused() {
                self.rest_while_paused();
                continue;
            }
            if self.source.is_none() {
                match sources::open(&self.spec, &self.options) {
                    Ok(source) => {
                        if opened_before && self.lost {
                            self.shared.reconnects.fetch_add(1, Relaxed);
                        }
                        opened_before = true;
                        self.lost = false;
                        self.source = Some(source);
                    }
                    Err(error) => {
                        if !self.trouble(error, &mut wait) {
                            return;
                        }
                        continue;
                    }
                }
            }
            match self.stream(&mut hand, &mut wait) {
                Some(error) => {
                    self.source = None;
                    if !self.trouble(error, &mut wait) {
                        return;
                    }
                }
                None if self.source.is_none() && !self.shared.paused() => return,
                None => {}
            }
        }
    }

    /// Hands on frames until the source fails (the error), ends (the source is
    /// gone), the person pauses, or the daemon stops.
    fn stream(&mut self, hand: &mut Frame, wait: &mut Duration) -> Option<SourceError> {
        let source = self.source.as_mut()?;
        // Files have no cable to lose: they may be slower than any camera.
        let live = matches!(self.spec, SourceSpec::Camera(_) | SourceSpec::Scripted(_));
        self.shared.set_source_name(&source.describe().name);
        let first_index = self.next_index;
        self.stamps.opened();
        let mut last_frame = Instant::now();
        let mut said = Said::Nothing;
        let mut damaged = source.losses().damaged;
        let mut dropped = 0;
        let mut given_ns = 0;
        loop {
            if self.shared.stopping() {
                return None;
            }
            dies(Victim::Capture);
            if self.shared.paused() {
                self.source = None; // closes the camera
                return None;
            }
            source.pass_until(match self.shared.resting.load(Relaxed) {
                true => given_ns + RESTING_NS,
                false => 0,
            });
            match source.next(hand, PATIENCE) {
                Ok(Next::Frame) if !hand.is_sound() => {
                    if said != Said::Bad {
                        said = Said::Bad;
                        self.shared.set_source(
                            State::Running,
                            Reason::BadFrame,
                            format!(
                                "frames of {}×{} cannot be used; choose another size",
                                hand.width, hand.height
                            ),
                        );
                    }
                }
                Ok(Next::Frame) => {
                    last_frame = Instant::now();
                    *wait = FIRST_WAIT;
                    // A clip that is played as fast as it goes has no time of its own.
                    let now = clock::now_ns();
                    given_ns = now;
                    hand.captured_ns = match self.options.fast {
                        true => now,
                        false if live => self.stamps.believed(hand.captured_ns, now),
                        false => hand.captured_ns.min(now),
                    };
                    // A source that is opened again counts from 0; the daemon goes on.
                    hand.index += first_index;
                    self.next_index = hand.index + 1;
                    if said != Said::Running {
                        said = Said::Running;
                        self.shared.set_source(State::Running, Reason::None, "");
                    }
                    self.shared.frames_in.fetch_add(1, Relaxed);
                    let overtaken = source.losses().dropped;
                    self.shared
                        .frames_dropped
                        .fetch_add(overtaken - dropped, Relaxed);
                    dropped = overtaken;
                    hand_on(
                        &self.shared,
                        &mut self.filled,
                        &mut self.empty,
                        hand,
                        self.lossless,
                    );
                    self.perceive.unpark();
                }
                // It came: the camera lives.
                Ok(Next::Passed) => {
                    last_frame = Instant::now();
                    self.shared.frames_in.fetch_add(1, Relaxed);
                }
                Ok(Next::Nothing) => {
                    let losses = source.losses();
                    if losses.damaged > damaged && said != Said::Bad {
                        said = Said::Bad;
                        let why = losses.last_damage.unwrap_or_default();
                        self.shared.set_source(
                            State::Running,
                            Reason::BadFrame,
                            format!("pictures come damaged ({why}); check the cable"),
                        );
                    }
                    damaged = losses.damaged;
                    if live && said != Said::Nothing && last_frame.elapsed() > STALLED_FOR {
                        let name = source.describe().name.clone();
                        return Some(SourceError::new(
                            ErrorKind::DeviceLost,
                            Origin::Camera,
                            name,
                            "it gave no picture for 5 s",
                            "it is opened again; check its cable",
                        ));
                    }
                }
                Ok(Next::End) => {
                    self.source = None;
                    self.shared.set_source(
                        State::Ended,
                        Reason::SourceEnded,
                        "the clip ended; add --loop to repeat it",
                    );
                    let _ = self.events.send(Event::SourceEnded);
                    return None;
                }
                Err(error) => return Some(error),
            }
        }
    }

    /// Publishes the trouble and waits; false when it is not worth trying again.
    fn trouble(&mut self, error: SourceError, wait: &mut Duration) -> bool {
        self.lost = true;
        let (state, reason) = in_the_header(error.kind());
        self.shared.set_source(state, reason, error.to_string());
        if !error.is_recoverable() {
            let _ = self.events.send(Event::SourceFailed(error));
            return false;
        }
        let until = Instant::now() + *wait;
        *wait = (*wait * 2).min(LONGEST_WAIT);
        while Instant::now() < until && !self.shared.stopping() && !self.shared.paused() {
            std::thread::sleep(GLANCE);
        }
        true
    }

    fn rest_while_paused(&mut self) {
        self.source = None;
        self.shared.set_source(
            State::Paused,
            Reason::Paused,
            "the camera is closed; SIGUSR1 opens it again",
        );
        while self.shared.paused() && !self.shared.stopping() {
            std::thread::park_timeout(REST);
        }
        if !self.shared.stopping() {
            self.shared.set_source(
                State::Starting,
                Reason::Starting,
                "opening the source again",
            );
        }
    }
}

/// What a source's trouble is called in samples and header.
fn in_the_header(kind: ErrorKind) -> (State, Reason) {
    match kind {
        ErrorKind::PermissionDenied => (State::PermissionDenied, Reason::PermissionDenied),
        ErrorKind::DeviceBusy => (State::CameraBusy, Reason::CameraBusy),
        ErrorKind::DeviceNotAvailable => (State::NoCamera, Reason::NoCamera),
        ErrorKind::DeviceLost => (State::NoCamera, Reason::CameraLost),
        ErrorKind::BadSize => (State::Fault, Reason::BadFrame),
        ErrorKind::UnsupportedFormat
        | ErrorKind::NotFound
        | ErrorKind::Unreadable
        | ErrorKind::Truncated => (State::Fault, Reason::Fault),
    }
}

/// Gives the frame in hand away and takes an empty one for it. When perception
/// has taken none of the frames on their way, the one in hand is overwritten by
/// the next. After a stall perception therefore finds one frame of the stall's
/// beginning first, and passes over it by its age.
fn hand_on(
    shared: &Shared,
    filled: &mut HeapProd<Frame>,
    empty: &mut HeapCons<Frame>,
    hand: &mut Frame,
    lossless: bool,
) {
    loop {
        if let Some(fresh) = empty.try_pop() {
            // As many frames exist as the queue has places, so there is room.
            if let Err(back) = filled.try_push(std::mem::replace(hand, fresh)) {
                *hand = back;
            }
            return;
        }
        if !lossless || shared.stopping() {
            shared.frames_dropped.fetch_add(1, Relaxed);
            return;
        }
        std::thread::sleep(Duration::from_micros(500));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn stamps_are_believed_again_only_after_as_many_as_it_took_to_doubt_them() {
        let mut stamps = Stamps::default();
        // A frame every 33 ms that says it was taken so long before it came.
        let mut at = |frame: u64, late_ms: u64| {
            let arrived = (10_000 + 33 * frame) * MS;
            arrived - stamps.believed(arrived - late_ms * MS, arrived)
        };
        let n = u64::from(UNBELIEVED_AFTER);
        assert_eq!(at(0, 5), 5 * MS);
        for frame in 1..=n {
            assert!(at(frame, 5000) > 0, "{frame}");
        }
        assert_eq!(at(n + 1, 5000), 0, "not believed any more");
        // One that is fresh now and then changes nothing.
        for frame in n + 2..4 * n {
            assert_eq!(at(frame, if frame % 7 == 3 { 5 } else { 5000 }), 0);
        }
        for frame in 4 * n..5 * n {
            assert_eq!(at(frame, 5), 0);
        }
        for frame in 5 * n..5 * n + 2 {
            at(frame, 5);
        }
        assert_eq!(at(5 * n + 2, 5), 5 * MS, "believed again");
    }

    #[test]
    fn time_does_not_go_back_when_a_source_is_opened_again() {
        let mut stamps = Stamps::default();
        assert_eq!(stamps.believed(1000 * MS, 1000 * MS), 1000 * MS);
        stamps.opened();
        assert_eq!(stamps.believed(900 * MS, 1033 * MS), 1000 * MS);
    }
}
