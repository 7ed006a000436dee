//! Recorded samples: CSV with a header, or one JSON object a line.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use gaze::affine::Sample;
use serde::Deserialize;

/// An hour of samples is a tenth of this.
const LARGEST: u64 = 256 << 20;

/// What a file held.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// The valid samples.
    pub samples: Vec<Sample>,
    /// How many were marked as not valid.
    pub invalid: usize,
}

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SamplesError {
    /// The system refused.
    #[error("cannot read: {0}")]
    Io(#[from] io::Error),
    /// Larger than any recording.
    #[error("larger than {LARGEST} bytes: not a recording")]
    TooLarge,
    /// Not text.
    #[error("not text in UTF-8: expected CSV or JSON lines")]
    NotText,
    /// Nothing in it.
    #[error("empty: record samples first")]
    Empty,
    /// The header lacks a column.
    #[error(
        "line 1: no column {0}: a CSV recording begins with target_x,target_y,raw_x,raw_y,valid"
    )]
    Column(&'static str),
    /// A line is not a sample.
    #[error("line {line}: {what}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
}

/// Reads a recording; `-` is standard input.
///
/// # Errors
/// [`SamplesError`] names the line.
pub fn read(path: &Path) -> Result<Recording, SamplesError> {
    let mut bytes = Vec::new();
    let mut input: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path)?)
    };
    (&mut input).take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(SamplesError::TooLarge);
    }
    parse(std::str::from_utf8(&bytes).map_err(|_| SamplesError::NotText)?)
}

/// Parses a recording of either kind: JSON lines begin with `{`.
///
/// # Errors
/// [`SamplesError`] names the line.
pub fn parse(text: &str) -> Result<Recording, SamplesError> {
    // Some spreadsheets write a byte order mark.
    let text = text.trim_start_matches('\u{feff}');
    let lines = || {
        text.lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
    };
    let (_, first) = lines().next().ok_or(SamplesError::Empty)?;
    let mut recording = Recording {
        samples: Vec::new(),
        invalid: 0,
    };
    let columns = if first.trim_start().starts_with('{') {
        None
    } else {
        Some(Columns::of(first)?)
    };
    for (i, line) in lines().skip(usize::from(columns.is_some())) {
        let at = |what| SamplesError::Line { line: i + 1, what };
        let row = match &columns {
            Some(columns) => columns.row(line),
            None => serde_json::from_str(line).map_err(|e| e.to_string()),
        };
        match row.and_then(Row::sample).map_err(at)? {
            Some(sample) => recording.samples.push(sample),
            None => recording.invalid += 1,
        }
    }
    Ok(recording)
}

/// One line. A sample that is not valid may lack its point.
#[derive(Debug, Deserialize)]
struct Row {
    target_x: f64,
    target_y: f64,
    raw_x: Option<f64>,
    raw_y: Option<f64>,
    #[serde(default = "yes")]
    valid: bool,
}

fn yes() -> bool {
    true
}

impl Row {
    fn sample(self) -> Result<Option<Sample>, String> {
        if !self.valid {
            return Ok(None);
        }
        let (Some(x), Some(y)) = (self.raw_x, self.raw_y) else {
            return Err("valid, but without raw_x or raw_y".to_owned());
        };
        if ![self.target_x, self.target_y, x, y]
            .iter()
            .all(|v| v.is_finite())
        {
            return Err("valid, but not finite".to_owned());
        }
        Ok(Some(([x, y], [self.target_x, self.target_y])))
    }
}

/// Where the header has the columns.
struct Columns {
    target: [usize; 2],
    raw: [usize; 2],
    valid: Option<usize>,
}

impl Columns {
    fn of(header: &str) -> Result<Self, SamplesError> {
        let find = |name| {
            header
                .split(',')
                .position(|c| c.trim().trim_matches('"') == name)
        };
        let need = |name| find(name).ok_or(SamplesError::Column(name));
        Ok(Self {
            target: [need("target_x")?, need("target_y")?],
            raw: [need("raw_x")?, need("raw_y")?],
            valid: find("valid"),
        })
    }

    fn row(&self, line: &str) -> Result<Row, String> {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        let field = |i: usize| {
            fields
                .get(i)
                .copied()
                .ok_or_else(|| format!("only {} columns", fields.len()))
        };
        let number = |i: usize| {
            let text = field(i)?;
            text.parse::<f64>()
                .map_err(|_| format!("{text:?} is not a number"))
        };
        let optional = |i: usize| {
            if field(i)?.is_empty() {
                Ok(None)
            } else {
                number(i).map(Some)
            }
        };
        let valid = match self.valid.map(field).transpose()? {
            None | Some("1" | "true" | "True") => true,
            Some("0" | "false" | "False") => false,
            Some(other) => return Err(format!("valid is {other:?}, not 0, 1, true or false")),
        };
        Ok(Row {
            target_x: number(self.target[0])?,
            target_y: number(self.target[1])?,
            raw_x: optional(self.raw[0])?,
            raw_y: optional(self.raw[1])?,
            valid,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn csv_and_json_lines_say_the_same() {
        let csv = "\u{feff}time,raw_x,raw_y,target_x,target_y,valid\n\
                   1,0.2,0.3,0.1,0.1,1\r\n\n2,,,0.1,0.1,0\n3,-0.2,1.3,0.9,0.1,true\n";
        let json = r#"{"target_x": 0.1, "target_y": 0.1, "raw_x": 0.2, "raw_y": 0.3, "valid": true, "time": 1}
            {"target_x": 0.1, "target_y": 0.1, "raw_x": null, "raw_y": null, "valid": false}
            {"target_x": 0.9, "target_y": 0.1, "raw_x": -0.2, "raw_y": 1.3}"#;
        let expected = Recording {
            samples: vec![([0.2, 0.3], [0.1, 0.1]), ([-0.2, 1.3], [0.9, 0.1])],
            invalid: 1,
        };
        assert_eq!(parse(csv).unwrap(), expected);
        assert_eq!(parse(json).unwrap(), expected);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let head = "target_x,target_y,raw_x,raw_y,valid\n";
        for (text, expected) in [
            (String::new(), "empty"),
            ("a,b\n".into(), "no column target_x"),
            (
                format!("{head}0,0,1,1,1\n0,0,1\n"),
                "line 3: only 3 columns",
            ),
            (
                format!("{head}0,0,x,1,1\n"),
                "line 2: \"x\" is not a number",
            ),
            (
                format!("{head}0,0,nan,1,1\n"),
                "line 2: valid, but not finite",
            ),
            (
                format!("{head}0,0,,1,1\n"),
                "line 2: valid, but without raw_x",
            ),
            (
                format!("{head}0,0,1,1,maybe\n"),
                "line 2: valid is \"maybe\"",
            ),
            ("{\"target_x\": 1}\n".into(), "line 1: missing field"),
            ("{\"target_x\": 1,\n".into(), "line 1: EOF"),
        ] {
            let said = parse(&text).unwrap_err().to_string();
            assert!(said.contains(expected), "{said}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_recording_or_an_error(text in "(target_x,target_y,raw_x,raw_y\n)?[-0-9a-z{}\":,. \n]*") {
            if let Ok(recording) = parse(&text) {
                let finite = |s: &Sample| s.0.iter().chain(&s.1).all(|v| v.is_finite());
                prop_assert!(recording.samples.iter().all(finite));
            }
        }
    }
}
