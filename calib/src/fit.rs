//! `gaze-calib fit`: recorded samples → map → calibration file.

mod setup;

use std::io::{self, IsTerminal, Write};

use gaze::affine::{Fit, FitOptions, TargetFit, fit_with, fit_with_history, usual_stretch};
use gaze::calibration::{self, Calibration, Grade, HeadRange, Setup, Sitting, file_name};

use crate::args::FitArgs;
use crate::samples::Recording;
use crate::{Exit, Failure, ask, kept, samples, text, time};

/// An error so many times the stored calibration's, and larger by this share of the
/// diagonal, is worth a question.
const WORSE: f64 = 1.3;
const CLEARLY: f64 = 0.01;

/// Runs the command.
///
/// # Errors
/// [`Failure`]; a calibration that was there before is still there then.
pub fn run(args: &FitArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let file = args.file.display();
    let recording =
        samples::read(&args.file).map_err(|e| Failure::new(Exit::Input, format!("{file}: {e}")))?;
    // Without a folder nothing is stored and nothing was.
    let folder = kept::folder(args.out.as_deref());
    let folder = match (folder, args.dry_run) {
        (Err(_), true) => None,
        (folder, _) => Some(folder?),
    };
    let setup = setup::setup(args, recording.setup.as_ref(), folder.as_deref())?;
    let stored = folder.as_ref().and_then(|folder| {
        let name = file_name(&setup.user, &setup.camera, &setup.display.id);
        calibration::load(&folder.join(name)).ok()
    });
    let history = stored
        .as_ref()
        .map_or_else(Vec::new, |s| s.history_for_next(&setup));
    let (calibration, fit) = fitted(args, &recording, &setup, history)
        .map_err(|line| Failure::new(Exit::NotGood, format!("{file}: {line}")))?;

    if args.json {
        text::json(&calibration, out)?;
    } else {
        writeln!(
            out,
            "{} samples of {} targets, {} more not valid",
            recording.samples.len(),
            fit.targets.len(),
            recording.invalid
        )?;
        text::write(&calibration, time::unix_now(), out)?;
    }
    if let Some(line) = refused(&calibration, &fit) {
        return Err(Failure::new(Exit::NotGood, format!("{file}: {line}")));
    }
    let Some(folder) = folder.filter(|_| !args.dry_run) else {
        return Ok(());
    };
    if let Some(stored) = stored.filter(|s| s.applies_to(&setup).is_ok()) {
        agree(args, &calibration, &stored, out)?;
    }
    let written = calibration::write(&calibration, &folder).map_err(kept::not_stored)?;
    kept::say_kept(&written);
    if !args.json {
        writeln!(out, "stored as {}", written.path.display())?;
    }
    Ok(())
}

/// Whether a stored sitting was fitted to this very recording: it must not teach its own
/// map a second time, nor may the samples that judge it. Two sittings never have a mean
/// look in common to nine digits.
fn same_sitting(sitting: &Sitting, fit: &Fit) -> bool {
    let same = |a: [f64; 2], x: f64, y: f64| (a[0] - x).abs().max((a[1] - y).abs()) < 1e-9;
    sitting.targets.iter().any(|t| {
        let here = |f: &TargetFit| same(f.target, t.x, t.y) && same(f.raw, t.raw_x, t.raw_y);
        fit.targets.iter().any(here)
    })
}

/// The map, judged by the samples that were taken for that.
fn fitted(
    args: &FitArgs,
    recording: &Recording,
    setup: &Setup,
    mut history: Vec<Sitting>,
) -> Result<(Calibration, Fit), String> {
    let options = FitOptions {
        form: args.form.into(),
        aspect: setup.display.aspect(),
        usual: usual_stretch(&setup.network),
    };
    let alone = fit_with(&recording.samples, options).map_err(|e| e.to_string())?;
    history.retain(|sitting| !same_sitting(sitting, &alone));
    let taught: &[Sitting] = if args.no_history { &[] } else { &history };
    let fit = fit_with_history(&recording.samples, taught, options).map_err(|e| e.to_string())?;
    let head = HeadRange::of(recording.heads.iter().copied());
    // It is as old as its looks.
    let now = time::unix_now();
    let made = recording.recorded_unix_s.map_or(now, |t| t.min(now));
    let calibration = Calibration::from_fit(&fit, setup, head, history, made);
    if recording.checks.is_empty() {
        return Ok((calibration, fit));
    }
    let judged = calibration.with_validation(&recording.checks, made);
    Ok((judged.map_err(|e| e.to_string())?, fit))
}

/// Why the map is of no use, if it is not.
fn refused(calibration: &Calibration, fit: &Fit) -> Option<String> {
    if fit.suspicious {
        let line = "the targets contradict each other and it cannot be told which is wrong: \
                    record them again";
        return Some(line.to_owned());
    }
    let validated = calibration.validation.as_ref().map_or(0.0, |v| v.error);
    let error = [validated, calibration.cross_validated]
        .into_iter()
        .find(|e| Grade::of(*e, false) == Grade::Failed)?;
    Some(format!(
        "the error on targets that the map has not seen is {:.0} % of the diagonal, too much to \
         be of use: record again",
        100.0 * error
    ))
}

/// Asks where the calibration that is to be replaced promises more.
fn agree(
    args: &FitArgs,
    new: &Calibration,
    stored: &Calibration,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let (is, was) = (new.expected_error(), stored.expected_error());
    if args.yes || is <= WORSE * was || is <= was + CLEARLY {
        return Ok(());
    }
    let line = format!(
        "{:.1} % of the diagonal, the stored calibration has {:.1} %",
        100.0 * is,
        100.0 * was
    );
    if args.json || !io::stdin().is_terminal() {
        // Whoever cannot be asked is told.
        let _ = writeln!(io::stderr(), "gaze-calib: worse than before: {line}");
        return Ok(());
    }
    if ask::yes(&format!("worse than before: {line}; store it?"), out)? {
        return Ok(());
    }
    Err(Failure::new(Exit::NotGood, "nothing was stored"))
}
