//! Made-up folders and times.

use super::*;
use gaze::affine::{Affine, FitOptions, Form, FormChoice, Sample, fit_with};
use gaze::calibration::{DisplayRecord, Setup};
use gaze::screen::Screen;
use ring::layout::{CalibrationStatus, text_of};
use tempfile::TempDir;

const NETWORK: &str = "geometric-3-00000000000000ab";

fn setup(user: &str, display: &str) -> Setup {
    let screen = Screen {
        width_mm: 344.0,
        height_mm: 194.0,
        ..Screen::laptop(1600, 900)
    };
    Setup {
        user: user.into(),
        camera: "cam".into(),
        display: DisplayRecord::of(display, &screen),
        network: NETWORK.into(),
    }
}

/// A calibration whose map is near a scale of `scale` about the middle.
fn made(setup: &Setup, scale: f64) -> Calibration {
    let samples: Vec<Sample> = (0..9)
        .map(|i| {
            let t = [0.1 + 0.4 * f64::from(i % 3), 0.1 + 0.4 * f64::from(i / 3)];
            let wobble = 0.004 * f64::from(i * i % 5 - 2);
            let raw = t.map(|v| 0.5 + (v - 0.5) / scale + wobble);
            (raw, t)
        })
        .collect();
    let options = FitOptions {
        form: FormChoice::Only(Form::Affine),
        ..FitOptions::default()
    };
    Calibration::from_fit(
        &fit_with(&samples, options).unwrap(),
        setup,
        None,
        vec![],
        1_790_000_000,
    )
}

/// A keeper over a folder of its own, and a clock that stands.
struct Bench {
    folder: TempDir,
    keeper: Keeper,
    now: Instant,
    displays: Vec<Display>,
}

impl Bench {
    fn new(settings: FileSettings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fixed = Fixed {
            folder: Some(folder.path().join("c")),
            network: NETWORK.into(),
            login: "ada".into(),
        };
        Bench {
            folder,
            keeper: Keeper::new(fixed, settings),
            now: Instant::now(),
            displays: vec![],
        }
    }

    fn calibrations(&self) -> PathBuf {
        self.folder.path().join("c")
    }

    fn store(&self, calibration: &Calibration) -> PathBuf {
        let written = calibration::write(calibration, &self.calibrations());
        written.unwrap().path
    }

    fn look(&mut self) -> bool {
        self.keeper.look(self.now, "cam", &self.displays)
    }

    /// Looks until after a file that is away counts as gone.
    fn look_later(&mut self) {
        self.look();
        self.now += ABSENCE;
        self.look();
    }

    /// Map, generation and status in force.
    fn state(&self) -> (Option<Affine>, u32, CalibrationStatus) {
        let m = self.keeper.mapping();
        assert_eq!(
            m.generation(),
            m.note.generation,
            "header and samples agree"
        );
        (m.calibration, m.generation(), m.note.status())
    }

    fn text(&self) -> String {
        text_of(&self.keeper.mapping().note.text)
    }
}

#[test]
fn a_file_takes_effect_whole_and_only_when_it_says_something_new() {
    let mut b = Bench::new(FileSettings::default());
    b.look();
    assert_eq!(b.state(), (None, 0, CalibrationStatus::None));
    assert_eq!(b.text(), "no ada__cam__default.json: run gaze-calib run");
    let first = made(&setup("ada", "default"), 1.2);
    b.store(&first);
    assert!(b.look());
    assert_eq!(
        b.state(),
        (Some(first.effective_map()), 1, CalibrationStatus::InForce)
    );
    let m = b.keeper.mapping().clone();
    // Map and geometry go together.
    assert_eq!((m.screen, m.display_version), (first.display.screen(), 2));
    assert_eq!(
        (m.note.error, b.text()),
        (first.expected_error() as f32, String::new())
    );
    // The same again, also in another hand's formatting, is no news.
    let path = b.store(&first);
    std::fs::write(&path, serde_json::to_vec(&first).unwrap()).unwrap();
    assert!(!b.look());
    let second = made(&setup("ada", "default"), 0.9).repaired([0.01, 0.02], 1_790_000_001);
    b.store(&second);
    assert!(b.look());
    assert_eq!(
        b.state(),
        (Some(second.effective_map()), 2, CalibrationStatus::InForce)
    );
    assert_eq!(b.keeper.mapping().display_version, 2, "the same geometry");
}

#[test]
fn what_is_not_good_changes_nothing_but_the_note() {
    let b = Bench::new(FileSettings::default());
    let good = made(&setup("ada", "default"), 1.2);
    let path = b.store(&good);
    let text = std::fs::read_to_string(&path).unwrap();
    let edit = |from: &str, to: &str| {
        let edited = text.replacen(from, to, 1);
        assert_ne!(edited, text, "{from}");
        edited
    };
    let bad = [
        (String::new(), "EOF"),
        (text[..text.len() / 2].to_owned(), "EOF"),
        ("[]".to_owned(), "line 1"),
        (edit("\"schema\": 2", "\"schema\": 3"), "schema"),
        (edit("\"excellent\"", "\"failed\""), "grade is failed"),
        (edit("\"excellent\"", "\"good\""), "mixed up"),
        (edit("\"ada\"", "\"bob\""), "bob's, not ada's"),
        (edit("\"cam\"", "\"another\""), "camera another"),
        (edit("\"default\"", "\"eDP-1\""), "display eDP-1"),
        (
            edit(NETWORK, "geometric-1-00000000000000ab"),
            "network geometric-1",
        ),
    ];
    // With nothing in force before, and with a good one.
    for before in [None, Some(&good)] {
        let mut b = Bench::new(FileSettings::default());
        b.store(&good);
        let in_force = before.map(|c| {
            b.look();
            c.effective_map()
        });
        let status = match before {
            Some(_) => CalibrationStatus::Kept,
            None => CalibrationStatus::Refused,
        };
        for (text, reason) in &bad {
            std::fs::write(b.store(&good), text).unwrap();
            assert!(b.look(), "{reason}");
            assert_eq!(
                b.state(),
                (in_force, u32::from(before.is_some()), status),
                "{reason}"
            );
            assert!(
                b.text().starts_with("ada__cam__default.json: ") && b.text().contains(reason),
                "{reason}: {}",
                b.text()
            );
            assert!(!b.look(), "{reason}: no news twice");
        }
        b.store(&good);
        b.look();
        assert_eq!(
            b.state(),
            (Some(good.effective_map()), 1, CalibrationStatus::InForce)
        );
    }
}

#[test]
fn a_file_that_is_away_is_waited_for_and_then_gone() {
    let mut b = Bench::new(FileSettings::default());
    let good = made(&setup("ada", "default"), 1.2);
    let path = b.store(&good);
    b.look();
    for gone in ["the file", "the folder"] {
        let generation = b.state().1;
        match gone {
            "the file" => std::fs::remove_file(&path).unwrap(),
            _ => std::fs::remove_dir_all(b.calibrations()).unwrap(),
        }
        assert!(!b.look() && b.keeper.waits(), "{gone}");
        b.now += ABSENCE / 2;
        assert!(!b.look(), "{gone}");
        b.store(&good);
        assert!(!b.look(), "{gone}: back in time, as it was");
        std::fs::remove_file(&path).unwrap();
        b.look_later();
        assert_eq!(b.state(), (None, 0, CalibrationStatus::None), "{gone}");
        assert!(!b.keeper.waits(), "{gone}");
        b.store(&good);
        assert!(b.look());
        assert_eq!(b.state().0, Some(good.effective_map()), "{gone}");
        assert!(
            b.state().1 > generation,
            "{gone}: a generation is used once"
        );
    }
}

#[test]
fn a_selection_switches_the_user_at_once() {
    let settings = FileSettings {
        user: Some("bob".into()),
        ..FileSettings::default()
    };
    let mut b = Bench::new(settings.clone());
    let (ada, bob) = (
        made(&setup("ada", "default"), 1.2),
        made(&setup("bob", "default"), 0.8),
    );
    b.store(&ada);
    b.store(&bob);
    let select = |b: &Bench, user: &str| {
        selection::write(&Selection::new(user, None), &b.calibrations()).unwrap();
    };
    select(&b, "ada");
    b.look();
    assert_eq!(
        b.state().0,
        Some(bob.effective_map()),
        "named when it was started"
    );
    select(&b, "eve");
    assert!(b.look());
    assert_eq!(
        b.state(),
        (None, 0, CalibrationStatus::None),
        "nobody else's map"
    );
    assert_eq!(text_of(&b.keeper.mapping().note.user), "eve");
    select(&b, "ada");
    b.look();
    assert_eq!(b.state().0, Some(ada.effective_map()));
    // A broken one changes nothing.
    std::fs::write(b.calibrations().join(selection::FILE_NAME), "{").unwrap();
    b.look();
    assert_eq!(
        (b.state().0, b.state().2),
        (Some(ada.effective_map()), CalibrationStatus::Kept)
    );
    assert!(b.text().starts_with("selection: "), "{}", b.text());
    // Without one, whom the settings name, or who is logged in.
    std::fs::remove_file(b.calibrations().join(selection::FILE_NAME)).unwrap();
    b.look_later();
    assert_eq!(b.state().0, Some(bob.effective_map()));
    b.keeper.set_settings(FileSettings::default());
    b.look();
    assert_eq!(b.state().0, Some(ada.effective_map()));
}

#[test]
fn another_resolution_keeps_the_map_and_another_display_has_its_own() {
    let display = |id: &str, width_px, height_px| Display {
        id: id.into(),
        native: 0,
        x: 0,
        y: 0,
        width_px,
        height_px,
        points: (f64::from(width_px), f64::from(height_px)),
        width_mm: 500.0,
        height_mm: 300.0,
        measured: true,
        primary: true,
    };
    let mut b = Bench::new(FileSettings::default());
    let one = made(&setup("ada", "one"), 1.2);
    let two = made(&setup("ada", "two"), 0.8);
    b.store(&one);
    b.displays = vec![display("one", 1600, 900)];
    b.look();
    let before = b.keeper.mapping().clone();
    assert_eq!(before.calibration, Some(one.effective_map()));
    b.displays = vec![display("one", 1280, 720)];
    assert!(b.look());
    let after = b.keeper.mapping().clone();
    assert_eq!(
        (after.calibration, after.generation()),
        (before.calibration, 1)
    );
    assert_eq!(
        (after.screen.width_px, after.screen.width_mm),
        (1280, 344.0)
    );
    assert_eq!(after.display_version, before.display_version + 1);
    b.displays = vec![display("two", 1280, 720)];
    b.look();
    assert_eq!(b.state(), (None, 0, CalibrationStatus::None));
    assert_eq!(
        b.keeper.mapping().screen.width_mm,
        500.0,
        "what the display says"
    );
    b.store(&two);
    b.look();
    assert_eq!(b.state().0, Some(two.effective_map()));
    b.displays = vec![display("one", 1600, 900)];
    b.look();
    assert_eq!(b.state().0, Some(one.effective_map()));
    // The camera likewise.
    b.keeper.look(b.now, "another camera", &b.displays);
    assert_eq!(b.state().0, None);
}

#[test]
fn a_named_file_may_be_anybodys_but_not_another_networks() {
    let mut b = Bench::new(FileSettings::default());
    let theirs = made(&setup("eve", "tv"), 1.2);
    let foreign = Calibration {
        network: "other-1".into(),
        ..theirs.clone()
    };
    let named = |path: PathBuf| FileSettings {
        calibration: Some(path),
        ..FileSettings::default()
    };
    let path = b.store(&theirs);
    b.keeper.set_settings(named(path));
    b.look();
    assert_eq!(b.state().0, Some(theirs.effective_map()));
    let path = b.store(&foreign);
    b.look();
    assert_eq!(
        (b.state().0, b.state().2),
        (Some(theirs.effective_map()), CalibrationStatus::Kept)
    );
    // Named no more: it is not ada's, and nobody is looking for it.
    b.keeper.set_settings(FileSettings::default());
    b.look();
    assert_eq!(b.state(), (None, 0, CalibrationStatus::None));
    b.keeper.set_settings(named(path));
    b.look();
    assert_eq!(b.state(), (None, 0, CalibrationStatus::Refused));
    assert!(b.text().contains("other-1"), "{}", b.text());
}

#[test]
fn another_network_loses_the_calibration_and_the_first_one_gets_it_back() {
    let mut b = Bench::new(FileSettings::default());
    let [first, second] = [1, 2].map(|n| NetworkTag::new(u32::from(n), "net", &[n; 32]));
    b.keeper.set_network(&first);
    let theirs = Calibration {
        network: first.id(),
        ..made(&setup("ada", "tv"), 1.2)
    };
    b.displays = vec![Display {
        id: "tv".into(),
        native: 0,
        x: 0,
        y: 0,
        width_px: 1920,
        height_px: 1080,
        points: (1920.0, 1080.0),
        width_mm: 500.0,
        height_mm: 300.0,
        measured: true,
        primary: true,
    }];
    b.store(&theirs);
    assert!(b.look());
    assert_eq!(b.state().0, Some(theirs.effective_map()));
    assert_eq!(b.keeper.mapping().network, 1);

    b.keeper.set_network(&second);
    assert!(b.look(), "a mapping for it");
    assert_eq!(b.state(), (None, 0, CalibrationStatus::Refused));
    assert_eq!(b.keeper.mapping().network, 2);
    assert!(b.text().contains(&first.id()), "{}", b.text());
    assert!(!b.look(), "nothing new");

    // The same network again under another number: the map is the same, the mapping is not.
    let again = NetworkTag::new(3, "net", &[1; 32]);
    b.keeper.set_network(&again);
    assert!(b.look());
    assert_eq!(b.state().0, Some(theirs.effective_map()));
    assert_eq!(b.keeper.mapping().network, 3);
}

#[test]
fn of_ten_thousand_reloads_each_takes_effect_and_nothing_is_left_of_those_before() {
    let mut b = Bench::new(FileSettings::default());
    let both = [1.2, 0.9].map(|scale| made(&setup("ada", "default"), scale));
    let texts = both.each_ref().map(|c| serde_json::to_vec(c).unwrap());
    let path = b.store(&both[0]);
    b.look();
    for n in 1..=10_000 {
        // As calibrations are written, without waiting for the disk.
        let new = path.with_extension("new");
        std::fs::write(&new, &texts[n % 2]).unwrap();
        std::fs::rename(&new, &path).unwrap();
        assert!(b.look(), "reload {n}");
        let (map, generation, status) = b.state();
        assert_eq!(map, Some(both[n % 2].effective_map()), "reload {n}");
        assert_eq!(generation as usize, n + 1);
        assert_eq!(status, CalibrationStatus::InForce);
    }
    let left: Vec<_> = std::fs::read_dir(b.calibrations()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}
