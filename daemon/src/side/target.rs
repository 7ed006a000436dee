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

/// What a pipe that is ready takes at once (POSIX's PIPE_BUF, as Linux and Macs have it).
const PIPE_BUF: usize = if cfg!(target_os = "macos") { 512 } else { 4096 };

/// As [`append`], without touching how it blocks: others have it open too. A line that a pipe
/// need not take at once is not tried.
fn write_to(own: BorrowedFd, line: &str) -> io::Result<()> {
    let is = rustix::fs::fstat(own)?;
    let pipe = rustix::fs::FileType::from_raw_mode(is.st_mode) == rustix::fs::FileType::Fifo;
    if pipe && line.len() > PIPE_BUF {
        return Err(io::ErrorKind::WouldBlock.into());
    }
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

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn a_pipe_of_ours_that_nobody_empties_is_not_waited_for() {
        let (mut reads, writes) = io::pipe().unwrap();
        let line = format!("{}\n", "x".repeat(300));
        let mut taken = 0;
        let refused = loop {
            match write_to(writes.as_fd(), &line) {
                Ok(()) => taken += 1,
                Err(e) => break e,
            }
        };
        assert_eq!(refused.kind(), io::ErrorKind::WouldBlock);
        let long = "x".repeat(PIPE_BUF + 1);
        let mut half = vec![0; taken * line.len() / 2];
        reads.read_exact(&mut half).unwrap();
        // There is room again, but not for what might not fit.
        let refused = write_to(writes.as_fd(), &long).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::WouldBlock);
        write_to(writes.as_fd(), &line).unwrap();
        drop(writes);
        let mut rest = String::new();
        reads.read_to_string(&mut rest).unwrap();
        assert_eq!(half.len() + rest.len(), (taken + 1) * line.len());
        assert!(rest.ends_with(&line));
    }
}
