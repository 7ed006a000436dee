//! Files that are whole or not there: calibrations and the selection.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::file::{FileError, LARGEST, io_error, open_at_once};
use super::place::COPY;

/// Puts `text` in the place of the file: into a temporary file beside it, synced,
/// renamed, and the folder synced (made first, for the user alone, where it is
/// missing). A reader sees the old file or the new one, never a part.
///
/// # Errors
/// [`FileError::Io`]; the old file is still there and nothing is left behind.
pub(super) fn replace(path: &Path, text: &[u8]) -> Result<(), FileError> {
    static SERIAL: AtomicU32 = AtomicU32::new(0);
    let folder = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    make_private_folder(folder).map_err(|e| io_error(folder, "cannot make the folder", e))?;
    // A leading dot and another ending: nobody takes it for a calibration.
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    let temporary = folder.join(format!(".{name}.{}.{serial}.tmp", std::process::id()));
    let replaced = write_synced(&temporary, text)
        .map_err(|e| io_error(&temporary, "cannot write", e))
        .and_then(|()| {
            fs::rename(&temporary, path).map_err(|e| io_error(path, "cannot replace", e))
        });
    if replaced.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    replaced?;
    sync_folder(folder).map_err(|e| io_error(folder, "cannot sync the folder", e))
}

/// Copies the file to `<name>.bak` beside it, in place of an earlier copy. Gives the copy's
/// path; `None` where there is no plain file.
///
/// # Errors
/// [`FileError::Io`]; an earlier copy is still there.
pub(super) fn keep(path: &Path) -> Result<Option<PathBuf>, FileError> {
    let at = |action| move |source| io_error(path, action, source);
    if !fs::metadata(path).is_ok_and(|is| is.is_file()) {
        return Ok(None);
    }
    let mut file = open_at_once(path).map_err(at("cannot open"))?;
    let mut bytes = Vec::new();
    // What is larger was never ours, and is no loss: it is cut.
    (&mut file)
        .take(LARGEST)
        .read_to_end(&mut bytes)
        .map_err(at("cannot read"))?;
    let copy = copy_of(path);
    replace(&copy, &bytes)?;
    Ok(Some(copy))
}

/// Where [`keep`] puts the copy.
fn copy_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(COPY);
    PathBuf::from(name)
}

fn write_synced(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

fn make_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// The rename itself outlives a power cut only when the folder is synced.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}
