//! One client's recording, without its socket: which pictures belong to which target.

use gaze::dataset::folder::{Folder, FolderError};
use gaze::dataset::protocol::{
    Begin, Done, Failed, PROTOCOL, PassedOver, Ready, Stored, Target, Trouble,
};
use gaze::screen::Screen;

use super::shot::{self, Moment};
use super::tap::{Shot, Wish};

/// A picture whose light fell in at a target's end is measured by then.
const MEASURED_WITHIN_NS: u64 = 500_000_000;

/// A recording that has begun.
pub(super) struct Sitting {
    folder: Folder,
    screen: Screen,
    camera_name: String,
    job: Option<Job>,
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
    /// Pictures that were taken before it was known are one too many.
    fn has_all(&self) -> bool {
        self.stored >= self.target.frames
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
        wish.want(target.from_ns);
        before
    }

    /// Whether pictures are awaited.
    pub fn is_waiting(&self) -> bool {
        self.job.is_some()
    }

    /// Stores a picture where it belongs to the target.
    pub fn picture(&mut self, shot: &Shot, wish: &Wish) -> Result<Option<Stored>, Failed> {
        let Some(job) = self.job.as_mut().filter(|j| !j.has_all()) else {
            return Ok(None);
        };
        let captured = shot.frame.captured_ns;
        if captured < job.next_ns || captured > job.target.until_ns {
            return Ok(None);
        }
        let pair = shot::pair(
            shot,
            &job.target,
            &self.screen,
            &self.camera_name,
            Moment::now(),
            &mut job.over,
        );
        let Some(pair) = pair else {
            return Ok(None);
        };
        let number = self.folder.put(&pair.jpeg, &pair.json).map_err(trouble)?;
        job.stored += 1;
        job.next_ns = captured.saturating_add(u64::from(job.target.every_ms) * 1_000_000);
        match job.has_all() {
            true => wish.want_nothing(),
            false => wish.want(job.next_ns.max(captured + 1)),
        }
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

    fn end(&mut self, wish: &Wish) -> Option<Done> {
        wish.want_nothing();
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
