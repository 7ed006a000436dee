//! Settings of faces and eye contact.

use std::path::PathBuf;

use gaze::contact::{ContactSettings, Recalibration};
use serde::Deserialize;
use vision::Choice;

use crate::settings::SettingsError;

/// Eye contact; every key may be left out.
#[derive(Debug, Clone, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct ContactKeys {
    /// The smoothed probability from which contact begins.
    pub on: Option<f64>,
    /// The one below which it ends.
    pub off: Option<f64>,
    /// Faces narrower than this are unknown, pixels.
    pub least_face_px: Option<f64>,
    /// Time constant of the smoothing, seconds.
    pub smooth_s: Option<f64>,
    /// A change must last so long, seconds.
    pub debounce_s: Option<f64>,
    /// What was known stays so long without evidence, seconds.
    pub hold_s: Option<f64>,
    /// Single probabilities' logarithms of odds are multiplied by this …
    pub slope: Option<f64>,
    /// … and this is added, before they are smoothed.
    pub offset: Option<f64>,
    /// The ONNX file of a contact network; geometry tells without one.
    pub network: Option<PathBuf>,
    /// It looks at every so many-th frame.
    pub every: Option<u32>,
}

/// Who is the primary face, and when a face is in contact.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FaceWish {
    /// Who.
    pub primary: Choice,
    /// When.
    pub contact: ContactSettings,
    /// The contact network looks at every so many-th frame; 0 and 1 are all.
    pub every: u32,
}

/// A choice by the name people write: nearest, first, central, or an id.
pub fn parse_choice(name: &str) -> Option<Choice> {
    Some(match name {
        "nearest" => Choice::Nearest,
        "first" => Choice::First,
        "central" => Choice::Central,
        id => Choice::Id(id.parse().ok().filter(|id| *id > 0)?),
    })
}

fn demand(
    key: &'static str,
    value: f64,
    holds: bool,
    want: &'static str,
) -> Result<(), SettingsError> {
    if holds {
        return Ok(());
    }
    Err(SettingsError::OutOfRange {
        key,
        value: value.to_string(),
        want,
    })
}

impl ContactKeys {
    /// Checks them and fills in what was left out.
    ///
    /// # Errors
    /// A value makes no sense.
    pub fn settings(&self) -> Result<ContactSettings, SettingsError> {
        let usual = ContactSettings::default();
        let s = ContactSettings {
            on: self.on.unwrap_or(usual.on),
            off: self.off.unwrap_or(usual.off),
            least_face_px: self.least_face_px.unwrap_or(usual.least_face_px),
            smooth_ns: nanos(self.smooth_s, usual.smooth_ns),
            debounce_ns: nanos(self.debounce_s, usual.debounce_ns),
            hold_ns: nanos(self.hold_s, usual.hold_ns),
            recalibration: Recalibration {
                slope: self.slope.unwrap_or(usual.recalibration.slope),
                offset: self.offset.unwrap_or(usual.recalibration.offset),
            },
        };
        let unit = |v: f64| v > 0.0 && v < 1.0;
        demand(
            "contact.on",
            s.on,
            unit(s.on),
            "give more than 0 and less than 1",
        )?;
        let below = unit(s.off) && s.off <= s.on;
        demand(
            "contact.off",
            s.off,
            below,
            "give more than 0 and no more than contact.on",
        )?;
        let px = (0.0..=8192.0).contains(&s.least_face_px);
        demand("contact.least_face_px", s.least_face_px, px, "give pixels")?;
        let Recalibration { slope, offset } = s.recalibration;
        let steep = (0.01..=100.0).contains(&slope);
        demand("contact.slope", slope, steep, "give 0.01 to 100")?;
        let near = (-30.0..=30.0).contains(&offset);
        demand("contact.offset", offset, near, "give -30 to 30")?;
        for (key, value) in [
            ("contact.smooth_s", self.smooth_s),
            ("contact.debounce_s", self.debounce_s),
            ("contact.hold_s", self.hold_s),
        ] {
            let v = value.unwrap_or(0.0);
            demand(key, v, (0.0..=60.0).contains(&v), "give 0 to 60 seconds")?;
        }
        let every = self.every.unwrap_or(1);
        let fine = (1..=1000).contains(&every);
        demand(
            "contact.every",
            f64::from(every),
            fine,
            "give 1 to 1000 frames",
        )?;
        Ok(s)
    }
}

fn nanos(seconds: Option<f64>, usual: u64) -> u64 {
    seconds.map_or(usual, |s| (s * 1e9) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contact_keys_are_checked_and_filled_in() {
        let read = |text: &str| {
            let keys: ContactKeys = serde_json::from_str(text).unwrap();
            keys.settings()
        };
        assert_eq!(read("{}").unwrap(), ContactSettings::default());
        let s = read(r#"{"on": 0.7, "off": 0.6, "debounce_s": 0.25}"#).unwrap();
        assert_eq!((s.on, s.off, s.debounce_ns), (0.7, 0.6, 250_000_000));
        let s = read(r#"{"slope": 0.5, "offset": -1.5}"#).unwrap();
        let line = Recalibration {
            slope: 0.5,
            offset: -1.5,
        };
        assert_eq!(s.recalibration, line);
        for (bad, key) in [
            (r#"{"slope": 0}"#, "contact.slope"),
            (r#"{"offset": 99}"#, "contact.offset"),
            (r#"{"on": 1.0}"#, "contact.on"),
            (r#"{"off": 0.6}"#, "contact.off"),
            (r#"{"hold_s": -1}"#, "contact.hold_s"),
            (r#"{"every": 0}"#, "contact.every"),
        ] {
            let line = read(bad).unwrap_err().to_string();
            assert!(line.contains(key), "{line}");
        }
        assert_eq!(parse_choice("3"), Some(Choice::Id(3)));
        assert_eq!(parse_choice("0"), None);
    }
}
