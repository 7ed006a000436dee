//! Finding pictures and their labels in a folder, and reading them.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use gaze::dataset::{Labelled, ReadError, read};
use sha2::{Digest, Sha256};
use vision::{Frame, jpeg};

use super::skip::Reason;
use super::walk::walk;

/// The longest file that is read, bytes.
const LONGEST: u64 = 256 << 20;
/// No camera's picture is this much longer than it is wide, or smaller.
const LONG: u32 = 3;
const SMALL: u32 = 48;

/// A picture and its label, found by their names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// The JPEG below the folder, parts separated by `/`.
    pub path: String,
    /// Who: the first sub-folder, or the folder itself for what lies directly in it.
    pub person: String,
    /// The JPEG's full path.
    pub picture: PathBuf,
    /// The label's.
    pub label: PathBuf,
}

/// What lies in a folder.
#[derive(Debug, Default)]
pub struct Listing {
    /// Whole pairs by their paths.
    pub pairs: Vec<Pair>,
    /// Halves: path, and which half is missing.
    pub halves: Vec<(String, Reason)>,
}

#[derive(Default)]
struct Halves {
    picture: Option<PathBuf>,
    label: Option<PathBuf>,
}

/// Lists `img_*.jpg` and `img_*.json` in a folder and those below it; what begins with a dot
/// is passed over.
///
/// # Errors
/// When a folder cannot be listed.
pub fn list(root: &Path) -> Result<Listing, (PathBuf, io::Error)> {
    let mut found: BTreeMap<String, Halves> = BTreeMap::new();
    walk(root, &mut |path, below| {
        let Some((stem, is_picture)) = half(&below) else {
            return;
        };
        let halves = found.entry(stem.to_owned()).or_default();
        match is_picture {
            true => halves.picture = Some(path),
            false => halves.label = Some(path),
        }
    })?;
    let own_name = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let own_name = own_name.file_name().unwrap_or_default().to_string_lossy();
    let mut listing = Listing::default();
    for (stem, halves) in found {
        let person = stem.split_once('/').map_or(&*own_name, |(first, _)| first);
        match (halves.picture, halves.label) {
            (Some(picture), Some(label)) => listing.pairs.push(Pair {
                path: format!("{stem}.{}", ending(&picture)),
                person: person.to_owned(),
                picture,
                label,
            }),
            (Some(picture), None) => {
                let path = format!("{stem}.{}", ending(&picture));
                listing.halves.push((path, Reason::NoLabel));
            }
            (None, _) => listing
                .halves
                .push((format!("{stem}.json"), Reason::NoPicture)),
        }
    }
    Ok(listing)
}

fn ending(path: &Path) -> String {
    path.extension()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// Which half of which pair a file is; none if its name is of neither.
fn half(below: &str) -> Option<(&str, bool)> {
    let name = below.rsplit('/').next()?;
    let (stem, ending) = below.rsplit_once('.')?;
    let is_picture = match ending.to_ascii_lowercase().as_str() {
        "jpg" | "jpeg" => true,
        "json" => false,
        _ => return None,
    };
    name.starts_with("img_").then_some((stem, is_picture))
}

/// A pair's bytes.
#[derive(Debug, Default)]
pub struct Bytes {
    picture: Vec<u8>,
    label: Vec<u8>,
}

impl Bytes {
    /// Reads both files.
    ///
    /// # Errors
    /// Why the pair is of no use, and the system's words.
    pub fn read(pair: &Pair) -> Result<Bytes, (Reason, String)> {
        let one = |path: &Path| {
            let refuse = |e: io::Error| (Reason::Unreadable, e.to_string());
            let meta = fs::metadata(path).map_err(refuse)?;
            if !meta.is_file() || meta.len() > LONGEST {
                return Err((Reason::Unreadable, format!("{} bytes", meta.len())));
            }
            fs::read(path).map_err(refuse)
        };
        Ok(Bytes {
            picture: one(&pair.picture)?,
            label: one(&pair.label)?,
        })
    }

    /// Names the pair by what is in it: of both files, and of the picture alone.
    pub fn hashes(&self) -> [String; 2] {
        let picture = Sha256::digest(&self.picture);
        let both = Sha256::new_with_prefix(picture).chain_update(&self.label);
        [hex(&both.finalize()), hex(&picture)]
    }

    /// The label, or why it is of no use.
    ///
    /// # Errors
    /// The reason and the details.
    pub fn label(&self) -> Result<Labelled, (Reason, String)> {
        if self.label.is_empty() {
            return Err((Reason::Empty, "the label has 0 bytes".into()));
        }
        read(&self.label).map_err(|e| match e {
            ReadError::NoTarget => (Reason::NoTarget, e.to_string()),
            ReadError::Syntax(_) => (Reason::BadLabel, e.to_string()),
        })
    }

    /// The label's bytes.
    pub fn label_bytes(&self) -> &[u8] {
        &self.label
    }

    /// Decodes the picture into `frame`.
    ///
    /// # Errors
    /// The reason and the details.
    pub fn decode(&self, label: &Labelled, frame: &mut Frame) -> Result<(), (Reason, String)> {
        if self.picture.is_empty() {
            return Err((Reason::Empty, "the picture has 0 bytes".into()));
        }
        let length = self.picture.len() as u64;
        if let Some(whole) = label.jpeg_bytes.filter(|whole| length < *whole) {
            let why = format!("{length} bytes of {whole}");
            return Err((Reason::BadPicture, why));
        }
        jpeg::decode(&self.picture, frame).map_err(|why| (Reason::BadPicture, why))?;
        let (w, h) = (frame.width, frame.height);
        if w > LONG * h || h > LONG * w || w.min(h) < SMALL || w.max(h) > u32::from(u16::MAX) {
            return Err((Reason::Shape, format!("{w}×{h} pixels")));
        }
        Ok(())
    }
}

/// First 16 bytes in hex: enough to tell files apart.
fn hex(digest: &[u8]) -> String {
    digest[..16].iter().map(|b| format!("{b:02x}")).collect()
}
