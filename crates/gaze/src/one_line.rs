//! What others wrote, shown to people on one line.

use std::fmt::{Display, Write};

/// Longer is cut: nobody reads it.
const LONGEST: usize = 300;

/// `what` without what would tear a message apart or turn it round: ends of lines, other control
/// characters (a terminal obeys some of them) and marks of the direction of writing are shown as
/// `\u{…}`; the rest after 300 characters is left out.
///
/// ```
/// use gaze::one_line::one_line;
/// assert_eq!(one_line("unknown key `\n\x1b[2J`"), r"unknown key `\n\u{1b}[2J`");
/// ```
pub fn one_line(what: impl Display) -> String {
    let text = what.to_string();
    let mut line = String::with_capacity(text.len().min(LONGEST));
    for (count, c) in text.chars().enumerate() {
        if count == LONGEST {
            line.push('…');
            break;
        }
        // Unicode's Bidi_Control, and its separators of lines and paragraphs.
        let turns = matches!(
            c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        ) || matches!(c, '\u{2066}'..='\u{2069}');
        if c.is_control() {
            let _ = write!(line, "{}", c.escape_default());
        } else if turns {
            let _ = write!(line, "{}", c.escape_unicode());
        } else {
            line.push(c);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_it_ends_a_line_or_turns_it_round() {
        assert_eq!(one_line("Zoë's camera ✓"), "Zoë's camera ✓");
        assert_eq!(one_line("a\nb\r\tc"), r"a\nb\r\tc");
        assert_eq!(
            one_line("\u{85}\u{202e}x\u{2028}"),
            r"\u{85}\u{202e}x\u{2028}"
        );
        let long = one_line("x".repeat(100_000));
        assert_eq!(long.chars().count(), LONGEST + 1);
    }
}
