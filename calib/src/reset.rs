//! `gaze-calib reset`: removes calibrations, and with them what they remember of
//! earlier sittings.

use std::fs;
use std::io::{self, IsTerminal, Write};

use serde_json::json;

use crate::args::ResetArgs;
use crate::kept::Stored;
use crate::{Exit, Failure, ask, kept, text};

/// Runs the command.
///
/// # Errors
/// [`Failure`]: nobody agreed, or a file could not be removed.
pub fn run(args: &ResetArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let folder = kept::folder(args.which.folder.as_deref())?;
    let mut which = args.which.clone();
    if !args.all && which.user.is_none() {
        which.user = Some(kept::usual_user(kept::selected(&folder).as_ref()));
    }
    let mut files = kept::stored(&folder)?;
    files.retain(|file| kept::is_calibration(file) && (args.all || which.fits(file)));
    let mut copies = kept::copies(&folder)?;
    copies.retain(|(_, of)| args.all || which.fits_name(of));
    if files.is_empty() && copies.is_empty() {
        if !args.json {
            let whose = which.user.map_or_else(String::new, |u| format!(" of {u}"));
            writeln!(out, "nothing to remove{whose} in {}", folder.display())?;
        }
        return Ok(());
    }
    if !args.json {
        writeln!(out, "to be removed from {}:", folder.display())?;
        for file in &files {
            writeln!(out, "  {}", described(file))?;
        }
        for (copy, _) in &copies {
            writeln!(out, "  {} (an older one)", copy.display())?;
        }
        out.flush()?;
    }
    if !args.yes {
        if !io::stdin().is_terminal() {
            let line = "nothing was removed: say --yes where nobody can be asked";
            return Err(Failure::new(Exit::Usage, line));
        }
        if !ask::yes("remove them?", out)? {
            return Err(Failure::new(Exit::NotGood, "nothing was removed"));
        }
    }
    let copies = copies.iter().map(|(copy, _)| copy);
    let paths: Vec<_> = files.iter().map(|(path, _)| path).chain(copies).collect();
    for path in &paths {
        match fs::remove_file(path) {
            // Somebody else was faster.
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                let line = format!("{}: cannot remove: {e}", path.display());
                return Err(Failure::new(Exit::Output, line));
            }
            _ if args.json => writeln!(out, "{}", json!({ "removed": path }))?,
            _ => {}
        }
    }
    if !args.json {
        writeln!(out, "removed {}", paths.len())?;
    }
    Ok(())
}

fn described((path, loaded): &Stored) -> String {
    match loaded {
        Ok(c) => text::line(c),
        Err(_) => format!("{} (not usable)", path.display()),
    }
}
