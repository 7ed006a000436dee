use super::*;
use crate::record::plan::steps;
use crate::session::Problem;
use gaze::dataset::protocol::{Failed, PassedOver, Ready};

fn plan(places: usize) -> Plan {
    Plan {
        folder: "/faces".into(),
        screen: Screen::laptop(1512, 982),
        steps: steps(places, 5),
        agreed: false,
    }
}

fn ready() -> Answer {
    Answer::Ready(Ready {
        protocol: 1,
        folder: "/faces".into(),
        next: 11,
        pairs: 10,
        mended: 0,
        camera: "c".into(),
    })
}

/// A daemon that stores what it is asked for; `fails(place, try)` is where it does not.
struct Daemon<F: Fn(u32, u32) -> Option<PassedOver>> {
    fails: F,
    target: Option<Target>,
    asked: Vec<Target>,
    stored: u32,
}

impl<F: Fn(u32, u32) -> Option<PassedOver>> Daemon<F> {
    fn new(fails: F) -> Self {
        Self {
            fails,
            target: None,
            asked: Vec::new(),
            stored: 0,
        }
    }

    /// One picture every 33 ms.
    fn frame(&mut self, recording: &mut Recording, now: u64) {
        while let Some(order) = recording.order() {
            match order {
                Request::Record(begin) => {
                    assert!(begin.consent);
                    recording.answer(now, &ready());
                }
                Request::Target(target) => {
                    assert!(self.target.is_none(), "one at a time");
                    assert!(target.from_ns > now);
                    self.asked.push(target);
                    (self.target, self.stored) = (Some(target), 0);
                }
            }
        }
        let Some(target) = self.target else { return };
        let tries = self
            .asked
            .iter()
            .filter(|t| t.place == target.place)
            .count();
        let fails = (self.fails)(target.place, tries as u32);
        let within = (target.from_ns..=target.until_ns).contains(&now);
        if within && fails.is_none() {
            self.stored += 1;
            let yaw = f64::from(target.place);
            recording.answer(
                now,
                &Answer::Stored(Stored {
                    place: target.place,
                    number: 1,
                    frame_index: 0,
                    captured_ns: now,
                    head_deg: [yaw, -yaw, 0.0],
                    head_mm: [0.0, 300.0, 400.0],
                }),
            );
        }
        if self.stored == target.frames || now > target.until_ns {
            self.target = None;
            let done = Done {
                place: target.place,
                stored: self.stored,
                wanted: target.frames,
                late: 0,
                passed_over: fails.unwrap_or_default(),
            };
            recording.answer(now, &Answer::Done(done));
        }
    }
}

/// Runs until the summary; every view that was seen while pictures could be taken.
fn run(
    recording: &mut Recording,
    daemon: &mut Daemon<impl Fn(u32, u32) -> Option<PassedOver>>,
) -> Vec<(u64, Dot)> {
    let (mut now, mut seen) = (1_000 * MS, Vec::new());
    while !recording.is_past() {
        recording.tick(now);
        daemon.frame(recording, now);
        if let View::Dot(dot) = recording.view(now) {
            seen.push((now, dot));
        }
        now += 33 * MS;
        assert!(now < 1_000_000 * MS, "it ends");
    }
    seen
}

#[test]
fn nothing_is_asked_of_the_daemon_before_the_person_agrees() {
    let mut recording = Recording::new(plan(3), 0);
    for now in 0..100 {
        recording.tick(now * 100 * MS);
    }
    assert_eq!(recording.order(), None);
    let View::Page(page) = recording.view(0) else {
        panic!("a page");
    };
    let text = page.lines.join(" ");
    for word in ["9 camera pictures", "/faces", "your face", "Nothing leaves"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    recording.key(0, Key::Redo);
    assert_eq!(recording.order(), None);
    recording.key(0, Key::Leave);
    assert_eq!(recording.order(), None);
    let report = recording.report().expect("it is over");
    assert!(report.declined && report.stored == 0);
}

#[test]
fn the_dot_rests_where_the_label_says_while_pictures_count() {
    let mut recording = Recording::new(plan(12), 0);
    recording.key(0, Key::Go);
    let mut daemon = Daemon::new(|_, _| None);
    let seen = run(&mut recording, &mut daemon);
    assert_eq!(daemon.asked.len(), 12);
    for target in &daemon.asked {
        let step = &recording.plan.steps[target.place as usize];
        assert_eq!(target.x_px, step.at[0] * 1512.0);
        assert_eq!(target.y_px, step.at[1] * 982.0);
        let mut counted = 0;
        for (now, dot) in &seen {
            if dot.number == target.place as usize + 1 && *now >= target.from_ns {
                assert_eq!((dot.at, dot.moved), (step.at, 1.0));
                assert_eq!(dot.phase, Phase::Collecting);
                counted += 1;
            }
            if dot.phase == Phase::Collecting {
                let of = &daemon.asked[dot.number - 1];
                assert!((of.from_ns..=of.until_ns).contains(now), "{now} {of:?}");
            }
        }
        assert!(counted > 0);
    }
    // The eyes have time to follow before the first picture.
    let first = seen.iter().find(|(_, d)| d.number == 2 && d.moved == 1.0);
    assert!(daemon.asked[1].from_ns >= first.unwrap().0 + 500 * MS);
    let asked: Vec<_> = seen
        .iter()
        .filter_map(|(_, d)| d.words.as_deref())
        .collect();
    assert!(
        asked
            .iter()
            .any(|w| w.contains("turn your head slowly to the left"))
    );
    recording.key(0, Key::Go);
    let report = recording.report().unwrap();
    assert_eq!(report.stored, u64::from(pictures(&recording.plan.steps)));
    assert_eq!((report.places, report.pairs), (12, 10 + report.stored));
    assert_eq!(report.yaw_deg, Some([0.0, 11.0]));
    assert_eq!(report.pitch_deg, Some([-11.0, 0.0]));
    assert_eq!(report.distance_mm, Some([500.0; 2]));
    assert_eq!(report.trouble, None);
}

#[test]
fn a_place_without_a_picture_is_tried_again_and_said_why() {
    let shut = PassedOver {
        eyes_shut: 9,
        ..PassedOver::default()
    };
    let mut recording = Recording::new(plan(4), 0);
    recording.key(0, Key::Go);
    // The second place works at the second try, the third never.
    let mut daemon = Daemon::new(|place, tries| match (place, tries) {
        (1, 1) | (2, _) => Some(shut),
        _ => None,
    });
    let seen = run(&mut recording, &mut daemon);
    let tries = |place| daemon.asked.iter().filter(|t| t.place == place).count();
    assert_eq!([0, 1, 2, 3].map(tries), [1, 2, 3, 1]);
    let said =
        |(_, d): &(u64, Dot)| d.words.as_deref() == Some("once more: the eyes were not open");
    assert!(seen.iter().any(said));
    recording.key(0, Key::Leave);
    assert_eq!(recording.report().unwrap().places, 3);
}

#[test]
fn escape_ends_it_with_what_has_been_stored() {
    let mut recording = Recording::new(plan(5), 0);
    recording.key(0, Key::Go);
    assert!(matches!(recording.order(), Some(Request::Record(_))));
    recording.answer(0, &ready());
    recording.tick(10);
    assert!(matches!(recording.order(), Some(Request::Target(_))));
    let stored = Stored {
        place: 0,
        number: 1,
        frame_index: 0,
        captured_ns: 0,
        head_deg: [0.0; 3],
        head_mm: [0.0, 0.0, 1.0],
    };
    recording.answer(20, &Answer::Stored(stored));
    recording.key(30, Key::Leave);
    // One that was on its way.
    recording.answer(40, &Answer::Stored(stored));
    recording.gone("gone");
    let View::Page(page) = recording.view(50) else {
        panic!("the summary");
    };
    assert!(page.lines[0].starts_with("2 pairs stored in /faces (1 of 5 places)"));
    assert_eq!(recording.report(), None, "it is read first");
    recording.key(60, Key::Go);
    let report = recording.report().unwrap();
    assert_eq!((report.stored, &report.trouble), (2, &None));
}

#[test]
fn who_agreed_on_the_command_line_is_not_asked_and_need_not_close() {
    let agreed = Plan {
        agreed: true,
        ..plan(2)
    };
    let mut recording = Recording::new(agreed, 0);
    let mut daemon = Daemon::new(|_, _| None);
    run(&mut recording, &mut daemon);
    assert_eq!(recording.report().unwrap().places, 2);
}

#[test]
fn trouble_is_shown_at_the_dot_and_a_blink_is_not() {
    let mut recording = Recording::new(plan(5), 0);
    recording.key(0, Key::Go);
    recording.answer(0, &ready());
    let mut shown = |now: u64, problem: Option<Problem>| {
        let look = Look {
            problem,
            ..Look::none(now, Problem::NoFace)
        };
        recording.look(now, &look);
        let View::Dot(dot) = recording.view(now) else {
            panic!("a dot");
        };
        dot.problem
    };
    assert_eq!(shown(0, Some(Problem::EyesClosed)), None);
    assert_eq!(shown(BLINK_NS, Some(Problem::EyesClosed)), None);
    assert_eq!(shown(2 * BLINK_NS, None), None);
    assert_eq!(shown(3 * BLINK_NS, Some(Problem::EyesClosed)), None);
    let line = shown(4 * BLINK_NS + 1, Some(Problem::NoFace)).unwrap();
    assert!(line.contains("no face"), "{line}");
}

#[test]
fn every_trouble_ends_with_its_reason() {
    let failed = |kind, why: &str| {
        Answer::Failed(Failed {
            kind,
            why: why.into(),
        })
    };
    let begun = || {
        let mut recording = Recording::new(plan(5), 0);
        recording.key(0, Key::Go);
        recording.order();
        recording
    };
    // No folder; no room at a dot; gone; silent at both.
    let mut at_dot = begun();
    at_dot.answer(0, &ready());
    at_dot.tick(1);
    let until = at_dot.plan.steps[0].collect_ns + at_dot.plan.steps[0].settle_ns;
    for (mut recording, says) in [(begun(), "a"), (at_dot.clone(), "b")] {
        recording.answer(5, &failed(Trouble::Full, says));
        recording.gone("gone");
        recording.key(6, Key::Go);
        let report = recording.report().unwrap();
        assert_eq!(report.trouble.as_deref(), Some(says));
        assert_eq!(report.kind, Some(Trouble::Full));
    }
    for (mut recording, last) in [(begun(), 0), (at_dot.clone(), until + 1)] {
        recording.tick(last + SILENCE_NS);
        assert_ne!(recording.stage, Stage::Summary);
        recording.tick(last + SILENCE_NS + 1);
        assert_eq!(recording.stage, Stage::Summary);
        assert!(
            recording
                .report
                .trouble
                .as_ref()
                .unwrap()
                .contains("does not answer")
        );
    }
    at_dot.gone("it is gone");
    assert_eq!(at_dot.report.trouble.as_deref(), Some("it is gone"));
    at_dot.close();
    assert!(at_dot.report().is_some());
}
