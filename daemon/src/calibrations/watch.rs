//! News of folders that may not exist yet, may be removed and made again.
//!
//! Where a folder is missing its nearest existing parent is watched, so that its
//! making is news too. What the system does not tell (some network file systems,
//! a changed link) is left to the caller's slow poll.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};

use notify::event::{EventKind, ModifyKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};

use super::thread::Wake;

/// Attempts to watch folders that change while they are looked at.
const ATTEMPTS: usize = 4;

/// Watches folders, one level deep.
pub struct FolderWatch {
    /// `None` where the system gives no watch.
    watcher: Option<RecommendedWatcher>,
    /// A folder that the system would not watch: no watches are left, or none for its kind.
    unwatched: bool,
    shared: Arc<Heard>,
}

/// What the system's thread and ours share.
#[derive(Default)]
struct Heard {
    /// A watched folder was removed or moved away: its watch is dead.
    lost: AtomicBool,
    watched: Mutex<Vec<Watched>>,
}

/// A watched folder, and which one it was: the same path may become another.
#[derive(Clone, PartialEq)]
struct Watched {
    path: PathBuf,
    id: (u64, u64),
}

impl FolderWatch {
    /// Watches nothing yet. Every news of a folder is one [`Wake::Look`] in `tell`,
    /// unless there is one waiting already.
    pub fn new(tell: SyncSender<Wake>) -> Self {
        let shared = Arc::new(Heard::default());
        let heard = shared.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let news = match event {
                // Reading a file is no news; it would wake us up by ourselves.
                Ok(event) if matches!(event.kind, EventKind::Access(_)) => false,
                Ok(event) => {
                    heard.note(&event);
                    true
                }
                Err(_) => true,
            };
            if news {
                let _ = tell.try_send(Wake::Look);
            }
        });
        FolderWatch {
            watcher: watcher.ok(),
            unwatched: false,
            shared,
        }
    }

    /// Whether the system gives no news, so that the caller must look more often.
    pub fn is_blind(&self) -> bool {
        self.watcher.is_none() || self.unwatched
    }

    /// Watches these folders, or what there is of their paths. Cheap when nothing
    /// changed; to be called before their contents are looked at.
    pub fn follow(&mut self, folders: &[PathBuf]) {
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        // A folder that is made between looking for it and watching its parent is
        // not missed: it is looked for again.
        for _ in 0..ATTEMPTS {
            let mut wanted: Vec<Watched> = folders.iter().filter_map(|f| nearest(f)).collect();
            wanted.dedup();
            let old = {
                let mut watched = self.shared.lock();
                if !self.shared.lost.swap(false, Relaxed) && *watched == wanted {
                    self.unwatched = false;
                    return;
                }
                std::mem::take(&mut *watched)
            };
            // Without the lock: the watcher's thread answers these calls, and takes the
            // lock for the news that it may be telling just now.
            for old in old {
                let _ = watcher.unwatch(&old.path); // gone with its folder, mostly
            }
            wanted.retain(|new| {
                watcher
                    .watch(&new.path, RecursiveMode::NonRecursive)
                    .is_ok()
            });
            *self.shared.lock() = wanted;
        }
        // What was watched never became what is wanted.
        self.unwatched = true;
    }
}

impl Heard {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Watched>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, event: &Event) {
        let moved = matches!(
            event.kind,
            EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))
        );
        if event.need_rescan()
            || moved
                && event
                    .paths
                    .iter()
                    .any(|p| self.lock().iter().any(|w| w.path == *p))
        {
            self.lost.store(true, Relaxed);
        }
    }
}

/// The folder, or the nearest one above it that exists.
fn nearest(folder: &Path) -> Option<Watched> {
    use std::os::unix::fs::MetadataExt;
    folder.ancestors().find_map(|path| {
        let path = match path.as_os_str().is_empty() {
            true => Path::new("."),
            false => path,
        };
        let is = std::fs::metadata(path).ok().filter(|is| is.is_dir())?;
        Some(Watched {
            path: path.to_owned(),
            id: (is.dev(), is.ino()),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, sync_channel};
    use std::time::Duration;

    /// A watchdog, not a measurement.
    fn heard(inbox: &Receiver<Wake>) -> bool {
        let heard = inbox.recv_timeout(Duration::from_secs(10)).is_ok();
        std::thread::sleep(Duration::from_millis(20));
        while inbox.try_recv().is_ok() {}
        heard
    }

    #[test]
    fn a_folder_is_heard_of_before_it_exists_and_after_it_was_made_again() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("gaze/calibration");
        let (tell, inbox) = sync_channel(1);
        let mut watch = FolderWatch::new(tell);
        let mut follow = || watch.follow(std::slice::from_ref(&folder));
        follow();
        for round in 0..3 {
            std::fs::create_dir_all(&folder).unwrap();
            assert!(heard(&inbox), "{round}: the folder is made");
            follow();
            std::fs::write(folder.join("a"), "1").unwrap();
            assert!(heard(&inbox), "{round}: a file in it");
            std::fs::rename(folder.join("a"), folder.join("b")).unwrap();
            assert!(heard(&inbox), "{round}: a rename");
            std::fs::read(folder.join("b")).unwrap();
            assert!(
                inbox.recv_timeout(Duration::from_millis(50)).is_err(),
                "reading is no news"
            );
            if round == 1 {
                // Moved away whole: the old one's news are not ours any more.
                std::fs::rename(&folder, root.path().join("gaze/old")).unwrap();
            } else {
                std::fs::remove_dir_all(root.path().join("gaze")).unwrap();
            }
            assert!(heard(&inbox), "{round}: the folder is away");
            follow();
        }
    }
}
