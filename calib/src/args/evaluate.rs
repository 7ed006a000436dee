//! Arguments of `evaluate`.

use std::path::PathBuf;

/// Arguments of `evaluate`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Medians in pixels of a screen scaled to 1512 px width: same, of a map fitted to a
sitting without one target and tested at that; next, of a sitting's map tested at
the same person's next. The last line is ours, same=... next=...

A .npz file holds landmarks_px (n x 478 x 3), person, session, target_norm,
window_px and image_px. A folder holds img_N.jpg with img_N.json, as gaze-calib
record and gaze-trainer synth write them; what is of no use is counted.

Examples:
  gaze-calib evaluate gaze_landmarks.npz
  gaze-calib evaluate recordings/ --json | jq '.evaluation.rows[-1].within'")]
pub struct EvaluateArgs {
    /// A .npz file of landmarks, or a folder of labelled pictures.
    pub path: PathBuf,
    /// Print all as JSON.
    #[arg(long)]
    pub json: bool,
}
