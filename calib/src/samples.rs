//! Recorded samples: CSV with a header, or one JSON object a line. The first line of the
//! JSON kind may hold the setup that the samples were made with, and when; [`write()`] does so.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use gaze::affine::Sample;
use gaze::calibration::{DisplayRecord, HeadSample, Setup};
use serde::{Deserialize, Serialize};

use crate::run::replace;
use crate::session::{Counted, Plan, Point};

/// An hour of samples is a tenth of this.
const LARGEST: u64 = 256 << 20;

/// What a file held.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recording {
    /// What the samples were made with, where it says so.
    pub setup: Option<Setup>,
    /// When they were recorded, where it says so: seconds since 1970, UTC.
    pub recorded_unix_s: Option<u64>,
    /// The valid samples to be fitted.
    pub samples: Vec<Sample>,
    /// The valid samples that judge the map.
    pub checks: Vec<Sample>,
    /// Where the head was at the samples to be fitted, where it says so.
    pub heads: Vec<HeadSample>,
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
    let mut recording = Recording::default();
    let columns = if first.trim_start().starts_with('{') {
        None
    } else {
        Some(Columns::of(first)?)
    };
    for (n, (i, line)) in lines().enumerate().skip(usize::from(columns.is_some())) {
        let at = |what| SamplesError::Line { line: i + 1, what };
        let row = match &columns {
            Some(columns) => columns.row(line),
            None if n == 0 && says_setup(line) => {
                let first: FirstLine = serde_json::from_str(line).map_err(|e| at(e.to_string()))?;
                recording.setup = Some(first.setup.into());
                recording.recorded_unix_s = first.recorded_unix_s;
                continue;
            }
            None => serde_json::from_str(line).map_err(|e| e.to_string()),
        };
        row.and_then(|row| row.put_into(&mut recording))
            .map_err(at)?;
    }
    Ok(recording)
}

/// Whether a line begins as [`FirstLine`], so that its mistakes are told as that one's.
fn says_setup(line: &str) -> bool {
    let key = line.trim_start().trim_start_matches('{').trim_start();
    [r#""setup""#, r#""recorded_unix_s""#]
        .iter()
        .any(|k| key.starts_with(k))
}

/// The first line of the JSON kind.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstLine {
    setup: SetupRecord,
    recorded_unix_s: Option<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SetupRecord {
    user: String,
    camera: String,
    network: String,
    display: DisplayRecord,
}

impl From<SetupRecord> for Setup {
    fn from(r: SetupRecord) -> Self {
        Self {
            user: r.user,
            camera: r.camera,
            display: r.display,
            network: r.network,
        }
    }
}

/// Writes the looks of a sitting as JSON lines that [`read`] and `gaze-calib fit` take:
/// whole or not at all.
///
/// # Errors
/// Of the system; nothing is left behind then.
pub fn write(path: &Path, plan: &Plan, points: &[Point]) -> io::Result<()> {
    let setup = &plan.setup;
    let mut text = serde_json::to_vec(&FirstLine {
        setup: SetupRecord {
            user: setup.user.clone(),
            camera: setup.camera.clone(),
            network: setup.network.clone(),
            display: setup.display.clone(),
        },
        recorded_unix_s: Some(plan.created_unix_s),
    })?;
    for point in points {
        for look in &point.looks {
            text.push(b'\n');
            serde_json::to_writer(&mut text, &Row::of(point, look))?;
        }
    }
    text.push(b'\n');
    replace(path, &text)
}

/// One line. A sample that is not valid may lack its point.
#[derive(Debug, Serialize, Deserialize)]
struct Row {
    target_x: f64,
    target_y: f64,
    raw_x: Option<f64>,
    raw_y: Option<f64>,
    #[serde(default = "yes")]
    valid: bool,
    /// It judges the map.
    #[serde(default)]
    checking: bool,
    /// Where the eyes were: camera frame, mm.
    eyes_mm: Option<[Option<f64>; 3]>,
    /// Yaw, pitch, roll.
    head_deg: Option<[Option<f64>; 3]>,
    openness: Option<[Option<f64>; 2]>,
    /// How far the network expected to be off, degrees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spread_deg: Option<f64>,
    captured_ns: Option<u64>,
}

fn yes() -> bool {
    true
}

impl Row {
    fn of(point: &Point, look: &Counted) -> Self {
        // JSON has no NaN: it is written, and read, as null.
        Self {
            target_x: point.target[0],
            target_y: point.target[1],
            raw_x: Some(look.point[0]),
            raw_y: Some(look.point[1]),
            valid: true,
            checking: point.checking,
            eyes_mm: Some(look.eyes_mm.map(Some)),
            head_deg: Some(look.head_deg.map(Some)),
            openness: Some(look.openness.map(Some)),
            spread_deg: look.spread_deg,
            captured_ns: Some(look.captured_ns),
        }
    }

    fn put_into(self, recording: &mut Recording) -> Result<(), String> {
        if !self.valid {
            recording.invalid += 1;
            return Ok(());
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
        let sample = ([x, y], [self.target_x, self.target_y]);
        if self.checking {
            recording.checks.push(sample);
        } else {
            recording.heads.extend(self.head());
            recording.samples.push(sample);
        }
        Ok(())
    }

    fn head(&self) -> Option<HeadSample> {
        let [x, y, z] = self.eyes_mm?;
        let [yaw, pitch, _] = self.head_deg?;
        let [left, right] = self.openness?;
        Some(HeadSample {
            eye_mm: [x?, y?, z?],
            yaw_pitch_deg: [yaw?, pitch?],
            openness: left?.max(right?),
            spread_deg: self.spread_deg,
        })
    }
}

/// Where the header has the columns.
struct Columns {
    target: [usize; 2],
    raw: [usize; 2],
    valid: Option<usize>,
    checking: Option<usize>,
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
            checking: find("checking"),
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
        let flag = |column: Option<usize>, name: &str, missing: bool| match column
            .map(field)
            .transpose()?
        {
            None => Ok(missing),
            Some("1" | "true" | "True") => Ok(true),
            Some("0" | "false" | "False") => Ok(false),
            Some(other) => Err(format!("{name} is {other:?}, not 0, 1, true or false")),
        };
        Ok(Row {
            target_x: number(self.target[0])?,
            target_y: number(self.target[1])?,
            raw_x: optional(self.raw[0])?,
            raw_y: optional(self.raw[1])?,
            valid: flag(self.valid, "valid", true)?,
            checking: flag(self.checking, "checking", false)?,
            eyes_mm: None,
            head_deg: None,
            openness: None,
            spread_deg: None,
            captured_ns: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Kind;
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
            ..Recording::default()
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

    #[test]
    fn what_a_sitting_writes_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("looks.jsonl");
        let look = Counted {
            point: [0.3, 0.4],
            captured_ns: 5,
            eyes_mm: [1.0, 2.0, 600.0],
            head_deg: [3.0, -4.0, 0.0],
            openness: [0.8, 0.9],
            spread_deg: Some(3.5),
        };
        let headless = Counted {
            eyes_mm: [f64::NAN; 3],
            ..look
        };
        let point = |target, checking, looks| Point {
            target,
            checking,
            looks,
        };
        let points = [
            point([0.1, 0.1], false, vec![look, headless]),
            point([0.6, 0.2], true, vec![look]),
            point([0.9, 0.9], false, vec![]),
        ];
        let setup = Setup {
            user: "ada".into(),
            camera: "cam \"0\"".into(),
            network: "net".into(),
            display: DisplayRecord::of("eDP-1", &gaze::screen::Screen::laptop(1512, 982)),
        };
        let plan = Plan {
            kind: Kind::Calibrate { targets: 9 },
            setup: setup.clone(),
            previous: None,
            seed: 1,
            created_unix_s: 1_790_000_000,
        };
        write(&path, &plan, &points).unwrap();
        let read = read(&path).unwrap();
        assert_eq!(read.setup, Some(setup));
        assert_eq!(read.recorded_unix_s, Some(plan.created_unix_s));
        assert_eq!(read.samples, [([0.3, 0.4], [0.1, 0.1]); 2]);
        assert_eq!(read.checks, [([0.3, 0.4], [0.6, 0.2])]);
        let head = HeadSample {
            eye_mm: [1.0, 2.0, 600.0],
            yaw_pitch_deg: [3.0, -4.0],
            openness: 0.9,
            spread_deg: Some(3.5),
        };
        assert_eq!(read.heads, [head]);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(write(&folder.path().join("no/folder"), &plan, &points).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        let csv = "target_x,target_y,raw_x,raw_y,checking\n0,0,1,1,0\n0,1,2,2,1\n";
        let read = parse(csv).unwrap();
        assert_eq!((read.samples.len(), read.checks.len()), (1, 1));
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
