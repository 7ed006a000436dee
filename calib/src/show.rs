//! `gaze-calib show` and `list`: what is stored.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use gaze::calibration::{self, Calibration, FileError};
use serde_json::json;

use crate::args::{ListArgs, ShowArgs};
use crate::{Exit, Failure, text};

/// The folder that was named, or the one where the daemon looks.
///
/// # Errors
/// When none was named and there is no home folder.
pub fn folder(named: Option<&Path>) -> Result<PathBuf, Failure> {
    named
        .map(Path::to_owned)
        .or_else(calibration::default_folder)
        .ok_or_else(|| {
            Failure::new(
                Exit::Input,
                "no home folder to keep calibrations in: name a folder",
            )
        })
}

/// Runs `show`.
///
/// # Errors
/// [`Failure`]: no such calibration, or not a usable one.
pub fn show(args: &ShowArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let calibration = match &args.file {
        Some(file) => calibration::load(file).map_err(refused)?,
        None => newest(&folder(args.folder.as_deref())?)?,
    };
    if args.json {
        text::json(&calibration, out)?
    } else {
        text::write(&calibration, out)?
    }
    Ok(())
}

/// Runs `list`. Files that cannot be used are listed with the reason.
///
/// # Errors
/// [`Failure`]: the folder cannot be read. One that is not there holds nothing.
pub fn list(args: &ListArgs, out: &mut dyn Write) -> Result<(), Failure> {
    let folder = folder(args.folder.as_deref())?;
    let stored = stored(&folder)?;
    if stored.is_empty() && !args.json {
        writeln!(out, "no calibrations in {}", folder.display())?;
    }
    for (path, loaded) in stored {
        match (loaded, args.json) {
            (Ok(c), true) => {
                let line = json!({
                    "path": path, "user": c.user, "camera": c.camera, "display": c.display.id,
                    "network": c.network, "grade": c.grade, "cross_validated": c.cross_validated,
                    "created_unix_s": c.created_unix_s,
                });
                writeln!(out, "{line}")?;
            }
            (Err(e), true) => {
                writeln!(out, "{}", json!({ "path": path, "error": e.to_string() }))?;
            }
            (Ok(c), false) => writeln!(out, "{}", text::line(&c))?,
            (Err(e), false) => writeln!(out, "not usable: {e}")?,
        }
    }
    Ok(())
}

fn newest(folder: &Path) -> Result<Calibration, Failure> {
    let usable = stored(folder)?
        .into_iter()
        .filter_map(|(_, loaded)| loaded.ok());
    usable.max_by_key(|c| c.created_unix_s).ok_or_else(|| {
        let line = format!(
            "{}: no usable calibration there: run gaze-calib fit",
            folder.display()
        );
        Failure::new(Exit::NotGood, line)
    })
}

/// Files and what came of reading them.
pub(crate) type Stored = Vec<(PathBuf, Result<Calibration, FileError>)>;

/// All calibration files of the folder by name; temporary ones have another ending.
pub(crate) fn stored(folder: &Path) -> Result<Stored, Failure> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => {
            return Err(Failure::new(
                Exit::Input,
                format!("{}: {e}", folder.display()),
            ));
        }
    };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    paths.sort();
    Ok(paths
        .into_iter()
        .map(|path| (path.clone(), calibration::load(&path)))
        .collect())
}

/// Why a calibration file is not used, with the exit code.
pub(crate) fn refused(error: FileError) -> Failure {
    let exit = if matches!(error, FileError::Invalid { .. }) {
        Exit::NotGood
    } else {
        Exit::Input
    };
    Failure::new(exit, error)
}
