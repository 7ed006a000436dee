//! `gaze-calib show` and `list`: what is stored.

use std::io::Write;

use gaze::drift::OLD_S;
use serde_json::json;

use crate::args::{ListArgs, ShowArgs};
use crate::{Failure, kept, text, time};

/// Runs `show`.
///
/// # Errors
/// [`Failure`]: no such calibration, or not a usable one.
pub fn show(args: &ShowArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let calibration = kept::named_or_newest(args.file.as_deref(), &args.which)?;
    if args.json {
        text::json(&calibration, out)?
    } else {
        text::write(&calibration, time::unix_now(), out)?
    }
    Ok(())
}

/// Runs `list`. Files that cannot be used are listed with the reason.
///
/// # Errors
/// [`Failure`]: the folder cannot be read. One that is not there holds nothing.
pub fn list(args: &ListArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let folder = kept::folder(args.which.folder.as_deref())?;
    let mut files = kept::stored(&folder)?;
    files.retain(|file| args.which.fits(file));
    let user = kept::usual_user(kept::selected(&folder).as_ref());
    if files.is_empty() && !args.json {
        writeln!(out, "no calibrations in {}", folder.display())?;
    }
    let now = time::unix_now();
    for (path, loaded) in files {
        match (loaded, args.json) {
            (Ok(c), true) => {
                let age_s = now.saturating_sub(c.created_unix_s);
                let line = json!({
                    "path": path, "user": c.user, "camera": c.camera, "display": c.display.id,
                    "network": c.network, "selected": c.user == user, "grade": c.grade,
                    "expected_error": c.expected_error(), "cross_validated": c.cross_validated,
                    "validated": c.validation.as_ref().map(|v| v.error),
                    "earlier_sittings": c.history.len(), "history_used": c.history_used,
                    "repaired_unix_s": c.repair.map(|r| r.created_unix_s),
                    "created_unix_s": c.created_unix_s, "age_s": age_s,
                    "old": age_s > OLD_S,
                });
                writeln!(out, "{line}")?;
            }
            (Err(e), true) => {
                writeln!(out, "{}", json!({ "path": path, "error": e.to_string() }))?;
            }
            (Ok(c), false) => {
                let star = if c.user == user { '*' } else { ' ' };
                let old = if now.saturating_sub(c.created_unix_s) > OLD_S {
                    "  old: calibrate again"
                } else {
                    ""
                };
                writeln!(out, "{star} {}{old}", text::line(&c))?;
            }
            (Err(e), false) => writeln!(out, "  not usable: {e}")?,
        }
    }
    Ok(())
}
