use proptest::prelude::*;

use super::scripted::{Looker, Run, TRUTH, difference, plan, run, setup, willing};
use super::*;
use gaze::affine::Affine;

fn nine() -> Plan {
    plan(Kind::Calibrate { targets: 9 })
}

/// The calibration of somebody who does everything right.
fn stored() -> Calibration {
    run(nine(), &Looker::default(), willing).stored().clone()
}

fn at_result(session: &Session) -> ResultView<'_> {
    match session.view(0) {
        View::Result(result) => result,
        other => panic!("{other:?}"),
    }
}

#[test]
fn people_before_cameras_of_any_speed_get_their_map() {
    for (fps, noise) in [
        (5.0, 0.01),
        (10.0, 0.01),
        (30.0, 0.003),
        (30.0, 0.03),
        (60.0, 0.01),
    ] {
        for targets in layout::COUNTS {
            let looker = Looker {
                fps,
                noise,
                ..Looker::default()
            };
            let r = run(plan(Kind::Calibrate { targets }), &looker, willing);
            let stored = r.stored();
            assert_eq!(stored.validate(), Ok(()));
            assert_eq!(stored.targets.len(), targets);
            let off = difference(&stored.map, &TRUTH);
            assert!(off < 0.01 + noise, "{fps} fps, {targets}: off by {off}");
            assert_eq!(stored.validation.as_ref().unwrap().targets.len(), CHECKS);
            let head = stored.head.unwrap();
            assert!((head.centre_mm[2] - 580.0).abs() < 2.0 && head.spread_mm[2] > 1.0);
            r.only_proper_looks(0.0);
            for p in r.session.points() {
                let (first, last) = (p.looks[0], p.looks.last().unwrap());
                assert!(p.looks.len() >= LOOKS, "{}", p.looks.len());
                assert!(last.captured_ns - first.captured_ns >= COLLECT_NS);
            }
            // Move, settle, collect, and a blink now and then.
            let seconds = (r.now_ns / MS - 5_000) as f64 / 1000.0;
            let each = seconds / (targets + CHECKS) as f64;
            let most = if fps < 10.0 { 4.0 } else { 2.8 };
            assert!((2.0..most).contains(&each), "{fps} fps: {each} s a target");
        }
    }
}

#[test]
fn a_target_that_was_not_looked_at_is_the_only_one_shown_again() {
    let looker = Looker {
        ignores: |pass, number| pass == 1 && number == 4,
        ..Looker::default()
    };
    let mut before = None;
    let r = run(nine(), &looker, |view| match view {
        View::Result(result) if result.again > 0 => {
            let flaws: Vec<_> = result.bad.iter().map(|i| result.points[*i].flaw).collect();
            before = Some((result.bad.to_vec(), flaws, result.again));
            Some(Key::Redo)
        }
        _ => willing(view),
    });
    assert_eq!(before, Some((vec![3], vec![Some(Flaw::Wild)], 1)));
    assert_eq!(r.shown[1], [r.shown[0][3]]);
    assert!(difference(&r.stored().map, &TRUTH) < 0.02);
    assert!(r.stored().targets.iter().all(|t| t.used));
    r.only_proper_looks(0.0);
}

#[test]
fn of_five_targets_what_cannot_be_located_is_asked_for_again() {
    // Every target of the fit in turn; the first comes from the middle of nowhere.
    for wrong in [2, 3, 4, 5] {
        let ignores: fn(usize, usize) -> bool = match wrong {
            2 => |pass, number| pass == 1 && number == 2,
            3 => |pass, number| pass == 1 && number == 3,
            4 => |pass, number| pass == 1 && number == 4,
            _ => |pass, number| pass == 1 && number == 5,
        };
        let looker = Looker {
            ignores,
            ..Looker::default()
        };
        let mut refused = false;
        let r = run(
            plan(Kind::Calibrate { targets: 5 }),
            &looker,
            |view| match view {
                View::Result(result) if result.refused.is_some() => {
                    refused = true;
                    assert!(!result.can_store && result.bad.contains(&(wrong - 1)));
                    assert!(result.bad.len() <= 2, "{wrong}: {:?}", result.bad);
                    Some(Key::Redo)
                }
                _ => willing(view),
            },
        );
        assert!(refused);
        assert!(difference(&r.stored().map, &TRUTH) < 0.02);
    }
}

#[test]
fn who_arrives_late_is_counted_where_they_arrived() {
    let looker = Looker {
        latency_ns: 1_200 * MS,
        ..Looker::default()
    };
    let r = run(nine(), &looker, willing);
    r.only_proper_looks(0.0);
    assert!(difference(&r.stored().map, &TRUTH) < 0.02);
}

#[test]
fn a_turned_head_pauses_and_is_told_so() {
    let looker = Looker {
        turned_ns: Some((14_000 * MS, 20_000 * MS)),
        ..Looker::default()
    };
    let r = run(nine(), &looker, willing);
    assert!(r.said.contains(&Hint::ComeBack.to_string()));
    r.only_proper_looks(0.0);
    r.stored();
}

#[test]
fn wandering_eyes_are_not_counted() {
    let looker = Looker {
        wanders_ns: Some((14_000 * MS, 20_000 * MS)),
        ..Looker::default()
    };
    let r = run(nine(), &looker, willing);
    assert!(r.said.contains(&Hint::Rest.to_string()));
    r.only_proper_looks(0.15);
    r.stored();
}

#[test]
fn blinks_make_no_words_flicker() {
    let r = run(nine(), &Looker::default(), willing);
    assert_eq!(r.said, [""; 0]);
}

#[test]
fn who_leaves_half_way_is_asked_and_nothing_is_stored() {
    let looker = Looker {
        leaves_ns: Some(15_000 * MS),
        ..Looker::default()
    };
    let mut asked = 0;
    let r = run(nine(), &looker, |view| match view {
        View::Stuck(stuck) => {
            asked += 1;
            assert_eq!(stuck.why, Hint::Problem(Problem::NoFace));
            // Without five targets there is no map: then space tries again as well.
            if asked < 12 {
                Some(Key::Go)
            } else {
                Some(Key::Leave)
            }
        }
        _ => willing(view),
    });
    assert_eq!(asked, 12);
    assert!(matches!(r.session.outcome(), Some(Outcome::Left(_))));
}

#[test]
fn a_target_can_be_passed_over_and_is_the_one_to_show_again() {
    // Somebody who hides for a while, at one target.
    let mut session = Session::new(nine()).unwrap();
    let mut now = 0;
    let mut frame = 0;
    let back = TRUTH.inverse().unwrap();
    let mut skipped = None;
    loop {
        now += 33 * MS;
        frame += 1;
        assert!(now < 600_000 * MS, "hangs");
        session.tick(now);
        let (at, number) = match session.view(now) {
            View::Welcome(_) => ([0.5; 2], 0),
            View::Target(t) => (t.at, t.number),
            View::Stuck(s) => {
                assert!(s.skippable && s.number == 3);
                skipped = Some(s.at);
                session.key(now, Key::Go);
                continue;
            }
            _ => break,
        };
        if number == 0 {
            session.key(now, Key::Go);
        }
        let look = if number == 3 {
            Look::none(now, Problem::NoFace)
        } else {
            Look {
                captured_ns: now,
                frame_index: frame,
                point: Some(back.apply(at)),
                problem: None,
                eyes_mm: [0.0, 0.0, 600.0],
                head_deg: [0.0; 3],
                openness: [1.0; 2],
                spread_deg: None,
            }
        };
        session.look(now, &look);
    }
    let result = at_result(&session);
    assert_eq!(result.calibration.unwrap().targets.len(), 8);
    assert_eq!(
        (result.bad, result.again, result.can_store),
        (&[2][..], 1, true)
    );
    assert_eq!(Some(result.points[2].target), skipped);
    assert_eq!(result.points[2].flaw, Some(Flaw::Few));
}

#[test]
fn a_camera_that_falls_silent_is_told() {
    let mut session = Session::new(nine()).unwrap();
    session.key(0, Key::Go);
    assert!(matches!(
        session.view(0),
        View::Welcome(WelcomeView { waiting: true, .. })
    ));
    let look = Look {
        point: Some([0.5; 2]),
        problem: None,
        ..Look::none(1, Problem::NoFace)
    };
    session.look(1, &look);
    assert!(
        matches!(session.view(2), View::Target(_)),
        "space was pressed before"
    );
    session.tick(5_000 * MS);
    let View::Target(target) = session.view(5_000 * MS) else {
        panic!()
    };
    assert_eq!(target.hint, Some(Hint::Problem(Problem::NoFrames)));
    session.tick(12_000 * MS);
    assert!(matches!(session.view(0), View::Stuck(_)));
}

#[test]
fn gaze_that_has_nothing_to_do_with_the_dots_is_refused_with_the_reason() {
    let looker = Looker {
        ignores: |_, number| number > 1 && number % 2 == 0,
        noise: 0.02,
        ..Looker::default()
    };
    let mut line = None;
    let r = run(
        Plan {
            previous: Some(stored()),
            ..nine()
        },
        &looker,
        |view| match view {
            View::Result(result) => {
                assert!(!result.can_store && result.again > 0, "{result:?}");
                line = result.refused.map(str::to_owned);
                // Space does nothing here.
                Some(if line.is_some() { Key::Leave } else { Key::Go })
            }
            _ => willing(view),
        },
    );
    assert!(line.is_some());
    assert!(matches!(r.session.outcome(), Some(Outcome::Left(_))));
}

#[test]
fn a_map_worse_than_the_stored_one_is_said_to_be() {
    let careless = Looker {
        noise: 0.09,
        blinks: false,
        ..Looker::default()
    };
    let good = stored();
    let result_of = |previous, looker: &Looker| {
        let mut said = None;
        let r = run(Plan { previous, ..nine() }, looker, |view| {
            if let View::Result(result) = view {
                said = Some((result.warning.map(str::to_owned), result.before_today));
            }
            willing(view)
        });
        (r, said.unwrap())
    };
    let (again, (warning, _)) = result_of(Some(good.clone()), &Looker::default());
    assert_eq!(warning, None);
    assert_eq!(again.stored().history.len(), 1);
    assert!(again.stored().history_used);
    // Another person's map in the file: it was worse, whatever it promised.
    let mut foreign = good.clone();
    foreign.map.c += 0.3;
    let (_, (warning, today)) = result_of(Some(foreign), &Looker::default());
    assert!(warning.is_none() && today.unwrap() > 0.2, "{today:?}");
    let mut moved = good;
    moved.display.width_mm *= 1.5;
    let (_, (warning, today)) = result_of(Some(moved), &careless);
    assert!(today.is_none() && warning.unwrap().contains("gave when it was made"));
}

#[test]
fn what_could_not_be_read_again_is_refused_with_its_reason() {
    // A file that somebody wrote by hand: a sitting of its history is too small.
    let mut previous = stored();
    previous.history = previous.history_for_next(&setup());
    previous.history[0].targets.truncate(4);
    let previous = Some(previous);
    let mut refused = None;
    let r = run(Plan { previous, ..nine() }, &Looker::default(), |view| {
        if let View::Result(result) = view {
            refused = result.refused.map(str::to_owned);
        }
        willing(view)
    });
    assert!(refused.unwrap().contains("history"));
    assert!(matches!(r.session.outcome(), Some(Outcome::Left(_))));
}

#[test]
fn a_map_is_validated_at_new_targets_and_nothing_is_stored() {
    let judged = |previous: Calibration| {
        let mut warning = None;
        let kind = Kind::Validate { targets: 6 };
        let r = run(
            Plan {
                previous: Some(previous),
                ..plan(kind)
            },
            &Looker::default(),
            |view| {
                if let View::Result(result) = view {
                    warning = result.warning.map(str::to_owned);
                    assert_eq!((result.points.len(), result.checks.len()), (0, 6));
                }
                willing(view)
            },
        );
        r.only_proper_looks(0.0);
        match r.session.outcome() {
            Some(Outcome::Judged { error, grade, .. }) => (*error, *grade, warning),
            other => panic!("{other:?}"),
        }
    };
    let (error, grade, warning) = judged(stored());
    assert!(error < 0.02 && grade == Grade::Excellent && warning.is_none());
    // Repaired the wrong way: what is in force is judged.
    let (error, _, warning) = judged(stored().repaired([0.1, 0.0], 5));
    assert!((0.06..0.11).contains(&error) && warning.unwrap().contains("repair"));
}

#[test]
fn one_point_repairs_drift_but_no_more_than_drift() {
    let repair = |drift: [f64; 2], looker: Looker| -> (Run, Option<String>) {
        let map = Affine {
            c: TRUTH.c + drift[0],
            f: TRUTH.f + drift[1],
            ..TRUTH
        };
        let mut refused = None;
        let previous = Some(stored());
        let r = run(
            Plan {
                previous,
                ..plan(Kind::Repair)
            },
            &Looker { map, ..looker },
            |view| {
                if let View::Result(result) = view {
                    refused = result.refused.map(str::to_owned);
                }
                willing(view)
            },
        );
        (r, refused)
    };
    let (r, refused) = repair([0.06, -0.04], Looker::default());
    assert_eq!(refused, None);
    let offset = r.stored().repair.unwrap();
    assert!(
        (offset.dx - 0.06).abs() < 0.012 && (offset.dy + 0.04).abs() < 0.012,
        "{offset:?}"
    );
    assert_eq!(r.stored().map, stored().map);
    assert_eq!(r.stored().validate(), Ok(()));

    let (r, refused) = repair([0.3, 0.0], Looker::default());
    assert!(refused.unwrap().contains("more than drift"));
    assert!(matches!(r.session.outcome(), Some(Outcome::Left(_))));
    let noisy = Looker {
        noise: 0.1,
        ..Looker::default()
    };
    let (_, refused) = repair([0.02, 0.0], noisy);
    assert!(refused.unwrap().contains("too far apart"));
}

#[test]
fn another_camera_ends_the_sitting() {
    let mut session = Session::new(nine()).unwrap();
    session.look(
        1,
        &Look::none(1, Problem::Changed("the camera is another one".into())),
    );
    let result = at_result(&session);
    assert!(!result.can_store && result.again == 0);
    session.key(2, Key::Go);
    session.key(2, Key::Redo);
    session.key(3, Key::Leave);
    assert_eq!(
        session.outcome(),
        Some(&Outcome::Left("the camera is another one".into()))
    );
}

#[test]
fn what_cannot_be_done_is_said_before_it_begins() {
    let new = |plan: Plan| Session::new(plan).map(|_| ());
    for targets in [0, 4, 6, 21] {
        assert_eq!(
            new(plan(Kind::Calibrate { targets })),
            Err(PlanError::Targets { found: targets })
        );
    }
    assert_eq!(new(plan(Kind::Repair)), Err(PlanError::Nothing));
    let mut other = Plan {
        previous: Some(stored()),
        ..plan(Kind::Repair)
    };
    assert_eq!(new(other.clone()), Ok(()));
    other.setup.network = "another".into();
    assert!(matches!(new(other), Err(PlanError::NotApplicable(_))));
    let mut flat = nine();
    flat.setup.display.width_mm = 0.0;
    assert_eq!(new(flat), Err(PlanError::Display));
}

fn any_look() -> impl Strategy<Value = Look> {
    let problem = prop_oneof![
        8 => Just(None),
        1 => Just(Some(Problem::NoFace)),
        1 => Just(Some(Problem::EyesClosed)),
    ];
    let odd = || prop_oneof![20 => -0.5..1.5f64, 1 => Just(f64::NAN), 1 => Just(1e300)];
    (problem, odd(), odd(), 0..4u64, odd(), any::<bool>()).prop_map(
        |(problem, x, y, frame_index, lids, still)| Look {
            captured_ns: 0,
            frame_index,
            point: (x < 1.4).then_some(if still { [0.4, 0.4] } else { [x, y] }),
            eyes_mm: [x, y, 600.0],
            head_deg: [x, y, 0.0],
            openness: [lids, 1.0],
            spread_deg: None,
            problem,
        },
    )
}

#[derive(Debug, Clone)]
enum Event {
    /// So many looks of this kind, so many ms apart; where `true` at the dot.
    Looks(Look, usize, u64, bool),
    Key(Key),
    Tick(u64),
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => (any_look(), 1..90usize, 5..120u64, any::<bool>())
            .prop_map(|(look, n, ms, at)| Event::Looks(look, n, ms, at)),
        3 => Just(Event::Key(Key::Go)),
        2 => Just(Event::Key(Key::Redo)),
        1 => (0..60u32).prop_map(|i| Event::Key(if i == 0 { Key::Leave } else { Key::Go })),
        1 => (0..20_000u64).prop_map(Event::Tick),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]
    #[test]
    fn no_sequence_of_events_panics_or_stores_something_invalid(
        kind in 0..4usize, seed in any::<u64>(),
        events in proptest::collection::vec(any_event(), 0..120),
    ) {
        let kind = [
            Kind::Calibrate { targets: 5 },
            Kind::Calibrate { targets: 9 },
            Kind::Validate { targets: 4 },
            Kind::Repair,
        ][kind];
        let previous = match kind {
            Kind::Calibrate { targets: 5 } => None,
            _ => Some(one_stored()),
        };
        let mut session = Session::new(Plan { seed, previous, ..plan(kind) }).unwrap();
        let back = TRUTH.inverse().unwrap();
        let (mut now, mut frame) = (0u64, 0);
        for event in events {
            match event {
                Event::Looks(look, n, ms, at_dot) => for _ in 0..n {
                    now += ms * MS;
                    frame += 1;
                    let mut look = Look { captured_ns: now, ..look.clone() };
                    if at_dot && let View::Target(t) = session.view(now) {
                        look.point = Some(back.apply(t.at));
                        look.frame_index = frame;
                        look.problem = None;
                        look.openness = [1.0; 2];
                        look.eyes_mm = [0.0, 0.0, 600.0];
                        look.head_deg = [0.0; 3];
                    }
                    session.look(now, &look);
                },
                Event::Key(key) => session.key(now, key),
                Event::Tick(ms) => {
                    now += ms * MS;
                    session.tick(now);
                }
            }
            // Before the last time, and far after it: a view is had of any moment.
            let _ = session.view(0);
            match session.view(now) {
                View::Target(t) => {
                    prop_assert!((0.0..=1.0).contains(&t.progress) && (0.0..=1.0).contains(&t.moved));
                    prop_assert!(t.number >= 1 && t.number <= t.of);
                    let mut later = session.clone();
                    later.tick(now + STUCK_NS + 2_000 * MS);
                    prop_assert!(matches!(later.view(0), View::Stuck(_)), "waits for ever");
                }
                View::Result(result) => {
                    prop_assert!(result.can_store || result.refused.is_some());
                    prop_assert!(result.bad.iter().all(|i| *i < result.points.len()));
                }
                View::Done(Outcome::Store(calibration)) => {
                    prop_assert_eq!(calibration.validate(), Ok(()));
                    prop_assert!(calibration.applies_to(&setup()).is_ok());
                }
                _ => {}
            }
        }
        session.key(now, Key::Leave);
        prop_assert!(session.outcome().is_some());
    }
}

/// As [`stored`], made once.
pub(crate) fn one_stored() -> Calibration {
    static ONE: std::sync::OnceLock<Calibration> = std::sync::OnceLock::new();
    ONE.get_or_init(stored).clone()
}
