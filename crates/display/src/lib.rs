//! Which displays are connected.
//!
//! `gaze-calib` stores a map for the display that it ran on, `gazed` looks for the map of
//! the display that is there: both ask here, so that both call it the same.
//!
//! | system | asked | a display is called |
//! |---|---|---|
//! | Linux, BSD | RandR 1.5 of the X server in `DISPLAY` (under Wayland: XWayland) | its output, `eDP-1` |
//! | macOS | Core Graphics | `builtin`, or `<vendor>-<model>-<serial>` in hexadecimal |
//!
//! The Mac's part is type-checked only; it has not yet run on one.

mod patience;

use std::time::Duration;

use patience::Patient;

#[cfg(target_os = "macos")]
#[path = "mac.rs"]
mod system;
#[cfg(all(unix, not(target_os = "macos")))]
#[path = "x11.rs"]
mod system;

/// A connected display.
#[derive(Debug, Clone, PartialEq)]
pub struct Display {
    /// A name that is the same at the next start.
    pub id: String,
    /// The system's number for it until it is unplugged: the RandR output, or the
    /// `CGDirectDisplayID`.
    pub native: u32,
    /// Left edge on the desktop, in the desktop's units (X11: pixels; macOS: points).
    pub x: i32,
    /// Upper edge on the desktop, in the same units.
    pub y: i32,
    /// Pixels across, as they are now.
    pub width_px: u32,
    /// Pixels down.
    pub height_px: u32,
    /// Its size on the desktop in the same units as its place; smaller than the pixels where
    /// several of them make a point.
    pub points: (f64, f64),
    /// Width of the visible area in millimetres: the display's own word, or
    /// [`GUESSED_DPI`] where it has none.
    pub width_mm: f64,
    /// Height of the visible area in millimetres.
    pub height_mm: f64,
    /// Whether the millimetres are the display's own word.
    pub measured: bool,
    /// The display with the menu or the task bar.
    pub primary: bool,
}

/// Pixels an inch where a display does not tell its size.
pub const GUESSED_DPI: f64 = 96.0;

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum DisplayError {
    /// No desktop to ask.
    #[error("no display: {0}; start it from the desktop, or set DISPLAY")]
    NoDesktop(String),
    /// The desktop answered nonsense, or nothing.
    #[error("the desktop did not list its displays: {0}")]
    Refused(String),
    /// The desktop hangs.
    #[error("the desktop has not listed its displays within {} s: does it hang?", PATIENCE.as_secs())]
    Silent,
    /// A system that is not supported.
    #[error("displays cannot be listed on this system")]
    Unsupported,
}

/// A desktop that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(1);

/// All connected displays, the primary one first. Never empty.
///
/// Asks the system each time, which takes milliseconds: not for the way from frame to sample.
/// A desktop that hangs is waited for for a second, and then not at all until it answers.
///
/// # Errors
/// [`DisplayError`] in one line.
pub fn list() -> Result<Vec<Display>, DisplayError> {
    static DESKTOP: Patient = Patient::new();
    let mut found = DESKTOP
        .ask(PATIENCE, system::list)
        .unwrap_or(Err(DisplayError::Silent))?;
    found.retain(|d| d.width_px > 0 && d.height_px > 0);
    if found.is_empty() {
        return Err(DisplayError::Refused("it knows of none".into()));
    }
    if !found.iter().any(|d| d.primary) {
        found[0].primary = true;
    }
    found.sort_by_key(|d| !d.primary);
    Ok(found)
}

/// The display's own millimetres where they make sense, or a guess. Projectors say 0,
/// and some televisions give their aspect ratio (16 × 9) for their size.
fn millimetres(px: (u32, u32), mm: (f64, f64)) -> (f64, f64, bool) {
    let (across, down) = (mm.0 / f64::from(px.0), mm.1 / f64::from(px.1));
    let plausible = |pitch: f64| (0.03..3.0).contains(&pitch);
    if plausible(across) && plausible(down) && (0.5..2.0).contains(&(across / down)) {
        return (mm.0, mm.1, true);
    }
    let pitch = 25.4 / GUESSED_DPI;
    (f64::from(px.0) * pitch, f64::from(px.1) * pitch, false)
}

#[cfg(not(unix))]
mod system {
    pub fn list() -> Result<Vec<super::Display>, super::DisplayError> {
        Err(super::DisplayError::Unsupported)
    }
}

#[cfg(test)]
mod tests {
    use super::millimetres;

    #[test]
    fn sizes_that_no_display_has_are_guessed() {
        assert_eq!(
            millimetres((1512, 982), (302.0, 196.0)),
            (302.0, 196.0, true)
        );
        for nonsense in [(0.0, 0.0), (16.0, 9.0), (160.0, 1900.0), (f64::NAN, 200.0)] {
            let (w, h, measured) = millimetres((1920, 1080), nonsense);
            assert!(!measured, "{nonsense:?}");
            assert!((w - 508.0).abs() < 1e-9 && (h - 285.75).abs() < 1e-9);
        }
    }
}
