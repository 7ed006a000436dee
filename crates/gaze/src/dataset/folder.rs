//! The folder of recorded pairs, and how pairs get there whole.
//!
//! Both files are written beside their place, as `.img_N.jpg.part` and `.img_N.json.part`,
//! and synced; only then are they renamed, the JSON last. So a JSON that is there means that
//! its pair is whole. What a kill or a power cut leaves is mended when the folder is opened
//! the next time: a pair whose two files are complete gets its names, anything else of ours
//! is removed. Only files with our own temporary names are ever touched.
//!
//! Pictures of a face: the files, and a folder that is made here, are their owner's alone.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// Why a pair is not stored. One line: what, where, what to do.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// No room.
    #[error("no room left for {}: free some space, or record elsewhere", path.display())]
    Full {
        /// The folder.
        path: PathBuf,
    },
    /// It was there and is not any more.
    #[error("{} is gone: it was removed while pictures were being stored in it", path.display())]
    Gone {
        /// The folder.
        path: PathBuf,
    },
    /// Another program stores pictures in it.
    #[error("{} is in use: another program stores pictures in it; end that, or give another folder", path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// The system refused.
    #[error("{}: {action}: {source}; give a folder that you may write to", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

/// A folder that this program alone stores pairs in.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    next: u64,
    pairs: u64,
    mended: u64,
    // The lock lasts as long as this file is open.
    _lock: File,
}

impl Folder {
    /// Opens a folder, makes it where it is not there, locks it, and mends what an earlier
    /// recording left half done.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn open(root: &Path) -> Result<Folder, FolderError> {
        let at = |action| move |source| failed(root, action, source);
        private_folder(root).map_err(at("cannot be made"))?;
        let lock = File::open(root).map_err(at("cannot be opened"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let path = root.to_owned();
                return Err(FolderError::Busy { path });
            }
            // A file system without locks: then two at once are the person's own affair.
            Err(TryLockError::Error(_)) => {}
        }
        let mut folder = Folder {
            root: root.to_owned(),
            next: 1,
            pairs: 0,
            mended: 0,
            _lock: lock,
        };
        let found = Found::of(root).map_err(at("cannot be listed"))?;
        for number in &found.parts {
            folder.mended += u64::from(folder.mend(*number));
        }
        let highest = [&found.jpgs, &found.jsons, &found.parts]
            .into_iter()
            .filter_map(|all| all.last());
        folder.next = highest.max().map_or(1, |n| n + 1);
        folder.pairs = found.jpgs.intersection(&found.jsons).count() as u64 + folder.mended;
        Ok(folder)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// The number that the next pair will have.
    pub fn next_number(&self) -> u64 {
        self.next
    }

    /// Whole pairs in it.
    pub fn pairs(&self) -> u64 {
        self.pairs
    }

    /// Pairs that an earlier recording had left without their names.
    pub fn mended(&self) -> u64 {
        self.mended
    }

    /// Stores a pair under the next number and gives that number. Nothing is overwritten.
    ///
    /// # Errors
    /// [`FolderError`]; neither file is there then.
    pub fn put(&mut self, jpeg: &[u8], json: &[u8]) -> Result<u64, FolderError> {
        let mut number = self.next;
        // The lock keeps other recorders out, not a person who copies files.
        while self.place(number, JPG).symlink_metadata().is_ok()
            || self.place(number, JSON).symlink_metadata().is_ok()
        {
            number += 1;
        }
        let stored = self.write(number, jpeg, json);
        if let Err(error) = stored {
            for part in [JPG, JSON] {
                let _ = fs::remove_file(self.part(number, part));
            }
            return Err(match error {
                e if !self.root.is_dir() && e.kind() == ErrorKind::NotFound => FolderError::Gone {
                    path: self.root.clone(),
                },
                e => failed(&self.root, "cannot be written to", e),
            });
        }
        self.next = number + 1;
        self.pairs += 1;
        Ok(number)
    }

    fn write(&self, number: u64, jpeg: &[u8], json: &[u8]) -> io::Result<()> {
        write_synced(&self.part(number, JPG), jpeg)?;
        write_synced(&self.part(number, JSON), json)?;
        let picture = self.place(number, JPG);
        fs::rename(self.part(number, JPG), &picture)?;
        fs::rename(self.part(number, JSON), self.place(number, JSON)).inspect_err(|_| {
            let _ = fs::remove_file(&picture);
        })?;
        // That the names outlast a power cut; a file system that cannot is no reason to stop.
        let _ = File::open(&self.root).and_then(|f| f.sync_all());
        Ok(())
    }

    /// Finishes or removes what was begun under this number; true when it is a pair now.
    fn mend(&self, number: u64) -> bool {
        let [jpg, json] = [JPG, JSON].map(|kind| {
            let (place, part) = (self.place(number, kind), self.part(number, kind));
            (if place.exists() { place } else { part.clone() }, part)
        });
        let half_done = jpg.0 == jpg.1 || json.0 == json.1;
        let mended = half_done
            && belong_together(&jpg.0, &json.0)
            && put_in_place(&jpg.0, &self.place(number, JPG))
            && put_in_place(&json.0, &self.place(number, JSON));
        for (_, part) in [jpg, json] {
            let _ = fs::remove_file(part);
        }
        mended
    }

    fn place(&self, number: u64, kind: &str) -> PathBuf {
        self.root.join(format!("img_{number}{kind}"))
    }

    fn part(&self, number: u64, kind: &str) -> PathBuf {
        self.root.join(format!(".img_{number}{kind}.part"))
    }
}

const JPG: &str = ".jpg";
const JSON: &str = ".json";
/// No label of ours is longer; what is, is something else.
const LONGEST_JSON: u64 = 1 << 20;

/// The numbers in a folder.
#[derive(Default)]
struct Found {
    jpgs: BTreeSet<u64>,
    jsons: BTreeSet<u64>,
    parts: BTreeSet<u64>,
}

impl Found {
    fn of(root: &Path) -> io::Result<Found> {
        let mut found = Found::default();
        for entry in fs::read_dir(root)? {
            let name = entry?.file_name();
            let Some(name) = name.to_str() else { continue };
            let part = name
                .strip_prefix('.')
                .and_then(|n| n.strip_suffix(".part"))
                .map(|n| (n, &mut found.parts));
            let (stem, set) = match part {
                Some((n, parts)) => (n.strip_suffix(JPG).or_else(|| n.strip_suffix(JSON)), parts),
                None => match name.strip_suffix(JPG) {
                    Some(stem) => (Some(stem), &mut found.jpgs),
                    None => (name.strip_suffix(JSON), &mut found.jsons),
                },
            };
            set.extend(stem.and_then(number_of));
        }
        Ok(found)
    }
}

/// The N of `img_N`, written as we write it.
fn number_of(stem: &str) -> Option<u64> {
    let digits = stem.strip_prefix("img_")?;
    let number: u64 = digits.parse().ok()?;
    // Not so large that there is no next one.
    (number < 1 << 53 && number.to_string() == digits).then_some(number)
}

/// Whether both are complete and of one another: the label knows the picture's length.
fn belong_together(jpg: &Path, json: &Path) -> bool {
    let mut text = Vec::new();
    let read = File::open(json).and_then(|f| f.take(LONGEST_JSON).read_to_end(&mut text));
    let known = read.ok().and_then(|_| super::read(&text).ok()?.jpeg_bytes);
    let there = fs::metadata(jpg).ok().filter(fs::Metadata::is_file);
    known.is_some() && known == there.map(|m| m.len())
}

fn put_in_place(from: &Path, to: &Path) -> bool {
    from == to || fs::rename(from, to).is_ok()
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes a folder and those above it; one that is there stays as it is.
fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn failed(path: &Path, action: &'static str, source: io::Error) -> FolderError {
    let path = path.to_owned();
    match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            FolderError::Full { path }
        }
        _ => FolderError::Io {
            path,
            action,
            source,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(jpeg: &[u8]) -> Vec<u8> {
        let bytes = jpeg.len();
        format!(r#"{{"screen_x":1,"screen_y":2,"recording":{{"jpeg_bytes":{bytes}}}}}"#).into()
    }

    fn names(root: &Path) -> Vec<String> {
        let mut all: Vec<_> = fs::read_dir(root)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        all.sort();
        all
    }

    #[test]
    fn pairs_are_numbered_on_and_nothing_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("a/b");
        fs::create_dir_all(&root).unwrap();
        // Somebody's lone picture, a label, odd names.
        for name in ["img_7.jpg", "img_9.json", "img_007.jpg", "img_x.jpg"] {
            fs::write(root.join(name), b"theirs").unwrap();
        }
        let mut folder = Folder::open(&root).unwrap();
        assert_eq!((folder.next_number(), folder.pairs()), (10, 0));
        assert!(matches!(Folder::open(&root), Err(FolderError::Busy { .. })));
        assert_eq!(folder.put(b"one", b"1").unwrap(), 10);
        // Copied in while we record.
        fs::write(root.join("img_11.json"), b"theirs").unwrap();
        assert_eq!(folder.put(b"two", b"2").unwrap(), 12);
        assert_eq!(folder.pairs(), 2);
        assert_eq!(fs::read(root.join("img_11.json")).unwrap(), b"theirs");
        assert_eq!(fs::read(root.join("img_12.jpg")).unwrap(), b"two");
        drop(folder);
        let again = Folder::open(&root).unwrap();
        assert_eq!((again.next_number(), again.pairs()), (13, 2));
        assert_eq!(names(&root).len(), 9);
    }

    #[test]
    #[cfg(unix)]
    fn a_face_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("new");
        Folder::open(&root).unwrap().put(b"a", b"b").unwrap();
        let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&root), 0o700);
        assert_eq!(mode(&root.join("img_1.jpg")), 0o600);
        assert_eq!(mode(&root.join("img_1.json")), 0o600);
    }

    /// A kill can come between any two steps of [`Folder::write`], a power cut can also take
    /// one of the renames back: every state there is, and what is left of it.
    #[test]
    fn whatever_was_interrupted_is_whole_or_gone_afterwards() {
        let (jpeg, json) = (b"a picture".to_vec(), label(b"a picture"));
        let cut = |bytes: &[u8]| bytes[..bytes.len() / 2].to_vec();
        let (jpg_part, json_part) = (".img_4.jpg.part", ".img_4.json.part");
        let (jpg, text) = ("img_4.jpg", "img_4.json");
        for (state, pairs) in [
            (vec![(jpg_part, cut(&jpeg))], 0),
            (vec![(jpg_part, jpeg.clone())], 0),
            (vec![(jpg_part, jpeg.clone()), (json_part, vec![])], 0),
            (vec![(jpg_part, jpeg.clone()), (json_part, cut(&json))], 0),
            (vec![(jpg_part, cut(&jpeg)), (json_part, json.clone())], 0),
            (vec![(json_part, json.clone())], 0),
            (vec![(jpg_part, jpeg.clone()), (json_part, json.clone())], 1),
            (vec![(jpg, jpeg.clone()), (json_part, json.clone())], 1),
            (vec![(jpg_part, jpeg.clone()), (text, json.clone())], 1),
        ] {
            let dir = tempfile::tempdir().unwrap();
            for (name, bytes) in &state {
                fs::write(dir.path().join(name), bytes).unwrap();
            }
            let folder = Folder::open(dir.path()).unwrap();
            assert_eq!(
                (folder.mended(), folder.pairs()),
                (pairs, pairs),
                "{state:?}"
            );
            let left = names(dir.path());
            if pairs == 1 {
                assert_eq!(left, [jpg, text], "{state:?}");
                assert_eq!(fs::read(dir.path().join(jpg)).unwrap(), jpeg);
                assert_eq!(fs::read(dir.path().join(text)).unwrap(), json);
            } else {
                assert!(left.is_empty(), "{left:?} of {state:?}");
            }
            assert_eq!(folder.next_number(), 5, "a number is used once");
        }
    }

    #[test]
    fn what_is_not_ours_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        // A lone picture of theirs with a label of ours that is not about it, and other parts.
        let theirs = [
            "img_3.jpg",
            ".img_03.jpg.part",
            ".picture.part",
            "notes.txt",
        ];
        for name in theirs {
            fs::write(dir.path().join(name), b"theirs").unwrap();
        }
        fs::write(dir.path().join(".img_3.json.part"), label(b"another")).unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        assert_eq!((folder.mended(), folder.pairs()), (0, 0));
        let mut left = theirs.map(str::to_owned);
        left.sort();
        assert_eq!(names(dir.path()), left);
    }

    #[test]
    fn trouble_is_told_in_one_line_and_leaves_no_half() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, b"").unwrap();
        let line = Folder::open(&file).unwrap_err().to_string();
        assert!(line.contains("file") && !line.contains('\n'), "{line}");

        let root = dir.path().join("pairs");
        let mut folder = Folder::open(&root).unwrap();
        // Something in the way of the second file.
        fs::create_dir(root.join(".img_1.json.part")).unwrap();
        assert!(folder.put(b"a", b"b").is_err());
        assert_eq!(names(&root), [".img_1.json.part"]);
        fs::remove_dir(root.join(".img_1.json.part")).unwrap();
        assert_eq!(folder.put(b"a", b"b").unwrap(), 1, "it can go on");

        fs::remove_dir_all(&root).unwrap();
        let line = folder.put(b"a", b"b").unwrap_err().to_string();
        assert!(line.contains("is gone"), "{line}");
        assert!(!root.exists());
    }
}
