//! Which files are believed.
//!
//! What a file of settings, a calibration or a network says decides what is seen and which
//! programs are started. So one is read only where nobody else could have written it: it belongs
//! to the person, to the administrator, or to whoever owns the program that runs (they could
//! change that as well), others may not write it, and no link of anybody else's leads to it.
//! Whether others may write the folder around it is not asked: what they put there is theirs.
//!
//! ```text
//!   owner       this user · root · the owner of the running program · under sudo whoever
//!               called it · whom GAZE_TRUST_UIDS names (whoever sets our environment names
//!               our libraries in it too)
//!   mode        others may not write; the group may where nobody but the owner is in it
//!               (Linux's private groups)
//!   links       on the way to it: of those owners alone
//! ```

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::OFlags;

/// Links on the way to a file, at most: as many as Linux follows.
const MOST_LINKS: usize = 40;

/// Why a file is not believed, and what to do; without its name, which errors say around it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// Others may write it.
    #[error("others may write it (mode {mode:03o}): chmod go-w {}", path.display())]
    Writable {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It is somebody else's.
    #[error("{} belongs to another user (uid {owner}): make a copy of your own, or believe them with GAZE_TRUST_UIDS={owner}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// A link of somebody else's leads to it.
    #[error(
        "the link {}, which leads to it, belongs to another user (uid {owner}): name the file itself",
        link.display()
    )]
    Link {
        /// The link.
        link: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// A folder, a device, a pipe.
    #[error("it is not a plain file")]
    NotPlain,
}

impl From<Distrust> for io::Error {
    fn from(distrust: Distrust) -> io::Error {
        io::Error::new(io::ErrorKind::PermissionDenied, distrust)
    }
}

/// Opens a file that is believed, for reading; does not wait for whoever writes into a pipe.
///
/// # Errors
/// The system's, or a [`Distrust`] inside of one.
pub fn open(path: &Path) -> io::Result<File> {
    let way = resolve(path)?;
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let mut options = File::options();
    options.read(true).custom_flags(flags.bits() as i32);
    let file = options.open(&way)?;
    // Of what was opened, whatever has the name by now.
    let is = file.metadata()?;
    if !is.is_file() {
        return Err(Distrust::NotPlain.into());
    }
    believed(&is, &way)?;
    Ok(file)
}

/// The bytes of a file that is believed.
///
/// # Errors
/// As [`open`].
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The text of a file that is believed.
///
/// # Errors
/// As [`open`], and where it is no UTF-8.
pub fn read_to_string(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

/// Whether a file, or a program, is believed that somebody else opens.
///
/// # Errors
/// As [`open`].
pub fn check(path: &Path) -> io::Result<()> {
    let way = resolve(path)?;
    Ok(believed(&fs::symlink_metadata(&way)?, &way)?)
}

/// The same file by a path without links; what is not there yet is as it was said. It is what
/// may be written to where others may write too.
///
/// # Errors
/// The system's, or [`Distrust::Link`] inside of one.
pub fn resolve(path: &Path) -> io::Result<PathBuf> {
    let parts = |path: &Path| -> Vec<OsString> {
        let named = |c: Component| match c {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            _ => None,
        };
        path.components().rev().filter_map(named).collect()
    };
    let mut ahead = parts(&std::path::absolute(path)?);
    let (mut at, mut links) = (PathBuf::from("/"), 0);
    while let Some(part) = ahead.pop() {
        if part == ".." {
            at.pop();
            continue;
        }
        let next = at.join(&part);
        let is = match fs::symlink_metadata(&next) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                ahead.reverse();
                return Ok(ahead.into_iter().fold(next, |at, part| at.join(part)));
            }
            is => is?,
        };
        if !is.is_symlink() {
            at = next;
            continue;
        }
        if !believes(is.uid()) {
            let owner = is.uid();
            return Err(Distrust::Link { link: next, owner }.into());
        }
        links += 1;
        if links > MOST_LINKS {
            return Err(rustix::io::Errno::LOOP.into());
        }
        let target = fs::read_link(&next)?;
        if target.is_absolute() {
            at = PathBuf::from("/");
        }
        ahead.extend(parts(&target));
    }
    Ok(at)
}

fn believed(is: &Metadata, path: &Path) -> Result<(), Distrust> {
    let (path, owner, mode) = (path.to_owned(), is.uid(), is.mode() & 0o7777);
    if !believes(owner) {
        return Err(Distrust::Foreign { path, owner });
    }
    let by_group = mode & 0o020 != 0 && !own_group(owner, is.gid());
    if mode & 0o002 != 0 || by_group {
        return Err(Distrust::Writable { path, mode });
    }
    Ok(())
}

/// Whether what this user made is believed.
pub fn believes(owner: u32) -> bool {
    static PROGRAM: OnceLock<Option<u32>> = OnceLock::new();
    let of_program = || match cfg!(target_os = "linux") {
        // Also where a newer one lies in its place by now.
        true => Some(fs::metadata("/proc/self/exe").ok()?.uid()),
        false => Some(fs::metadata(std::env::current_exe().ok()?).ok()?.uid()),
    };
    let us = rustix::process::geteuid();
    owner == 0
        || owner == us.as_raw()
        || Some(owner) == *PROGRAM.get_or_init(of_program)
        || us.is_root() && named("SUDO_UID", owner)
        || named("GAZE_TRUST_UIDS", owner)
}

fn named(variable: &str, user: u32) -> bool {
    let list = std::env::var(variable).unwrap_or_default();
    list.split(',').any(|id| id.trim().parse() == Ok(user))
}

/// Whether nobody but its owner is in a file's group. Where accounts are kept elsewhere, equal
/// numbers are all that can be seen.
fn own_group(owner: u32, group: u32) -> bool {
    let text = |file| fs::read_to_string(file).unwrap_or_default();
    // Who is in root's group is root's affair.
    (owner, group) == (0, 0)
        || alone_in(owner, group, &text("/etc/passwd"), &text("/etc/group"))
            .unwrap_or(owner == group)
}

/// By the tables of users and groups (passwd(5), group(5)); none if either is not in them.
fn alone_in(owner: u32, group: u32, users: &str, groups: &str) -> Option<bool> {
    fn rows(table: &str) -> impl Iterator<Item = Vec<&str>> {
        table.lines().map(|line| line.split(':').collect())
    }
    let is = |row: &[&str], at: usize, id: u32| row.get(at).is_some_and(|f| f.parse() == Ok(id));
    let user = rows(users).find(|u| is(u, 2, owner))?;
    let of_files = rows(groups).find(|g| is(g, 2, group))?;
    let members = of_files.get(3).copied().unwrap_or_default();
    Some(
        user[0] == of_files[0]
            && members.split(',').all(|m| m.is_empty() || m == user[0])
            && rows(users).all(|u| !is(&u, 3, group) || is(&u, 2, owner)),
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, lchown, symlink};

    use super::*;

    /// Nobody's, and not ours: only root can give a file away.
    const STRANGER: u32 = 65_533;

    fn line(result: io::Result<Vec<u8>>) -> String {
        let error = result.expect_err("it is not to be believed");
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        error.to_string()
    }

    fn given_away(path: &Path) -> bool {
        lchown(path, Some(STRANGER), Some(STRANGER)).is_ok()
    }

    #[test]
    fn what_others_may_write_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("settings.json");
        fs::write(&file, "{}").unwrap();
        let set = |mode| fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        for mode in [0o600, 0o644, 0o444, 0o755] {
            set(mode);
            assert_eq!(read(&file).unwrap(), b"{}", "{mode:o}");
        }
        for mode in [0o602, 0o666, 0o777] {
            set(mode);
            let said = line(read(&file));
            assert!(
                said.contains(&format!("(mode {mode:o}): chmod go-w /")),
                "{said}"
            );
        }
        // The group may, where it is the owner's own.
        set(0o664);
        let is = fs::metadata(&file).unwrap();
        assert_eq!(read(&file).is_ok(), own_group(is.uid(), is.gid()));
        if lchown(&file, None, Some(STRANGER)).is_ok() {
            assert!(line(read(&file)).contains("chmod go-w"));
        }
    }

    #[test]
    fn a_group_is_its_owners_own_where_nobody_else_is_in_it() {
        let users = "root:x:0:0::/root:/bin/sh\nada:x:1000:1000::/:/\nbob:x:1001:1002::/:/\n\
                     eve:x:1003:1000::/:/\nmay:x:1004:1004::/:/\n";
        let groups = "root:x:0:\nada:x:1000:\nbob:x:1002:\nmay:x:1004:bob\nstaff:x:20:bob\n";
        let of = |owner, group| alone_in(owner, group, users, groups);
        assert_eq!(of(1001, 1002), Some(true), "the number may be another");
        assert_eq!(of(1000, 1000), Some(false), "eve's first group is ada's");
        assert_eq!(of(1004, 1004), Some(false), "bob is a member");
        assert_eq!(of(1001, 20), Some(false));
        assert_eq!(of(501, 501), None);
        assert_eq!(of(1000, 7), None);
    }

    #[test]
    fn what_is_somebody_elses_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("net.onnx");
        fs::write(&file, "net").unwrap();
        if !given_away(&file) {
            eprintln!("not run: only root can give files away");
            return;
        }
        let said = line(read(&file));
        assert!(
            said.contains("uid 65533") && said.contains("copy of your own"),
            "{said}"
        );
        assert!(check(&file).is_err());
    }

    #[test]
    fn links_are_followed_that_are_ours_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("real")).unwrap();
        fs::write(at("real/file"), "x").unwrap();
        symlink("real", at("folder")).unwrap();
        symlink("../real/../folder/file", at("real/link")).unwrap();
        assert_eq!(read(&at("folder/link")).unwrap(), b"x");
        let real = fs::canonicalize(at("real/file")).unwrap();
        assert_eq!(resolve(&at("folder/link")).unwrap(), real);
        // What is not there yet is where its folder truly is.
        let new = real.with_file_name("new");
        assert_eq!(resolve(&at("folder/new")).unwrap(), new);
        assert_eq!(resolve(&at("folder/new/a/b")).unwrap(), new.join("a/b"));
        symlink("loop", at("loop")).unwrap();
        assert!(read(&at("loop")).is_err());
        assert!(
            read(&at("real"))
                .unwrap_err()
                .to_string()
                .contains("plain file")
        );
        if given_away(&at("folder")) {
            let said = line(read(&at("folder/file")));
            assert!(
                said.contains("the link /") && said.contains("name the file itself"),
                "{said}"
            );
            assert!(resolve(&at("folder/new")).is_err());
            assert_eq!(read(&at("real/file")).unwrap(), b"x");
        }
    }
}
