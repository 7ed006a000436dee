//! The socket: where it is, who may open it, and that no other daemon's is taken away.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use gaze::dataset::protocol::socket_places;

/// A socket that only its owner can reach; its name goes when this is dropped.
///
/// The folder (0700) and the socket (0600) keep everybody else out. The shared memory of the
/// same name has one writer, so a socket that is there is one that a dead daemon left.
#[derive(Debug)]
pub struct Door {
    pub(super) listener: UnixListener,
    path: PathBuf,
    /// Which file it is: a daemon that starts while this one ends puts its own there.
    id: (u64, u64),
}

impl Door {
    /// Opens the socket that belongs to this shared memory.
    ///
    /// # Errors
    /// One line that says why none could be made.
    pub fn open(shm: &str) -> Result<Door, String> {
        let mut why =
            "every path of its socket is too long; set XDG_RUNTIME_DIR to a short one".to_owned();
        for path in socket_places(shm) {
            match Self::at(&path) {
                Ok(door) => return Ok(door),
                Err(e) => why = format!("no socket at {}: {e}", path.display()),
            }
        }
        Err(why)
    }

    /// Opens a socket at this path.
    ///
    /// # Errors
    /// The system's; or its folder is not this user's own, or something that is no socket is there.
    pub fn at(path: &Path) -> io::Result<Door> {
        let folder = path.parent().unwrap_or(Path::new("/"));
        private(folder)?;
        match fs::symlink_metadata(path) {
            Ok(there) if there.file_type().is_socket() => fs::remove_file(path)?,
            Ok(_) => return Err(io::Error::other("something that is no socket is there")),
            Err(_) => {}
        }
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        let own = fs::symlink_metadata(path)?;
        Ok(Door {
            listener,
            path: path.to_owned(),
            id: (own.dev(), own.ino()),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        let own = fs::symlink_metadata(&self.path).is_ok_and(|f| (f.dev(), f.ino()) == self.id);
        if own {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Makes the folder, or makes sure that it is a folder of ours that nobody else may enter.
fn private(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().recursive(true).mode(0o700).create(folder) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
        _ => {}
    }
    let there = fs::symlink_metadata(folder)?;
    if !there.is_dir() || there.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other("its folder is not this user's own"));
    }
    if there.mode() & 0o077 != 0 {
        fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_owner_can_reach_it_and_only_sockets_are_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gaze/g.record");
        let mode = |p: &Path| fs::metadata(p).unwrap().mode() & 0o777;
        let door = Door::at(&path).unwrap();
        assert_eq!((mode(path.parent().unwrap()), mode(&path)), (0o700, 0o600));
        // A daemon that died leaves the name; the next one takes it.
        std::mem::forget(door);
        assert!(path.exists());
        drop(Door::at(&path).unwrap());
        assert!(!path.exists());
        // One that ends late leaves its successor's alone.
        let ending = Door::at(&path).unwrap();
        let successor = Door::at(&path).unwrap();
        drop(ending);
        assert!(path.exists());
        drop(successor);
        // A folder that others could enter is closed first.
        fs::set_permissions(path.parent().unwrap(), Permissions::from_mode(0o777)).unwrap();
        drop(Door::at(&path).unwrap());
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        // Anything else stays.
        fs::write(&path, b"a letter").unwrap();
        assert!(Door::at(&path).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"a letter");
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(path.parent().unwrap(), &link).unwrap();
        assert!(Door::at(&link.join("h.record")).is_err());
    }
}
