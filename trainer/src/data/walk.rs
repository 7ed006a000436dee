//! Every file in a folder and those below it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Folders below folders are followed this deep: a link that leads up again ends here.
const DEPTH: usize = 12;

/// Tells `found` of every file in `root` and below it: its path, and its place below `root` with
/// parts separated by `/`. What begins with a dot is passed over, and names that are no text: they
/// cannot be told of, and nobody's camera writes such.
///
/// # Errors
/// When a folder cannot be listed: which one, and the system's words.
pub fn walk(
    root: &Path,
    found: &mut dyn FnMut(PathBuf, String),
) -> Result<(), (PathBuf, io::Error)> {
    below(root, "", 0, found)
}

fn below(
    folder: &Path,
    place: &str,
    depth: usize,
    found: &mut dyn FnMut(PathBuf, String),
) -> Result<(), (PathBuf, io::Error)> {
    let failed = |e| (folder.to_owned(), e);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (path, name) = (entry.path(), entry.file_name());
        let Some(name) = name.to_str().filter(|n| !n.starts_with('.')) else {
            continue;
        };
        if !path.is_dir() {
            found(path, format!("{place}{name}"));
        } else if depth < DEPTH {
            below(&path, &format!("{place}{name}/"), depth + 1, found)?;
        }
    }
    Ok(())
}
