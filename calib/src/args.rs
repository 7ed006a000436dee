//! The command line.

mod evaluate;
mod fit;
mod kept;
mod record;
mod sitting;

use clap::{Parser, Subcommand};
pub use evaluate::EvaluateArgs;
pub use fit::{FitArgs, FormArg};
pub use kept::{ListArgs, ResetArgs, ShowArgs, UseArgs, Which};
pub use record::RecordArgs;
pub use sitting::{ExportArgs, RepairArgs, RunArgs, SittingArgs, ValidateArgs, WindowArgs};

fn version() -> &'static str {
    gaze::version::version(env!("CARGO_PKG_VERSION"), option_env!("GAZE_BUILD"))
}

/// Fits, shows and keeps calibration maps: from where a gaze seems to land to where it does.
#[derive(Debug, Parser)]
#[command(
    name = "gaze-calib",
    version = version(),
    after_help = "Exit codes: 0 done, 1 no usable map or left, 2 wrong command line, \
                  3 unreadable input, no display or no gazed, 4 cannot write."
)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Calibrate before the screen: look at dots, see how it went, keep it or not.
    Run(RunArgs),
    /// See how far off the stored calibration is today.
    Validate(ValidateArgs),
    /// Look at one dot to undo what the stored calibration has drifted by.
    Repair(RepairArgs),
    /// Store pictures of looks at known places, to train with.
    Record(RecordArgs),
    /// Draw a stored calibration as PNG and SVG.
    Export(ExportArgs),
    /// Fit a map to recorded samples and store it.
    Fit(FitArgs),
    /// Show a stored calibration.
    Show(ShowArgs),
    /// List all stored calibrations, one a line.
    List(ListArgs),
    /// Say who sits before the camera: gazed takes up their calibration.
    Use(UseArgs),
    /// Remove stored calibrations, and with them what was learnt from earlier ones.
    Reset(ResetArgs),
    /// Measure the gaze on recordings of people at known targets.
    Evaluate(EvaluateArgs),
}

fn pair(text: &str) -> Option<(&str, &str)> {
    text.split_once(['x', 'X', '×'])
}

fn pixels(text: &str) -> Result<(u32, u32), String> {
    pair(text)
        .and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)))
        .filter(|(w, h)| *w > 0 && *h > 0)
        .ok_or_else(|| "not a size in pixels like 1920x1080".to_owned())
}

fn millimetres(text: &str) -> Result<(f64, f64), String> {
    pair(text)
        .and_then(|(w, h)| Some((positive(w).ok()?, positive(h).ok()?)))
        .ok_or_else(|| "not a size in millimetres like 302x188".to_owned())
}

/// Two numbers of any sign.
fn offset(text: &str) -> Result<(f64, f64), String> {
    let number = |t: &str| t.trim().parse().ok().filter(|v: &f64| v.is_finite());
    text.split_once(',')
        .and_then(|(right, up)| Some((number(right)?, number(up)?)))
        .ok_or_else(|| "not two numbers like 0,5".to_owned())
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text
        .parse()
        .ok()
        .filter(|v: &f64| v.is_finite() && *v > 0.0);
    number.ok_or_else(|| "not a positive number".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn sizes_are_read() {
        assert_eq!(pixels("1512x982"), Ok((1512, 982)));
        assert_eq!(millimetres("302.5x196"), Ok((302.5, 196.0)));
        for bad in ["", "12", "0x3", "-1x4", "1x2x3"] {
            assert!(pixels(bad).is_err() && millimetres(bad).is_err(), "{bad}");
        }
        assert_eq!(offset("-12.5, 8"), Ok((-12.5, 8.0)));
        assert!(offset("1").is_err() && offset("1,inf").is_err());
        assert!(millimetres("NaNx2").is_err() && positive("inf").is_err());
    }
}
