//! Reading and writing calibration files.

use crate::one_line::one_line;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::atomic::{keep, replace};
use super::{Calibration, Invalid, SCHEMA, Setup, file_name};
use crate::trust;

/// No calibration is larger than this; what is, is something else.
pub(super) const LARGEST: u64 = 1 << 20;

/// Why a file was not read or written. What was there before is still there.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// There is no such file.
    #[error("{}: no such calibration: run gaze-calib", path.display())]
    NotFound {
        /// The file.
        path: PathBuf,
    },
    /// The system refused.
    #[error("{}: {action}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// Not a plain file, or too large for a calibration.
    #[error("{}: not a calibration file (a plain file of at most {LARGEST} bytes)", path.display())]
    NotAFile {
        /// The file.
        path: PathBuf,
    },
    /// Not JSON, or not of the schema's keys.
    #[error("{}: {}", path.display(), one_line(source))]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// A selection that parses, and is not usable.
    #[error("{}: {reason}", path.display())]
    Selection {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: &'static str,
    },
    /// It parses, and is not usable.
    #[error("{}: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: Invalid,
    },
}

/// Reads and validates a calibration.
///
/// # Errors
/// [`FileError`]; a file of another schema is reported as such even where its
/// other keys are unknown.
pub fn load(path: &Path) -> Result<Calibration, FileError> {
    parse(&read_plain(path, LARGEST)?, path)
}

/// The bytes of a plain file that is not larger than this.
pub(super) fn read_plain(path: &Path, largest: u64) -> Result<Vec<u8>, FileError> {
    let at = |action| move |source| io_error(path, action, source);
    let not_a_file = || FileError::NotAFile {
        path: path.to_owned(),
    };
    // Looked at before it is opened: to open some things is to do something.
    let is = fs::metadata(path).map_err(at("cannot open"))?;
    if !is.is_file() {
        return Err(not_a_file());
    }
    let mut file = trust::open(path).map_err(at("cannot open"))?;
    // And again: another may have been renamed over it.
    let is = file.metadata().map_err(at("cannot read"))?;
    if !is.is_file() || is.len() > largest {
        return Err(not_a_file());
    }
    let mut bytes = Vec::new();
    // The file may have grown since.
    (&mut file)
        .take(largest)
        .read_to_end(&mut bytes)
        .map_err(at("cannot read"))?;
    Ok(bytes)
}

/// Opens for reading without waiting: to open a pipe is else to wait for its writer.
pub(super) fn open_at_once(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.bits() as i32);
    }
    options.open(path)
}

fn parse(text: &[u8], path: &Path) -> Result<Calibration, FileError> {
    #[derive(serde::Deserialize)]
    struct Header {
        schema: u32,
    }
    let syntax = |source| FileError::Syntax {
        path: path.to_owned(),
        source,
    };
    let invalid = |reason| FileError::Invalid {
        path: path.to_owned(),
        reason,
    };
    match serde_json::from_slice::<Header>(text) {
        Ok(Header { schema }) if schema != SCHEMA => {
            return Err(invalid(Invalid::Schema { found: schema }));
        }
        _ => {}
    }
    let calibration: Calibration = serde_json::from_slice(text).map_err(syntax)?;
    calibration.validate().map_err(invalid)?;
    Ok(calibration)
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The file.
    pub path: PathBuf,
    /// What was there before and is not what the new file goes on from.
    pub kept: Option<Kept>,
}

/// A copy of a file that another took the place of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The copy, `<name>.bak`.
    pub path: PathBuf,
    /// What was the matter with the file, one line.
    pub reason: String,
}

/// Keeps a copy of a file that is to be replaced, if there is something the matter with it.
pub(super) fn keep_other(
    path: &Path,
    matter: Option<impl ToString>,
) -> Result<Option<Kept>, FileError> {
    let Some(matter) = matter else {
        return Ok(None);
    };
    Ok(keep(path)?.map(|path| Kept {
        path,
        reason: matter.to_string(),
    }))
}

/// Validates the calibration and writes it into the folder under its own name,
/// in place of an older one: to a temporary file there, synced, renamed, and
/// the folder synced. A reader sees the old file or the new one, never a part.
/// Of a file that was made with something else, or cannot be read, a copy is kept.
///
/// # Errors
/// [`FileError`]; nothing is left behind.
pub fn write(calibration: &Calibration, folder: &Path) -> Result<Written, FileError> {
    let name = file_name(
        &calibration.user,
        &calibration.camera,
        &calibration.display.id,
    );
    let path = folder.join(&name);
    calibration
        .validate()
        .map_err(|reason| FileError::Invalid {
            path: path.clone(),
            reason,
        })?;
    let mut text = serde_json::to_vec_pretty(calibration).map_err(|source| FileError::Syntax {
        path: path.clone(),
        source,
    })?;
    text.push(b'\n');

    let matter = match load(&path) {
        Err(FileError::NotFound { .. }) => None,
        Err(error) => Some(error.to_string()),
        Ok(before) => {
            let setup = Setup {
                user: calibration.user.clone(),
                camera: calibration.camera.clone(),
                display: calibration.display.clone(),
                network: calibration.network.clone(),
            };
            before.applies_to(&setup).err().map(|e| e.to_string())
        }
    };
    let kept = keep_other(&path, matter)?;
    replace(&path, &text)?;
    Ok(Written { path, kept })
}

pub(super) fn io_error(path: &Path, action: &'static str, source: io::Error) -> FileError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound if action == "cannot open" => FileError::NotFound { path },
        _ => FileError::Io {
            path,
            action,
            source,
        },
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    use std::sync::mpsc::channel;
    use std::time::Duration;

    #[test]
    fn a_pipe_in_a_files_place_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("ada__cam__edp-1.json");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        assert!(matches!(load(&pipe), Err(FileError::NotAFile { .. })));
        // As where it was renamed there after the first look.
        let (tell, opened) = channel();
        std::thread::spawn(move || drop(tell.send(open_at_once(&pipe).map(|f| f.metadata()))));
        let opened = opened.recv_timeout(Duration::from_secs(60));
        let is = opened.expect("it waits for a writer").unwrap().unwrap();
        assert!(!is.is_file());
    }
}
