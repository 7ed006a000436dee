//! Arguments of `record`.

use std::path::PathBuf;

use super::{SittingArgs, WindowArgs};

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
    /// The window.
    #[command(flatten)]
    pub window: WindowArgs,
}

impl RecordArgs {
    /// What the window needs to know.
    pub fn sitting(&self) -> SittingArgs {
        SittingArgs {
            window: self.window.clone(),
            ..SittingArgs::default()
        }
    }
}
