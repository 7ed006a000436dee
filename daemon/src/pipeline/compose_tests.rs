//! Samples from made-up measurements and made-up times.

use gaze::affine::Affine;
use gaze::calibration::HeadRange;
use gaze::error_radius::MapError;
use gaze::filter::{FilterConfig, FilterKind};
use gaze::ray::Ray;
use gaze::screen::{CameraPlace, Screen};
use nalgebra::{Point2, Vector3};
use ring::layout::{FaceTable, Reason, Sample, State, flags};

use super::{Composer, TOO_OLD_NS};
use crate::pipeline::mapping::Mapping;
use crate::pipeline::measurement::{FaceMeasurement, GazeMeasurement, Measurement, NetworkTag};

const MS: u64 = 1_000_000;
const START: u64 = 1_000_000 * MS;

fn mapping() -> Mapping {
    Mapping::uncalibrated(Screen::default(), FilterConfig::of(FilterKind::Kalman))
}

/// Somebody 60 cm away looks at a place of the screen.
fn looking_at(point: [f64; 2], frame: u64, captured_ns: u64) -> Measurement {
    let eye = Vector3::new(0.0, 40.0, 600.0);
    let target = Screen::default().point_mm(Point2::from(point));
    let combined = Ray {
        origin: eye,
        direction: (target - eye).normalize(),
    };
    Measurement {
        frame_index: frame,
        captured_ns,
        perceived_ns: captured_ns + 12 * MS,
        frozen: false,
        fault: false,
        network: NetworkTag::default(),
        face: Some(FaceMeasurement {
            id: 7,
            openness: [0.9, 0.9],
            seen: true,
            gap_mm: [7.5; 2],
            open: [true; 2],
            head_deg: [1.0, 2.0, 3.0],
            head_mm: [0.0, 40.0, 600.0],
            gaze: Some(GazeMeasurement {
                combined,
                left_deg: [0.0; 2],
                right_deg: [0.0; 2],
                point: None,
                confidence: 0.9,
                spread_deg: None,
            }),
        }),
        table: FaceTable {
            count: 1,
            ..FaceTable::default()
        },
    }
}

fn sample_of(composer: &mut Composer, now: u64) -> Sample {
    composer.compose(now, State::Running, Reason::None, &mapping())
}

#[test]
fn a_look_becomes_the_point_it_was_aimed_at() {
    let mut composer = Composer::new(false);
    composer.absorb(&looking_at([0.3, 0.7], 1, START), &mapping());
    let s = sample_of(&mut composer, START + 20 * MS);
    assert!(
        s.is_valid() && s.has(flags::FACE | flags::EYES_OPEN | flags::MEASURED),
        "{s:?}"
    );
    assert!(!s.has(flags::CALIBRATED | flags::DEMO) && !s.has(flags::PREDICTED));
    for (seen, aimed) in [
        (s.raw_x, 0.3),
        (s.raw_y, 0.7),
        (s.cal_x, 0.3),
        (s.x, 0.3),
        (s.y, 0.7),
    ] {
        assert!((seen - aimed).abs() < 1e-4, "{s:?}");
    }
    assert_eq!(
        (s.frame_index, s.captured_ns, s.perceived_ns),
        (1, START, START + 12 * MS)
    );
    assert_eq!((s.face_id, s.face_count, s.head_yaw), (7, 1, 1.0));
    assert!(s.error_radius > 0.0 && s.error_radius < 0.5);
}

#[test]
fn between_frames_a_sample_says_that_it_is_predicted() {
    let mut composer = Composer::new(true);
    composer.absorb(&looking_at([0.5, 0.5], 1, START), &mapping());
    assert!(sample_of(&mut composer, START + 15 * MS).has(flags::MEASURED | flags::DEMO));
    let between = sample_of(&mut composer, START + 32 * MS);
    assert!(between.has(flags::PREDICTED | flags::VALID) && !between.has(flags::MEASURED));
}

/// A frame in which the lids are this far apart.
fn with_lids(point: [f64; 2], gap_mm: f64, frame: u64, captured_ns: u64) -> Measurement {
    let mut m = looking_at(point, frame, captured_ns);
    let face = m.face.as_mut().unwrap();
    face.gap_mm = [gap_mm; 2];
    if gap_mm < 4.5 {
        face.open = [false; 2];
    }
    m
}

#[test]
fn lids_that_close_and_open_do_not_drag_the_point() {
    let mut composer = Composer::new(false);
    let mut look = |point, gap_mm, frame: u64| {
        let m = with_lids(point, gap_mm, frame, START + frame * 33 * MS);
        composer.absorb(&m, &mapping());
        sample_of(&mut composer, m.perceived_ns)
    };
    for frame in 0..30 {
        assert!(look([0.4, 0.3], 9.0, frame).has(flags::VALID | flags::MEASURED));
    }
    // As the networks really take the demo's blinks: a screen's height further down.
    let closing = look([0.45, 1.3], 6.0, 30);
    assert!(closing.has(flags::VALID | flags::PREDICTED) && !closing.has(flags::MEASURED));
    for (seen, before) in [(closing.x, 0.4), (closing.y, 0.3), (closing.raw_y, 0.3)] {
        assert!((seen - before).abs() < 0.01, "{closing:?}");
    }
    let shut = look([0.4, 0.3], 0.5, 31);
    assert_eq!(
        (shut.is_valid(), shut.reason()),
        (false, Reason::EyesClosed)
    );
    for (frame, gap) in [(32, 6.5), (33, 8.3)] {
        let opening = look([0.42, 0.9], gap, frame);
        assert!(
            !opening.is_valid() || (opening.y - 0.3).abs() < 0.01,
            "{opening:?}"
        );
    }
    let open = look([0.4, 0.3], 8.95, 34);
    assert!(open.has(flags::VALID | flags::MEASURED) && (open.y - 0.3).abs() < 0.01);
    // A look down lowers the lids as well, and costs a frame.
    assert!((look([0.4, 0.9], 8.0, 35).y - 0.3).abs() < 0.01);
    let down = look([0.4, 0.9], 8.0, 36);
    assert!(
        down.has(flags::MEASURED) && (down.y - 0.9).abs() < 0.05,
        "{down:?}"
    );
}

#[test]
fn lids_that_no_network_saw_in_a_frame_release_nothing() {
    let mut composer = Composer::new(false);
    let mut look = |point, gap_mm, frame: u64, seen: bool| {
        let mut m = with_lids(point, gap_mm, frame, START + frame * 33 * MS);
        m.face.as_mut().unwrap().seen = seen;
        composer.absorb(&m, &mapping());
        sample_of(&mut composer, m.perceived_ns)
    };
    for frame in 0..30 {
        let open = look([0.4, 0.3], 9.0, frame, frame % 2 == 0);
        assert!(open.has(flags::VALID | flags::MEASURED), "{open:?}");
    }
    // Lids that set out and in the next frame are said to be where they were.
    for (frame, seen) in [(30, true), (31, false)] {
        let falling = look([0.4, 0.9], 8.0, frame, seen);
        assert!(!falling.has(flags::MEASURED), "{falling:?}");
    }
    let down = look([0.4, 0.9], 8.0, 32, true);
    assert!(down.has(flags::MEASURED), "{down:?}");
}

#[test]
fn another_persons_look_begins_anew() {
    let mut composer = Composer::new(false);
    for frame in 0..30 {
        let m = looking_at([0.2, 0.2], frame, START + frame * 33 * MS);
        composer.absorb(&m, &mapping());
        sample_of(&mut composer, m.perceived_ns);
    }
    let mut other = looking_at([0.8, 0.6], 30, START + 30 * 33 * MS);
    other.face.as_mut().unwrap().id = 8;
    composer.absorb(&other, &mapping());
    let s = sample_of(&mut composer, other.perceived_ns);
    assert_eq!(s.face_id, 8);
    for (seen, aimed) in [(s.x, 0.8), (s.y, 0.6)] {
        assert!(
            (seen - aimed).abs() < 1e-4,
            "smoothed with a stranger's: {s:?}"
        );
    }
    assert!(s.velocity.iter().all(|v| v.is_nan()), "{s:?}");
}

#[test]
fn what_is_too_old_is_never_passed_off_as_now() {
    let mut composer = Composer::new(false);
    composer.absorb(&looking_at([0.5, 0.5], 1, START), &mapping());
    let s = sample_of(&mut composer, START + TOO_OLD_NS + 1);
    assert!(!s.is_valid() && !s.has(flags::FACE) && s.x.is_nan());
    assert_eq!(s.reason(), Reason::NoFrames);
}

#[test]
fn each_reason_is_told_apart() {
    let good = looking_at([0.5, 0.5], 1, START);
    let face = good.face.unwrap();
    let cases = [
        (
            Measurement {
                frozen: true,
                ..good
            },
            Reason::Stale,
        ),
        (Measurement { face: None, ..good }, Reason::NoFace),
        (
            Measurement {
                face: Some(FaceMeasurement {
                    open: [false; 2],
                    ..face
                }),
                ..good
            },
            Reason::EyesClosed,
        ),
        (
            Measurement {
                face: Some(FaceMeasurement { gaze: None, ..face }),
                ..good
            },
            Reason::LowConfidence,
        ),
    ];
    for (m, reason) in cases {
        let mut composer = Composer::new(false);
        composer.absorb(&m, &mapping());
        let s = sample_of(&mut composer, START + 15 * MS);
        assert_eq!((s.reason(), s.is_valid()), (reason, false));
        assert_eq!(s.has(flags::STALE), reason == Reason::Stale);
    }
    let mut composer = Composer::new(false);
    composer.absorb(&good, &mapping());
    for (state, reason) in [
        (State::Paused, Reason::Paused),
        (State::CameraBusy, Reason::CameraBusy),
        (State::PermissionDenied, Reason::PermissionDenied),
    ] {
        let s = composer.compose(START + 15 * MS, state, reason, &mapping());
        assert_eq!(
            (s.state(), s.reason(), s.is_valid()),
            (state, reason, false)
        );
    }
    let nothing = sample_of(&mut Composer::new(false), START);
    assert_eq!(
        (nothing.reason(), nothing.is_valid()),
        (Reason::Starting, false)
    );
}

#[test]
fn closing_lids_do_not_drag_the_point() {
    let mut composer = Composer::new(false);
    let mut t = START;
    for frame in 0..30 {
        composer.absorb(&looking_at([0.4, 0.4], frame, t), &mapping());
        t += 33 * MS;
    }
    // Two frames of closed lids, with the gaze pulled down as lids do.
    for frame in 30..32 {
        let mut m = looking_at([0.4, 0.95], frame, t);
        m.face.as_mut().unwrap().open = [false; 2];
        composer.absorb(&m, &mapping());
        assert_eq!(
            sample_of(&mut composer, t + 15 * MS).reason(),
            Reason::EyesClosed
        );
        t += 33 * MS;
    }
    composer.absorb(&looking_at([0.4, 0.4], 32, t), &mapping());
    let s = sample_of(&mut composer, t + 15 * MS);
    assert!(s.is_valid() && (s.y - 0.4).abs() < 0.01, "{s:?}");
}

#[test]
fn a_new_calibration_jumps_and_is_not_swept_across_the_screen() {
    let mut composer = Composer::new(false);
    let mut t = START;
    for frame in 0..60 {
        composer.absorb(&looking_at([0.5, 0.5], frame, t), &mapping());
        t += 33 * MS;
    }
    let shifted = Affine {
        a: 0.5,
        b: 0.0,
        c: 0.4,
        d: 0.0,
        e: 0.5,
        f: 0.1,
    };
    let after = Mapping {
        calibration: Some(shifted),
        calibration_generation: 1,
        ..mapping()
    };
    // The very next sample, without a new frame, is on the new map.
    let s = composer.compose(t, State::Running, Reason::None, &after);
    assert!(s.is_valid() && s.has(flags::CALIBRATED), "{s:?}");
    assert!(
        (s.x - 0.65).abs() < 0.005 && (s.y - 0.35).abs() < 0.005,
        "{s:?}"
    );
    assert_eq!(s.calibration_generation, 1);
}

/// The same map on another rectangle: larger, and the camera elsewhere at it.
fn moved(tilt_deg: f64) -> Mapping {
    let screen = Screen {
        width_mm: 520.0,
        height_mm: 300.0,
        camera: CameraPlace {
            x_norm: 0.4,
            above_mm: 12.0,
            forward_mm: 20.0,
            tilt_deg,
        },
        ..Screen::default()
    };
    Mapping {
        screen,
        calibration: Some(Affine {
            a: 0.9,
            b: 0.1,
            c: 0.05,
            d: -0.05,
            e: 1.2,
            f: -0.1,
        }),
        calibration_generation: 4,
        ..mapping()
    }
}

#[test]
fn map_and_geometry_change_together_also_for_the_last_line_of_sight() {
    // Parallel screens, where the filter's past is kept, and tilted ones.
    for tilt_deg in [0.0, 8.0] {
        let next = moved(tilt_deg);
        let mut composer = Composer::new(false);
        let mut t = START;
        for frame in 0..60 {
            // A wandering look: the filter's state is more than its last point.
            let x = 0.4 + 0.002 * frame as f64;
            composer.absorb(&looking_at([x, 0.5], frame, t), &mapping());
            t += 33 * MS;
        }
        let before = composer.compose(t - 20 * MS, State::Running, Reason::None, &mapping());
        let last = looking_at([0.4 + 0.002 * 59.0, 0.5], 59, t - 33 * MS);
        let ray = last.face.unwrap().gaze.unwrap().combined;
        let raw = next.screen.intersect(&ray).unwrap();
        let cal = next.calibration.unwrap().apply([raw.x, raw.y]);
        let s = composer.compose(t - 20 * MS, State::Running, Reason::None, &next);
        assert!(s.is_valid() && s.has(flags::CALIBRATED), "{s:?}");
        assert_eq!(s.calibration_generation, 4);
        assert_eq!([s.raw_x, s.raw_y], [raw.x as f32, raw.y as f32]);
        assert_eq!([s.cal_x, s.cal_y], cal.map(|v| v as f32));
        // The filtered point is where the same filtered look falls on the new screen.
        let eye = ray.origin;
        let direction = mapping()
            .screen
            .point_mm(Point2::new(f64::from(before.x), f64::from(before.y)))
            - eye;
        let seen = Ray {
            origin: eye,
            direction: direction.normalize(),
        };
        let there = next.screen.intersect(&seen).unwrap();
        let there = match tilt_deg {
            0.0 => next.calibration.unwrap().apply([there.x, there.y]),
            _ => cal, // no past is kept
        };
        assert!(
            (f64::from(s.x) - there[0]).abs() < 1e-4 && (f64::from(s.y) - there[1]).abs() < 1e-4,
            "{tilt_deg}: {s:?} is not at {there:?}"
        );
        assert!(
            s.velocity.iter().all(|v| !v.is_finite() || *v == 0.0),
            "a jump of the map is no movement: {:?}",
            s.velocity
        );
    }
}

#[test]
fn only_the_pixels_change_nothing() {
    let mut composer = Composer::new(false);
    composer.absorb(&looking_at([0.3, 0.4], 1, START), &mapping());
    let before = sample_of(&mut composer, START + 15 * MS);
    let mut next = mapping();
    (next.screen.width_px, next.screen.height_px) = (1280, 720);
    next.display_version += 1;
    let after = composer.compose(START + 15 * MS, State::Running, Reason::None, &next);
    assert_eq!(
        (after.x, after.raw_x, after.cal_y),
        (before.x, before.raw_x, before.cal_y)
    );
}

#[test]
fn who_sits_elsewhere_is_asked_to_calibrate_again() {
    let calibrated = Mapping {
        calibration: Some(Affine::IDENTITY),
        calibration_generation: 1,
        map_error: MapError::Calibrated {
            spread_deg: None,
            held_out: 0.05,
            head_distance_mm: Some(600.0),
        },
        head: Some(HeadRange {
            centre_mm: [0.0, 40.0, 600.0],
            spread_mm: [5.0; 3],
            yaw_pitch_deg: [1.0, 2.0],
            yaw_pitch_spread_deg: [1.0; 2],
            openness: 0.9,
            spread_deg: None,
        }),
        ..mapping()
    };
    let mut composer = Composer::new(false);
    let mut t = START;
    let mut look_for_seconds = |shift_mm: f64, composer: &mut Composer, mapping: &Mapping| {
        for frame in 0..120 {
            let mut m = looking_at([0.5, 0.5], frame, t);
            let gaze = m.face.as_mut().unwrap().gaze.as_mut().unwrap();
            gaze.combined.origin.x += shift_mm;
            composer.absorb(&m, mapping);
            t += 33 * MS;
        }
        composer.compose(t, State::Running, Reason::None, mapping)
    };
    let here = look_for_seconds(0.0, &mut composer, &calibrated);
    assert!(!here.has(flags::RECALIBRATE) && here.is_valid(), "{here:?}");
    let there = look_for_seconds(300.0, &mut composer, &calibrated);
    assert!(there.has(flags::RECALIBRATE | flags::VALID), "{there:?}");
    assert!(there.error_radius > 1.2 * here.error_radius, "{there:?}");
    // Another calibration is watched from its own beginning.
    let again = Mapping {
        calibration_generation: 2,
        head: None,
        ..calibrated.clone()
    };
    assert!(!look_for_seconds(300.0, &mut composer, &again).has(flags::RECALIBRATE));
    // Months later.
    composer.set_unix_time(gaze::drift::OLD_S + 1);
    assert!(look_for_seconds(0.0, &mut composer, &again).has(flags::RECALIBRATE));
    // Without a calibration there is nothing to do again.
    let none = look_for_seconds(0.0, &mut composer, &mapping());
    assert!(
        !none.has(flags::RECALIBRATE) && none.has(flags::COARSE),
        "{none:?}"
    );
}

/// What a network says of its own errors is published with its look, and widens the radius by as
/// much as it is more than at the calibration.
#[test]
fn a_network_that_is_less_sure_than_at_the_calibration_widens_the_radius() {
    let calibrated = Mapping {
        calibration: Some(Affine::IDENTITY),
        calibration_generation: 1,
        map_error: MapError::Calibrated {
            held_out: 0.05,
            head_distance_mm: Some(600.0),
            spread_deg: Some(3.0),
        },
        ..mapping()
    };
    let radius = |spread_deg: Option<f64>| {
        let mut composer = Composer::new(false);
        let mut m = looking_at([0.5, 0.5], 1, START);
        let gaze = m.face.as_mut().unwrap().gaze.as_mut().unwrap();
        gaze.spread_deg = spread_deg;
        composer.absorb(&m, &calibrated);
        let now = START + 15 * MS;
        let s = composer.compose(now, State::Running, Reason::None, &calibrated);
        assert!(s.is_valid(), "{s:?}");
        let told = spread_deg.map_or(0.0, |deg| deg as f32);
        assert_eq!(s.spread_deg, told, "{s:?}");
        (s.error_radius, (s.x, s.y, s.confidence))
    };
    let (silent, point) = radius(None);
    assert_eq!(radius(Some(3.0)), (silent, point));
    assert_eq!(radius(Some(1.0)), (silent, point));
    let (wider, same) = radius(Some(5.0));
    // 4° more, 60 cm away, on 355.6 mm.
    let wanted = f64::from(silent).hypot(601.3 * 4f64.to_radians().tan() / 355.6);
    assert!((f64::from(wider) - wanted).abs() < 1e-3, "{wider} {wanted}");
    assert_eq!(same, point, "only the radius knows of it");
}

/// The same look as another network of this run tells it.
fn by(number: u32, m: Measurement) -> Measurement {
    Measurement {
        network: NetworkTag::new(number, "net", &[number as u8; 32]),
        ..m
    }
}

/// A calibration that was made with the first network.
fn shifted_by_a_half() -> Mapping {
    Mapping {
        calibration: Some(Affine {
            c: 0.5,
            ..Affine::IDENTITY
        }),
        calibration_generation: 3,
        ..mapping()
    }
}

#[test]
fn another_networks_points_have_neither_the_past_nor_the_calibration_of_the_one_before() {
    let stored = shifted_by_a_half();
    let mut composer = Composer::new(false);
    let mut t = START;
    for frame in 0..30 {
        composer.absorb(
            &by(0, looking_at([0.2, 0.5], frame, t)),
            &stored.for_network(0),
        );
        t += 33 * MS;
    }
    let s = composer.compose(t, State::Running, Reason::None, &stored.for_network(0));
    assert!(
        s.has(flags::CALIBRATED | flags::VALID) && (s.x - 0.7).abs() < 0.005,
        "{s:?}"
    );

    // The keeper has not heard of the new network yet.
    let bare = stored.for_network(1);
    composer.absorb(&by(1, looking_at([0.8, 0.4], 30, t)), &bare);
    assert_eq!(composer.network().map(|tag| tag.number), Some(1));
    let s = composer.compose(t + MS, State::Running, Reason::None, &bare);
    assert!(s.has(flags::VALID) && !s.has(flags::CALIBRATED), "{s:?}");
    assert_eq!(s.calibration_generation, 0);
    // Not swept over from where the other one saw the gaze.
    for x in [s.raw_x, s.cal_x, s.x] {
        assert!((x - 0.8).abs() < 1e-4, "{s:?}");
    }
    assert!(s.velocity[0] == 0.0 || s.velocity[0].is_nan(), "{s:?}");
    assert_eq!((bare.note.generation, bare.network), (0, 1));

    // A network that has seen nobody yet has no point of the other one's either.
    let nobody = Measurement {
        face: None,
        ..looking_at([0.5; 2], 31, t + 33 * MS)
    };
    composer.absorb(&by(2, nobody), &stored.for_network(2));
    let s = composer.compose(
        t + 34 * MS,
        State::Running,
        Reason::None,
        &stored.for_network(2),
    );
    assert!(s.reason() == Reason::NoFace && s.raw_x.is_nan(), "{s:?}");
}

#[test]
fn a_network_that_tells_points_is_taken_at_its_word() {
    let telling = |point: [f64; 2], frame: u64, t: u64| {
        let mut m = looking_at([0.9, 0.9], frame, t);
        if let Some(gaze) = m.face.as_mut().and_then(|f| f.gaze.as_mut()) {
            gaze.point = Some(point);
        }
        m
    };
    let mut composer = Composer::new(false);
    composer.absorb(&telling([0.3, 0.25], 1, START), &mapping());
    let s = sample_of(&mut composer, START + MS);
    assert!(s.is_valid() && (s.raw_x, s.raw_y) == (0.3, 0.25), "{s:?}");
    // Readers of lines of sight find the one to that point, for each eye.
    let ray = Ray {
        origin: Vector3::from(s.eye_origin_mm).cast(),
        direction: Vector3::from(s.gaze_dir).cast(),
    };
    let hit = Screen::default().intersect(&ray).expect("the screen");
    assert!((hit - Point2::new(0.3, 0.25)).norm() < 1e-4, "{hit}");
    assert_eq!((s.left_yaw, s.left_pitch), (s.right_yaw, s.right_pitch));
    assert!((f64::from(s.left_yaw) - ray.yaw_deg()).abs() < 1e-3);
    // On another screen it is the same point, and the line goes there.
    let other = Mapping {
        screen: moved(0.0).screen,
        ..mapping()
    };
    let s = composer.compose(START + 2 * MS, State::Running, Reason::None, &other);
    assert!(
        (s.raw_x, s.raw_y) == (0.3, 0.25) && (s.x - 0.3).abs() < 1e-4,
        "{s:?}"
    );
    let ray = Ray {
        origin: Vector3::from(s.eye_origin_mm).cast(),
        direction: Vector3::from(s.gaze_dir).cast(),
    };
    let hit = other.screen.intersect(&ray).expect("the screen");
    assert!((hit - Point2::new(0.3, 0.25)).norm() < 1e-4, "{hit}");
}
