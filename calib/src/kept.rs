//! What is stored: which files there are, whose they are, and who is selected.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use gaze::calibration::selection::{self, Selection};
use gaze::calibration::{self, COPY, Calibration, FileError, Written, file_name, is_file_name};

use crate::args::Which;
use crate::{Exit, Failure};

/// A file and what came of reading it.
pub type Stored = (PathBuf, Result<Calibration, FileError>);

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

/// All JSON files of the folder by name, usable or not. A folder that is not there holds
/// nothing.
///
/// # Errors
/// [`Failure`]: the folder cannot be read.
pub fn stored(folder: &Path) -> Result<Vec<Stored>, Failure> {
    let paths = with_ending(folder, ".json")?.into_iter();
    Ok(paths
        .map(|path| (path.clone(), calibration::load(&path)))
        .collect())
}

/// Whether a file is a calibration, or one that is damaged: it is called as one. Other people's
/// files may lie there, too.
pub fn is_calibration((path, loaded): &Stored) -> bool {
    loaded.is_ok() || is_file_name(&name_of(path))
}

/// Copies of calibrations that others took the place of, each with the file that it was.
///
/// # Errors
/// [`Failure`]: the folder cannot be read.
pub fn copies(folder: &Path) -> Result<Vec<(PathBuf, PathBuf)>, Failure> {
    let copies = with_ending(folder, &format!(".json.{COPY}"))?;
    let of = copies
        .into_iter()
        .map(|copy| (copy.clone(), copy.with_extension("")));
    Ok(of.filter(|(_, of)| is_file_name(&name_of(of))).collect())
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// What is in the folder and is called so, by name.
fn with_ending(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, Failure> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => {
            let line = format!("{}: {e}", folder.display());
            return Err(Failure::new(Exit::Input, line));
        }
    };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| name_of(path).ends_with(ending))
        .collect();
    paths.sort();
    Ok(paths)
}

/// Says on standard error what was kept of a file that was replaced, if anything was.
pub fn say_kept(written: &Written) {
    if let Some(kept) = &written.kept {
        // Whoever cannot be told finds it beside the file.
        let (path, reason) = (kept.path.display(), &kept.reason);
        let _ = writeln!(
            io::stderr(),
            "gaze-calib: what was there before is kept as {path}: {reason}"
        );
    }
}

/// The calibration of a file, or where none is named the newest of these.
///
/// # Errors
/// [`Failure`]: it is not there, or not usable.
pub fn named_or_newest(file: Option<&Path>, which: &Which) -> Result<Calibration, Failure> {
    if let Some(file) = file {
        return calibration::load(file).map_err(refused);
    }
    let folder = folder(which.folder.as_deref())?;
    let usable = stored(&folder)?
        .into_iter()
        .filter(|file| which.fits(file))
        .filter_map(|(_, loaded)| loaded.ok());
    usable.max_by_key(|c| c.created_unix_s).ok_or_else(|| {
        let line = format!(
            "{}: no usable calibration like that: look at gaze-calib list, or run gaze-calib run",
            folder.display()
        );
        Failure::new(Exit::NotGood, line)
    })
}

/// Why a calibration file is not used, with the exit code.
fn refused(error: FileError) -> Failure {
    let exit = if matches!(error, FileError::Invalid { .. }) {
        Exit::NotGood
    } else {
        Exit::Input
    };
    Failure::new(exit, error)
}

/// Why something could not be stored, with the exit code.
pub fn not_stored(error: FileError) -> Failure {
    let exit = if matches!(error, FileError::Io { .. }) {
        Exit::Output
    } else {
        Exit::NotGood
    };
    Failure::new(exit, error)
}

/// Who is selected. One that cannot be read selects nobody.
pub fn selected(folder: &Path) -> Option<Selection> {
    selection::load(folder).ok()
}

/// Who is meant where nobody is named: who was selected last, else the login name.
pub fn usual_user(selected: Option<&Selection>) -> String {
    selected.map_or_else(selection::login_name, |s| s.user.clone())
}

impl Which {
    /// Whether the file is among these: by what it says, or by its name where it cannot
    /// be read.
    pub fn fits(&self, (path, loaded): &Stored) -> bool {
        let same = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|w| w == is);
        if let Ok(c) = loaded {
            return same(&self.user, &c.user)
                && same(&self.camera, &c.camera)
                && same(&self.display, &c.display.id);
        }
        self.fits_name(path)
    }

    /// Whether a file of this name is among these, whatever it says.
    pub fn fits_name(&self, path: &Path) -> bool {
        let any = "-".to_owned();
        let [user, camera, display] =
            [&self.user, &self.camera, &self.display].map(|w| w.as_ref().unwrap_or(&any));
        let wanted = file_name(user, camera, display);
        let is = name_of(path);
        let (mut wanted, mut is) = (wanted.split("__"), is.split("__"));
        [&self.user, &self.camera, &self.display]
            .into_iter()
            .all(|named| {
                let (wanted, is) = (wanted.next(), is.next());
                named.is_none() || wanted == is
            })
    }
}
