//! Arguments of `record`.

use std::path::PathBuf;

use super::{SittingArgs, millimetres, offset};

/// Arguments of `record`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
gazed must be running: it stores the pictures. A dot wanders over the screen; look at it,
and move your head where you are asked to. Before the first picture you are asked whether
you agree. Esc ends it; what is stored stays, and the next recording into the same folder
goes on behind it. Each place gives img_N.jpg and img_N.json: where the dot was
(screen_x, screen_y, in pixels of the screen that recording.screen describes), what was
seen of the face, and when. Only your user can open the files. One folder a person keeps
people apart for gaze-trainer.

Examples:
  gaze-calib record --out ~/faces/ada
  gaze-calib record --out ~/faces/ada --places 100 --display eDP-1
  gaze-calib record --out ~/faces/ada --places 10 --yes --json

Exit codes: 0 stored, 1 nothing stored, 2 wrong command line, 3 no gazed or no display,
4 disk full or folder cannot be written to.")]
pub struct RecordArgs {
    /// Where the pictures go; made where it is not there.
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// How many places the dot goes to; each takes about two seconds, every fifth six.
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u16).range(1..=2000))]
    pub places: u16,
    /// You agree that pictures of your face are stored in the folder: ask nothing, and close
    /// the window at the end.
    #[arg(long)]
    pub yes: bool,
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
    /// Places the dot; the same number gives the same places.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Print what was stored as JSON, and nothing else.
    #[arg(long)]
    pub json: bool,
    /// Say how fast the window drew.
    #[arg(long, short)]
    pub verbose: bool,
}

impl RecordArgs {
    /// What the window needs to know.
    pub fn sitting(&self) -> SittingArgs {
        SittingArgs {
            display: self.display.clone(),
            size_mm: self.size_mm,
            camera_mm: self.camera_mm,
            seed: self.seed,
            json: self.json,
            verbose: self.verbose,
            ..SittingArgs::default()
        }
    }
}
