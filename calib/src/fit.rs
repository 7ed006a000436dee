//! `gaze-calib fit`: recorded samples → map → calibration file.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use gaze::affine::{FitOptions, fit_with};
use gaze::calibration::selection::login_name;
use gaze::calibration::{self, Calibration, DisplayRecord, FileError, Grade, Setup};
use gaze::screen::Screen;

use crate::args::FitArgs;
use crate::{Exit, Failure, samples, show, text};

/// Runs the command.
///
/// # Errors
/// [`Failure`]; a calibration that was there before is still there then.
pub fn run(args: &FitArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let file = args.file.display();
    let recording =
        samples::read(&args.file).map_err(|e| Failure::new(Exit::Input, format!("{file}: {e}")))?;
    let setup = setup(args);
    let options = FitOptions {
        form: args.form.into(),
        aspect: setup.display.aspect(),
        ..FitOptions::default()
    };
    let fit = fit_with(&recording.samples, options)
        .map_err(|e| Failure::new(Exit::NotGood, format!("{file}: {e}")))?;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs());
    let calibration = Calibration::from_fit(&fit, &setup, None, Vec::new(), now);

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
        text::write(&calibration, out)?;
    }
    if fit.suspicious {
        let line = "the targets contradict each other and it cannot be told which is wrong: \
                    record them again";
        return Err(Failure::new(Exit::NotGood, format!("{file}: {line}")));
    }
    if calibration.grade == Grade::Failed {
        let line = format!(
            "the error on left-out targets is {:.0} % of the diagonal, too much to be of use: \
             record again",
            100.0 * calibration.cross_validated
        );
        return Err(Failure::new(Exit::NotGood, format!("{file}: {line}")));
    }
    if args.dry_run {
        return Ok(());
    }
    let folder = show::folder(args.out.as_deref())?;
    let path = calibration::write(&calibration, &folder).map_err(|e| {
        let exit = if matches!(e, FileError::Io { .. }) {
            Exit::Output
        } else {
            Exit::NotGood
        };
        Failure::new(exit, e)
    })?;
    if !args.json {
        writeln!(out, "stored as {}", path.display())?;
    }
    Ok(())
}

fn setup(args: &FitArgs) -> Setup {
    let (width_px, height_px) = args.size_px;
    let laptop = Screen::laptop(width_px, height_px);
    let (width_mm, height_mm) = args.size_mm.unwrap_or((laptop.width_mm, laptop.height_mm));
    let screen = Screen {
        width_mm,
        height_mm,
        ..laptop
    };
    Setup {
        user: args.user.clone().unwrap_or_else(login_name),
        camera: args.camera.clone(),
        display: DisplayRecord::of(&args.display, &screen),
        network: args.network.clone(),
    }
}
