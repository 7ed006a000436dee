//! `gazed run`: resolves what it was told and takes the shared memory; what the daemon is made of,
//! the loading of networks and the supervisor have files of their own.

mod assemble;
mod loading;
mod supervise;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use gaze::calibration;
use ring::layout::{Reason, Sample, State};
use ring::{Writer, WriterConfig};
use rustix::process::Signal;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;

use crate::exit::{self, Exit, Failure, Outcome};
use crate::log;
use crate::settings::{self, FileSettings};

use assemble::assemble;
pub(crate) use loading::LANDMARKS_EVERY;
use supervise::{supervise, with_window};

/// What the command line asked for.
pub struct Plan {
    /// The settings file, if one was named.
    pub config: Option<PathBuf>,
    /// What the flags say.
    pub flags: FileSettings,
    /// Begin clips again.
    pub looped: bool,
    /// Measure every frame, as fast as it goes.
    pub fast: bool,
    /// Show what it sees in a window.
    pub window: bool,
    /// Every picture stands alone.
    pub stills: bool,
}

/// Runs the daemon until a signal or the end of its clip.
pub fn run(plan: &Plan) -> Outcome {
    log::open();
    std::panic::set_hook(Box::new(|panic| {
        // The usual hook waits where nobody empties the pipe, and the death would never be told.
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("a thread").to_owned();
        let said = panic.to_string().replace('\n', " ");
        // A pipe that is ready takes 512 bytes at once.
        let said: String = said.chars().take(120).collect();
        log::to_standard_error(&format!("gazed: {name} {said}\n"));
    }));
    start(plan).inspect_err(|failure| log::only(&failure.line))
}

fn start(plan: &Plan) -> Outcome {
    let settings = resolve(plan)?;
    // Before anything else is there to clean up: a signal must never find us deaf.
    let signals = Signals::new([SIGTERM, SIGINT, SIGHUP, SIGUSR1])
        .map_err(|e| Failure::new(Exit::Fault, format!("signals cannot be heard: {e}")))?;
    // Whoever is told to end while networks load does so then, and not when they are there.
    let end = Arc::<AtomicBool>::default();
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register(signal, end.clone())
            .map_err(|e| Failure::new(Exit::Fault, format!("signals cannot be heard: {e}")))?;
    }
    // A picture larger than a limit on files is not stored; the default would end us.
    let _ = signal_hook::flag::register(Signal::XFSZ.as_raw(), Arc::default());
    // The shared memory first: a second daemon must refuse at once, and readers
    // see "starting" while the networks load.
    let name = settings.shm.clone().unwrap_or_else(ring::default_name);
    // Six missed ticks: readers learn within 100 ms that the daemon died.
    let config = WriterConfig {
        stall_after: Duration::from_millis(100),
        ..WriterConfig::default()
    };
    let mut writer = Writer::create(&name, &config)
        .map_err(|error| Failure::new(writer_exit(&error), error.to_string()))?;
    let witness = writer
        .witness()
        .map_err(|error| Failure::new(Exit::SharedMemory, error.to_string()))?;
    // Whoever reads the newest sample must not take the last run's for it.
    writer.publish(&mut Sample {
        state: State::Starting.raw(),
        reason: Reason::Starting.raw(),
        ..Sample::default()
    });
    match assemble(plan, &settings, &mut writer, &witness, &end) {
        Ok(ready) if plan.window => with_window(plan, ready, writer, &witness, signals),
        Ok(ready) => supervise(plan, ready.into_daemon(writer)?, &witness, signals),
        Err(failure) if failure.exit == Exit::Ok => {
            // As a daemon that ran ends: nobody takes the sample before for the present.
            writer.publish(&mut Sample {
                state: State::Stopped.raw(),
                reason: Reason::Stopped.raw(),
                ..Sample::default()
            });
            writer.set_state(State::Stopped, Reason::Stopped, "gazed was told to end");
            writer.close();
            exit::leave_behind(); // a network is still being loaded
            Ok(Exit::Ok)
        }
        Err(failure) if failure.exit == Exit::SharedMemory => {
            writer.close(); // what has the name now may be another's
            exit::leave_behind(); // as above
            Err(failure)
        }
        Err(failure) => {
            writer.set_state(State::Fault, Reason::Fault, &failure.line);
            writer.unlink(); // nothing is left behind by a start that failed
            Err(failure)
        }
    }
}

/// Settings file and flags, merged and checked.
fn resolve(plan: &Plan) -> Result<FileSettings, Failure> {
    let refuse = |e: settings::SettingsError| Failure::new(Exit::Settings, e.to_string());
    let merged = settings::load(plan.config.as_deref())
        .map_err(refuse)?
        .overridden_by(plan.flags.clone());
    merged.check().map_err(refuse)?;
    Ok(merged)
}

fn writer_exit(error: &ring::WriterError) -> Exit {
    match error {
        ring::WriterError::Busy { .. } => Exit::Busy,
        _ => Exit::SharedMemory,
    }
}

/// Whoever names a calibration file is told at once when it cannot be had.
fn check_named_calibration(settings: &FileSettings) -> Result<(), Failure> {
    match &settings.calibration {
        Some(file) => calibration::load(file)
            .map(drop)
            .map_err(|e| Failure::new(Exit::Settings, e.to_string())),
        None => Ok(()),
    }
}
