//! Where a line of JSON goes: a file that grows, or a named pipe that nobody need read.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::fd::BorrowedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use gaze::trust::{self, Distrust};
use rustix::event::{PollFd, PollFlags};
use rustix::fs::OFlags;

/// Appends a line; never waits. A pipe without a reader, or whose reader is behind, does not
/// get it.
///
/// # Errors
/// Nobody reads, no room in the pipe, or what the system says of the file.
pub fn append(path: &Path, line: &str) -> io::Result<()> {
    if let Some(own) = own(path) {
        return write_to(own, line);
    }
    // No link of somebody else's leads where this goes, nor is the file theirs.
    let path = &trust::resolve(path)?;
    let mut options = OpenOptions::new();
    let pipe = std::fs::metadata(path).is_ok_and(|m| m.file_type().is_fifo());
    if pipe {
        // Without waiting for a reader: ENXIO where there is none.
        options
            .write(true)
            .custom_flags((OFlags::NONBLOCK | OFlags::NOFOLLOW).bits() as i32);
    } else {
        options
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits() as i32);
    }
    let mut file = options.open(path)?;
    let is = file.metadata()?;
    let owner = is.uid();
    // A pipe is somebody's offer to read, a file would be theirs.
    if !is.file_type().is_fifo() && !trust::believes(owner) {
        let path = path.clone();
        return Err(Distrust::Foreign { path, owner }.into());
    }
    // A line fits into a pipe whole or not at all (PIPE_BUF).
    match file.write(line.as_bytes())? {
        n if n == line.len() => Ok(()),
        _ => Err(io::ErrorKind::WriteZero.into()),
    }
}

/// What was given to us open, by a name under which it cannot always be opened again.
fn own(path: &Path) -> Option<BorrowedFd<'static>> {
    match path.to_str()? {
        "/dev/stdout" | "/dev/fd/1" => Some(rustix::stdio::stdout()),
        "/dev/stderr" | "/dev/fd/2" => Some(rustix::stdio::stderr()),
        _ => None,
    }
}

/// As [`append`], without touching how it blocks: others have it open too.
fn write_to(own: BorrowedFd, line: &str) -> io::Result<()> {
    let mut asked = [PollFd::from_borrowed_fd(own, PollFlags::OUT)];
    let now = rustix::event::Timespec::default();
    if rustix::event::poll(&mut asked, Some(&now))? == 0 {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    match rustix::io::write(own, line.as_bytes())? {
        n if n == line.len() => Ok(()),
        _ => Err(io::ErrorKind::WriteZero.into()),
    }
}
