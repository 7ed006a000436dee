//! One client's recording, without its socket: which pictures belong to which target.

use std::collections::VecDeque;

use gaze::dataset::folder::{Folder, FolderError};
use gaze::dataset::protocol::{
    Begin, Done, Failed, PROTOCOL, PassedOver, Ready, Stored, Target, Trouble,
};
use gaze::screen::Screen;
use ring::layout::AssistantNote;

use super::blinks::{Blinks, Lids, Verdict};
use super::shot::{self, Moment};
use super::tap::{Shot, Wish};

/// A picture whose light fell in at a target's end is measured by then, and what the lids do
/// after it.
const MEASURED_WITHIN_NS: u64 = 500_000_000;

/// A recording that has begun.
pub(super) struct Sitting {
    folder: Folder,
    screen: Screen,
    camera_name: String,
    job: Option<Job>,
    blinks: Blinks,
    /// Pictures of the target whose lids are not judged yet, oldest first.
    unsure: VecDeque<Box<Shot>>,
    spent: Vec<Box<Shot>>,
    /// The newest that the assistant said.
    assistant: AssistantNote,
}

/// The target that pictures are awaited for.
struct Job {
    target: Target,
    stored: u32,
    over: PassedOver,
    /// Before this no further picture is taken.
    next_ns: u64,
    /// The tap's count when it began.
    late: u64,
}

impl Job {
    fn has_all(&self) -> bool {
        self.stored >= self.target.frames
    }

    /// The first time for a picture after one of this time.
    fn after(&self, captured_ns: u64) -> u64 {
        let apart = u64::from(self.target.every_ms) * 1_000_000;
        captured_ns.saturating_add(apart.max(1))
    }
}

impl Sitting {
    /// Opens the folder and begins.
    pub fn begin(begin: &Begin, camera_name: &str) -> Result<(Sitting, Ready), Failed> {
        if !begin.consent {
            return Err(Failed {
                kind: Trouble::NoConsent,
                why: "the person before the camera has not agreed to pictures being stored".into(),
            });
        }
        let folder = Folder::open(&begin.folder).map_err(trouble)?;
        let ready = Ready {
            protocol: PROTOCOL,
            folder: folder.path().to_owned(),
            next: folder.next_number(),
            pairs: folder.pairs(),
            mended: folder.mended(),
            camera: camera_name.to_owned(),
        };
        let sitting = Sitting {
            folder,
            screen: begin.screen,
            camera_name: camera_name.to_owned(),
            job: None,
            blinks: Blinks::default(),
            unsure: VecDeque::new(),
            spent: Vec::new(),
            assistant: AssistantNote::default(),
        };
        Ok((sitting, ready))
    }

    /// Takes up the next target; how the one before it ended, if it was not over.
    pub fn target(&mut self, target: Target, wish: &Wish) -> Option<Done> {
        let before = self.end(wish);
        self.job = Some(Job {
            target,
            stored: 0,
            over: PassedOver::default(),
            next_ns: target.from_ns,
            late: wish.late(),
        });
        self.ask(wish);
        before
    }

    /// Whether pictures are awaited.
    pub fn is_waiting(&self) -> bool {
        self.job.is_some()
    }

    /// Hears of the lids in a picture, any picture.
    pub fn lids(&mut self, lids: Lids) {
        self.blinks.saw(lids);
    }

    /// Hears what the assistant says.
    pub fn assistant(&mut self, note: AssistantNote) {
        self.assistant = note;
    }

    /// Takes a picture in where it may belong to the target.
    pub fn picture(&mut self, shot: Box<Shot>, wish: &Wish) {
        let captured = shot.frame.captured_ns;
        let next_ns = self.next_ns();
        let wanted = self.job.as_mut().filter(|job| {
            next_ns.is_some_and(|next| captured >= next) && captured <= job.target.until_ns
        });
        match wanted.is_some_and(|job| shot::is_usable(&shot, &mut job.over)) {
            true => self.unsure.push_back(shot),
            false => self.spent.push(shot),
        }
        self.ask(wish);
    }

    /// Stores the oldest picture that waits, or passes over it; `None` while what its lids do
    /// is not known.
    pub fn judge(&mut self, wish: &Wish) -> Option<Result<Option<Stored>, Failed>> {
        // A face was seen in each of them.
        let lids = Lids::of(self.unsure.front()?.measurement.as_ref()?)?;
        let verdict = self.blinks.judge(&lids);
        if verdict == Verdict::Wait {
            return None;
        }
        let shot = self.unsure.pop_front()?;
        let stored = match verdict {
            Verdict::Open => self.store(&shot),
            _ => {
                if let Some(job) = &mut self.job {
                    job.over.eyes_shut += 1;
                }
                Ok(None)
            }
        };
        self.spent.push(shot);
        self.ask(wish);
        Some(stored)
    }

    /// Pictures that are done with: their buffers are to be given back.
    pub fn spent(&mut self) -> impl Iterator<Item = Box<Shot>> + '_ {
        self.spent.drain(..)
    }

    /// When the next picture may be taken; `None` while there are enough.
    fn next_ns(&self) -> Option<u64> {
        let job = self.job.as_ref()?;
        let on_hand = job.stored as usize + self.unsure.len();
        let last = self.unsure.back().map(|s| s.frame.captured_ns);
        let next = last.map_or(job.next_ns, |last| job.after(last));
        (on_hand < job.target.frames as usize).then_some(next)
    }

    fn ask(&self, wish: &Wish) {
        match self.next_ns() {
            Some(next) => wish.want(next),
            None => wish.want_nothing(),
        }
    }

    fn store(&mut self, shot: &Shot) -> Result<Option<Stored>, Failed> {
        let Some(job) = &mut self.job else {
            return Ok(None);
        };
        let captured = shot.frame.captured_ns;
        let pair = shot::pair(
            shot,
            &job.target,
            &self.screen,
            &self.camera_name,
            Moment::now(),
            &self.assistant,
            &mut job.over,
        );
        let Some(pair) = pair else {
            return Ok(None);
        };
        let number = self.folder.put(&pair.jpeg, &pair.json).map_err(trouble)?;
        job.stored += 1;
        job.next_ns = job.after(captured);
        Ok(Some(Stored {
            place: job.target.place,
            number,
            frame_index: shot.frame.index,
            captured_ns: captured,
            head_deg: pair.head_deg,
            head_mm: pair.head_mm,
        }))
    }

    /// How the target ended, if it is over by now.
    pub fn over(&mut self, now_ns: u64, wish: &Wish) -> Option<Done> {
        let job = self.job.as_ref()?;
        let last = job.target.until_ns.saturating_add(MEASURED_WITHIN_NS);
        match job.has_all() || now_ns > last {
            true => self.end(wish),
            false => None,
        }
    }

    /// Ends the target, whatever waits for it.
    pub fn end(&mut self, wish: &Wish) -> Option<Done> {
        wish.want_nothing();
        self.spent.extend(self.unsure.drain(..));
        let job = self.job.take()?;
        Some(Done {
            place: job.target.place,
            stored: job.stored,
            wanted: job.target.frames,
            late: wish.late() - job.late,
            passed_over: job.over,
        })
    }
}

fn trouble(error: FolderError) -> Failed {
    Failed {
        kind: match error {
            FolderError::Full { .. } => Trouble::Full,
            FolderError::Busy { .. } => Trouble::Busy,
            _ => Trouble::Folder,
        },
        why: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::shot::example;
    use gaze::dataset::Prompt;

    const MS: u64 = 1_000_000;

    fn target(frames: u32, every_ms: u32) -> Target {
        Target {
            place: 3,
            x_px: 10.0,
            y_px: 20.0,
            from_ns: 2_000 * MS,
            until_ns: 4_000 * MS,
            frames,
            every_ms,
            prompt: Prompt::Still,
        }
    }

    /// Thirty pictures a second with lids that are shut from 2.4 to 2.6 s of the samples' clock,
    /// ramps included; when those that were stored were taken, and how it ended.
    fn recorded(target: Target) -> (Vec<u64>, Option<Done>) {
        let dir = tempfile::tempdir().unwrap();
        let begin = Begin {
            folder: dir.path().join("faces"),
            consent: true,
            screen: Screen::default(),
        };
        let (mut sitting, _) = Sitting::begin(&begin, "camera").unwrap();
        let wish = Wish::default();
        assert!(sitting.target(target, &wish).is_none());
        let (mut stored, mut done, mut lent) = (Vec::new(), None, 0);
        for i in 0..160 {
            let at = 100 * MS + i * 1_000 * MS / 30;
            let openness = match at / MS {
                2400..2440 | 2560..2600 => 0.85,
                2440..2560 => 0.0,
                _ => 1.0,
            };
            let shot = example(at, openness);
            sitting.lids(Lids::of(shot.measurement.as_ref().unwrap()).unwrap());
            if wish.wants(at) {
                lent += 1;
                sitting.picture(shot, &wish);
            }
            while let Some(judged) = sitting.judge(&wish) {
                stored.extend(judged.unwrap().map(|s| s.captured_ns));
            }
            done = done.or(sitting.over(at, &wish));
            lent -= sitting.spent().count();
            assert!(lent <= 5, "{lent} pictures wait");
        }
        assert_eq!(lent, 0, "every buffer comes back");
        (stored, done)
    }

    #[test]
    fn pictures_around_a_blink_are_passed_over_and_made_up_for() {
        let (stored, done) = recorded(target(8, 150));
        let done = done.unwrap();
        assert_eq!((stored.len(), done.stored, done.place), (8, 8, 3));
        assert!(done.passed_over.eyes_shut > 0, "{done:?}");
        assert!(stored.windows(2).all(|t| t[1] - t[0] >= 150 * MS));
        for at in stored.iter().map(|ns| ns / MS) {
            assert!(!(2366..2733).contains(&at), "{at} ms");
        }
        // As close to each other as they come, until the time is over.
        let (stored, done) = recorded(target(1000, 0));
        assert!((40..55).contains(&stored.len()), "{}", stored.len());
        assert_eq!(done.unwrap().stored as usize, stored.len());
        assert!((2_000..2_034).contains(&(stored[0] / MS)));
        assert!((3_966..=4_000).contains(&(stored.last().unwrap() / MS)));
        assert_eq!(recorded(target(1, 0)).0.len(), 1);
    }
}
