//! `gaze-calib use`: says who sits before the camera.

use std::io::Write;

use gaze::calibration::selection::{self, Selection};
use serde_json::json;

use crate::args::UseArgs;
use crate::{Failure, kept, text};

/// Runs the command.
///
/// # Errors
/// [`Failure`]; who was selected before is selected still.
pub fn run(args: &UseArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let folder = kept::folder(args.folder.as_deref())?;
    let display = kept::selected(&folder).and_then(|s| s.display);
    let selection = Selection::new(args.user.clone(), display);
    let written = selection::write(&selection, &folder).map_err(kept::not_stored)?;
    kept::say_kept(&written);
    let path = written.path;
    let theirs: Vec<_> = kept::stored(&folder)?
        .into_iter()
        .filter_map(|(path, loaded)| Some((path, loaded.ok()?)))
        .filter(|(_, c)| c.user == args.user)
        .collect();
    if args.json {
        let files: Vec<_> = theirs.iter().map(|(path, _)| path).collect();
        let line = json!({ "selection": path, "user": args.user, "calibrations": files });
        writeln!(out, "{line}")?;
        return Ok(());
    }
    if theirs.is_empty() {
        writeln!(
            out,
            "{} is selected and has no calibration yet: run gaze-calib run",
            args.user
        )?;
        return Ok(());
    }
    writeln!(out, "{} is selected:", args.user)?;
    for (_, calibration) in &theirs {
        writeln!(out, "  {}", text::line(calibration))?;
    }
    Ok(())
}
