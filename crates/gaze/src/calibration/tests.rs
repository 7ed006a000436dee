use std::fs;
use std::path::Path;

use super::*;
use crate::affine::fit;

fn setup() -> Setup {
    Setup {
        user: "ada".into(),
        camera: "FaceTime HD".into(),
        display: DisplayRecord {
            id: "built-in".into(),
            width_px: 1512,
            height_px: 982,
            width_mm: 302.0,
            height_mm: 302.0 * 9.0 / 16.0,
        },
        network: "0123abcd".into(),
    }
}

fn calibration() -> Calibration {
    let samples: Vec<_> = (0..9)
        .map(|i| {
            let t = [0.1 + 0.4 * f64::from(i % 3), 0.1 + 0.4 * f64::from(i / 3)];
            let wobble = 0.02 * f64::from(i * i % 5 - 2);
            ([0.8 * t[0] + 0.1 + wobble, 1.2 * t[1] - 0.1 - wobble], t)
        })
        .collect();
    Calibration::from_fit(
        &fit(&samples).unwrap(),
        &setup(),
        Some(560.0),
        1_790_000_000,
    )
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
    let mut ours = calibration();
    let path = write(&ours, &deep).unwrap();
    assert_eq!(load(&path).unwrap(), ours);
    // Again, in the place of the first; no temporary file stays.
    ours.created_unix_s += 1;
    assert_eq!(write(&ours, &deep).unwrap(), path);
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
    let path = write(&ours, folder.path()).unwrap();
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
    let path = write(&good, folder.path()).unwrap();
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
            good.replace("\"schema\": 1", "\"schema\": 2"),
            "its schema is 2, this program reads 1",
        ),
        (
            "{\"schema\": 9, \"later\": true}".to_owned(),
            "its schema is 9",
        ),
        (
            good.replace("\"camera\"", "\"kamera\""),
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
    assert_eq!(change(&|c| c.grade = Grade::Failed), Err(Invalid::Failed));
    let earned = calibration().grade;
    assert_eq!(
        change(&|c| c.grade = Grade::Poor),
        Err(Invalid::Grade {
            stated: Grade::Poor,
            earned
        })
    );
    assert_eq!(
        change(&|c| c.head_distance_mm = Some(-1.0)),
        Err(Invalid::Number {
            field: "head_distance_mm"
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
            found: "0123abcd".into(),
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
