//! Sets of rendered faces with exact labels, as files.
//!
//! What is in picture n follows from scenario, seed and n alone ([`render::scenario::Plan`]), so
//! the files are the same for any number of workers, in any order, and after any interruption.

pub mod anywhere;
pub mod canvas;
pub mod eyes;
pub mod label;
pub mod make;
pub mod preview;
pub mod progress;
pub mod store;

use std::io;
use std::path::{Path, PathBuf};

/// Why a set could not be made or shown. One line: what, where, what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder cannot be written.
    #[error("{}: {why}", path.display())]
    Write {
        /// Which one.
        path: PathBuf,
        /// Why, and what to do.
        why: String,
    },
    /// A file or folder cannot be read.
    #[error("{}: {why}", path.display())]
    Read {
        /// Which one.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The folder holds something else.
    #[error("{}: {why}", path.display())]
    Other {
        /// Which one.
        path: PathBuf,
        /// What it holds.
        why: String,
    },
    /// Pictures that are there are not what would be drawn now.
    #[error(
        "{}: img_{} there is not the one drawn now, so another version made it; give another folder",
        path.display(), index + 1
    )]
    Version {
        /// The folder.
        path: PathBuf,
        /// Number of the picture, from 0.
        index: usize,
    },
    /// Another process works on the folder.
    #[error("{}: another gaze-trainer writes here; wait for it, or give another folder", .0.display())]
    Busy(PathBuf),
    /// There is nothing to show.
    #[error("{}: no whole pair img_N.jpg and img_N.json of a set; make one with --count", .0.display())]
    Nothing(PathBuf),
    /// A worker panicked.
    #[error("a fault of gaze-trainer while drawing img_{}: {why}", index + 1)]
    Fault {
        /// Number of the picture, from 0.
        index: usize,
        /// What it said.
        why: String,
    },
}

impl Error {
    fn write(path: &Path, e: io::Error) -> Error {
        let hint = match e.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "; make room and run the same command again"
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                "; give a folder you may write to"
            }
            _ => "; see to it and run the same command again",
        };
        Error::Write {
            path: path.to_owned(),
            why: format!("cannot be written: {e}{hint}"),
        }
    }

    fn read(path: &Path, e: io::Error) -> Error {
        Error::Read {
            path: path.to_owned(),
            why: format!("cannot be read: {e}"),
        }
    }

    /// The program's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Other { .. } | Error::Version { .. } | Error::Busy(_) => 3,
            Error::Write { .. } => 4,
            Error::Read { .. } | Error::Nothing(_) => 5,
            Error::Fault { .. } => 70,
        }
    }
}
