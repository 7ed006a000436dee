//! `gaze-calib repair`: one point gives the offset that the stored map has drifted by.

use std::io::Write;

use crate::args::RepairArgs;
use crate::session::{Kind, Outcome};
use crate::sitting::Sitting;
use crate::{Exit, Failure, text};

/// Runs the command.
///
/// # Errors
/// [`Failure`]; the calibration is as it was then.
pub fn run(args: &RepairArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let sitting = Sitting::prepare(&args.sitting)?;
    let (outcome, _) = sitting.hold(Kind::Repair)?;
    let Outcome::Store(calibration) = outcome else {
        return Err(Failure::new(Exit::NotGood, "nothing changed"));
    };
    sitting.store(&calibration, out)?;
    if args.sitting.window.json {
        text::json(&calibration, out)?;
    } else if let Some(repair) = &calibration.repair {
        let (w, h) = (calibration.display.width_mm, calibration.display.height_mm);
        writeln!(
            out,
            "shifted by {:+.1} cm across and {:+.1} cm down",
            repair.dx * w / 10.0,
            repair.dy * h / 10.0
        )?;
    }
    Ok(())
}
