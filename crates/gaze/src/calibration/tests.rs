use std::fs;
use std::path::Path;

use super::*;
use crate::affine::{Affine, Form, Sample, diagonal_fraction, fit};
use crate::screen::Screen;

fn setup() -> Setup {
    Setup {
        user: "ada".into(),
        camera: "FaceTime HD".into(),
        display: DisplayRecord::of(
            "built-in",
            &Screen {
                width_mm: 302.0,
                height_mm: 302.0 * 9.0 / 16.0,
                ..Screen::laptop(1512, 982)
            },
        ),
        network: network_id("geometric-3", 0x0123_abcd),
    }
}

fn head() -> HeadRange {
    HeadRange {
        centre_mm: [4.0, 60.0, 560.0],
        spread_mm: [3.0, 2.0, 8.0],
        yaw_pitch_deg: [1.0, -8.0],
        yaw_pitch_spread_deg: [1.5, 1.0],
        openness: 0.9,
        spread_deg: Some(4.0),
    }
}

/// Looks at a grid of 3 × 3 through a map that is nearly the identity's.
fn samples() -> Vec<Sample> {
    (0..9)
        .map(|i| {
            let t = [0.1 + 0.4 * f64::from(i % 3), 0.1 + 0.4 * f64::from(i / 3)];
            let wobble = 0.02 * f64::from(i * i % 5 - 2);
            ([0.8 * t[0] + 0.1 + wobble, 1.2 * t[1] - 0.1 - wobble], t)
        })
        .collect()
}

const MADE: u64 = 1_790_000_000;

/// Four looks between them, each a little off.
fn checks() -> Vec<Sample> {
    [[0.3, 0.3], [0.7, 0.3], [0.3, 0.7], [0.7, 0.7]]
        .map(|t| ([0.8 * t[0] + 0.12, 1.2 * t[1] - 0.07], t))
        .to_vec()
}

/// With all that a file can hold but a repair.
fn calibration() -> Calibration {
    let fitted = fit(&samples()).unwrap();
    let past = |created_unix_s| Sitting {
        created_unix_s,
        targets: looks(&samples()),
    };
    let history = vec![past(1_789_900_000), past(1_789_000_000)];
    Calibration::from_fit(&fitted, &setup(), Some(head()), history, MADE)
        .with_validation(&checks(), MADE)
        .unwrap()
}

fn looks(samples: &[Sample]) -> Vec<SittingTarget> {
    crate::affine::looks_at(samples, 16.0 / 9.0).unwrap()
}

/// What `load` says of a file with this text.
fn said(folder: &Path, text: &str) -> String {
    let path = folder.join("x.json");
    fs::write(&path, text).unwrap();
    load(&path)
        .unwrap_err()
        .to_string()
        .replace(&path.display().to_string(), "x.json")
}

#[test]
fn what_was_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("gaze/calibration");
    let mut ours = calibration().repaired([0.01, -0.02], 1_790_003_600);
    let path = write(&ours, &deep).unwrap().path;
    assert_eq!(load(&path).unwrap(), ours);
    // Again, in the place of the first; no temporary file stays.
    ours.created_unix_s += 1;
    let again = Written {
        path: path.clone(),
        kept: None,
    };
    assert_eq!(write(&ours, &deep).unwrap(), again);
    assert_eq!(load(&path).unwrap().created_unix_s, ours.created_unix_s);
    assert_eq!(fs::read_dir(&deep).unwrap().count(), 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&deep)), (0o600, 0o700));
    }
}

#[test]
fn a_reader_sees_the_old_file_or_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut ours = calibration();
    let path = write(&ours, folder.path()).unwrap().path;
    std::thread::scope(|threads| {
        let writer = threads.spawn(|| {
            for second in 0..60 {
                ours.created_unix_s = second;
                write(&ours, folder.path()).unwrap();
            }
        });
        while !writer.is_finished() {
            load(&path).unwrap();
        }
    });
}

#[test]
fn a_bad_calibration_never_replaces_a_good_one() {
    let folder = tempfile::tempdir().unwrap();
    let good = calibration();
    let path = write(&good, folder.path()).unwrap().path;
    let bad = Calibration {
        map: Affine {
            a: f64::NAN,
            ..good.map
        },
        ..good.clone()
    };
    assert!(matches!(
        write(&bad, folder.path()),
        Err(FileError::Invalid {
            reason: Invalid::Map,
            ..
        })
    ));
    assert_eq!(load(&path).unwrap(), good);
    // Nor does one that cannot be put in place: a folder stands there.
    fs::remove_file(&path).unwrap();
    fs::create_dir_all(path.join("in the way")).unwrap();
    assert!(matches!(
        write(&good, folder.path()),
        Err(FileError::Io { .. })
    ));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn files_that_are_none_are_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let good = serde_json::to_string_pretty(&calibration()).unwrap();
    let cases = [
        (String::new(), "EOF while parsing"),
        (good[..good.len() / 2].to_owned(), "EOF while parsing"),
        (
            good.replace("\"schema\": 2", "\"schema\": 1"),
            "its schema is 1, this program reads 2: calibrate again",
        ),
        (
            "{\"schema\": 9, \"later\": true}".to_owned(),
            "its schema is 9",
        ),
        (
            good.replacen("\"camera\"", "\"kamera\"", 1),
            "unknown field `kamera`",
        ),
        (
            good.replacen("\"a\": ", "\"a\": null, \"z\": ", 1),
            "expected f64",
        ),
        (
            good.replace("\"user\": \"ada\"", "\"user\": \"\""),
            "user is empty",
        ),
        (
            good.replace("\"samples\": 1", "\"samples\": -1"),
            "invalid value",
        ),
    ];
    for (text, expected) in cases {
        let said = said(folder.path(), &text);
        assert!(said.contains(expected) && !said.contains('\n'), "{said}");
        assert!(said.starts_with("x.json: "), "{said}");
    }
    let gone = load(&folder.path().join("gone.json")).unwrap_err();
    assert!(matches!(gone, FileError::NotFound { .. }));
    assert!(matches!(
        load(folder.path()),
        Err(FileError::NotAFile { .. })
    ));
    let huge = folder.path().join("huge.json");
    fs::File::create(&huge).unwrap().set_len(3 << 20).unwrap();
    assert!(matches!(load(&huge), Err(FileError::NotAFile { .. })));
}

#[test]
fn parts_that_do_not_belong_together_are_refused() {
    let change = |of: &dyn Fn(&mut Calibration)| {
        let mut changed = calibration();
        of(&mut changed);
        changed.validate()
    };
    assert_eq!(change(&|_| ()), Ok(()));
    assert_eq!(
        change(&|c| c.map.c += 0.01),
        Err(Invalid::Residual { index: 0 })
    );
    assert_eq!(change(&|c| c.map.a = 0.0), Err(Invalid::Map));
    assert_eq!(
        change(&|c| c.targets[4].raw_x += 0.1),
        Err(Invalid::Residual { index: 4 })
    );
    assert_eq!(
        change(&|c| c.targets[4].x = f64::NAN),
        Err(Invalid::Number { field: "a target" })
    );
    assert_eq!(
        change(&|c| c.targets.truncate(4)),
        Err(Invalid::Targets { found: 4 })
    );
    assert_eq!(
        change(&|c| c.targets[..3].iter_mut().for_each(|t| t.used = false)),
        Err(Invalid::Targets { found: 6 })
    );
    assert_eq!(
        change(&|c| c.cross_validated *= 0.5),
        Err(Invalid::Summary {
            field: "cross_validated"
        })
    );
    assert_eq!(
        change(&|c| c.residual = f64::NAN),
        Err(Invalid::Summary { field: "residual" })
    );
    let validation = |of: &dyn Fn(&mut Validation)| change(&|c| of(c.validation.as_mut().unwrap()));
    for of in [
        |v: &mut Validation| v.targets[2].raw_y += 0.1,
        |v: &mut Validation| v.targets[2].error *= 0.5,
    ] {
        assert_eq!(validation(&of), Err(Invalid::ValidationError { index: 2 }));
    }
    assert_eq!(
        validation(&|v| v.offset[0] = f64::NAN),
        Err(Invalid::ValidationError { index: 0 })
    );
    assert_eq!(
        validation(&|v| v.error *= 0.5),
        Err(Invalid::Summary {
            field: "validation.error"
        })
    );
    assert_eq!(
        validation(&|v| v.targets.clear()),
        Err(Invalid::Summary {
            field: "the number of validation targets"
        })
    );
    let history = |what| Err(Invalid::History { what });
    assert_eq!(
        change(&|c| c.history.reverse()),
        history("is not ordered, newest first")
    );
    assert_eq!(
        change(&|c| c.history = vec![c.history[0].clone(); MAX_HISTORY + 1]),
        history("is too long")
    );
    assert_eq!(
        change(&|c| {
            c.history.clear();
            c.history_used = true;
        }),
        history("is said to be used and is empty")
    );
    assert_eq!(
        change(&|c| c.history[1].targets.truncate(4)),
        history("has a sitting of too few or too many targets")
    );
    assert_eq!(
        change(&|c| c.history[1].targets[3].raw_x = f64::INFINITY),
        Err(Invalid::Number {
            field: "a target of the history"
        })
    );
    let repair = |dx| change(&|c| *c = c.clone().repaired([dx, 0.0], 0));
    assert_eq!(repair(0.1), Ok(()));
    assert_eq!(repair(0.6), Err(Invalid::Repair));
    assert_eq!(repair(f64::NAN), Err(Invalid::Repair));
    assert_eq!(change(&|c| c.grade = Grade::Failed), Err(Invalid::Failed));
    let earned = calibration().grade;
    assert_eq!(
        change(&|c| c.grade = Grade::Poor),
        Err(Invalid::Grade {
            stated: Grade::Poor,
            earned
        })
    );
    assert_eq!(change(&|c| c.form = Form::ScaleOffset), Err(Invalid::Form));
    for of in [
        |h: &mut HeadRange| h.centre_mm[2] = -560.0,
        |h: &mut HeadRange| h.spread_mm[0] = -1.0,
        |h: &mut HeadRange| h.yaw_pitch_deg[1] = f64::NAN,
        |h: &mut HeadRange| h.openness = 1.5,
    ] {
        assert_eq!(
            change(&|c| of(c.head.as_mut().unwrap())),
            Err(Invalid::Number { field: "head" })
        );
    }
    assert_eq!(
        change(&|c| c.display.camera.tilt_deg = f64::INFINITY),
        Err(Invalid::Number {
            field: "display.camera"
        })
    );
    assert_eq!(
        change(&|c| {
            c.form = Form::ScaleOffset;
            c.map.b = 1e-9;
        }),
        Err(Invalid::Form)
    );
}

#[test]
fn a_map_of_another_network_user_camera_or_display_does_not_apply() {
    let ours = calibration();
    assert_eq!(ours.applies_to(&setup()), Ok(()));
    let with = |of: &dyn Fn(&mut Setup)| {
        let mut other = setup();
        of(&mut other);
        ours.applies_to(&other)
    };
    // Another resolution of the same display is no other display.
    assert_eq!(with(&|s| s.display.width_px = 3024), Ok(()));
    assert_eq!(
        with(&|s| s.network = "f00".into()),
        Err(NotApplicable::Network {
            found: "geometric-3-000000000123abcd".into(),
            wanted: "f00".into()
        })
    );
    assert!(matches!(
        with(&|s| s.user = "eve".into()),
        Err(NotApplicable::User { .. })
    ));
    assert!(matches!(
        with(&|s| s.camera = "usb".into()),
        Err(NotApplicable::Camera { .. })
    ));
    assert!(matches!(
        with(&|s| s.display.id = "tv".into()),
        Err(NotApplicable::Display { .. })
    ));
}

#[test]
fn grades_follow_the_error() {
    let grades = [0.0, 0.04, 0.05, 0.1, 0.2, 0.21, f64::NAN].map(|e| Grade::of(e, false));
    use Grade::{Excellent, Failed, Fair, Good, Poor};
    assert_eq!(
        grades,
        [Excellent, Excellent, Good, Fair, Poor, Failed, Failed]
    );
    assert_eq!(Grade::of(0.01, true), Failed);
    assert!(Excellent > Good && Poor > Failed);
}

#[test]
fn a_validation_judges_what_is_in_force_and_gives_the_grade() {
    let ours = calibration();
    let error = |offset: [f64; 2]| {
        let squares = checks().into_iter().map(|(raw, t)| {
            let [x, y] = ours.map.apply(raw);
            let miss = [x + offset[0] - t[0], y + offset[1] - t[1]];
            diagonal_fraction(miss, 16.0 / 9.0).powi(2)
        });
        (squares.sum::<f64>() / 4.0).sqrt()
    };
    let validation = ours.validation.as_ref().unwrap();
    assert!((validation.error - error([0.0; 2])).abs() < 1e-12);
    let pooled = 9.0 * ours.cross_validated.powi(2) + 4.0 * validation.error.powi(2);
    assert!((ours.expected_error() - (pooled / 13.0).sqrt()).abs() < 1e-12);

    // A repair changes what is applied and nothing that is stated.
    let offset = ours.repair_for(checks()[0].0, checks()[0].1);
    let repaired = ours.clone().repaired(offset, 1);
    let [x, y] = repaired.effective_map().apply(checks()[0].0);
    assert!((x - 0.3).abs() < 1e-12 && (y - 0.3).abs() < 1e-12);
    assert_eq!(
        (repaired.map, &repaired.validation, repaired.validate()),
        (ours.map, &ours.validation, Ok(()))
    );
    // The next validation is of both together, and stays valid under a further repair.
    let again = repaired.with_validation(&checks(), MADE).unwrap();
    assert!((again.validation.as_ref().unwrap().error - error(offset)).abs() < 1e-12);
    assert!(error(offset) < error([0.0; 2]));
    assert_eq!(again.clone().repaired([0.1, 0.1], 2).validate(), Ok(()));

    // Far off at the validation: failed, whatever the fit said of itself; and mended by
    // a better one. What the fit called contradictory is not mended.
    let wrong: Vec<Sample> = (checks().into_iter())
        .map(|([x, y], t)| ([x + 0.4, y], t))
        .collect();
    let bad = again.with_validation(&wrong, MADE).unwrap();
    assert_eq!(
        (bad.grade, bad.validate()),
        (Grade::Failed, Err(Invalid::Failed))
    );
    assert!(bad.with_validation(&checks(), MADE).unwrap().grade > Grade::Failed);
    let mut contradictory = fit(&samples()).unwrap();
    contradictory.suspicious = true;
    let bad = Calibration::from_fit(&contradictory, &setup(), None, Vec::new(), 0);
    assert_eq!(
        bad.with_validation(&checks(), MADE).unwrap().grade,
        Grade::Failed
    );
    assert!(ours.with_validation(&[], MADE).is_err());
}

#[test]
fn the_next_sitting_inherits_all_targets_where_raw_points_lie_the_same() {
    let ours = calibration();
    let next = ours.history_for_next(&setup());
    assert_eq!(next.len(), 3);
    assert_eq!(next[0].created_unix_s, ours.created_unix_s);
    assert_eq!(next[0].targets.len(), 9 + 4);
    assert_eq!(next[0].targets[..9], looks(&samples()));
    assert_eq!(next[0].targets[9..], looks(&checks()));
    assert_eq!(next[1..], ours.history);
    // One of another day is another sitting, or too little to be one.
    let tomorrow = ours.clone().with_validation(&checks(), MADE + 86_400);
    let tomorrow = tomorrow.unwrap().history_for_next(&setup());
    assert_eq!(tomorrow[0].targets, looks(&samples()));
    assert_eq!(tomorrow[1..], ours.history);
    let nine = ours.clone().with_validation(&samples(), MADE + 86_400);
    let nine = nine.unwrap().history_for_next(&setup());
    assert_eq!(nine[0].created_unix_s, MADE + 86_400);
    assert_eq!(
        (&nine[0].targets, &nine[1].targets),
        (&looks(&samples()), &looks(&samples()))
    );
    assert_eq!((nine.len(), nine[1].created_unix_s), (4, MADE));
    // However often: never more than the file takes.
    let mut later = ours.clone();
    for _ in 0..2 * MAX_HISTORY {
        later.history = later.history_for_next(&setup());
        later.created_unix_s += 1;
    }
    assert_eq!(
        (later.history.len(), later.validate()),
        (MAX_HISTORY, Ok(()))
    );

    let with = |of: &dyn Fn(&mut Setup)| {
        let mut other = setup();
        of(&mut other);
        ours.history_for_next(&other).len()
    };
    assert_eq!(with(&|s| s.display.width_px = 3024), 3);
    assert_eq!(with(&|s| s.display.width_mm += 0.9), 3);
    assert_eq!(with(&|s| s.display.width_mm += 3.0), 0);
    assert_eq!(with(&|s| s.display.camera.above_mm += 20.0), 0);
    assert_eq!(with(&|s| s.network = "f00".into()), 0);
    assert_eq!(with(&|s| s.user = "eve".into()), 0);
}

#[test]
fn what_is_not_gone_on_from_is_kept_aside() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let ours = calibration();
    let path = write(&ours, folder).unwrap().path;
    let beside =
        |name: &str| folder.join(format!("{}.{name}", path.file_name().unwrap().display()));
    // The same setup's next.
    assert_eq!(write(&ours, folder).unwrap().kept, None);
    assert!(!beside(COPY).exists());
    let other = Calibration {
        network: "another-1".into(),
        ..ours.clone()
    };
    let kept = write(&other, folder).unwrap().kept.unwrap();
    assert_eq!(kept.path, beside(COPY));
    assert!(kept.reason.contains("made with network"), "{kept:?}");
    assert_eq!(load(&path).unwrap(), other);
    let text = fs::read(&kept.path).unwrap();
    assert_eq!(serde_json::from_slice::<Calibration>(&text).unwrap(), ours);
    // The newest only.
    fs::write(&path, "half a fi").unwrap();
    let kept = write(&ours, folder).unwrap().kept.unwrap();
    assert!(kept.reason.contains("line 1"), "{kept:?}");
    assert_eq!(fs::read(&kept.path).unwrap(), b"half a fi");
    assert_eq!(fs::read_dir(folder).unwrap().count(), 2);
}

#[test]
fn the_example_in_the_documentation_is_of_this_schema() {
    let page = include_str!("../calibration.rs");
    let json: String = (page.lines())
        .filter_map(|line| line.strip_prefix("//!"))
        .skip_while(|line| *line != " ```json")
        .skip(1)
        .take_while(|line| *line != " ```")
        .collect();
    let example: Calibration = serde_json::from_str(&json).unwrap();
    assert_eq!(example.schema, SCHEMA);
    assert_eq!(example.grade, Grade::of(example.graded_error(), false));
    // It is shortened.
    assert_eq!(example.validate(), Err(Invalid::Targets { found: 1 }));
}
