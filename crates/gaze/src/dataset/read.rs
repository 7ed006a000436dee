//! Reads anybody's `img_N.json`: what is missing, null, zero or not finite is absent.

use serde_json::Value;

use super::{DEFAULT_SCREEN_PX, Prompt};
use crate::screen::Screen;

/// A label as it was found. What a tracker did not see is `None`, never zero.
#[derive(Debug, Clone, PartialEq)]
pub struct Labelled {
    /// Milliseconds since 1970.
    pub timestamp_ms: Option<u64>,
    /// The target, pixels of the screen.
    pub target_px: [f64; 2],
    /// The screen's pixels; [`DEFAULT_SCREEN_PX`] where the label does not say.
    pub screen_px: [u32; 2],
    /// All of the screen, where the label says it.
    pub screen: Option<Screen>,
    /// Centres of the eyes, image pixels, sorted by x: image-left first.
    pub eyes_px: Option<[[f64; 2]; 2]>,
    /// Yaw, pitch and roll as recorded, degrees; the signs are the recorder's.
    pub head_deg: Option<[f64; 3]>,
    /// The recorded direction. Unit length is not promised.
    pub vector: Option<[f64; 3]>,
    /// Points of the face, image pixels.
    pub landmarks: Option<Vec<[f64; 3]>>,
    /// What the person was asked to do.
    pub prompt: Option<Prompt>,
    /// Length of the picture's file, where the label says it.
    pub jpeg_bytes: Option<u64>,
}

impl Labelled {
    /// The target, (0, 0) the screen's top left, (1, 1) its bottom right.
    pub fn target(&self) -> [f64; 2] {
        [0, 1].map(|i| self.target_px[i] / f64::from(self.screen_px[i]))
    }
}

/// Why a label is of no use.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Cut off, or something else.
    #[error("not JSON: {0}")]
    Syntax(#[from] serde_json::Error),
    /// Without the target there is nothing to learn.
    #[error("no target: screen_x and screen_y must be numbers")]
    NoTarget,
}

/// Reads a label.
///
/// # Errors
/// [`ReadError`]; everything but the target may be missing.
pub fn read(json: &[u8]) -> Result<Labelled, ReadError> {
    let all = parse(json)?;
    let (Some(x), Some(y)) = (number(&all["screen_x"]), number(&all["screen_y"])) else {
        return Err(ReadError::NoTarget);
    };
    let gaze = &all["inference"]["Gaze"];
    // Rendered labels and recorded ones keep what the format has no place for apart.
    let (more, truth) = (&all["recording"], &all["truth"]);
    let screen = [more, truth].into_iter().find_map(|m| screen(&m["screen"]));
    let eyes = pair([&gaze["left_eye"], &gaze["right_eye"]].map(point));
    Ok(Labelled {
        timestamp_ms: number(&all["timestamp"])
            .filter(|t| *t > 0.0)
            .map(|t| t as u64),
        target_px: [x, y],
        screen_px: screen.map_or(DEFAULT_SCREEN_PX, |s| [s.width_px, s.height_px]),
        screen,
        eyes_px: eyes.map(|[a, b]| {
            let mut eyes = [[a[0], a[1]], [b[0], b[1]]];
            eyes.sort_by(|a, b| a[0].total_cmp(&b[0]));
            eyes
        }),
        // Detection that failed leaves zeros; no head is turned by exactly nothing.
        head_deg: triple([&gaze["yaw"], &gaze["pitch"], &gaze["roll"]].map(number))
            .filter(|angles| *angles != [0.0; 3]),
        vector: point(&gaze["vector"]),
        landmarks: gaze["landmarks"]
            .as_array()
            .and_then(|all| all.iter().map(point).collect::<Option<Vec<_>>>())
            .filter(|all| !all.is_empty()),
        prompt: serde_json::from_value(more["prompt"].clone()).ok(),
        jpeg_bytes: [more, truth]
            .into_iter()
            .find_map(|m| m["jpeg_bytes"].as_u64()),
    })
}

/// JSON, also with the bare NaN and Infinity that Python writes: they are read as null.
fn parse(json: &[u8]) -> Result<Value, serde_json::Error> {
    let refused = match serde_json::from_slice(json) {
        Ok(value) => return Ok(value),
        Err(e) => e,
    };
    let (mut text, mut rest, mut quoted) = (Vec::with_capacity(json.len()), json, false);
    while let Some(&byte) = rest.first() {
        let words: [&[u8]; 3] = [b"NaN", b"-Infinity", b"Infinity"];
        let word = words.into_iter().find(|w| !quoted && rest.starts_with(w));
        let (take, put): (usize, &[u8]) = match (word, byte) {
            (Some(word), _) => (word.len(), b"null"),
            (None, b'\\') if quoted && rest.len() > 1 => (2, &rest[..2]),
            (None, _) => (1, &rest[..1]),
        };
        quoted ^= take == 1 && byte == b'"';
        text.extend_from_slice(put);
        rest = &rest[take..];
    }
    serde_json::from_slice(&text).map_err(|_| refused)
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().filter(|v| v.is_finite())
}

fn triple([a, b, c]: [Option<f64>; 3]) -> Option<[f64; 3]> {
    Some([a?, b?, c?])
}

fn pair<T>([a, b]: [Option<T>; 2]) -> Option<[T; 2]> {
    Some([a?, b?])
}

/// `{x, y, z}` or `[x, y, z]`, z optional; zeros are nothing.
fn point(value: &Value) -> Option<[f64; 3]> {
    let at = |name: &str, i: usize| match value {
        Value::Array(all) => all.get(i).unwrap_or(&Value::Null),
        other => &other[name],
    };
    let z = match at("z", 2) {
        Value::Null => Some(0.0),
        z => number(z),
    };
    triple([number(at("x", 0)), number(at("y", 1)), z]).filter(|p| *p != [0.0; 3])
}

fn screen(value: &Value) -> Option<Screen> {
    serde_json::from_value(value.clone())
        .ok()
        .filter(|s: &Screen| s.width_px > 0 && s.height_px > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EXAMPLE: &str = r#"{
      "timestamp": 1765997461159, "screen_x": 1076.6445, "screen_y": 973.9961,
      "inference": { "Gaze": {
          "left_eye": { "x": 900.979, "y": 359.03485, "z": 0.0 },
          "right_eye": { "x": 1095.01, "y": 354.9803, "z": 0.0 },
          "yaw": -23.216734, "pitch": 15.424934, "roll": 0.69636035,
          "vector": { "x": 0.0, "y": 0.0, "z": 1.0 }, "landmarks": null } },
      "moondream_result": { "x": 0.0, "y": 0.0, "z": 0.0 } }"#;

    #[test]
    fn the_users_format_is_read() {
        let l = read(EXAMPLE.as_bytes()).unwrap();
        assert_eq!(l.timestamp_ms, Some(1_765_997_461_159));
        assert_eq!(l.target(), [1076.6445 / 1920.0, 973.9961 / 1080.0]);
        assert_eq!(l.eyes_px, Some([[900.979, 359.03485], [1095.01, 354.9803]]));
        assert_eq!(l.head_deg, Some([-23.216734, 15.424934, 0.69636035]));
        assert_eq!((l.vector, l.landmarks), (Some([0.0, 0.0, 1.0]), None));
        assert_eq!((l.screen, l.prompt, l.jpeg_bytes), (None, None, None));
    }

    #[test]
    fn what_was_not_seen_is_absent_and_eyes_are_sorted() {
        let swapped = EXAMPLE
            .replace("left_eye", "aside")
            .replace("right_eye", "left_eye");
        let l = read(swapped.replace("aside", "right_eye").as_bytes()).unwrap();
        assert_eq!(l.eyes_px.unwrap()[0][0], 900.979);
        for (from, to) in [
            (r#""x": 900.979, "y": 359.03485"#, r#""x": 0.0, "y": 0.0"#),
            ("900.979", "null"),
            ("900.979", "NaN"),
            ("900.979", "-Infinity"),
            (
                r#""left_eye": { "x": 900.979, "y": 359.03485, "z": 0.0 },"#,
                "",
            ),
        ] {
            assert!(EXAMPLE.contains(from));
            let l = read(EXAMPLE.replace(from, to).as_bytes()).unwrap();
            assert_eq!(l.eyes_px, None, "{from}");
            assert!(l.head_deg.is_some());
        }
        // In a text they are letters, and what is cut off stays unreadable.
        let text = r#"{"a": "NaN \" NaN", "screen_x": 1, "screen_y": 2, "timestamp": NaN}"#;
        assert_eq!(read(text.as_bytes()).unwrap().timestamp_ms, None);
        assert!(read(text.replace("1,", "NaN,").as_bytes()).is_err());
        let bare = read(br#"{"screen_x": 1, "screen_y": 2, "inference": null}"#).unwrap();
        assert_eq!((bare.target_px, bare.head_deg), ([1.0, 2.0], None));
        for bad in [
            "",
            "{",
            "[]",
            "null",
            r#"{"screen_x": null, "screen_y": 1}"#,
        ] {
            assert!(read(bad.as_bytes()).is_err(), "{bad}");
        }
        for cut in 0..EXAMPLE.len() - 1 {
            assert!(read(&EXAMPLE.as_bytes()[..cut]).is_err());
        }
    }

    #[test]
    fn rendered_labels_say_how_large_the_screen_is() {
        let truth = r#"{"screen_x": 150, "screen_y": 50, "truth": {"jpeg_bytes": 7,
            "screen": {"width_px": 300, "height_px": 200, "width_mm": 30, "height_mm": 20}}}"#;
        let l = read(truth.as_bytes()).unwrap();
        assert_eq!((l.target(), l.jpeg_bytes), ([0.5, 0.25], Some(7)));
        // A screen without pixels divides nothing.
        let none = read(truth.replace("300", "0").as_bytes()).unwrap();
        assert_eq!(none.screen_px, DEFAULT_SCREEN_PX);
    }

    proptest! {
        #[test]
        fn any_json_reads_or_says_why(value in crate::dataset::protocol::tests::any_json()) {
            let with = |key: &str, v: &Value| {
                let mut all: Value = serde_json::from_str(EXAMPLE).unwrap();
                match key {
                    "" => all = v.clone(),
                    "inference" | "recording" | "screen_x" => all[key] = v.clone(),
                    _ => all["inference"]["Gaze"][key] = v.clone(),
                }
                serde_json::to_vec(&all).unwrap()
            };
            for key in ["", "inference", "recording", "screen_x", "landmarks", "left_eye", "vector"] {
                if let Ok(l) = read(&with(key, &value)) {
                    prop_assert!(l.target().iter().all(|v| v.is_finite()));
                }
            }
        }
    }
}
