//! What is asked, and what an answer in words comes to.
//!
//! A model of vision and language sees the picture as anybody would: what is left in it is at
//! the person's right. It is asked in the picture's terms, and turned round here.

use ring::layout::Region;

/// One question for every picture.
pub const QUESTION: &str = "A person sits before a computer screen. The camera that took this \
picture is at the upper edge of the screen. Judge by the eyes: which part of the screen does the \
person look at? Answer with two words and nothing else. First word: top, middle or bottom. Second \
word: left, center or right, as it is seen in this picture. If nobody is in the picture, answer: \
nobody";

/// Whoever says more than this does not answer the question.
const LONGEST: usize = 120;
/// So much of a useless answer is shown.
const SHOWN: usize = 48;

/// What it said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// A part of the screen, as the person sees it.
    Region(Region),
    /// Nobody is in the picture.
    Nobody,
}

/// Reads an answer in words.
///
/// # Errors
/// One line: no part of the screen can be told from it.
pub fn read(text: &str) -> Result<Answer, String> {
    let useless = || {
        Err(format!(
            "its answer names no part of the screen: {:?}",
            shown(text)
        ))
    };
    if text.len() > LONGEST {
        return useless();
    }
    let (mut rows, mut columns) = ([false; 3], [false; 3]);
    let (mut middles, mut nobody) = (0, false);
    let lower = text.to_lowercase();
    for word in lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
    {
        match word {
            "top" | "upper" | "up" => rows[0] = true,
            "bottom" | "lower" | "down" => rows[2] = true,
            "left" => columns[0] = true,
            "right" => columns[2] = true,
            "middle" | "center" | "centre" | "central" => middles += 1,
            "nobody" | "none" => nobody = true,
            // "Not at the left": what is denied tells no place.
            "not" | "neither" | "nor" | "cannot" | "or" => return useless(),
            _ => {}
        }
    }
    let one = |marks: [bool; 3]| match marks {
        [true, _, false] => Some(0),
        [false, _, true] => Some(2),
        [false, _, false] => Some(1),
        _ => None,
    };
    let named = rows[0] || rows[2] || columns[0] || columns[2] || middles > 0;
    match (one(rows), one(columns)) {
        _ if nobody && !named => Ok(Answer::Nobody),
        _ if nobody || !named => useless(),
        // Left in the picture is the person's right.
        (Some(row), Some(column)) => Ok(Answer::Region(Region::at(row, 2 - column))),
        _ => useless(),
    }
}

/// The beginning of what somebody else said, fit for a terminal.
pub fn shown(text: &str) -> String {
    let fit = |c: char| if c.is_control() { ' ' } else { c };
    let mut short: String = text.chars().map(fit).take(SHOWN).collect();
    if text.chars().nth(SHOWN).is_some() {
        short.push('…');
    }
    short
}

/// The part of the screen that a point lies in; a little beside the screen is still its edge.
pub fn region_of([x, y]: [f64; 2]) -> Region {
    const BESIDE: f64 = 0.15;
    let third = |v: f64| {
        (-BESIDE..=1.0 + BESIDE)
            .contains(&v)
            .then(|| ((v * 3.0) as usize).min(2))
    };
    match (third(y), third(x)) {
        (Some(row), Some(column)) => Region::at(row, column),
        _ => Region::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_parts_of_the_screen_turned_round() {
        for (text, region) in [
            ("top left", Region::TopRight),
            (" Bottom Right.\n", Region::BottomLeft),
            ("middle center", Region::MiddleCenter),
            ("Center", Region::MiddleCenter),
            ("top", Region::TopCenter),
            ("left", Region::MiddleRight),
            ("middle left", Region::MiddleRight),
            (
                "The person looks at the bottom-center part.",
                Region::BottomCenter,
            ),
            (
                "{\"row\": \"upper\", \"column\": \"right\"}",
                Region::TopLeft,
            ),
        ] {
            assert_eq!(read(text), Ok(Answer::Region(region)), "{text}");
        }
        assert_eq!(read("Nobody."), Ok(Answer::Nobody));
        for nonsense in [
            "",
            "a cat",
            "left or right",
            "top bottom",
            "not left",
            "nobody, top left",
            "¯\\_(ツ)_/¯",
            &"top left ".repeat(40),
        ] {
            let why = read(nonsense).expect_err(nonsense);
            assert!(!why.contains('\n') && why.len() < 250, "{why}");
        }
        assert!(
            !read("\x1b[2J\x07 cat\n\n")
                .unwrap_err()
                .contains(['\x1b', '\x07', '\n'])
        );
    }

    #[test]
    fn points_lie_in_nine_parts_and_beside_them_in_none() {
        for row in 0..3 {
            for column in 0..3 {
                let region = Region::at(row, column);
                assert_eq!(region_of(region.middle().unwrap()), region);
            }
        }
        assert_eq!(region_of([0.0, 0.34]), Region::MiddleLeft);
        assert_eq!(region_of([1.1, -0.1]), Region::TopRight);
        assert_eq!(region_of([1.2, 0.5]), Region::None);
        assert_eq!(region_of([f64::NAN, 0.5]), Region::None);
        assert_eq!(Region::None.middle(), None);
    }
}
