//! The folder of recorded pairs, and how pairs get there whole.
//!
//! Both files are written beside their place, as `.img_N.jpg.part` and `.img_N.json.part`,
//! and synced; only then are they renamed, the JSON last. So a JSON that is there means that
//! its pair is whole. What a kill or a power cut leaves is mended when the folder is opened
//! the next time: a pair whose two files are complete gets its names, anything else of ours
//! is removed. Only files with our own temporary names are ever touched.
//!
//! Files are named relative to the open folder, not by its path: a folder that is moved while
//! a pair is being stored takes the whole pair along. The next one is refused.
//!
//! Pictures of a face: the files, and a folder that is made here, are their owner's alone.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, Metadata, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::trust;
use rustix::fs::{AtFlags, Mode, OFlags, openat, renameat, statat, unlinkat};

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
    #[error("{} is gone: it was removed or moved while pictures were being stored in it", path.display())]
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
    /// The folder itself, wherever it is by now. The lock lasts as long as this is open.
    dir: File,
    next: u64,
    pairs: u64,
    mended: u64,
}

impl Folder {
    /// Opens a folder, makes it where it is not there, locks it, and mends what an earlier
    /// recording left half done.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn open(root: &Path) -> Result<Folder, FolderError> {
        let at = |action| move |source| failed(root, action, source);
        // Not to where a link of somebody else's leads.
        let resolved = trust::resolve(root).map_err(at("cannot be made"))?;
        private_folder(&resolved).map_err(at("cannot be made"))?;
        let dir = File::open(&resolved).map_err(at("cannot be opened"))?;
        match dir.try_lock() {
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
            dir,
            next: 1,
            pairs: 0,
            mended: 0,
        };
        let found = Found::of(&resolved).map_err(at("cannot be listed"))?;
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
        if !self.is_where_it_was() {
            let path = self.root.clone();
            return Err(FolderError::Gone { path });
        }
        let mut number = self.next;
        // The lock keeps other recorders out, not a person who copies files.
        while self.has(&place(number, JPG)) || self.has(&place(number, JSON)) {
            number += 1;
        }
        let stored = self
            .write_parts(number, jpeg, json)
            .and_then(|()| self.name_parts(number));
        if let Err(error) = stored {
            for kind in [JPG, JSON] {
                self.remove(&part(number, kind));
            }
            return Err(match error {
                e if e.kind() == ErrorKind::NotFound => FolderError::Gone {
                    path: self.root.clone(),
                },
                e => failed(&self.root, "cannot be written to", e),
            });
        }
        self.next = number + 1;
        self.pairs += 1;
        Ok(number)
    }

    fn write_parts(&self, number: u64, jpeg: &[u8], json: &[u8]) -> io::Result<()> {
        self.write_synced(&part(number, JPG), jpeg)?;
        self.write_synced(&part(number, JSON), json)
    }

    fn name_parts(&self, number: u64) -> io::Result<()> {
        let picture = place(number, JPG);
        self.rename(&part(number, JPG), &picture)?;
        self.rename(&part(number, JSON), &place(number, JSON))
            .inspect_err(|_| self.remove(&picture))?;
        // That the names outlast a power cut; a file system that cannot is no reason to stop.
        let _ = self.dir.sync_all();
        Ok(())
    }

    /// Finishes or removes what was begun under this number; true when it is a pair now.
    fn mend(&self, number: u64) -> bool {
        let [jpg, json] = [JPG, JSON].map(|kind| {
            let (place, part) = (place(number, kind), part(number, kind));
            match self.has(&place) {
                true => place,
                false => part,
            }
        });
        let half_done = jpg == part(number, JPG) || json == part(number, JSON);
        let put_in_place = |from: &str, to: &str| from == to || self.rename(from, to).is_ok();
        let mended = half_done
            && self.belong_together(&jpg, &json)
            && put_in_place(&jpg, &place(number, JPG))
            && put_in_place(&json, &place(number, JSON));
        for kind in [JPG, JSON] {
            self.remove(&part(number, kind));
        }
        mended
    }

    /// Whether both are complete and of one another: the label knows the picture's length.
    fn belong_together(&self, jpg: &str, json: &str) -> bool {
        let open = |name: &str| -> io::Result<File> {
            let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
            Ok(openat(&self.dir, name, flags, Mode::empty())?.into())
        };
        let mut text = Vec::new();
        let read = open(json).and_then(|f| f.take(LONGEST_JSON).read_to_end(&mut text));
        let known = read.ok().and_then(|_| super::read(&text).ok()?.jpeg_bytes);
        let there = open(jpg).and_then(|f| f.metadata()).ok();
        known.is_some() && known == there.filter(Metadata::is_file).map(|m| m.len())
    }

    /// Whether the path still leads to the folder that was opened.
    fn is_where_it_was(&self) -> bool {
        let id = |m: Metadata| (m.dev(), m.ino());
        let there = fs::metadata(&self.root).map(id);
        there.is_ok_and(|there| self.dir.metadata().map(id).is_ok_and(|own| own == there))
    }

    fn has(&self, name: &str) -> bool {
        statat(&self.dir, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(renameat(&self.dir, from, &self.dir, to)?)
    }

    /// Where it is not there, or cannot be removed, nothing better can be done.
    fn remove(&self, name: &str) {
        let _ = unlinkat(&self.dir, name, AtFlags::empty());
    }

    fn write_synced(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = openat(&self.dir, name, flags, Mode::RUSR | Mode::WUSR)?;
        let mut file = File::from(file);
        file.write_all(bytes)?;
        file.sync_all()
    }
}

fn place(number: u64, kind: &str) -> String {
    format!("img_{number}{kind}")
}

fn part(number: u64, kind: &str) -> String {
    format!(".img_{number}{kind}.part")
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

/// Makes a folder and those above it; one that is there stays as it is.
fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
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
    use std::sync::atomic::{AtomicBool, Ordering};

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
    fn a_folder_that_is_moved_has_whole_pairs_wherever_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let (root, away) = (dir.path().join("here"), dir.path().join("away"));
        let folder = Folder::open(&root).unwrap();
        // Between any two steps.
        folder.write_synced(&part(1, JPG), b"a picture").unwrap();
        fs::rename(&root, &away).unwrap();
        folder.write_synced(&part(1, JSON), b"its label").unwrap();
        folder.rename(&part(1, JPG), &place(1, JPG)).unwrap();
        fs::rename(&away, &root).unwrap();
        folder.rename(&part(1, JSON), &place(1, JSON)).unwrap();
        assert_eq!(names(&root), ["img_1.jpg", "img_1.json"]);
        drop(folder);

        let mut folder = Folder::open(&root).unwrap();
        let moving = AtomicBool::new(true);
        let (mut stored, mut refused) = (0, 0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while moving.load(Ordering::Relaxed) {
                    fs::rename(&root, &away).unwrap();
                    fs::rename(&away, &root).unwrap();
                    std::thread::yield_now();
                }
            });
            for _ in 0..200 {
                match folder.put(b"a", b"b") {
                    Ok(_) => stored += 1,
                    Err(FolderError::Gone { .. }) => refused += 1,
                    Err(e) => panic!("{e}"),
                }
            }
            moving.store(false, Ordering::Relaxed);
        });
        let all = names(&root);
        assert_eq!(all.len(), 2 + 2 * stored, "{refused} refused: {all:?}");
        assert!(all.iter().all(|n| n.starts_with("img_")), "{all:?}");

        // One that stays away, and another in its place, are not written to.
        fs::rename(&root, &away).unwrap();
        assert!(matches!(
            folder.put(b"a", b"b"),
            Err(FolderError::Gone { .. })
        ));
        fs::create_dir(&root).unwrap();
        assert!(matches!(
            folder.put(b"a", b"b"),
            Err(FolderError::Gone { .. })
        ));
        assert_eq!((names(&root).len(), names(&away).len()), (0, all.len()));
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
