//! Arguments of `fit`.

use std::path::PathBuf;

use clap::ValueEnum;
use gaze::affine::{Form, FormChoice};

use super::{millimetres, pixels};

/// Arguments of `fit`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
FILE is what `gaze-calib run --samples` writes, or one sample a line, uncalibrated and
unfiltered, normalised to the screen (0,0 top left, 1,1 bottom right): CSV with a
header, or JSON lines. Samples that are not valid are left out; those marked as
checking judge the map and are not fitted; other columns are ignored.

  target_x,target_y,raw_x,raw_y,valid
  0.1,0.1,0.182,0.094,1

  {\"target_x\": 0.1, \"target_y\": 0.1, \"raw_x\": 0.182, \"raw_y\": 0.094, \"valid\": true}

A first JSON line may say what the samples were made with, and when:

  {\"setup\": {\"user\": \"ada\", \"camera\": \"FaceTime\", \"network\": \"geometric-3-00000000000000ab\",
    \"display\": {\"id\": \"eDP-1\", \"width_px\": 1512, \"height_px\": 982, \"width_mm\": 302, \"height_mm\": 196,
      \"camera\": {\"x_norm\": 0.5, \"above_mm\": 5, \"forward_mm\": 0, \"tilt_deg\": 0}}}, \"recorded_unix_s\": 1790000000}

What neither file nor options say is asked of the running gazed (camera, network), of
the selection (user, display) and of the desktop (display).

Examples:
  gaze-calib fit samples.csv --dry-run
  gaze-calib fit looks.jsonl --user ada
  gaze-calib fit samples.csv --display eDP-1 --size-px 1512x982 --size-mm 302x196
  gaze-calib fit - --json < samples.csv")]
pub struct FitArgs {
    /// Recorded samples; `-` reads standard input.
    pub file: PathBuf,
    /// Folder to store the calibration in [default: where the daemon looks]
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Fit and show, store nothing.
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Print the calibration as JSON.
    #[arg(long)]
    pub json: bool,
    /// Do not ask where the stored calibration is better.
    #[arg(long, short)]
    pub yes: bool,
    /// Fit without what earlier calibrations of this setup taught; they stay stored.
    #[arg(long)]
    pub no_history: bool,
    /// Whose eyes [default: as recorded, else who was selected last, else the login name]
    #[arg(long)]
    pub user: Option<String>,
    /// Name of the camera [default: as recorded, else the running gazed's]
    #[arg(long)]
    pub camera: Option<String>,
    /// Name of the display [default: as recorded, else the one selected last, else the primary]
    #[arg(long, value_name = "ID")]
    pub display: Option<String>,
    /// The display's pixels [default: what it says itself]
    #[arg(long, value_name = "WxH", value_parser = pixels)]
    pub size_px: Option<(u32, u32)>,
    /// The display's visible area in millimetres [default: what it says itself]
    #[arg(long, value_name = "WxH", value_parser = millimetres)]
    pub size_mm: Option<(f64, f64)>,
    /// The network that made the samples [default: as recorded, else the running gazed's]
    #[arg(long, value_name = "ID")]
    pub network: Option<String>,
    /// Which coefficients are free.
    #[arg(long, value_enum, default_value_t = FormArg::Better)]
    pub form: FormArg,
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
