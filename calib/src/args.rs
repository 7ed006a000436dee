//! The command line.

mod sitting;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use gaze::affine::{Form, FormChoice};
pub use sitting::{ExportArgs, RepairArgs, RunArgs, SittingArgs, ValidateArgs};

/// Fits, shows and keeps calibration maps: from where a gaze seems to land to where it does.
#[derive(Debug, Parser)]
#[command(
    name = "gaze-calib",
    version,
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
    /// Draw a stored calibration as PNG and SVG.
    Export(ExportArgs),
    /// Fit a map to recorded samples and store it.
    Fit(FitArgs),
    /// Show a stored calibration.
    Show(ShowArgs),
    /// List all stored calibrations, one a line.
    List(ListArgs),
}

/// Arguments of `fit`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
FILE holds one sample a line, uncalibrated and unfiltered, normalised to the
screen (0,0 top left, 1,1 bottom right): CSV with a header, or JSON lines.
Samples that are not valid are left out; other columns are ignored.

  target_x,target_y,raw_x,raw_y,valid
  0.1,0.1,0.182,0.094,1

  {\"target_x\": 0.1, \"target_y\": 0.1, \"raw_x\": 0.182, \"raw_y\": 0.094, \"valid\": true}

Examples:
  gaze-calib fit samples.csv --dry-run
  gaze-calib fit samples.jsonl --user ada --display eDP-1 --size-mm 302x188
  gaze-calib fit - --json < samples.csv")]
pub struct FitArgs {
    /// Recorded samples; `-` reads standard input.
    pub file: PathBuf,
    /// Folder to store the calibration in [default: where the daemon looks]
    #[arg(long, value_name = "FOLDER", conflicts_with = "dry_run")]
    pub out: Option<PathBuf>,
    /// Fit and show, store nothing.
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Print the calibration as JSON.
    #[arg(long)]
    pub json: bool,
    /// Whose eyes [default: the login name]
    #[arg(long)]
    pub user: Option<String>,
    /// Name of the camera.
    #[arg(long, default_value = "default")]
    pub camera: String,
    /// Name of the display.
    #[arg(long, default_value = "default")]
    pub display: String,
    /// The display's pixels.
    #[arg(long, value_name = "WxH", default_value = "1920x1080", value_parser = pixels)]
    pub size_px: (u32, u32),
    /// The display's visible area in millimetres [default: a 14-inch laptop's]
    #[arg(long, value_name = "WxH", value_parser = millimetres)]
    pub size_mm: Option<(f64, f64)>,
    /// The network that made the samples, as `gazed status` names it.
    #[arg(long, default_value = gaze::geometric::NAME)]
    pub network: String,
    /// Which coefficients are free.
    #[arg(long, value_enum, default_value_t = FormArg::Better)]
    pub form: FormArg,
}

/// Arguments of `show`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  gaze-calib show                          the newest
  gaze-calib show ada__facetime__edp-1.json --json")]
pub struct ShowArgs {
    /// A calibration file [default: the newest in the folder]
    pub file: Option<PathBuf>,
    /// Folder of calibrations [default: where the daemon looks]
    #[arg(long, value_name = "FOLDER", conflicts_with = "file")]
    pub folder: Option<PathBuf>,
    /// Print the calibration as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `list`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  gaze-calib list
  gaze-calib list --json | jq -r 'select(.grade == \"poor\").path'")]
pub struct ListArgs {
    /// Folder of calibrations [default: where the daemon looks]
    #[arg(long, value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
}

/// The forms on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FormArg {
    /// Held, unless another predicts left-out targets far better.
    Better,
    /// Six coefficients, drawn to the usual stretch as the noise asks for.
    Held,
    /// Six coefficients.
    Affine,
    /// Scale and offset of each axis.
    ScaleOffset,
}

impl From<FormArg> for FormChoice {
    fn from(form: FormArg) -> Self {
        match form {
            FormArg::Better => Self::Better,
            FormArg::Held => Self::Only(Form::Held),
            FormArg::Affine => Self::Only(Form::Affine),
            FormArg::ScaleOffset => Self::Only(Form::ScaleOffset),
        }
    }
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
