//! `gaze-calib run`: a sitting before the screen makes a map and stores it.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use crate::args::RunArgs;
use crate::picture::chart::Chart;
use crate::session::{Kind, Outcome};
use crate::sitting::Sitting;
use crate::{Exit, Failure, samples, text};

/// Runs the command.
///
/// # Errors
/// [`Failure`]; a calibration that was there before is still there then.
pub fn run(args: &RunArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let sitting = Sitting::prepare(&args.sitting)?;
    let targets = args.targets.parse().unwrap_or(9);
    let (outcome, session) = sitting.hold(Kind::Calibrate { targets })?;
    let Outcome::Store(calibration) = outcome else {
        return Err(Failure::new(Exit::NotGood, "nothing changed"));
    };
    // The calibration first: a record that cannot be written must not cost it.
    sitting.store(&calibration, out)?;
    if let Some(file) = &args.samples {
        samples::write(file, session.plan(), session.points())
            .map_err(|e| Failure::new(Exit::Output, format!("{}: {e}", file.display())))?;
    }
    if args.sitting.window.json {
        text::json(&calibration, out)?;
    } else {
        let chart = Chart::from_calibration(&calibration);
        let error = chart.error_line().unwrap_or_default();
        writeln!(out, "{}. {error} {}", chart.heading, chart.meaning)?;
    }
    Ok(())
}

/// Writes a file under a temporary name beside it, then renames it.
///
/// # Errors
/// Of the system; nothing is left behind.
pub fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut temporary = file.as_os_str().to_owned();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let written = fs::write(&temporary, bytes).and_then(|()| fs::rename(&temporary, file));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}
