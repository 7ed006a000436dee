//! How it stands with the calibration, for the header and for people.

use std::path::Path;

use gaze::calibration::{Calibration, FileError};
use ring::layout::{CalibrationNote, CalibrationStatus, Grade, put_text};

/// The longest part of a refusal that a file's name may take: the reason matters.
const LONGEST_NAME: usize = 44;

/// The header's note.
pub fn note(
    in_force: Option<&Calibration>,
    generation: u32,
    user: &str,
    refused: Option<&str>,
    wanted: Option<&Path>,
) -> CalibrationNote {
    let status = match (in_force, refused) {
        (Some(_), None) => CalibrationStatus::InForce,
        (Some(_), Some(_)) => CalibrationStatus::Kept,
        (None, Some(_)) => CalibrationStatus::Refused,
        (None, None) => CalibrationStatus::None,
    };
    let looked_for = match wanted {
        _ if in_force.is_some() => String::new(),
        Some(file) => format!("no {}: run gaze-calib run", short_name(file)),
        None => "the camera is not known yet".to_owned(),
    };
    CalibrationNote {
        status: status.raw(),
        grade: in_force.map_or(Grade::Unknown, |c| grade(c.grade)).raw(),
        generation,
        error: in_force.map_or(f32::NAN, |c| c.expected_error() as f32),
        created_unix_s: in_force.map_or(0, |c| c.created_unix_s),
        user: put_text(in_force.map_or(user, |c| &c.user)),
        text: put_text(refused.unwrap_or(&looked_for)),
    }
}

/// A grade as the header has it.
pub fn grade(grade: gaze::calibration::Grade) -> Grade {
    match grade {
        gaze::calibration::Grade::Failed => Grade::Failed,
        gaze::calibration::Grade::Poor => Grade::Poor,
        gaze::calibration::Grade::Fair => Grade::Fair,
        gaze::calibration::Grade::Good => Grade::Good,
        gaze::calibration::Grade::Excellent => Grade::Excellent,
    }
}

/// Why a file was refused, with its name instead of its whole path: the header
/// has room for one line.
pub fn refusal(file: &Path, error: &FileError) -> String {
    let line = error.to_string();
    let path = file.display().to_string();
    let why = line.strip_prefix(&path).unwrap_or(&line);
    format!(
        "{}: {}",
        short_name(file),
        why.trim_start_matches([':', ' '])
    )
}

/// A file's name, its middle left out where it is long.
pub fn short_name(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let letters: Vec<char> = name.chars().collect();
    if letters.len() <= LONGEST_NAME {
        return name.into_owned();
    }
    let half = (LONGEST_NAME - 1) / 2;
    let (head, tail) = (&letters[..half], &letters[letters.len() - half..]);
    head.iter().chain(['…'].iter()).chain(tail).collect()
}

/// How long ago, in the largest unit that fits.
pub fn age(created_unix_s: u64, now_unix_s: u64) -> String {
    let s = now_unix_s.saturating_sub(created_unix_s);
    let (count, unit) = match s {
        0..=89 => return "just made".to_owned(),
        90..=5399 => (s / 60, "minutes"),
        5400..=129_599 => (s / 3600, "hours"),
        _ => (s / 86_400, "days"),
    };
    format!("{count} {unit} old")
}

/// Seconds since 1970, UTC.
pub fn now_unix_s() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |d| d.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_keeps_its_reason_however_long_the_name_is() {
        let long = format!("{}__cam__edp-1.json", "a".repeat(60));
        let file = Path::new("/home/ada/.config/gaze/calibration").join(long);
        let error = FileError::NotAFile { path: file.clone() };
        let line = refusal(&file, &error);
        assert!(line.starts_with("aaaa") && line.contains("….") || line.contains('…'));
        assert!(
            line.contains("cam__edp-1.json: not a calibration file"),
            "{line}"
        );
        assert!(!line.contains("/home"), "{line}");
        assert!(line.len() < 127, "{line}");
    }

    #[test]
    fn ages_are_told_in_the_largest_unit() {
        for (seconds, words) in [
            (5, "just made"),
            (600, "10 minutes old"),
            (7200, "2 hours old"),
            (86_400 * 3, "3 days old"),
        ] {
            assert_eq!(age(1_000, 1_000 + seconds), words);
        }
        assert_eq!(age(2_000, 1_000), "just made", "a clock that was set back");
    }
}
