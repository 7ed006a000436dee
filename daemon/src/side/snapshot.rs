//! A picture as a JPEG file that is there whole or not at all.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use gaze::trust;
use vision::Frame;

use crate::record::encode_jpeg;

/// Writes the picture into the folder (made if it is not there), whose oldest snapshots go
/// where there are more than `most`.
///
/// # Errors
/// The disk's, or the encoder's.
pub fn store(frame: &Frame, folder: &Path, name: &str, most: usize) -> io::Result<PathBuf> {
    // Not to where a link of somebody else's leads.
    let folder = &trust::resolve(folder)?;
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    make_room(folder, most.saturating_sub(1))?;
    let mut jpeg = Vec::new();
    encode_jpeg(frame, &mut jpeg).map_err(io::Error::other)?;
    let path = folder.join(format!("{name}.jpg"));
    let hidden = folder.join(format!(".{name}.jpg.part"));
    let write = || -> io::Result<()> {
        // Made anew: a link that lies there with its name is not followed.
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        options.open(&hidden)?.write_all(&jpeg)?;
        std::fs::rename(&hidden, &path)
    };
    let _ = std::fs::remove_file(&hidden); // of a run that was ended
    let written = write();
    written.inspect_err(|_| {
        let _ = std::fs::remove_file(&hidden);
    })?;
    Ok(path)
}

/// Leaves so many of our own snapshots: their names begin with their time.
fn make_room(folder: &Path, most: usize) -> io::Result<()> {
    let ours = |name: &str| {
        let stem = name.strip_suffix(".jpg")?;
        let (time, rest) = stem.split_once("_face-")?;
        (clips::time::from_name(time).is_some() && rest.contains("_contact-")).then_some(())
    };
    let names = std::fs::read_dir(folder)?.filter_map(|e| e.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|n| ours(n).is_some()).collect();
    names.sort();
    let over = names.len().saturating_sub(most);
    names[..over]
        .iter()
        .try_for_each(|n| std::fs::remove_file(folder.join(n)))
}
