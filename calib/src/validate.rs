//! `gaze-calib validate`: how far off the stored calibration is today.

use std::io::Write;

use gaze::calibration::Grade;

use crate::args::ValidateArgs;
use crate::picture::chart::Chart;
use crate::session::{Kind, Outcome};
use crate::sitting::Sitting;
use crate::{Exit, Failure, text};

/// Runs the command.
///
/// # Errors
/// [`Failure`], also where the calibration is of no use any more.
pub fn run(args: &ValidateArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let sitting = Sitting::prepare(&args.sitting)?;
    let targets = usize::from(args.targets);
    let (outcome, _) = sitting.hold(Kind::Validate { targets })?;
    let Outcome::Judged {
        grade,
        calibration: judged,
        ..
    } = outcome
    else {
        return Err(Failure::new(Exit::NotGood, "nothing was judged"));
    };
    if args.sitting.window.json {
        text::json(&judged, out)?;
    } else {
        let chart = Chart::from_calibration(&judged);
        let line = chart.error_line().unwrap_or_default();
        writeln!(out, "{}. {line} {}", chart.heading, chart.meaning)?;
    }
    if grade == Grade::Failed {
        let line = "the calibration is of no use any more: run gaze-calib repair or gaze-calib run";
        return Err(Failure::new(Exit::NotGood, line));
    }
    if args.store {
        sitting.store(&judged, out)?;
    }
    Ok(())
}
