//! Reading and writing calibration files.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::atomic::replace;
use super::{Calibration, Invalid, SCHEMA, file_name};

/// No calibration is larger than this; what is, is something else.
const LARGEST: u64 = 1 << 20;

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
    #[error("{}: {source}", path.display())]
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
    let at = |action| move |source| io_error(path, action, source);
    // Looked at before it is opened: to open a pipe is to wait for its writer.
    let is = fs::metadata(path).map_err(at("cannot open"))?;
    if !is.is_file() || is.len() > LARGEST {
        return Err(FileError::NotAFile {
            path: path.to_owned(),
        });
    }
    let mut file = File::open(path).map_err(at("cannot open"))?;
    let mut text = Vec::new();
    // The file may have grown since.
    (&mut file)
        .take(LARGEST)
        .read_to_end(&mut text)
        .map_err(at("cannot read"))?;
    parse(&text, path)
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

/// Validates the calibration and writes it into the folder under its own name,
/// in place of an older one: to a temporary file there, synced, renamed, and
/// the folder synced. A reader sees the old file or the new one, never a part.
/// Gives the file's path.
///
/// # Errors
/// [`FileError`]; nothing is left behind.
pub fn write(calibration: &Calibration, folder: &Path) -> Result<PathBuf, FileError> {
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

    replace(&path, &text)?;
    Ok(path)
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
