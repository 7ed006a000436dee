//! Where a line of JSON goes: a file that grows, or a named pipe that nobody need read.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// Appends a line; never waits. A pipe without a reader, or whose reader is behind, does not
/// get it.
///
/// # Errors
/// Nobody reads, no room in the pipe, or what the system says of the file.
pub fn append(path: &Path, line: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let pipe = std::fs::metadata(path).is_ok_and(|m| m.file_type().is_fifo());
    if pipe {
        // Without waiting for a reader: ENXIO where there is none.
        options
            .write(true)
            .custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32);
    } else {
        options.append(true).create(true).mode(0o600);
    }
    let mut file = options.open(path)?;
    // A line fits into a pipe whole or not at all (PIPE_BUF).
    match file.write(line.as_bytes())? {
        n if n == line.len() => Ok(()),
        _ => Err(io::ErrorKind::WriteZero.into()),
    }
}
