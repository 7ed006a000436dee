//! Arguments of the commands that open the window, and of `export`.

use std::path::PathBuf;

use super::{Which, millimetres, offset};

/// The window: shared by all that open it.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct WindowArgs {
    /// On which display [default: the one selected last where it is connected, else the primary]
    #[arg(long, value_name = "ID")]
    pub display: Option<String>,
    /// The display's visible area in millimetres [default: what it says itself]
    #[arg(long, value_name = "WxH", value_parser = millimetres)]
    pub size_mm: Option<(f64, f64)>,
    /// Where the camera sits: millimetres right of the middle of the display's upper
    /// edge, as you see it, and above it [default: as last time, else 0,5]
    #[arg(long, value_name = "RIGHT,UP", value_parser = offset, allow_hyphen_values = true)]
    pub camera_mm: Option<(f64, f64)>,
    /// Orders and places the dots; the same number gives the same ones.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Print what came of it as JSON, and nothing else.
    #[arg(long)]
    pub json: bool,
    /// Say how fast the window drew.
    #[arg(long, short)]
    pub verbose: bool,
}

/// Who sits where: shared by `run`, `validate` and `repair`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct SittingArgs {
    /// Whose eyes [default: who was selected last, else the login name]
    #[arg(long)]
    pub user: Option<String>,
    /// The window.
    #[command(flatten)]
    pub window: WindowArgs,
    /// Folder of calibrations [default: where the daemon looks]
    #[arg(long, value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
}

/// Arguments of `run`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
gazed must be running. Keys: space or enter go on, R shows bad points again, Esc
leaves and changes nothing.

Examples:
  gaze-calib run
  gaze-calib run --targets 16 --user ada --display eDP-1
  gaze-calib run --size-mm 597x336 --camera-mm 0,25 --samples looks.jsonl")]
pub struct RunArgs {
    /// Who sits where.
    #[command(flatten)]
    pub sitting: SittingArgs,
    /// How many targets: 5, 9, 13, 16 or 20; four more judge the map.
    #[arg(long, short = 't', default_value = "9", value_parser = ["5", "9", "13", "16", "20"])]
    pub targets: String,
    /// Also write the looks as JSON lines, as `fit` reads them.
    #[arg(long, value_name = "FILE")]
    pub samples: Option<PathBuf>,
}

/// Arguments of `validate`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  gaze-calib validate
  gaze-calib validate --targets 9 --store")]
pub struct ValidateArgs {
    /// Who sits where.
    #[command(flatten)]
    pub sitting: SittingArgs,
    /// How many targets: 4 to 20.
    #[arg(long, short = 't', default_value_t = 4, value_parser = clap::value_parser!(u8).range(4..=20))]
    pub targets: u8,
    /// Keep the result: it becomes the calibration's grade.
    #[arg(long)]
    pub store: bool,
}

/// Arguments of `repair`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  gaze-calib repair")]
pub struct RepairArgs {
    /// Who sits where.
    #[command(flatten)]
    pub sitting: SittingArgs,
}

/// Arguments of `export`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Without --out both a PNG and an SVG are written into the current folder.

Examples:
  gaze-calib export
  gaze-calib export --user ada --out ada.svg
  gaze-calib export ada__facetime__edp-1.json --out fit.png --size 3840x2160")]
pub struct ExportArgs {
    /// A calibration file [default: the newest that fits the options]
    #[arg(conflicts_with_all = ["user", "camera", "display", "folder"])]
    pub file: Option<PathBuf>,
    /// The newest of these.
    #[command(flatten)]
    pub which: Which,
    /// The picture to write: its name ends in .png or .svg
    #[arg(long, short, value_name = "FILE", value_parser = picture)]
    pub out: Option<PathBuf>,
    /// Width and height in pixels.
    #[arg(long, value_name = "WxH", default_value = "1920x1200", value_parser = size)]
    pub size: (u32, u32),
    /// Light signs on a dark ground, as in the window.
    #[arg(long)]
    pub dark: bool,
}

fn picture(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let ending = path
        .extension()
        .and_then(|e| e.to_str())
        .unwrap_or_default();
    if ["png", "svg"]
        .iter()
        .any(|e| ending.eq_ignore_ascii_case(e))
    {
        Ok(path)
    } else {
        Err("its name must end in .png or .svg".to_owned())
    }
}

/// Smaller ones cannot be read, larger ones are a slip of the finger.
fn size(text: &str) -> Result<(u32, u32), String> {
    super::pixels(text).and_then(|(w, h)| {
        let sensible = 400..=16_384;
        if sensible.contains(&w) && sensible.contains(&h) {
            Ok((w, h))
        } else {
            Err("400 to 16384 pixels each way".to_owned())
        }
    })
}
