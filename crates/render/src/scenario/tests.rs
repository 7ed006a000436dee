use std::sync::Arc;

use super::*;
use crate::scene::Picture;

fn small(kind: Kind) -> Plan {
    Plan {
        size: Some((160, 120)),
        fps: 10.0,
        ..Plan::new(kind, 5)
    }
}

#[test]
fn every_kind_has_a_name_that_finds_it() {
    for kind in Kind::ALL {
        assert_eq!(kind.name().parse(), Ok(kind));
    }
    let error = "crowds".parse::<Kind>().unwrap_err().to_string();
    assert!(error.contains("crowds") && error.contains("head-turns"));
}

#[test]
fn people_stay_in_the_picture_and_their_eyes_in_their_heads() {
    for kind in Kind::ALL {
        let plan = small(kind);
        for n in (0..600).step_by(7) {
            let shot = plan.shot(n);
            assert_eq!(shot.people.len(), shot.moment.poses.len());
            for pose in &shot.moment.poses {
                // The others say where eyes are before the head is turned.
                let eyes = match kind {
                    Kind::GazeLocking => pose.place + contact::moved(pose.head),
                    _ => pose.place,
                };
                let eye = eye_in_head(pose.target - eyes, pose.head);
                assert!(
                    eye[0].abs() < 46.0 && eye[1].abs() < 33.0,
                    "{} {n}: {eye:?}",
                    kind.name()
                );
                let px = shot.camera().project(pose.place);
                assert!(
                    (0.0..160.0).contains(&px.x) && (0.0..120.0).contains(&px.y),
                    "{} {n}: {px}",
                    kind.name()
                );
            }
        }
    }
}

#[test]
fn a_label_s_target_is_where_the_followed_person_looks() {
    for kind in Kind::ALL {
        for n in [0, 3, 17, 44, 95, 203] {
            let shot = small(kind).shot(n);
            let pose = &shot.moment.poses[shot.followed];
            let meant = (shot.target_mm() - pose.place).normalize();
            let looked = (pose.target - pose.place).normalize();
            // Fixations of a calibration wander a little; else it is the very point, also
            // for eyes that a turned head has moved.
            let off = meant.angle(&looked).to_degrees();
            assert!(off < 1.2, "{} {n}: {off}", kind.name());
            if kind != Kind::Calibration {
                let apart = (shot.target_mm() - pose.target).norm();
                assert!(apart < 1e-6, "{} {n}: {apart} mm", kind.name());
            }
        }
    }
}

#[test]
fn calibrations_hold_the_head_still_and_head_turns_the_target() {
    let shots: Vec<_> = (0..96).map(|n| small(Kind::Calibration).shot(n)).collect();
    let first = &shots[0].moment.poses[0];
    let mut targets = Vec::new();
    for s in &shots {
        let pose = &s.moment.poses[0];
        assert!((0..3).all(|i| (pose.head[i] - first.head[i]).abs() < 3.0));
        assert!((pose.place - first.place).norm() < 10.0);
        if !targets.contains(&s.target) {
            targets.push(s.target);
        }
    }
    assert_eq!(targets.len(), 16);
    assert_eq!(small(Kind::Calibration).shot(96).person, 0, "sits again");
    assert_ne!(small(Kind::Calibration).shot(96).setup, shots[0].setup);

    let turns: Vec<_> = (0..11).map(|n| small(Kind::HeadTurns).shot(n)).collect();
    let yaw = |i: usize| turns[i].moment.poses[0].head[0];
    assert!((yaw(10) - yaw(0) - 50.0).abs() < 1e-9);
    let eye_mm = &turns[0].moment.poses[0].target;
    assert!(turns.iter().all(|s| s.moment.poses[0].target == *eye_mm));
}

#[test]
fn a_film_has_no_jumps_but_saccades() {
    let plan = Plan {
        fps: 120.0,
        ..small(Kind::Session)
    };
    let mut seen = Vec::new();
    let (mut shut, mut all) = (0, 0);
    for n in 0..plan.lengths().0 - 1 {
        let (a, b) = (plan.shot(n), plan.shot(n + 1));
        if a.doing != Doing::Saccade && b.doing != Doing::Saccade {
            // Pursuit is slower than 15°/s; the eye drifts at some 2°/s.
            let moved = (a.target - b.target).norm();
            assert!(moved < 0.02, "{n}: {moved}");
        }
        let (p, q) = (&a.moment.poses[0], &b.moment.poses[0]);
        assert!((0..3).all(|i| (p.head[i] - q.head[i]).abs() < 1.0));
        assert!((p.shut - q.shut).abs() < 0.3);
        shut += usize::from(p.shut > 0.5);
        all += 1;
        if !seen.contains(&a.doing) {
            seen.push(a.doing);
        }
    }
    for doing in [Doing::Fixation, Doing::Saccade, Doing::Pursuit] {
        assert!(seen.contains(&doing), "{doing:?}");
    }
    let share = shut as f64 / all as f64;
    assert!((0.01..0.1).contains(&share), "{share}");
}

#[test]
fn a_crowd_s_heads_turn_and_do_not_jump_and_nobody_stands_there_twice() {
    let plan = Plan {
        fps: 60.0,
        persons: Some(3),
        ..small(Kind::Crowd)
    };
    for n in 0..plan.lengths().0 - 1 {
        let (a, b) = (plan.shot(n), plan.shot(n + 1));
        for (p, q) in a.moment.poses.iter().zip(&b.moment.poses) {
            // Quick heads reach 250° a second.
            for i in 0..3 {
                let turned = (p.head[i] - q.head[i]).abs();
                assert!(turned < 4.5, "{n}: {turned}");
            }
        }
        let mut people = a.people.clone();
        people.sort_unstable();
        people.dedup();
        assert_eq!(people.len(), a.people.len());
    }
}

#[test]
fn contact_pictures_look_into_the_lens_near_it_and_away() {
    let plan = small(Kind::Contact);
    let people = Arc::new(People::new(2));
    let lights = crate::room::lights::demo(&gaze::screen::Screen::default());
    let (mut into, mut near, mut away) = (0, 0, 0);
    for n in 0..40 {
        let shot = plan.shot(n);
        let person = people.get(shot.people[0]);
        let truth = person
            .look(&shot.moment.poses[0], &shot.camera(), &lights)
            .0;
        match lens_angle_deg(&truth) {
            a if a < CONTACT_DEG => into += 1,
            a if a < 10.5 => near += 1,
            _ => away += 1,
        }
        assert!((450.0..3100.0).contains(&truth.head_mm.z));
    }
    assert!(into > 7 && near > 4 && away > 4, "{into} {near} {away}");
}

#[test]
fn gaze_locking_pictures_are_of_the_published_grid() {
    let plan = small(Kind::GazeLocking);
    let people = Arc::new(People::new(4));
    let lights = crate::room::lights::demo(&gaze::screen::Screen::default());
    let (mut locked, mut turns, mut looks) = (0, [0; 5], [0; 21]);
    for n in 0..800 {
        let shot = plan.shot(n);
        let pose = &shot.moment.poses[0];
        // An average head's eyes, and of every tenth picture the person's own.
        let mut eyes = pose.place + contact::moved(pose.head);
        let mut most = 1.6;
        if n % 10 == 0 {
            let person = people.get(shot.people[0]);
            let truth = person.look(pose, &shot.camera(), &lights).0;
            eyes = truth.head_mm;
            most = 2.5;
            let off = lens_angle_deg(&truth);
            assert!(!(CONTACT_DEG..3.5).contains(&off), "{n}: {off}");
        }
        let [yaw, pitch] = angles(-eyes);
        let to = angles(pose.target - eyes);
        let near = |value: f64, step: f64| {
            let cell = (value / step).round();
            assert!((value - cell * step).abs() < most, "{n}: {value}");
            cell as i32
        };
        let turn = near(pose.head[0] - yaw, 15.0);
        let (across, up) = (near(to[0] - yaw, 5.0), near(to[1] - pitch, 10.0));
        turns[usize::try_from(turn + 2).unwrap()] += 1;
        looks[usize::try_from(7 * (up + 1) + across + 3).unwrap()] += 1;
        locked += usize::from((across, up) == (0, 0));
        assert!((480.0..2020.0).contains(&eyes.z), "{eyes}");
    }
    assert!((280..360).contains(&locked), "{locked}");
    assert!(turns.iter().all(|n| (120..200).contains(n)), "{turns:?}");
    assert!(looks.iter().all(|&n| n > 8), "{looks:?}");
}

#[test]
fn a_picture_does_not_depend_on_what_was_drawn_before() {
    let people = Arc::new(People::new(4));
    for kind in [Kind::Random, Kind::Crowd] {
        let plan = Plan {
            persons: Some(2),
            ..small(kind)
        };
        let (mut a, mut b) = (Picture::default(), Picture::default());
        let mut painter = Painter::new(people.clone());
        painter.paint(&plan.shot(30), &mut a);
        painter.paint(&plan.shot(31), &mut a);
        let first = painter.paint(&plan.shot(3), &mut a);
        let other = Painter::new(Arc::new(People::new(1))).paint(&plan.shot(3), &mut b);
        assert_eq!(a, b);
        assert_eq!(first, other);
    }
}
