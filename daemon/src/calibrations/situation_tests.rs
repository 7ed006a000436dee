//! Made-up worlds.

use super::*;

fn display(id: &str, width_px: u32, primary: bool) -> Display {
    Display {
        id: id.into(),
        native: 0,
        x: 0,
        y: 0,
        width_px,
        height_px: width_px / 2,
        points: (f64::from(width_px), f64::from(width_px / 2)),
        width_mm: 400.0,
        height_mm: 200.0,
        measured: true,
        primary,
    }
}

fn selection(user: &str, id: &str) -> Selection {
    let screen = Screen {
        width_mm: 344.0,
        height_mm: 194.0,
        ..Screen::laptop(1600, 900)
    };
    Selection::new(user, Some(DisplayRecord::of(id, &screen)))
}

struct Known {
    settings: FileSettings,
    selection: Option<Selection>,
    newer: bool,
    displays: Vec<Display>,
    camera: &'static str,
}

impl Known {
    fn nothing() -> Self {
        Known {
            settings: FileSettings::default(),
            selection: None,
            newer: false,
            displays: vec![],
            camera: "cam",
        }
    }

    fn situation(&self) -> Situation {
        Situation::of(&World {
            settings: &self.settings,
            selection: self.selection.as_ref(),
            selection_is_newer: self.newer,
            login: "login",
            displays: &self.displays,
            camera: self.camera,
            network: "net-1",
            folder: Some(Path::new("/c")),
        })
    }
}

fn user(known: &Known) -> String {
    known.situation().setup.user
}

fn id(known: &Known) -> String {
    known.situation().setup.display.id
}

#[test]
fn the_user_is_named_selected_or_logged_in() {
    let mut known = Known::nothing();
    assert_eq!(user(&known), "login");
    known.selection = Some(Selection::new("sel", None));
    assert_eq!(user(&known), "sel");
    known.settings.user = Some("set".into());
    assert_eq!(user(&known), "set");
    known.newer = true;
    assert_eq!(user(&known), "sel", "selected while the daemon runs");
}

#[test]
fn the_display_is_named_selected_or_primary() {
    let mut known = Known::nothing();
    assert_eq!(id(&known), "default");
    known.selection = Some(selection("a", "sel"));
    assert_eq!(id(&known), "sel", "no list to check with");
    known.displays = vec![display("one", 800, false), display("two", 1000, true)];
    assert_eq!(id(&known), "two", "the selected one is not connected");
    known.displays.push(display("sel", 1200, false));
    assert_eq!(id(&known), "sel");
    known.settings.display = Some("mine".into());
    assert_eq!(id(&known), "mine");
}

#[test]
fn the_file_follows_from_user_camera_and_display() {
    let mut known = Known::nothing();
    let file = known.situation().file;
    assert_eq!(file, Some("/c/login__cam__default.json".into()));
    known.camera = "";
    assert_eq!(known.situation().file, None);
    known.settings.calibration = Some("mine.json".into());
    let s = known.situation();
    assert_eq!((s.file, s.named), (Some("mine.json".into()), true));
    // As the header's field of 64 bytes holds it.
    known.camera = "cameras with names that go on and on, further than any field in memory";
    let camera = known.situation().setup.camera;
    assert_eq!(
        (camera.len(), known.camera.starts_with(&camera)),
        (63, true)
    );
}

#[test]
fn measures_come_from_settings_selection_list_or_a_laptop() {
    let mut known = Known::nothing();
    let s = known.situation();
    assert_eq!((s.screen, s.pixels_known), (Screen::default(), false));
    known.displays = vec![display("sel", 1200, true)];
    let s = known.situation();
    assert_eq!(
        (s.screen.width_px, s.screen.width_mm, s.pixels_known),
        (1200, 400.0, true)
    );
    known.selection = Some(selection("a", "sel"));
    let s = known.situation();
    // Pixels change with the resolution, millimetres were asked for.
    assert_eq!((s.screen.width_px, s.screen.width_mm), (1200, 344.0));
    known.settings.display_px = Some([640, 480]);
    known.settings.display_mm = Some([300.0, 150.0]);
    known.settings.camera_mm = Some([30.0, -4.0]);
    let screen = known.situation().screen;
    assert_eq!((screen.width_px, screen.height_mm), (640, 150.0));
    assert_eq!((screen.camera.x_norm, screen.camera.above_mm), (0.6, -4.0));
}
