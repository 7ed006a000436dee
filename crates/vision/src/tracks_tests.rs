//! Crossings, losses and returns with made-up sightings.

use super::*;
use crate::colours::Colours;
use gaze::contact::Evidence;
use gaze::head::HeadPose;
use nalgebra::Vector3;

const FRAME_NS: u64 = 33_000_000;

/// A person: colours, distance, and a path of the box's middle.
#[derive(Clone, Copy)]
struct Who {
    tint: f32,
    distance: f32,
    from: f32,
    speed: f32,
}

impl Who {
    fn x(&self, at_ns: u64) -> f32 {
        self.from + self.speed * at_ns as f32 * 1e-9
    }

    fn size(&self) -> f32 {
        150.0 * 1000.0 / self.distance
    }

    fn seen(&self, at_ns: u64) -> Sighted {
        let (size, tint) = (self.size(), self.tint);
        let planes: Vec<f32> = (0..3 * 64 * 64)
            .map(|i| if i / 4096 == 0 { tint } else { 0.5 })
            .collect();
        let at = Vector3::new(0.0, 0.0, f64::from(self.distance));
        Sighted {
            at_ns,
            bbox: BBox {
                x: self.x(at_ns) - size / 2.0,
                y: 200.0 - size / 2.0,
                width: size,
                height: size,
            },
            next: Region {
                x: self.x(at_ns),
                y: 200.0,
                size: 1.5 * size,
                roll: 0.0,
            },
            presence: 0.9,
            head: HeadPose::from_angles(0.0, 0.0, 0.0, at),
            eyes_open: true,
            contact: Evidence::Nothing,
            colours: Colours::of(&planes, 64),
            misfit_mm: 3.0,
        }
    }
}

const NEAR: Who = Who {
    tint: 0.7,
    distance: 600.0,
    from: 300.0,
    speed: 0.0,
};
const FAR: Who = Who {
    tint: 0.5,
    distance: 1000.0,
    from: 0.0,
    speed: 300.0,
};

fn ids(tracks: &Tracks) -> Vec<u32> {
    tracks.faces().map(|f| f.id).collect()
}

/// What a landmark network in `region` finds of people: the nearest whose middle is inside.
fn look(region: &Region, people: &[Who], at_ns: u64) -> Option<Sighted> {
    people
        .iter()
        .filter(|p| (p.x(at_ns) - region.x).abs() < 0.3 * region.size)
        .min_by(|a, b| a.distance.total_cmp(&b.distance))
        .map(|p| p.seen(at_ns))
}

/// Lets two people pass and returns the ids that each was seen under, frame by frame.
fn pass(near: Who, far: Who, frames: u64) -> Vec<[Option<u32>; 2]> {
    let mut tracks = Tracks::new();
    let mut seen = Vec::new();
    for frame in 0..frames {
        let now = frame * FRAME_NS;
        let people = [near, far];
        let followed: Vec<u32> = tracks.live.iter().map(|t| t.face.id).collect();
        for id in followed {
            let Some(region) = tracks.region(id, now) else {
                continue;
            };
            match look(&region, &people, now) {
                Some(s) => _ = tracks.measured(id, &s),
                None => tracks.missed(id),
            }
        }
        // The detector sees everybody who is not hidden.
        for p in &people {
            let apart = (near.x(now) - far.x(now)).abs();
            let hidden = p.distance == far.distance && apart < 0.5 * (near.size() + far.size());
            let s = p.seen(now);
            let known = tracks
                .live
                .iter()
                .any(|t| t.bbox_at(now).overlap(&s.bbox) > 0.2);
            if frame % 4 == 0 && !hidden && !known {
                tracks.found(&s);
            }
        }
        tracks.forget(now);
        let id_of = |p: &Who| {
            let at = p.seen(now).bbox;
            let best = tracks.faces().max_by(|a, b| {
                let fit = |f: &SeenFace| f.bbox.overlap(&at);
                fit(a).total_cmp(&fit(b))
            });
            best.filter(|f| f.bbox.overlap(&at) > 0.5).map(|f| f.id)
        };
        seen.push([id_of(&near), id_of(&far)]);
    }
    seen
}

#[test]
fn people_who_cross_keep_their_ids() {
    // Seen apart, hidden, and apart again; quickly and slowly, alike and unlike.
    for (speed, tint) in [(300.0, 0.5), (600.0, 0.5), (220.0, 0.7), (300.0, 0.7)] {
        let far = Who { speed, tint, ..FAR };
        let frames = (900.0 / speed * 30.0) as u64;
        let seen = pass(NEAR, far, frames);
        assert!(seen.iter().all(|s| s[0] == Some(1)), "{speed}: {seen:?}");
        let of_far: Vec<u32> = seen.iter().filter_map(|s| s[1]).collect();
        assert!(of_far.iter().all(|id| *id == 2), "{speed}: {of_far:?}");
        assert_eq!(seen.last().unwrap()[1], Some(2), "{speed}: seen again");
        let hidden = seen.iter().filter(|s| s[1].is_none()).count();
        assert!(hidden > 2, "{speed}: it was hidden for a while");
    }
}

#[test]
fn someone_else_who_comes_from_behind_is_someone_else() {
    let mut tracks = Tracks::new();
    assert_eq!(tracks.found(&FAR.seen(0)), Some(1));
    tracks.missed(1);
    assert!(ids(&tracks).is_empty(), "what is lost is not listed");
    let later = 500_000_000;
    let at = |p: Who| Who {
        from: FAR.x(later),
        speed: 0.0,
        ..p
    };
    // Nearer by a third; and of other colours.
    let nearer = at(Who {
        distance: 700.0,
        ..FAR
    });
    let other = at(Who { tint: 4.0, ..FAR });
    assert_eq!(tracks.found(&nearer.seen(later)), Some(2));
    tracks.missed(2);
    assert_eq!(tracks.found(&other.seen(later)), Some(3));
    tracks.missed(3);
    assert_eq!(tracks.found(&at(FAR).seen(later)), Some(1), "itself");
    tracks.missed(1);
    let much_later = later + REMEMBER_NS + 1;
    tracks.forget(much_later);
    assert_eq!(tracks.found(&at(FAR).seen(much_later)), Some(4));
}

#[test]
fn there_is_room_for_eight_and_whoever_waits_longest_is_due() {
    let mut tracks = Tracks::new();
    for i in 0..12 {
        let who = Who {
            from: 300.0 * i as f32,
            speed: 0.0,
            ..FAR
        };
        assert_eq!(tracks.found(&who.seen(i)).is_some(), i < 8);
        for later in 20..22 {
            tracks.measured(i as u32 + 1, &who.seen(later));
        }
    }
    tracks.choose(Choice::Nearest, 20, [1280.0, 720.0]);
    assert_eq!(tracks.primary(), Some(1));
    let now = 200_000_000;
    let due: Vec<u32> = std::iter::from_fn(|| tracks.due(now, 120_000_000).map(|d| d.0)).collect();
    assert_eq!(due, [2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(
        tracks.due(now + 100_000_000, 120_000_000),
        None,
        "they were asked for"
    );
    // As often as there are frames: each once in each.
    for frame in 1..3 {
        let at = now + frame * FRAME_NS;
        let each: Vec<u32> = std::iter::from_fn(|| tracks.due(at, 0).map(|d| d.0))
            .take(20)
            .collect();
        assert_eq!(each, [2, 3, 4, 5, 6, 7, 8]);
    }
}

#[test]
fn the_nearest_is_primary_after_a_second_or_the_chosen_one_at_once() {
    let mut tracks = Tracks::new();
    let picture = [1280.0, 720.0];
    let far = Who {
        from: 900.0,
        speed: 0.0,
        ..FAR
    };
    tracks.found(&far.seen(0));
    tracks.choose(Choice::Nearest, 0, picture);
    assert_eq!(tracks.primary(), Some(1));
    tracks.found(&NEAR.seen(0));
    let mut when = None;
    for frame in 0..60 {
        tracks.choose(Choice::Nearest, frame * FRAME_NS, picture);
        if tracks.primary() == Some(2) && when.is_none() {
            when = Some(frame * FRAME_NS);
        }
    }
    assert!((RIVAL_NS..RIVAL_NS + 2 * FRAME_NS).contains(&when.unwrap()));
    tracks.choose(Choice::Id(1), 0, picture);
    assert_eq!((tracks.primary(), ids(&tracks)), (Some(1), vec![1, 2]));
    tracks.choose(Choice::Id(77), 0, picture);
    assert_eq!(
        tracks.primary(),
        Some(1),
        "nobody has that id: as they are nearest"
    );
}

#[test]
fn who_was_hidden_longest_comes_back_although_nobody_else_can_be_remembered() {
    let mut tracks = Tracks::new();
    let mut at = 0;
    let mut come_and_go = |tracks: &mut Tracks, distance: f32| {
        at += FRAME_NS;
        let id = tracks.found(&Who { distance, ..NEAR }.seen(at)).unwrap();
        tracks.missed(id);
        id
    };
    let first = come_and_go(&mut tracks, 600.0);
    for k in 0..GHOSTS as i32 - 1 {
        come_and_go(&mut tracks, 1100.0 * 1.33f32.powi(k));
    }
    assert_eq!(tracks.ghosts.len(), GHOSTS);
    let other = Who {
        distance: 820.0,
        ..NEAR
    };
    let slid = tracks.found(&other.seen(at + FRAME_NS)).unwrap();
    assert_eq!(ids(&tracks), [slid]);
    assert_eq!(tracks.found(&NEAR.seen(at + 2 * FRAME_NS)), Some(first));
    assert_eq!(ids(&tracks), [first]);
}

/// Looks at a face that is unsure, a frame after the other, until it is sure or `looks` are over.
fn follow(tracks: &mut Tracks, id: u32, who: &Who, from_ns: u64, looks: u64) -> Option<u32> {
    let mut now = Some(id);
    for look in 1..=looks {
        now = tracks.measured(now?, &who.seen(from_ns + look * FRAME_NS));
    }
    now
}

/// Somebody still, near, and listed at once: nobody else is there.
fn with_somebody_near() -> Tracks {
    let mut tracks = Tracks::new();
    assert_eq!(tracks.found(&NEAR.seen(0)), Some(1));
    assert_eq!(ids(&tracks), [1]);
    tracks
}

const BEHIND: Who = Who {
    from: 460.0,
    speed: 0.0,
    ..FAR
};

#[test]
fn halves_of_two_faces_beside_a_third_get_no_id_and_leave_none() {
    let mut tracks = with_somebody_near();
    // Somebody behind is known, and hidden.
    let unsure = tracks.found(&BEHIND.seen(0)).unwrap();
    assert_eq!(ids(&tracks), [1], "not listed yet");
    assert_eq!(follow(&mut tracks, unsure, &BEHIND, 0, 5), Some(2));
    assert_eq!(ids(&tracks), [1, 2]);
    tracks.missed(2);
    // Something like them is seen there for three looks.
    let at = 600_000_000;
    let halves = tracks.found(&BEHIND.seen(at)).unwrap();
    assert_eq!(follow(&mut tracks, halves, &BEHIND, at, 3), Some(halves));
    tracks.missed(halves);
    assert_eq!((ids(&tracks), tracks.ghosts.len()), (vec![1], 1));
    // They come back themselves, and after them somebody new.
    let at = 1_200_000_000;
    let back = tracks.found(&BEHIND.seen(at)).unwrap();
    assert_eq!(follow(&mut tracks, back, &BEHIND, at, 5), Some(2));
    let other = Who {
        distance: 700.0,
        from: 150.0,
        ..BEHIND
    };
    let new = tracks.found(&other.seen(at)).unwrap();
    assert_eq!(follow(&mut tracks, new, &other, at, 5), Some(3));
}

#[test]
fn a_face_that_one_head_fits_badly_takes_long_where_there_are_two_and_no_time_alone() {
    let over_two = |who: &Who, at_ns| Sighted {
        misfit_mm: 7.5,
        ..who.seen(at_ns)
    };
    let mut tracks = with_somebody_near();
    let unsure = tracks.found(&over_two(&BEHIND, 0)).unwrap();
    for frame in 1..30 {
        let seen = over_two(&BEHIND, frame * FRAME_NS);
        assert_eq!(tracks.measured(unsure, &seen), Some(unsure), "{frame}");
    }
    // Some people's faces are like that.
    let id = tracks.measured(unsure, &over_two(&BEHIND, 31 * FRAME_NS));
    assert_eq!((id, ids(&tracks)), (Some(2), vec![1, 2]));
    assert_eq!(
        tracks.measured(2, &over_two(&BEHIND, 32 * FRAME_NS)),
        Some(2)
    );

    // One whose face was not is lost by it, and nobody is lost for it.
    let mut tracks = with_somebody_near();
    let id = tracks.found(&BEHIND.seen(0)).unwrap();
    let id = follow(&mut tracks, id, &BEHIND, 0, 5).unwrap();
    assert_eq!(tracks.measured(id, &over_two(&BEHIND, 6 * FRAME_NS)), None);
    assert_eq!(ids(&tracks), [1], "remembered, not listed");
    let between = Who {
        distance: 800.0,
        from: 340.0,
        ..BEHIND
    };
    assert_eq!(tracks.found(&over_two(&between, 7 * FRAME_NS)), None);
    assert_eq!(ids(&tracks), [1]);

    // Alone there is nobody to be mixed up with.
    let at = 7 * FRAME_NS;
    assert_eq!(tracks.measured(1, &over_two(&NEAR, at)), Some(1));
    let mut alone = Tracks::new();
    assert_eq!(alone.found(&over_two(&NEAR, 0)), Some(1));
}

#[test]
fn whoever_slides_onto_somebody_unknown_behind_a_third_is_lost_not_taken_for_them() {
    let mut tracks = with_somebody_near();
    let id = tracks.found(&BEHIND.seen(0)).unwrap();
    let id = follow(&mut tracks, id, &BEHIND, 0, 5).unwrap();
    // A sixth nearer from one look to the next; a twentieth is a head that moves.
    let jump = |by: f32, frame: u64| {
        let who = Who {
            distance: BEHIND.distance * by,
            ..BEHIND
        };
        who.seen(frame * FRAME_NS)
    };
    assert_eq!(tracks.measured(id, &jump(0.95, 6)), Some(id));
    assert_eq!(tracks.measured(id, &jump(0.83, 7)), None);
    assert_eq!(ids(&tracks), [1]);
}

#[test]
fn two_who_come_back_at_once_each_get_their_own_id_whoever_is_looked_at_first() {
    let at_x = |from: f32, distance: f32| Who {
        from,
        distance,
        tint: 0.5,
        speed: 0.0,
    };
    let gone = [at_x(460.0, 1000.0), at_x(600.0, 1150.0)];
    // Alone, the first would pass for the second.
    let back = [at_x(515.0, 1080.0), at_x(605.0, 1180.0)];
    for first in [0, 1] {
        let mut tracks = with_somebody_near();
        let known = gone.map(|who| {
            let unsure = tracks.found(&who.seen(0)).unwrap();
            follow(&mut tracks, unsure, &who, 0, 5).unwrap()
        });
        assert_eq!(known, [2, 3]);
        for id in known {
            tracks.missed(id);
        }
        let at = 900_000_000;
        let mut now = back.map(|who| tracks.found(&who.seen(at)).unwrap());
        for look in 1..=5 {
            for k in [first, 1 - first] {
                let seen = back[k].seen(at + look * FRAME_NS);
                now[k] = tracks.measured(now[k], &seen).unwrap();
            }
        }
        assert_eq!(now, known, "{first} first");
    }
}
