//! What is said as lines of bytes.

use serde::Serialize;

/// No line is longer; what is, is something else.
pub const LONGEST_LINE: usize = 16 * 1024;

/// Something that is said: one line, with its end.
pub fn line(said: &impl Serialize) -> Vec<u8> {
    // Strings and numbers only: this cannot fail. An empty line is passed over.
    let mut line = serde_json::to_vec(said).unwrap_or_default();
    line.push(b'\n');
    line
}

/// Cuts what arrives into lines, however it arrives.
#[derive(Debug, Default)]
pub struct Lines {
    kept: Vec<u8>,
}

/// A line is too long, so that what follows cannot be understood either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a line is longer than {LONGEST_LINE} bytes")]
pub struct TooLong;

impl Lines {
    /// Takes what arrived.
    pub fn take(&mut self, bytes: &[u8]) {
        self.kept.extend_from_slice(bytes);
    }

    /// The next whole line that is not empty, without its end.
    ///
    /// # Errors
    /// [`TooLong`].
    pub fn next_line(&mut self) -> Result<Option<Vec<u8>>, TooLong> {
        loop {
            let Some(end) = self.kept.iter().position(|b| *b == b'\n') else {
                return match self.kept.len() {
                    0..=LONGEST_LINE => Ok(None),
                    _ => Err(TooLong),
                };
            };
            if end > LONGEST_LINE {
                return Err(TooLong);
            }
            let rest = self.kept.split_off(end + 1);
            let mut line = std::mem::replace(&mut self.kept, rest);
            line.truncate(end);
            if !line.iter().all(u8::is_ascii_whitespace) {
                return Ok(Some(line));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_an_end_is_refused_and_not_kept_for_ever() {
        let mut lines = Lines::default();
        lines.take(&[b' '; LONGEST_LINE]);
        assert_eq!(lines.next_line(), Ok(None));
        lines.take(b"{}\n");
        assert_eq!(lines.next_line(), Err(TooLong));
        let mut lines = Lines::default();
        lines.take(&[b'{'; LONGEST_LINE + 1]);
        assert_eq!(lines.next_line(), Err(TooLong));
    }
}
