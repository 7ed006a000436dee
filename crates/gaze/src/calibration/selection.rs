//! Who sits in front of which display: the file `selection` beside the calibrations.
//!
//! `gaze-calib run` and `gaze-calib use NAME` write it, `gazed` follows it while
//! it runs. It holds the display's measures as well, so that the daemon meets
//! lines of sight with the right rectangle also before there is a calibration.
//!
//! ```json
//! {"schema": 1, "user": "ada",
//!  "display": {"id": "eDP-1", "width_px": 1512, "height_px": 982, "width_mm": 302.0, "height_mm": 196.0,
//!              "camera": {"x_norm": 0.5, "above_mm": 5.0, "forward_mm": 0.0, "tilt_deg": 0.0}}}
//! ```
//!
//! `display` is `null` where nobody has chosen one.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::DisplayRecord;
use super::atomic::replace;
use super::file::{FileError, Written, keep_other, read_plain};

/// The file's name. Without an ending: it is not taken for a calibration.
pub const FILE_NAME: &str = "selection";
/// Version of the file's layout.
pub const SCHEMA: u32 = 1;
/// No selection is larger than this; what is, is something else.
const LARGEST: u64 = 1 << 16;

/// What is selected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Whose calibration is in force.
    pub user: String,
    /// On which display, with its measures; `None` where nobody has chosen one.
    pub display: Option<DisplayRecord>,
}

impl Selection {
    /// A selection of this program's schema.
    pub fn new(user: impl Into<String>, display: Option<DisplayRecord>) -> Self {
        Self {
            schema: SCHEMA,
            user: user.into(),
            display,
        }
    }

    /// What is wrong with it, in one phrase.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn validate(&self) -> Result<(), &'static str> {
        if self.schema != SCHEMA {
            return Err("it is of another schema: run gaze-calib use NAME");
        }
        if self.user.is_empty() {
            return Err("user is empty: run gaze-calib use NAME");
        }
        let Some(display) = &self.display else {
            return Ok(());
        };
        let sides = [
            f64::from(display.width_px),
            f64::from(display.height_px),
            display.width_mm,
            display.height_mm,
        ];
        let place = display.camera;
        let place = [
            place.x_norm,
            place.above_mm,
            place.forward_mm,
            place.tilt_deg,
        ];
        if display.id.is_empty()
            || !sides.iter().all(|v| v.is_finite() && *v > 0.0)
            || !place.iter().all(|v| v.is_finite())
        {
            return Err("its display has no sensible measures: run gaze-calib use NAME");
        }
        Ok(())
    }
}

/// The selection of a folder of calibrations.
///
/// # Errors
/// [`FileError`]; [`FileError::NotFound`] where nobody has selected anything.
pub fn load(folder: &Path) -> Result<Selection, FileError> {
    let path = folder.join(FILE_NAME);
    let text = read_plain(&path, LARGEST)?;
    let selection: Selection = serde_json::from_slice(&text).map_err(|source| {
        let path = path.clone();
        FileError::Syntax { path, source }
    })?;
    match selection.validate() {
        Ok(()) => Ok(selection),
        Err(reason) => Err(FileError::Selection { path, reason }),
    }
}

/// Writes the selection into a folder of calibrations, whole or not at all. Of one that cannot
/// be read a copy is kept.
///
/// # Errors
/// [`FileError`]; the old selection is still there then.
pub fn write(selection: &Selection, folder: &Path) -> Result<Written, FileError> {
    let path = folder.join(FILE_NAME);
    if let Err(reason) = selection.validate() {
        return Err(FileError::Selection { path, reason });
    }
    let mut text = serde_json::to_vec_pretty(selection).map_err(|source| {
        let path = path.clone();
        FileError::Syntax { path, source }
    })?;
    text.push(b'\n');
    let matter = match load(folder) {
        Ok(_) | Err(FileError::NotFound { .. }) => None,
        Err(error) => Some(error),
    };
    let kept = keep_other(&path, matter)?;
    replace(&path, &text)?;
    Ok(Written { path, kept })
}

/// The login name as the shell has it: whose calibration it is where nobody says.
pub fn login_name() -> String {
    let mut names = ["USER", "LOGNAME"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok());
    names
        .find(|name| !name.is_empty())
        .unwrap_or_else(|| "default".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::Screen;
    use std::fs;

    fn selected() -> Selection {
        let display = DisplayRecord::of("eDP-1", &Screen::laptop(1512, 982));
        Selection::new("Ada L", Some(display))
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("a/b");
        assert!(matches!(load(&folder), Err(FileError::NotFound { .. })));
        for selection in [selected(), Selection::new("bob", None)] {
            write(&selection, &folder).unwrap();
            assert_eq!(load(&folder).unwrap(), selection);
        }
        let names: Vec<_> = fs::read_dir(&folder)
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(names, [FILE_NAME]);
    }

    #[test]
    fn a_damaged_selection_is_refused_and_the_old_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        write(&selected(), folder).unwrap();
        let mut flat = selected();
        flat.display.as_mut().unwrap().width_mm = f64::NAN;
        let foreign = Selection {
            schema: 2,
            ..selected()
        };
        for bad in [flat, foreign, Selection::new("", None)] {
            assert!(
                matches!(write(&bad, folder), Err(FileError::Selection { .. })),
                "{bad:?}"
            );
            assert_eq!(load(folder).unwrap(), selected());
        }
        for text in [
            "",
            "{\"schema\": 1, \"user\": \"ada\"",
            "[]",
            "{\"schema\": 2, \"user\": \"ada\", \"display\": null}",
            "{\"schema\": 1, \"user\": \"\", \"display\": null}",
        ] {
            fs::write(folder.join(FILE_NAME), text).unwrap();
            let line = load(folder).unwrap_err().to_string();
            assert!(line.contains(FILE_NAME) && !line.contains('\n'), "{line}");
        }
        // What cannot be read is kept aside.
        fs::write(folder.join(FILE_NAME), "scribbles").unwrap();
        let kept = write(&selected(), folder).unwrap().kept.unwrap();
        assert!(kept.reason.contains("line 1"), "{kept:?}");
        assert_eq!(fs::read(&kept.path).unwrap(), b"scribbles");
        assert_eq!(kept.path, folder.join("selection.bak"));
        assert_eq!(write(&selected(), folder).unwrap().kept, None);
        fs::remove_file(folder.join(FILE_NAME)).unwrap();
        fs::create_dir(folder.join(FILE_NAME)).unwrap();
        assert!(matches!(load(folder), Err(FileError::NotAFile { .. })));
    }
}
