//! Plays recorded pictures in real time, or as fast as they are asked for.

use std::time::Duration;

use vision::Frame;

use super::clock::{deadline, now_ns, wait_until};
use super::error::Flaw;
use super::{FrameSource, Losses, Next, OpenOptions, SourceError, SourceInfo};

/// Recorded pictures in display order, each with its own time.
pub(crate) trait Pictures: Send {
    /// Fills `frame`'s pixels with the next picture and returns its time in
    /// nanoseconds from the recording's beginning; `None` at the end.
    fn next_picture(&mut self, frame: &mut Frame) -> Result<Option<u64>, Flaw>;

    /// The time of the next picture, where it is known without decoding it and
    /// [`Pictures::pass`] can leave it out.
    fn next_at(&self) -> Option<u64> {
        None
    }

    /// Leaves the next picture out, after [`Pictures::next_at`] told its time.
    fn pass(&mut self) {}

    /// Begins again.
    fn rewind(&mut self) -> Result<(), Flaw>;

    /// When the last picture's time is over. Asked for once the end was reached.
    fn end_ns(&self) -> u64;

    /// Pictures that could not be shown.
    fn losses(&self) -> Losses {
        Losses::default()
    }
}

/// More than this behind its own clock (the process was stopped, or decoding is
/// slower than real time), playing goes on from now instead of hurrying after.
const HOPELESSLY_LATE_NS: u64 = 1_000_000_000;

/// A recording as a [`FrameSource`].
pub(crate) struct Paced<P> {
    pictures: P,
    info: SourceInfo,
    looped: bool,
    fast: bool,
    /// The picture that waits for its time, decoded ahead of it.
    staged: Frame,
    /// Its time in the recording, if one is staged.
    staged_at: Option<u64>,
    /// When the recording's time 0 was, on the monotonic clock.
    origin_ns: Option<u64>,
    index: u64,
    given_in_this_pass: u64,
    pass_until_ns: u64,
    failure: Option<SourceError>,
}

impl<P: Pictures> Paced<P> {
    pub fn new(pictures: P, mut info: SourceInfo, options: &OpenOptions) -> Self {
        info.live = !options.fast;
        Paced {
            pictures,
            info,
            looped: options.looped,
            fast: options.fast,
            staged: Frame::default(),
            staged_at: None,
            origin_ns: None,
            index: 0,
            given_in_this_pass: 0,
            pass_until_ns: 0,
            failure: None,
        }
    }

    /// Makes sure that a picture is staged. `None` at the end.
    fn stage(&mut self) -> Result<Option<u64>, Flaw> {
        if self.staged_at.is_some() {
            return Ok(self.staged_at);
        }
        self.staged_at = self.pictures.next_picture(&mut self.staged)?;
        // A recording without a single picture must not be rewound for ever.
        if self.staged_at.is_none() && self.looped && self.given_in_this_pass > 0 {
            let length = self.pictures.end_ns().max(1_000_000);
            self.pictures.rewind()?;
            self.given_in_this_pass = 0;
            self.origin_ns = self.origin_ns.map(|o| o.saturating_add(length));
            self.staged_at = self.pictures.next_picture(&mut self.staged)?;
        }
        Ok(self.staged_at)
    }

    /// Where not every picture is wanted, one is decoded at its time, as a camera's is, or never:
    /// the answer for one that is not decoded now.
    fn pass_over(&mut self, until: u64) -> Option<Next> {
        if self.pass_until_ns == 0 || self.fast || self.staged_at.is_some() {
            return None;
        }
        let due = self.origin_ns?.saturating_add(self.pictures.next_at()?);
        if !wait_until(due, until) {
            return Some(Next::Nothing);
        }
        if due >= self.pass_until_ns {
            return None;
        }
        self.pictures.pass();
        self.index += 1;
        self.given_in_this_pass += 1;
        Some(Next::Passed)
    }
}

impl<P: Pictures> FrameSource for Paced<P> {
    fn pass_until(&mut self, moment_ns: u64) {
        self.pass_until_ns = moment_ns;
    }

    fn next(&mut self, frame: &mut Frame, timeout: Duration) -> Result<Next, SourceError> {
        if let Some(e) = &self.failure {
            return Err(e.clone());
        }
        let until = deadline(timeout);
        if let Some(answer) = self.pass_over(until) {
            return Ok(answer);
        }
        let at = match self.stage() {
            Ok(Some(at)) => at,
            Ok(None) => return Ok(Next::End),
            Err(flaw) => {
                let e = flaw.at(self.info.name.clone());
                self.failure = Some(e.clone());
                return Err(e);
            }
        };
        let now = now_ns();
        // The first picture is due at once. One that is due in centuries, by a clip's absurd
        // rate, is waited for.
        let origin = *self.origin_ns.get_or_insert(now.saturating_sub(at));
        let mut due = origin.saturating_add(at);
        if !self.fast {
            if !wait_until(due, until) {
                return Ok(Next::Nothing);
            }
            let late = now_ns().saturating_sub(due);
            if late > HOPELESSLY_LATE_NS {
                self.origin_ns = self.origin_ns.map(|o| o.saturating_add(late));
                due = due.saturating_add(late);
            }
        }
        std::mem::swap(frame, &mut self.staged);
        self.staged_at = None;
        frame.captured_ns = due;
        frame.index = self.index;
        self.index += 1;
        self.given_in_this_pass += 1;
        Ok(Next::Frame)
    }

    fn describe(&self) -> &SourceInfo {
        &self.info
    }

    fn losses(&self) -> Losses {
        self.pictures.losses()
    }
}
