//! Who looks at which display through which camera: decided from what is known,
//! without asking the system anything.

use std::path::{Path, PathBuf};

use display::Display;
use gaze::calibration::selection::Selection;
use gaze::calibration::{Calibration, DisplayRecord, NotApplicable, Setup, file_name};
use gaze::screen::Screen;
use ring::layout::{put_text, text_of};

use crate::settings::FileSettings;

/// What a display is called where nobody can list them.
pub const UNNAMED_DISPLAY: &str = "default";

/// All that is known.
#[derive(Debug, Clone, Copy)]
pub struct World<'a> {
    /// Settings file and flags.
    pub settings: &'a FileSettings,
    /// What `gaze-calib` was told last, if anything.
    pub selection: Option<&'a Selection>,
    /// The selection was made after the settings: its user wins.
    pub selection_is_newer: bool,
    /// The login name.
    pub login: &'a str,
    /// The connected displays, the primary one first; empty where there is no list.
    pub displays: &'a [Display],
    /// The camera's name; empty until it is known.
    pub camera: &'a str,
    /// The network's [`network_id`](gaze::calibration::network_id).
    pub network: &'a str,
    /// Where the calibrations lie; `None` without a home folder.
    pub folder: Option<&'a Path>,
}

/// What follows.
#[derive(Debug, Clone, PartialEq)]
pub struct Situation {
    /// Whom and what a calibration must be made for.
    pub setup: Setup,
    /// The file to look for; `None` while the camera is not known.
    pub file: Option<PathBuf>,
    /// The file was named in the settings: it may be anybody's, on any display.
    pub named: bool,
    /// The screen to meet lines of sight with where there is no calibration.
    pub screen: Screen,
    /// Its pixels are the display's own word, not an assumption.
    pub pixels_known: bool,
}

impl Situation {
    /// What to do, given all that is known.
    pub fn of(world: &World) -> Situation {
        let settings = world.settings;
        let user = match (&settings.user, world.selection) {
            (_, Some(s)) if world.selection_is_newer => s.user.clone(),
            (Some(user), _) => user.clone(),
            (None, Some(s)) => s.user.clone(),
            (None, None) => world.login.to_owned(),
        };
        let id = display_id(world);
        let (screen, pixels_known) = screen(world, &id);
        // As the header's field holds it, so that gaze-calib reads the same name.
        let camera = text_of(&put_text::<64>(world.camera));
        let named = settings.calibration.is_some();
        let file = settings.calibration.clone().or_else(|| {
            let known = !camera.is_empty();
            let name = known.then(|| file_name(&user, &camera, &id))?;
            Some(world.folder?.join(name))
        });
        Situation {
            setup: Setup {
                user,
                camera,
                display: DisplayRecord::of(id, &screen),
                network: world.network.to_owned(),
            },
            file,
            named,
            screen,
            pixels_known,
        }
    }

    /// Whether a sound calibration is for this situation.
    ///
    /// # Errors
    /// Why not.
    pub fn suits(&self, calibration: &Calibration) -> Result<(), NotApplicable> {
        if !self.named {
            return calibration.applies_to(&self.setup);
        }
        // Whoever names a file means that file. Only the network is no matter of opinion.
        calibration.applies_to(&Setup {
            user: calibration.user.clone(),
            camera: calibration.camera.clone(),
            display: calibration.display.clone(),
            network: self.setup.network.clone(),
        })
    }

    /// The screen that goes with a calibration: its own millimetres and camera place,
    /// which its map was fitted on, and the display's pixels of now.
    pub fn screen_with(&self, calibration: &Calibration) -> Screen {
        let mut screen = calibration.display.screen();
        if self.pixels_known {
            (screen.width_px, screen.height_px) = (self.screen.width_px, self.screen.height_px);
        }
        screen
    }
}

/// The settings' display, or the selected one while it is connected, or the
/// primary one.
fn display_id(world: &World) -> String {
    if let Some(id) = &world.settings.display {
        return id.clone();
    }
    let connected = |id: &str| world.displays.iter().any(|d| d.id == id);
    let selected = world.selection.and_then(|s| s.display.as_ref());
    match (selected, world.displays) {
        (Some(s), displays) if displays.is_empty() || connected(&s.id) => s.id.clone(),
        (_, [first, ..]) => {
            let primary = world.displays.iter().find(|d| d.primary);
            primary.unwrap_or(first).id.clone()
        }
        (_, []) => UNNAMED_DISPLAY.to_owned(),
    }
}

/// The rectangle to assume: what the settings say, else what was selected, else
/// what the display says of itself, else a laptop's. And whether its pixels are known.
fn screen(world: &World, id: &str) -> (Screen, bool) {
    let settings = world.settings;
    let listed = world.displays.iter().find(|d| d.id == id);
    let selected = world
        .selection
        .and_then(|s| s.display.as_ref())
        .filter(|d| d.id == id);
    let pixels = settings
        .display_px
        .map(|[w, h]| (w, h))
        .or(listed.map(|d| (d.width_px, d.height_px)))
        .or(selected.map(|d| (d.width_px, d.height_px)));
    let mut screen = pixels.map_or_else(Screen::default, |(w, h)| Screen::laptop(w, h));
    if let Some(s) = selected {
        let s = s.screen();
        (screen.width_mm, screen.height_mm) = (s.width_mm, s.height_mm);
        screen.camera = s.camera;
    } else if let Some(d) = listed.filter(|d| d.measured) {
        (screen.width_mm, screen.height_mm) = (d.width_mm, d.height_mm);
    }
    if let Some([w, h]) = settings.display_mm {
        (screen.width_mm, screen.height_mm) = (w, h);
    }
    if let Some([right, up]) = settings.camera_mm {
        screen.camera.x_norm = 0.5 + right / screen.width_mm;
        screen.camera.above_mm = up;
    }
    (screen, pixels.is_some())
}

#[cfg(test)]
#[path = "situation_tests.rs"]
mod tests;
