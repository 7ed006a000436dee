//! The folder of a set: what is in it, and how files get there whole.
//!
//! A file is written beside its place under a name that begins with a dot, then renamed. The
//! JSON comes last, so a JSON means that the pair is whole; its `jpeg_bytes` and the
//! JPEG's own ends tell when a power cut has taken that back.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use render::scenario::Plan;
use serde::{Deserialize, Serialize};

use super::Error;
use super::label::{Label, SCHEMA};

/// Name of the file that says what a folder holds.
pub const MANIFEST: &str = "synth.json";

/// What all pictures of a folder have in common; another value of any of these is another set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`SCHEMA`].
    pub schema: u32,
    /// What the set is for.
    pub scenario: String,
    /// Where all chance comes from.
    pub seed: u64,
    /// Width and height of every picture; by chance if null.
    pub size: Option<(u32, u32)>,
    /// How many different people; without end if null.
    pub persons: Option<usize>,
    /// Pictures a second of a film.
    pub fps: f64,
    /// JPEG's quality; by chance if null.
    pub quality: Option<u8>,
}

impl Manifest {
    /// Of the pictures of a plan.
    pub fn of(plan: &Plan, quality: Option<u8>) -> Manifest {
        Manifest {
            schema: SCHEMA,
            scenario: plan.kind.name().to_owned(),
            seed: plan.seed,
            size: plan.size,
            persons: plan.persons,
            fps: plan.fps,
            quality,
        }
    }

    /// In what they differ, as a person would say it.
    fn difference(&self, wished: &Manifest) -> String {
        let size = |m: &Manifest| {
            m.size
                .map_or("by chance".into(), |(w, h)| format!("{w}x{h}"))
        };
        let or = |n: Option<usize>| n.map_or("without end".into(), |n| n.to_string());
        let quality = |m: &Manifest| m.quality.map_or("by chance".into(), |q| q.to_string());
        let pairs = [
            ("layout", self.schema.to_string(), wished.schema.to_string()),
            ("scenario", self.scenario.clone(), wished.scenario.clone()),
            ("seed", self.seed.to_string(), wished.seed.to_string()),
            ("size", size(self), size(wished)),
            ("persons", or(self.persons), or(wished.persons)),
            ("fps", self.fps.to_string(), wished.fps.to_string()),
            ("quality", quality(self), quality(wished)),
        ];
        let differ = pairs.into_iter().filter(|(_, a, b)| a != b);
        let said: Vec<String> = differ
            .map(|(what, a, b)| format!("{what} {a}, not {b}"))
            .collect();
        said.join("; ")
    }
}

/// A folder of pictures, held by this program alone.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    // The lock lasts as long as this file is open.
    _lock: File,
}

impl Store {
    /// Opens `root` for the set that `wished` describes, or begins it there.
    pub fn open(root: &Path, wished: &Manifest) -> Result<Store, Error> {
        fs::create_dir_all(root).map_err(|e| Error::write(root, e))?;
        // The folder itself is locked, before anything in it is looked at.
        let lock = File::open(root).map_err(|e| Error::read(root, e))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::Busy(root.to_owned())),
            // A file system without locks: then two at once are the person's own affair.
            Err(TryLockError::Error(_)) => {}
        }
        let path = root.join(MANIFEST);
        match fs::read(&path) {
            Ok(bytes) => {
                let there: Manifest = serde_json::from_slice(&bytes).map_err(|e| Error::Other {
                    path: path.clone(),
                    why: format!(
                        "is damaged ({e}), so the set cannot go on; give another folder, or remove this one"
                    ),
                })?;
                if there != *wished {
                    return Err(Error::Other {
                        path: root.to_owned(),
                        why: format!(
                            "holds another set: {}; give those settings, or another folder",
                            there.difference(wished)
                        ),
                    });
                }
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                if let Some(stranger) = stranger(root)? {
                    return Err(Error::Other {
                        path: root.to_owned(),
                        why: format!(
                            "holds {stranger} and no {MANIFEST}: not a set that can go on; give an empty or new folder"
                        ),
                    });
                }
                let text = serde_json::to_vec_pretty(wished).map_err(io::Error::from);
                text.and_then(|t| put(&path, &t))
                    .map_err(|e| Error::write(&path, e))?;
            }
            Err(e) => return Err(Error::read(&path, e)),
        }
        Ok(Store {
            root: root.to_owned(),
            _lock: lock,
        })
    }

    /// Where the picture of this number belongs, with neither `.jpg` nor `.json`.
    fn stem(&self, folder: &str, index: usize) -> PathBuf {
        self.root.join(folder).join(format!("img_{}", index + 1))
    }

    /// Whether that picture is there and whole.
    pub fn has(&self, folder: &str, index: usize, wished: &Manifest) -> bool {
        let stem = self.stem(folder, index);
        let Ok(label) = read_label(&stem.with_extension("json")) else {
            return false;
        };
        let truth = &label.truth;
        truth.index == index as u64
            && truth.seed == wished.seed
            && truth.scenario == wished.scenario
            && truth.schema == SCHEMA
            && wished
                .size
                .is_none_or(|s| s == (truth.camera.width, truth.camera.height))
            && is_whole(&stem.with_extension("jpg"), truth.jpeg_bytes).unwrap_or(false)
    }

    /// The bytes of both files of a picture.
    pub fn pair(&self, folder: &str, index: usize) -> io::Result<(Vec<u8>, Vec<u8>)> {
        let stem = self.stem(folder, index);
        Ok((
            fs::read(stem.with_extension("jpg"))?,
            fs::read(stem.with_extension("json"))?,
        ))
    }

    /// Writes both files of a picture, or neither.
    pub fn put_pair(
        &self,
        folder: &str,
        index: usize,
        jpeg: &[u8],
        json: &[u8],
    ) -> Result<(), Error> {
        let stem = self.stem(folder, index);
        let (picture, label) = (stem.with_extension("jpg"), stem.with_extension("json"));
        // The label of a damaged picture must not vouch for the next one before that is there.
        match fs::remove_file(&label) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(Error::write(&label, e)),
            _ => {}
        }
        put(&picture, jpeg).map_err(|e| Error::write(&picture, e))?;
        put(&label, json).map_err(|e| {
            let _ = fs::remove_file(&picture);
            Error::write(&label, e)
        })
    }

    /// Makes a person's folder.
    pub fn make_folder(&self, folder: &str) -> Result<(), Error> {
        let path = self.root.join(folder);
        fs::create_dir_all(&path).map_err(|e| Error::write(&path, e))
    }
}

/// A label from its file.
pub fn read_label(path: &Path) -> io::Result<Label> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

/// Whether a JPEG has this length, begins and ends as one does.
pub fn is_whole(path: &Path, bytes: u64) -> io::Result<bool> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() != bytes || bytes < 4 {
        return Ok(false);
    }
    let mut ends = [0; 4];
    file.read_exact(&mut ends[..2])?;
    file.seek(SeekFrom::End(-2))?;
    file.read_exact(&mut ends[2..])?;
    Ok(ends == [0xff, 0xd8, 0xff, 0xd9])
}

/// Writes a file whole or not at all.
pub(super) fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let part = path.with_file_name(format!(".{name}.part"));
    let written = File::create(&part)
        .and_then(|mut f| f.write_all(bytes))
        .and_then(|()| fs::rename(&part, path));
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    written
}

/// Something in a folder that a set would not put there. What begins with a dot does not count.
fn stranger(root: &Path) -> Result<Option<String>, Error> {
    let entries = fs::read_dir(root).map_err(|e| Error::read(root, e))?;
    for entry in entries {
        let entry = entry.map_err(|e| Error::read(root, e))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            return Ok(Some(name));
        }
    }
    Ok(None)
}
