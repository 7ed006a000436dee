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

use crate::args::SittingArgs;
use crate::live::{Identity, Live};
use crate::session::{Kind, Outcome, Plan, Problem, Session};
use crate::window::{self, Ended, Place, Show};
use crate::{Exit, Failure, kept, show, time};

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
        let folder = show::folder(args.folder.as_deref())?;
        let chosen = selection::load(&folder).ok();
        let display = display(args, chosen.as_ref())?;
        let last = chosen.as_ref().and_then(|s| s.display.as_ref());
        let last = last.filter(|d| d.id == display.id);
        let record = DisplayRecord::of(display.id.clone(), &screen(args, &display, last));
        if !display.measured && args.size_mm.is_none() && last.is_none() && !args.json {
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
            seed: args.seed.unwrap_or_else(ring::clock::now_ns),
            verbose: args.verbose,
            quiet: args.json,
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
        let line = match (ended, session.outcome()) {
            (Ended::FocusLost, _) => "another window took the keyboard".to_owned(),
            (Ended::Closed, _) => "the window was closed".to_owned(),
            (Ended::Finished, Some(Outcome::Left(line))) => line.clone(),
            (Ended::Finished, Some(outcome)) => return Ok((outcome.clone(), session)),
            (Ended::Finished, None) => "the window ended".to_owned(),
        };
        let line = if line.contains("nothing was changed") {
            "nothing changed".to_owned()
        } else {
            format!("nothing changed: {line}")
        };
        Err(Failure::new(Exit::NotGood, line))
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

fn display(args: &SittingArgs, chosen: Option<&Selection>) -> Result<Display, Failure> {
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

/// The display's rectangle: as given, as it was when it was selected last, or as it
/// says itself.
fn screen(args: &SittingArgs, display: &Display, last: Option<&DisplayRecord>) -> Screen {
    let same_pixels =
        |d: &&DisplayRecord| (d.width_px, d.height_px) == (display.width_px, display.height_px);
    let (width_mm, height_mm) = args
        .size_mm
        .or_else(|| last.filter(same_pixels).map(|d| (d.width_mm, d.height_mm)))
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
