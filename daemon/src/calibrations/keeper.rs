//! The owner of the mapping in force: looks at the files and decides what changes.
//!
//! Knows no thread, no clock and no shared memory: the tests call it with made-up
//! times and folders.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use display::Display;
use gaze::calibration::selection::{self, Selection};
use gaze::calibration::{self, Calibration, FileError};
use gaze::error_radius::MapError;
use gaze::filter::FilterConfig;

use super::note::{self, refusal};
use super::situation::{Situation, World};
use crate::pipeline::mapping::Mapping;
use crate::pipeline::measurement::NetworkTag;
use crate::settings::FileSettings;

/// A file that is away for less is being replaced.
pub const ABSENCE: Duration = Duration::from_millis(100);

/// What does not depend on settings, files, camera and displays.
#[derive(Debug, Clone)]
pub struct Fixed {
    /// Where calibrations and the selection lie; `None` without a home folder.
    pub folder: Option<PathBuf>,
    /// The network's [`network_id`](gaze::calibration::network_id).
    pub network: String,
    /// Who is logged in.
    pub login: String,
}

/// The mapping in force and all that it depends on.
pub struct Keeper {
    fixed: Fixed,
    /// The network's number in this run of the daemon.
    network: u32,
    settings: FileSettings,
    selection: Option<Selection>,
    selection_is_newer: bool,
    selection_refused: Option<String>,
    selection_absence: Absence,
    /// The calibration in force and the file that it came from.
    in_force: Option<(Calibration, PathBuf)>,
    refused: Option<String>,
    absence: Absence,
    situation: Situation,
    mapping: Arc<Mapping>,
    /// Nothing has been looked at yet.
    new: bool,
}

/// Since when a file is away.
#[derive(Default)]
struct Absence(Option<Instant>);

impl Absence {
    /// Whether it has been away for so long that it is gone.
    fn lasts(&mut self, now: Instant) -> bool {
        now.duration_since(*self.0.get_or_insert(now)) >= ABSENCE
    }
}

impl Keeper {
    /// Has looked at nothing yet: [`look`](Self::look).
    pub fn new(fixed: Fixed, settings: FileSettings) -> Self {
        let situation = Situation::of(&World {
            settings: &settings,
            selection: None,
            selection_is_newer: false,
            login: &fixed.login,
            displays: &[],
            camera: "",
            network: &fixed.network,
            folder: None,
        });
        let filter = FilterConfig::of(settings.filter_kind());
        let mapping = Arc::new(Mapping::uncalibrated(situation.screen, filter));
        Keeper {
            fixed,
            network: 0,
            settings,
            selection: None,
            selection_is_newer: false,
            selection_refused: None,
            selection_absence: Absence::default(),
            in_force: None,
            refused: None,
            absence: Absence::default(),
            situation,
            mapping,
            new: true,
        }
    }

    /// Follows another network; [`look`](Self::look) makes it count.
    pub fn set_network(&mut self, tag: &NetworkTag) {
        self.fixed.network = tag.id();
        self.network = tag.number;
    }

    /// Takes up other settings; [`look`](Self::look) makes them count.
    pub fn set_settings(&mut self, settings: FileSettings) {
        if settings.user != self.settings.user {
            self.selection_is_newer = false;
        }
        self.settings = settings;
    }

    /// The folders whose news matter.
    pub fn folders(&self) -> Vec<PathBuf> {
        let named = self.settings.calibration.as_deref().and_then(Path::parent);
        let named = named.map(|p| match p.as_os_str().is_empty() {
            true => PathBuf::from("."),
            false => p.to_owned(),
        });
        self.fixed.folder.iter().cloned().chain(named).collect()
    }

    /// The mapping in force.
    pub fn mapping(&self) -> &Arc<Mapping> {
        &self.mapping
    }

    /// What the mapping is for.
    pub fn situation(&self) -> &Situation {
        &self.situation
    }

    /// The calibration in force.
    pub fn in_force(&self) -> Option<&Calibration> {
        self.in_force.as_ref().map(|(c, _)| c)
    }

    /// Why a file is not in force that is there.
    pub fn refused(&self) -> Option<&str> {
        self.refused
            .as_deref()
            .or(self.selection_refused.as_deref())
    }

    /// How it stands, in one line for the log.
    pub fn sentence(&self, now_unix_s: u64) -> String {
        let refused = self.refused();
        match (self.in_force(), refused) {
            (Some(c), None) => format!(
                "{}'s calibration is in force: {}, {:.1} % of the diagonal ({:.1} cm), {}",
                c.user,
                c.grade.word(),
                100.0 * c.expected_error(),
                c.expected_error() * self.mapping.screen.diagonal_mm() / 10.0,
                note::age(c.created_unix_s, now_unix_s),
            ),
            (Some(c), Some(why)) => format!("{}'s calibration stays in force: {why}", c.user),
            (None, Some(why)) => format!("no calibration is in force: {why}"),
            (None, None) => match &self.situation.file {
                Some(file) => format!(
                    "no calibration: looked for {}; run gaze-calib run",
                    file.display()
                ),
                None => "no calibration until the camera is known".to_owned(),
            },
        }
    }

    /// Whether a file is away, so that it is worth looking again after [`ABSENCE`].
    pub fn waits(&self) -> bool {
        self.selection_absence.0.is_some() && self.selection.is_some()
            || self.absence.0.is_some() && self.in_force.is_some()
    }

    /// Looks at selection and calibration file; true when that gave a new mapping.
    pub fn look(&mut self, now: Instant, camera: &str, displays: &[Display]) -> bool {
        self.look_at_selection(now);
        self.situation = Situation::of(&World {
            settings: &self.settings,
            selection: self.selection.as_ref(),
            selection_is_newer: self.selection_is_newer,
            login: &self.fixed.login,
            displays,
            camera,
            network: &self.fixed.network,
            folder: self.fixed.folder.as_deref(),
        });
        let before = self.in_force.take();
        let (in_force, refused) = self.choose(now, before.clone());
        (self.in_force, self.refused) = (in_force, refused);
        self.new = false;
        let changed = before.map(|(c, _)| c) != self.in_force().cloned();
        self.renew(changed)
    }

    /// What is in force from now on, and why it is not what the file says.
    fn choose(
        &mut self,
        now: Instant,
        before: Option<(Calibration, PathBuf)>,
    ) -> (Option<(Calibration, PathBuf)>, Option<String>) {
        let situation = &self.situation;
        // Another person's, camera's or display's map never stays.
        let kept = before.filter(|(c, from)| {
            situation.suits(c).is_ok()
                && (!situation.named || Some(from) == situation.file.as_ref())
        });
        let Some(file) = situation.file.clone() else {
            return (kept, None);
        };
        let error = match calibration::load(&file) {
            Ok(found) => match situation.suits(&found) {
                Ok(()) => {
                    self.absence = Absence::default();
                    return (Some((found, file)), None);
                }
                Err(why) => format!("{}: {why}", note::short_name(&file)),
            },
            Err(FileError::NotFound { .. }) => {
                let gone = self.absence.lasts(now);
                return (kept.filter(|_| !gone), None);
            }
            Err(error) => refusal(&file, &error),
        };
        self.absence = Absence::default();
        (kept, Some(error))
    }

    fn look_at_selection(&mut self, now: Instant) {
        let Some(folder) = &self.fixed.folder else {
            return;
        };
        self.selection_refused = None;
        let found = match selection::load(folder) {
            Ok(found) => Some(found),
            Err(FileError::NotFound { .. }) => {
                if self.selection_absence.lasts(now) {
                    self.selection = None;
                }
                return;
            }
            Err(error) => {
                let file = folder.join(selection::FILE_NAME);
                self.selection_refused = Some(refusal(&file, &error));
                self.selection.clone()
            }
        };
        self.selection_absence = Absence::default();
        if found != self.selection {
            // What was there at the start is older than what the settings say.
            self.selection_is_newer = !self.new;
            self.selection = found;
        }
    }

    /// Puts the state into a mapping, if that is another one than the one in force.
    fn renew(&mut self, map_changed: bool) -> bool {
        let now = &self.mapping;
        let in_force = self.in_force();
        let screen = in_force.map_or(self.situation.screen, |c| self.situation.screen_with(c));
        let filter = FilterConfig::of(self.settings.filter_kind());
        let calibration_generation = now.calibration_generation + u32::from(map_changed);
        let mut next = Mapping {
            screen,
            display_version: now.display_version + u32::from(screen != now.screen),
            calibration: in_force.map(Calibration::effective_map),
            calibration_generation,
            head: in_force.and_then(|c| c.head),
            map_error: in_force.map_or(MapError::Uncalibrated, MapError::from),
            network: self.network,
            filter,
            note: now.note,
            note_version: now.note_version,
        };
        next.note = note::note(
            in_force,
            next.generation(),
            &self.situation.setup.user,
            self.refused(),
            self.situation.file.as_deref(),
        );
        let noted = next.note != now.note;
        next.note_version += u32::from(noted);
        let same = !(map_changed || noted)
            && (screen, filter, self.network) == (now.screen, now.filter, now.network);
        if same {
            return false;
        }
        self.mapping = Arc::new(next);
        true
    }
}

#[cfg(test)]
#[path = "keeper_tests.rs"]
mod tests;
