//! Arguments of the commands that work on what is stored.

use std::path::PathBuf;

/// Which of the stored calibrations, and where.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Which {
    /// Those of this user.
    #[arg(long)]
    pub user: Option<String>,
    /// Those with this camera.
    #[arg(long)]
    pub camera: Option<String>,
    /// Those on this display.
    #[arg(long, value_name = "ID")]
    pub display: Option<String>,
    /// Folder of calibrations [default: where the daemon looks]
    #[arg(long, value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
}

/// Arguments of `show`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  gaze-calib show                          the newest
  gaze-calib show --user ada --display eDP-1
  gaze-calib show ada__facetime__edp-1.json --json")]
pub struct ShowArgs {
    /// A calibration file [default: the newest that fits the options]
    #[arg(conflicts_with_all = ["user", "camera", "display", "folder"])]
    pub file: Option<PathBuf>,
    /// Which ones.
    #[command(flatten)]
    pub which: Which,
    /// Print the calibration as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `list`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A star marks the selected user's. The percentage is the error to be expected, of the
screen's diagonal.

Examples:
  gaze-calib list
  gaze-calib list --user ada
  gaze-calib list --json | jq -r 'select(.grade == \"poor\").path'")]
pub struct ListArgs {
    /// Which ones.
    #[command(flatten)]
    pub which: Which,
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `use`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A running gazed follows at once. The display that was selected stays selected.

Examples:
  gaze-calib use ada
  gaze-calib use ada --json")]
pub struct UseArgs {
    /// Who sits before the camera.
    #[arg(value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub user: String,
    /// Folder of calibrations [default: where the daemon looks]
    #[arg(long, value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
    /// Print what was selected as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `reset`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Says what will be removed and asks. Files that cannot be read are known by their names.

Examples:
  gaze-calib reset                         all of the selected user's
  gaze-calib reset --user ada --display eDP-1
  gaze-calib reset --all --yes")]
pub struct ResetArgs {
    /// Which ones [default of the user: who was selected last, else the login name]
    #[command(flatten)]
    pub which: Which,
    /// Those of all users, and what cannot be read.
    #[arg(long, conflicts_with_all = ["user", "camera", "display"])]
    pub all: bool,
    /// Do not ask.
    #[arg(long, short)]
    pub yes: bool,
    /// One JSON object a line for each file removed; needs --yes.
    #[arg(long, requires = "yes")]
    pub json: bool,
}
