//! The folder of clips: names, limits, what is beside each clip, the index of all.
//!
//! A clip is written under a hidden name until its first fragment is whole, then gets its own:
//! every `.mp4` that can be seen plays, at any moment, and one whose line says that it is
//! complete does so after a power cut (see [`crate::durable`]). Only files whose names are exactly of
//! the form given here are counted and removed; whatever else lies in the folder stays.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{durable, time};

/// The list of all clips, one JSON line each, oldest first.
pub const INDEX: &str = "index.jsonl";

/// What may lie in the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most clips.
    pub clips: usize,
    /// Most bytes of all clips together.
    pub bytes: u64,
    /// A clip older than this is removed, nanoseconds.
    pub keep_ns: u64,
}

/// Why recording stopped: one line each.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The folder cannot be made or read.
    #[error("clips folder {path}: {source}; choose another with \"clips\": {{\"folder\": …}}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It was there and is there no more.
    #[error("clips folder {path} is gone; make it again, then restart gazed or send it HUP")]
    Gone {
        /// The folder.
        path: PathBuf,
    },
    /// A clip could not be written.
    #[error("clip {name}: {source}; make room, then restart gazed or send it HUP")]
    Write {
        /// The clip.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// A picture could not be coded.
    #[error("clips: {0}; restart gazed or send it HUP")]
    Encoder(#[from] crate::EncodeError),
}

/// What stands beside a clip, as one line of JSON. Times are UTC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The clip's file name.
    pub clip: String,
    /// Whose contact it is.
    pub face: u32,
    /// Everybody who looked during it.
    pub faces: Vec<u32>,
    /// When its first picture was taken.
    pub begins: String,
    /// When the contact began.
    pub contact: String,
    /// The highest probability of contact; null where none was known.
    pub peak: Option<f32>,
    /// Width and height, pixels.
    pub size: [u32; 2],
    /// False while it is being recorded, and for ever if gazed died meanwhile.
    pub complete: bool,
    /// Its length; known when it is complete.
    pub seconds: Option<f64>,
    /// Pictures in it.
    pub pictures: Option<u64>,
    /// Bytes.
    pub bytes: Option<u64>,
    /// Why it ended.
    pub ended: Option<String>,
}

/// A clip that lies in the folder.
#[derive(Debug, Clone)]
struct Kept {
    stem: String,
    unix_ns: u64,
    bytes: u64,
}

/// The folder and what is in it.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Which folder it is: another of the same name is not it.
    id: (u64, u64),
    limits: Limits,
    /// Oldest first.
    kept: Vec<Kept>,
}

/// A clip that is being written.
#[derive(Debug)]
pub struct Open {
    /// File name without ending.
    pub stem: String,
    unix_ns: u64,
    hidden: PathBuf,
    /// It has its own name.
    seen: bool,
}

impl Folder {
    /// Opens the folder, makes it (for its owner only) where it is not there, removes what a
    /// crash left half-written and what is older than it may be.
    ///
    /// # Errors
    /// It cannot be made, read or written to.
    pub fn open(path: &Path, limits: Limits, now_unix_ns: u64) -> Result<Folder, Trouble> {
        let at = |source| Trouble::Folder {
            path: path.to_owned(),
            source,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(at)?;
        let meta = fs::metadata(path).map_err(at)?;
        let mut folder = Folder {
            path: path.to_owned(),
            id: (meta.dev(), meta.ino()),
            limits,
            kept: Vec::new(),
        };
        folder.sweep().map_err(at)?;
        folder.scan().map_err(at)?;
        folder.tidy(now_unix_ns)?;
        folder.write_index().map_err(at)?;
        Ok(folder)
    }

    /// Removes clips that are too old.
    ///
    /// # Errors
    /// One cannot be removed.
    pub fn tidy(&mut self, now_unix_ns: u64) -> Result<(), Trouble> {
        let before = self.kept.len();
        while let Some(oldest) = self.kept.first()
            && now_unix_ns.saturating_sub(oldest.unix_ns) > self.limits.keep_ns
        {
            self.remove_oldest()?;
        }
        if self.kept.len() != before {
            self.write_index().map_err(|e| self.cannot(INDEX, e))?;
        }
        Ok(())
    }

    /// Begins a clip: makes room for it, and a file under a hidden name.
    ///
    /// # Errors
    /// The folder is gone, or the disk refuses.
    pub fn begin(&mut self, unix_ns: u64, face: u32) -> Result<(File, Open), Trouble> {
        self.check()?;
        // Somebody may have looked them through meanwhile.
        self.scan().map_err(|e| self.cannot(INDEX, e))?;
        self.tidy(unix_ns)?;
        while self.kept.len() + 1 > self.limits.clips.max(1) {
            self.remove_oldest()?;
        }
        let stem = format!("{}_face-{face}", time::in_names(unix_ns));
        let hidden = self.path.join(format!(".{stem}.mp4.part"));
        let file = anew(&hidden).map_err(|e| self.cannot(&stem, e))?;
        let open = Open {
            stem,
            unix_ns,
            hidden,
            seen: false,
        };
        Ok((file, open))
    }

    /// The clip has a whole fragment: it can be seen from now on, with the line beside it. Its
    /// file is forced to the disk first; waits for that, once.
    ///
    /// # Errors
    /// The folder is gone, or the disk refuses.
    pub fn show(&mut self, open: &mut Open, file: &File, line: &Line) -> Result<(), Trouble> {
        if open.seen {
            return Ok(());
        }
        self.check()?;
        self.write_line(open, line)?;
        durable::rename(file, &open.hidden, &self.mp4(&open.stem))
            .map_err(|e| self.cannot(&open.stem, e))?;
        open.seen = true;
        Ok(())
    }

    /// Makes room for a clip that has grown to so many bytes. False when there is none left,
    /// even with all others gone.
    ///
    /// # Errors
    /// The folder is gone, or one cannot be removed.
    pub fn make_room(&mut self, bytes: u64) -> Result<bool, Trouble> {
        self.check()?;
        let before = self.kept.len();
        while bytes + self.bytes() > self.limits.bytes && !self.kept.is_empty() {
            self.remove_oldest()?;
        }
        if self.kept.len() != before {
            self.write_index().map_err(|e| self.cannot(INDEX, e))?;
        }
        Ok(bytes <= self.limits.bytes)
    }

    /// The clip is written: it is forced to the disk, its line is complete, the index knows it.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn done(
        &mut self,
        open: Open,
        file: &File,
        line: &Line,
        bytes: u64,
    ) -> Result<(), Trouble> {
        if !open.seen {
            let _ = fs::remove_file(&open.hidden);
            return Ok(());
        }
        durable::sync(file).map_err(|e| self.cannot(&open.stem, e))?;
        self.write_line(&open, line)?;
        self.kept.push(Kept {
            stem: open.stem,
            unix_ns: open.unix_ns,
            bytes,
        });
        self.kept
            .sort_by(|a, b| (a.unix_ns, &a.stem).cmp(&(b.unix_ns, &b.stem)));
        self.write_index().map_err(|e| self.cannot(INDEX, e))
    }

    /// The clip cannot go on: what cannot be seen yet is removed.
    pub fn give_up(&self, open: &Open) {
        if !open.seen {
            let _ = fs::remove_file(&open.hidden);
        }
    }

    /// Clips in it, without the one that is being written.
    pub fn clips(&self) -> usize {
        self.kept.len()
    }

    /// Bytes of them.
    pub fn bytes(&self) -> u64 {
        self.kept.iter().map(|k| k.bytes).sum()
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is still the folder that was opened: files in one that was removed can be
    /// written to for ever, for nobody.
    fn check(&self) -> Result<(), Trouble> {
        match fs::metadata(&self.path) {
            Ok(now) if (now.dev(), now.ino()) == self.id => Ok(()),
            _ => Err(Trouble::Gone {
                path: self.path.clone(),
            }),
        }
    }

    fn cannot(&self, name: &str, source: io::Error) -> Trouble {
        match self.check() {
            Err(gone) => gone,
            Ok(()) => Trouble::Write {
                name: name.to_owned(),
                source,
            },
        }
    }

    fn mp4(&self, stem: &str) -> PathBuf {
        self.path.join(format!("{stem}.mp4"))
    }

    fn remove_oldest(&mut self) -> Result<(), Trouble> {
        let Some(oldest) = self.kept.first().cloned() else {
            return Ok(());
        };
        for name in [
            format!("{}.mp4", oldest.stem),
            format!("{}.json", oldest.stem),
        ] {
            match fs::remove_file(self.path.join(&name)) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(self.cannot(&name, e)),
                _ => {}
            }
        }
        self.kept.remove(0);
        Ok(())
    }

    /// What a crash left under hidden names.
    fn sweep(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            let Some(inner) = name
                .to_str()
                .and_then(|n| n.strip_prefix('.')?.strip_suffix(".part"))
            else {
                continue;
            };
            let ours = inner
                .rsplit_once('.')
                .is_some_and(|(stem, _)| parse(stem).is_some());
            if ours || inner == INDEX {
                let _ = fs::remove_file(self.path.join(&name));
            }
        }
        Ok(())
    }

    fn scan(&mut self) -> io::Result<()> {
        self.kept.clear();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            let name = entry.file_name();
            let stem = name.to_str().and_then(|n| n.strip_suffix(".mp4"));
            let Some((stem, unix_ns)) = stem.and_then(|s| Some((s, parse(s)?))) else {
                continue;
            };
            let Ok(meta) = entry.metadata() else { continue };
            if meta.is_file() {
                self.kept.push(Kept {
                    stem: stem.to_owned(),
                    unix_ns,
                    bytes: meta.len(),
                });
            }
        }
        self.kept
            .sort_by(|a, b| (a.unix_ns, &a.stem).cmp(&(b.unix_ns, &b.stem)));
        Ok(())
    }

    fn write_line(&self, open: &Open, line: &Line) -> Result<(), Trouble> {
        let mut text = serde_json::to_string(line).unwrap_or_default();
        text.push('\n');
        self.put(&format!("{}.json", open.stem), &text)
            .map_err(|e| self.cannot(&open.stem, e))
    }

    /// The lines of all clips that have one.
    fn write_index(&self) -> io::Result<()> {
        let lines = self.kept.iter().filter_map(|k| {
            let text = fs::read_to_string(self.path.join(format!("{}.json", k.stem))).ok()?;
            serde_json::from_str::<Line>(&text).ok()?;
            Some(format!("{}\n", text.trim_end()))
        });
        self.put(INDEX, &lines.collect::<String>())
    }

    /// Whole or not at all, also after a power cut.
    fn put(&self, name: &str, text: &str) -> io::Result<()> {
        let hidden = self.path.join(format!(".{name}.part"));
        let write = || {
            let mut file = anew(&hidden)?;
            file.write_all(text.as_bytes())?;
            durable::rename(&file, &hidden, &self.path.join(name))
        };
        write().inspect_err(|_| {
            let _ = fs::remove_file(&hidden);
        })
    }
}

/// A file of our own in place of whatever has the name: a link that others put there is not
/// followed.
fn anew(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options.open(path)
}

/// The time in the name of a clip, without ending; `None` if it is not one of ours.
fn parse(stem: &str) -> Option<u64> {
    let (time, face) = stem.split_once("_face-")?;
    let id = !face.is_empty() && face.len() <= 10 && face.bytes().all(|b| b.is_ascii_digit());
    id.then(|| time::from_name(time)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_in_the_folder_is_replaced_and_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("diary"), "dear").unwrap();
        std::os::unix::fs::symlink("diary", at("a.part")).unwrap();
        let mut file = anew(&at("a.part")).unwrap();
        file.write_all(b"a clip").unwrap();
        assert_eq!(fs::read(at("diary")).unwrap(), b"dear");
        assert_eq!(fs::read(at("a.part")).unwrap(), b"a clip");
        assert!(fs::symlink_metadata(at("a.part")).unwrap().is_file());
    }
}
