//! What `run`, `validate` and `repair` share: who sits where, the window, storing.

use std::io::Write;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use ::display::Display;
use gaze::calibration::selection::{self, Selection};
use gaze::calibration::{self, Calibration, DisplayRecord, Setup, file_name};
use gaze::screen::{CameraPlace, Screen};
use ring::Reader;

use crate::args::{SittingArgs, WindowArgs};
use crate::live::{Identity, Live};
use crate::session::{Kind, Outcome, Plan, Problem, Session};
use crate::window::{self, Ended, Place, Show};
use crate::{Exit, Failure, kept, time};

/// How long gazed is given to name its camera and network.
const START: Duration = Duration::from_secs(10);
/// How long the window's thread waits for a look before it sees whether the window is gone.
const WAIT: Duration = Duration::from_millis(100);
/// How long it is given to take a new map; it means to need a tenth of that.
const TAKEN: Duration = Duration::from_secs(1);

/// Everything a sitting needs before its window opens.
pub struct Sitting {
    /// Where calibrations lie.
    pub folder: PathBuf,
    /// Who, through what, where.
    pub setup: Setup,
    /// The calibration that is stored for that setup.
    pub previous: Option<Calibration>,
    place: Place,
    seed: u64,
    verbose: bool,
    quiet: bool,
}

impl Sitting {
    /// Finds out user, display, camera and network.
    ///
    /// # Errors
    /// [`Failure`]: no display, no daemon, no folder.
    pub fn prepare(args: &SittingArgs) -> Result<Self, Failure> {
        let folder = kept::folder(args.folder.as_deref())?;
        let chosen = selection::load(&folder).ok();
        let display = display(&args.window, chosen.as_ref())?;
        let last = chosen.as_ref().and_then(|s| s.display.as_ref());
        let last = last.filter(|d| d.id == display.id);
        let record = DisplayRecord::of(display.id.clone(), &screen(&args.window, &display, last));
        if !display.measured && args.window.size_mm.is_none() && last.is_none() && !args.window.json
        {
            eprintln!(
                "gaze-calib: display {} does not tell its size: {:.0}x{:.0} mm assumed; \
                 measure it and give --size-mm",
                display.id, record.width_mm, record.height_mm
            );
        }
        let user = args.user.clone().or_else(|| Some(chosen?.user));
        let identity = Identity::wait(&ring::default_name(), START)
            .map_err(|problem| Failure::new(Exit::Input, problem))?;
        let setup = Setup {
            user: user.unwrap_or_else(selection::login_name),
            camera: identity.camera,
            display: record,
            network: identity.network,
        };
        let file = folder.join(file_name(&setup.user, &setup.camera, &setup.display.id));
        let previous = calibration::load(&file).ok();
        Ok(Self {
            previous: previous.filter(|c| c.applies_to(&setup).is_ok()),
            folder,
            setup,
            place: Place {
                id: display.id,
                native: display.native,
                corner: (display.x, display.y),
                size: (display.width_px, display.height_px),
            },
            seed: args.window.seed.unwrap_or_else(ring::clock::now_ns),
            verbose: args.window.verbose,
            quiet: args.window.json,
        })
    }

    /// Opens the window and stays until the sitting is over. Gives its outcome, unless
    /// the person left, and the session with its looks.
    ///
    /// # Errors
    /// [`Failure`]: nothing to sit for, no window, or the person left.
    pub fn hold(&self, kind: Kind) -> Result<(Outcome, Session), Failure> {
        let plan = Plan {
            kind,
            setup: self.setup.clone(),
            previous: self.previous.clone(),
            seed: self.seed,
            created_unix_s: time::unix_now(),
        };
        let mut session = Session::new(plan).map_err(|e| Failure::new(Exit::NotGood, e))?;
        let ended = self.show(&mut session)?;
        match came_of(session.outcome(), ended) {
            Ok(outcome) => Ok((outcome.clone(), session)),
            Err(line) => Err(Failure::new(Exit::NotGood, line)),
        }
    }

    /// Opens the window and stays until what it shows is over, or the person left.
    ///
    /// # Errors
    /// [`Failure`]: no window.
    pub fn show(&self, shown: &mut dyn Show) -> Result<Ended, Failure> {
        let screen = shown.screen();
        let mut live = Live::new(&ring::default_name(), &self.setup, screen);
        let feed = Box::new(move || {
            let look = live.next(WAIT);
            if let Some(Problem::Changed(_)) = look.problem {
                // It does not wait for what cannot come any more.
                thread::sleep(WAIT);
            }
            Some(look)
        });
        let (ended, frames) = window::show(shown, &self.place, feed, ring::clock::now_ns)
            .map_err(|e| Failure::new(Exit::Input, e))?;
        if self.verbose {
            eprintln!(
                "gaze-calib: {} pictures, {:.2} ms each, the longest {:.1} ms",
                frames.shown,
                1e3 * frames.mean.as_secs_f64(),
                1e3 * frames.longest.as_secs_f64()
            );
        }
        Ok(ended)
    }

    /// Stores the calibration, selects its user and display, and waits for gazed to
    /// take it. Says so on `out`; what was kept of a file that is replaced, on standard error.
    ///
    /// # Errors
    /// [`Failure`]: what was stored before is still there.
    pub fn store(&self, calibration: &Calibration, out: &mut dyn Write) -> Result<(), Failure> {
        let reader = Reader::open(&ring::default_name()).ok();
        let before = reader.as_ref().map(|r| r.header().calibration_generation);
        let written = calibration::write(calibration, &self.folder).map_err(kept::not_stored)?;
        kept::say_kept(&written);
        let selected = Selection::new(&*self.setup.user, Some(self.setup.display.clone()));
        let selected = selection::write(&selected, &self.folder).map_err(kept::not_stored)?;
        kept::say_kept(&selected);
        if self.quiet {
            return Ok(());
        }
        writeln!(out, "stored as {}", written.path.display())?;
        let taken = match (&reader, before) {
            (Some(reader), Some(before)) => taken(reader, before, calibration.created_unix_s),
            _ => "gazed is not running: it will take it when it starts".to_owned(),
        };
        writeln!(out, "{taken}")?;
        Ok(())
    }
}

/// The outcome, or why nothing changed. What the person accepted counts, whatever became of the
/// window afterwards.
fn came_of(outcome: Option<&Outcome>, ended: Ended) -> Result<&Outcome, String> {
    let line = match (outcome, ended) {
        (Some(Outcome::Left(line)), Ended::Finished) => line.as_str(),
        (Some(Outcome::Left(_)) | None, Ended::FocusLost) => "another window took the keyboard",
        (Some(Outcome::Left(_)) | None, Ended::Closed) => "the window was closed",
        (None, Ended::Finished) => "the window ended",
        (Some(outcome), _) => return Ok(outcome),
    };
    Err(match line.contains("nothing was changed") {
        true => "nothing changed".to_owned(),
        false => format!("nothing changed: {line}"),
    })
}

/// Waits for the daemon to swap the map; says what came of it.
fn taken(reader: &Reader, before: u32, created_unix_s: u64) -> String {
    let began = Instant::now();
    loop {
        let header = reader.header();
        let note = &header.calibration;
        if header.calibration_generation != before && note.created_unix_s == created_unix_s {
            return format!(
                "gazed uses it (generation {})",
                header.calibration_generation
            );
        }
        if began.elapsed() > TAKEN {
            let why = ring::layout::text_of(&note.text);
            return if why.is_empty() {
                "gazed has not taken it within a second: look at `gazed status`".to_owned()
            } else {
                format!("gazed has not taken it: {why}")
            };
        }
        thread::sleep(Duration::from_millis(10));
    }
}

fn display(args: &WindowArgs, chosen: Option<&Selection>) -> Result<Display, Failure> {
    let listed = ::display::list().map_err(|e| {
        let line = match e {
            ::display::DisplayError::NoDesktop(_) if no_display_is_set() => {
                "no display: DISPLAY is not set; use gaze-calib fit on a recording".to_owned()
            }
            e => e.to_string(),
        };
        Failure::new(Exit::Input, line)
    })?;
    let names: Vec<&str> = listed.iter().map(|d| d.id.as_str()).collect();
    let named = |id: &str| listed.iter().find(|d| d.id == id).cloned();
    match &args.display {
        Some(id) => named(id).ok_or_else(|| {
            let line = format!("no display {id}: there is {}", names.join(", "));
            Failure::new(Exit::Input, line)
        }),
        None => {
            let last = chosen.and_then(|s| named(&s.display.as_ref()?.id));
            // The primary one comes first.
            last.or_else(|| listed.first().cloned())
                .ok_or_else(|| Failure::new(Exit::Input, "no display is connected"))
        }
    }
}

fn no_display_is_set() -> bool {
    cfg!(not(target_os = "macos")) && std::env::var_os("DISPLAY").is_none_or(|d| d.is_empty())
}

/// The millimetres that were taken last, if they hold still. Another resolution does not make
/// a display larger, but what tells its size may be another one at the same socket. One that
/// does not tell it may have been turned on its side.
fn millimetres_before(display: &Display, last: &DisplayRecord) -> Option<(f64, f64)> {
    let same_pixels = (last.width_px, last.height_px) == (display.width_px, display.height_px);
    let turned =
        (last.width_px > last.height_px) != (display.width_px > display.height_px) && !same_pixels;
    match (same_pixels, display.measured) {
        (false, true) => None,
        _ if turned => Some((last.height_mm, last.width_mm)),
        _ => Some((last.width_mm, last.height_mm)),
    }
}

/// The display's rectangle: as given, as it was when it was selected last, or as it
/// says itself.
fn screen(args: &WindowArgs, display: &Display, last: Option<&DisplayRecord>) -> Screen {
    let (width_mm, height_mm) = args
        .size_mm
        .or_else(|| last.and_then(|d| millimetres_before(display, d)))
        .unwrap_or((display.width_mm, display.height_mm));
    let camera = match args.camera_mm {
        Some((right, up)) => CameraPlace {
            x_norm: 0.5 + right / width_mm,
            above_mm: up,
            ..CameraPlace::default()
        },
        None => last.map_or_else(CameraPlace::default, |d| d.camera),
    };
    Screen {
        width_px: display.width_px,
        height_px: display.height_px,
        width_mm,
        height_mm,
        camera,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_accepted_counts_whatever_became_of_the_window() {
        let left = Outcome::Left("left: nothing was changed".to_owned());
        let spoiled = Outcome::Left("gazed was restarted".to_owned());
        let accepted = Outcome::Judged {
            calibration: crate::session::one_stored().into(),
            error: 0.02,
            grade: gaze::calibration::Grade::Excellent,
        };
        for ended in [Ended::Finished, Ended::Closed, Ended::FocusLost] {
            assert_eq!(came_of(Some(&accepted), ended), Ok(&accepted));
            for nothing in [Some(&left), Some(&spoiled), None] {
                let line = came_of(nothing, ended).unwrap_err();
                assert!(line.starts_with("nothing changed"), "{line}");
            }
        }
        let why = |ended| came_of(Some(&spoiled), ended).unwrap_err();
        assert_eq!(why(Ended::Finished), "nothing changed: gazed was restarted");
        assert!(why(Ended::FocusLost).contains("took the keyboard"));
        assert_eq!(
            came_of(Some(&left), Ended::Finished),
            Err("nothing changed".into())
        );
    }

    #[test]
    fn what_was_measured_by_hand_outlasts_another_resolution() {
        let display = |w: u32, h: u32, measured| Display {
            id: "HDMI-1".into(),
            native: 1,
            x: 0,
            y: 0,
            width_px: w,
            height_px: h,
            points: (f64::from(w), f64::from(h)),
            width_mm: 508.0,
            height_mm: 286.0,
            measured,
            primary: true,
        };
        let last = DisplayRecord {
            width_mm: 597.0,
            height_mm: 336.0,
            ..DisplayRecord::of("HDMI-1", &Screen::laptop(1920, 1080))
        };
        let size = |args: &WindowArgs, display: &Display, last: Option<&DisplayRecord>| {
            let s = screen(args, display, last);
            assert_eq!(
                (s.width_px, s.height_px),
                (display.width_px, display.height_px)
            );
            (s.width_mm, s.height_mm)
        };
        let none = WindowArgs::default();
        for (now, mm) in [
            (display(1920, 1080, false), (597.0, 336.0)),
            (display(1280, 720, false), (597.0, 336.0)),
            (display(1280, 1024, false), (597.0, 336.0)),
            (display(1080, 1920, false), (336.0, 597.0)),
            (display(1920, 1080, true), (597.0, 336.0)),
            // It says itself what it is, and is not the one that was measured, or turned.
            (display(1280, 720, true), (508.0, 286.0)),
        ] {
            assert_eq!(size(&none, &now, Some(&last)), mm, "{now:?}");
            assert_eq!(size(&none, &now, None), (508.0, 286.0));
        }
        let told = WindowArgs {
            size_mm: Some((600.0, 340.0)),
            ..none
        };
        assert_eq!(
            size(&told, &display(1280, 720, false), Some(&last)),
            (600.0, 340.0)
        );
    }
}
