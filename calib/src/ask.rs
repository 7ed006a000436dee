//! Questions on the terminal.

use std::io::{self, BufRead, Write};

/// Asks and waits for a line; only what begins with `y` is a yes. The end of the input
/// is a no.
///
/// # Errors
/// Of the terminal.
pub fn yes(question: &str, out: &mut dyn Write) -> io::Result<bool> {
    write!(out, "{question} [y/N] ")?;
    out.flush()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_start().starts_with(['y', 'Y']))
}
