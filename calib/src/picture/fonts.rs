//! The two bundled faces of DejaVu Sans, and how wide a line of them is.

use std::sync::{Arc, LazyLock};

use resvg::usvg::fontdb::Database;
use ttf_parser::Face;

/// The family's name, as SVG asks for it.
pub const FAMILY: &str = "DejaVu Sans";

static REGULAR: &[u8] = include_bytes!("../../assets/DejaVuSans.ttf");
static BOLD: &[u8] = include_bytes!("../../assets/DejaVuSans-Bold.ttf");

/// Weight of a line of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Weight {
    /// 400.
    Regular,
    /// 700.
    Bold,
}

/// The bundled faces, and no others: what is drawn is the same on every machine.
pub fn database() -> Arc<Database> {
    static DATABASE: LazyLock<Arc<Database>> = LazyLock::new(|| {
        let mut database = Database::new();
        database.load_font_data(REGULAR.to_vec());
        database.load_font_data(BOLD.to_vec());
        Arc::new(database)
    });
    Arc::clone(&DATABASE)
}

/// How far the line reaches to the right, in the unit of `size` (the height of
/// the em square), without kerning, which only draws letters together.
pub fn width(text: &str, size: f64, weight: Weight) -> f64 {
    static FACES: LazyLock<Option<[Face<'static>; 2]>> =
        LazyLock::new(|| Some([Face::parse(REGULAR, 0).ok()?, Face::parse(BOLD, 0).ok()?]));
    let Some([regular, bold]) = FACES.as_ref() else {
        return text.chars().count() as f64 * size;
    };
    let face = match weight {
        Weight::Regular => regular,
        Weight::Bold => bold,
    };
    let advance = |c| {
        // A letter that the face lacks is drawn as glyph 0, the empty box.
        let glyph = face.glyph_index(c).unwrap_or_default();
        f64::from(face.glyph_hor_advance(glyph).unwrap_or_default())
    };
    text.chars().map(advance).sum::<f64>() * size / f64::from(face.units_per_em())
}

/// The text in lines no wider than `limit`, broken between words; a word that
/// is wider has a line of its own.
pub fn wrapped(text: &str, size: f64, weight: Weight, limit: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let longer = match lines.last() {
            Some(line) => format!("{line} {word}"),
            None => word.to_owned(),
        };
        match lines.last_mut() {
            Some(line) if width(&longer, size, weight) <= limit => *line = longer,
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The text cut to the limit, with an ellipsis where something is left out.
pub fn shortened(text: &str, size: f64, weight: Weight, limit: f64) -> String {
    if width(text, size, weight) <= limit {
        return text.to_owned();
    }
    let mut short: String = text.to_owned();
    while !short.is_empty() && width(&format!("{short}…"), size, weight) > limit {
        short.pop();
    }
    format!("{}…", short.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_faces_hold_what_is_written_with_them() {
        for data in [REGULAR, BOLD] {
            let face = Face::parse(data, 0).unwrap();
            for c in "AZaz09 ÄñŁőΩж°±×–—“”•…←→−≤≥%".chars() {
                assert!(face.glyph_index(c).is_some(), "{c}");
            }
        }
        assert_eq!(database().len(), 2);
        assert!(database().faces().all(|f| f.families[0].0 == FAMILY));
    }

    #[test]
    fn lines_keep_to_the_limit_and_lose_no_word() {
        let text = "look at the dot until the ring around it is full";
        let lines = wrapped(text, 10.0, Weight::Regular, 120.0);
        assert!(lines.len() > 1, "{lines:?}");
        assert!(
            lines
                .iter()
                .all(|l| width(l, 10.0, Weight::Regular) <= 120.0)
        );
        assert_eq!(lines.join(" "), text);
        let short = shortened(text, 10.0, Weight::Bold, 100.0);
        assert!(short.ends_with('…') && width(&short, 10.0, Weight::Bold) <= 100.0);
    }
}
