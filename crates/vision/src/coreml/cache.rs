//! Compiled networks on disk: a folder for each, used again as long as it is the same network.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Written when all went well; its time is that of the last use.
const MARK: &str = "used";
/// Folders that stay, and how long after their last use.
const MOST: usize = 12;
const KEPT: Duration = Duration::from_secs(60 * 24 * 3600);

/// One compiled network's folder.
#[derive(Debug)]
pub(super) struct Entry(PathBuf);

impl Entry {
    /// The folder of a network in `cache`, made if it is not there.
    pub fn of(cache: &Path, network: &str, key: &[u8; 32]) -> io::Result<Entry> {
        let stem = Path::new(network).file_stem().unwrap_or_default();
        let name: String = stem.to_string_lossy().chars().take(40).collect();
        // ONNX Runtime takes the path as UTF-8; what a person called a file may be anything.
        let name = name.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        let key: String = key[..12].iter().map(|b| format!("{b:02x}")).collect();
        let folder = cache.join(format!("{name}-{key}"));
        make(&folder)?;
        Ok(Entry(folder))
    }

    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// Whether it was compiled before, and found right.
    pub fn is_compiled(&self) -> bool {
        self.0.join(MARK).is_file() && self.holds_something()
    }

    /// Whether anything but our mark is in it.
    pub fn holds_something(&self) -> bool {
        fs::read_dir(&self.0).is_ok_and(|entries| {
            let mut names = entries.flatten().map(|e| e.file_name());
            names.any(|name| name != MARK)
        })
    }

    /// Waits until no other program compiles into it, and keeps them out until the answer is
    /// dropped. None where there are no locks.
    pub fn alone(&self) -> Option<fs::File> {
        let mut options = fs::File::options();
        // Not emptied: in a shared folder the name may lead elsewhere.
        options.write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(lock_of(&self.0)).ok()?;
        file.lock().ok()?;
        Some(file)
    }

    /// Takes away what a program left that was ended while it compiled. Call it [`Entry::alone`].
    pub fn clear_unfinished(&self) {
        if !self.is_compiled() && self.holds_something() {
            self.remove();
            let _ = make(&self.0);
        }
    }

    /// Notes that it is right and in use.
    pub fn used(&self) {
        // It is compiled again then.
        let _ = fs::write(self.0.join(MARK), "");
    }

    /// Removes it.
    pub fn remove(&self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What is compiled there runs as us: the folder is ours, or there is none.
fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    gaze::trust::check(folder)
}

fn lock_of(folder: &Path) -> PathBuf {
    let mut name = folder.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

/// Removes what nobody has used for long, and the oldest where there are too many. Folders
/// without a mark are left for a day: another program may be compiling into them.
pub(super) fn tidy(cache: &Path) {
    let now = SystemTime::now();
    let age = |path: &Path| {
        let written = |p: &Path| fs::metadata(p).and_then(|m| m.modified()).ok();
        let (mark, folder) = (written(&path.join(MARK)), written(path));
        let since = mark.or(folder)?;
        let age = now.duration_since(since).unwrap_or_default();
        Some((age, mark.is_some()))
    };
    let Ok(entries) = fs::read_dir(cache) else {
        return;
    };
    let folders = entries.flatten().map(|e| e.path()).filter(|p| p.is_dir());
    let mut found: Vec<_> = folders
        .filter_map(|path| age(&path).map(|(age, marked)| (age, marked, path)))
        .collect();
    found.sort();
    let mut kept = 0;
    for (age, marked, path) in found {
        let stays = if marked {
            kept += 1;
            age < KEPT && kept <= MOST
        } else {
            age < Duration::from_secs(24 * 3600)
        };
        if !stays {
            let _ = fs::remove_file(lock_of(&path));
            let _ = fs::remove_dir_all(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aged(cache: &Path, name: &str, days: u64) -> PathBuf {
        let folder = cache.join(name);
        fs::create_dir_all(folder.join("model.mlmodelc")).unwrap();
        let mark = fs::File::create(folder.join(MARK)).unwrap();
        let then = SystemTime::now() - Duration::from_secs(days * 24 * 3600);
        mark.set_modified(then).unwrap();
        folder
    }

    #[test]
    fn what_was_left_half_compiled_goes_and_what_is_whole_stays() {
        let cache = tempfile::tempdir().unwrap();
        let entry = Entry::of(cache.path(), "net", &[7; 32]).unwrap();
        let left = entry.folder().join("model.mlmodelc");
        fs::create_dir_all(&left).unwrap();
        let alone = entry.alone().unwrap();
        let other = fs::File::open(lock_of(entry.folder())).unwrap();
        assert!(other.try_lock().is_err(), "two at once");
        entry.clear_unfinished();
        assert!(entry.folder().is_dir() && !left.exists());
        fs::create_dir_all(&left).unwrap();
        entry.used();
        entry.clear_unfinished();
        assert!(entry.is_compiled() && left.exists());
        drop(alone);
        other.try_lock().unwrap();
    }

    #[test]
    fn another_network_of_the_same_name_is_compiled_anew_and_the_same_one_is_not() {
        let cache = tempfile::tempdir().unwrap();
        let of = |key: u8| Entry::of(cache.path(), "gäze net.onnx", &[key; 32]).unwrap();
        let entry = of(1);
        assert!(!entry.is_compiled() && !entry.holds_something());
        entry.used();
        assert!(!entry.is_compiled(), "a mark alone is no network");
        fs::create_dir(entry.folder().join("x.mlmodelc")).unwrap();
        assert!(of(1).is_compiled());
        assert!(!of(2).is_compiled());
        let name = entry.folder().file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("g_ze_net-0101"), "{name}");
        entry.remove();
        assert!(!of(1).is_compiled());
    }

    #[test]
    fn a_folder_that_others_may_write_is_not_used() {
        use std::os::unix::fs::PermissionsExt;
        let cache = tempfile::tempdir().unwrap();
        let of = || Entry::of(cache.path(), "net", &[7; 32]);
        let folder = of().unwrap().folder().to_owned();
        assert_eq!(
            fs::metadata(&folder).unwrap().permissions().mode() & 0o777,
            0o700
        );
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        let line = of().unwrap_err().to_string();
        assert!(line.contains("chmod go-w"), "{line}");
    }

    #[test]
    fn what_nobody_used_for_long_goes_and_only_so_many_stay() {
        let cache = tempfile::tempdir().unwrap();
        let folders: Vec<_> = (0..15)
            .map(|i| aged(cache.path(), &format!("n{i}-0"), i))
            .collect();
        let old = aged(cache.path(), "old-0", 61);
        let half = cache.path().join("being-compiled-0");
        fs::create_dir(&half).unwrap();
        tidy(cache.path());
        let there: Vec<bool> = folders.iter().map(|f| f.is_dir()).collect();
        assert_eq!(there, [vec![true; MOST], vec![false; 3]].concat());
        assert!(!old.exists() && half.exists());
        tidy(&cache.path().join("not-there"));
    }
}
