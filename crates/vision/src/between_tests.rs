//! Faces that are drawn, held and moved by known amounts.

use super::*;
use crate::frame::PixelFormat;
use gaze::landmarks::{COUNT, INNER_CORNER};
use proptest::prelude::*;

const WIDTH: u32 = 320;
const HEIGHT: u32 = 240;
const FRAME_NS: u64 = 33_333_333;
const MIDDLE: [f32; 2] = [160.0, 110.0];
/// From the middle of the face to the eyes' corners, pixels.
const OUTER: f32 = 48.0;
const INNER: f32 = 16.0;

/// How a face is held, and what its eyes do.
#[derive(Debug, Clone, Copy, Default)]
struct Held {
    shift: [f32; 2],
    grown: f32,
    turned: f32,
    /// Where the irises are, from the middles of the eyes.
    iris: [f32; 2],
    /// How far the lids are down.
    shut: f32,
    brighter: f32,
    /// A bar over one side of it.
    bar: bool,
}

impl Held {
    /// Where a point of the face is in the picture.
    fn place(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let (sin, cos) = self.turned.sin_cos();
        let k = 1.0 + self.grown;
        [
            MIDDLE[0] + self.shift[0] + k * (cos * x - sin * y),
            MIDDLE[1] + self.shift[1] + k * (sin * x + cos * y),
        ]
    }

    fn point_of_face(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let (sin, cos) = self.turned.sin_cos();
        let (u, v) = (x - MIDDLE[0] - self.shift[0], y - MIDDLE[1] - self.shift[1]);
        let k = 1.0 + self.grown;
        [(cos * u + sin * v) / k, (cos * v - sin * u) / k]
    }

    /// Brightness at a point of the picture: skin with brows, a nose and eyes.
    fn brightness(&self, at: [f32; 2]) -> f32 {
        let [x, y] = self.point_of_face(at);
        if self.bar && x > 10.0 {
            return 90.0;
        }
        let side = x.abs() - (OUTER + INNER) / 2.0;
        let soft = |d: f32| 1.0 / (1.0 + (-d).exp());
        let brow =
            50.0 * soft(4.0 - (y + 16.0 + 0.01 * side * side).abs()) * soft(18.0 - side.abs());
        let nose = 25.0 * soft(3.0 - (x.abs() - 7.0).abs()) * soft(y);
        let skin = 150.0 + 12.0 * (0.13 * x).sin() * (0.11 * y).cos() - 0.2 * x;
        let eye = soft(1.2 * (7.0 - y.abs() - 0.02 * side * side));
        let lid = soft(1.2 * (y + 7.0 - 14.0 * self.shut));
        let (ix, iy) = (side - self.iris[0] * x.signum(), y - self.iris[1]);
        let white = 215.0 - 150.0 * soft(1.2 * (6.0 - ix.hypot(iy)));
        let open = eye * lid;
        (skin - brow - nose) * (1.0 - open) + white * open + self.brighter
    }

    fn landmarks(&self) -> Landmarks {
        let mut lm = [[0.0; 3]; COUNT];
        for (i, p) in lm.iter_mut().enumerate() {
            let [x, y] = self.place([(i % 22) as f32 * 6.0 - 66.0, (i / 22) as f32 * 6.0 - 66.0]);
            *p = [x, y, (i % 7) as f32];
        }
        for (eye, sign) in [-1.0, 1.0].into_iter().enumerate() {
            for (i, far) in [(OUTER_CORNER[eye], OUTER), (INNER_CORNER[eye], INNER)] {
                let [x, y] = self.place([sign * far, 0.0]);
                (lm[i][0], lm[i][1]) = (x, y);
            }
            for (k, i) in UPPER_LID_RIM[eye].into_iter().enumerate() {
                let across = sign * (OUTER + INNER) / 2.0 + 4.0 * (k as f32 - 1.0);
                let [x, y] = self.place([across, -7.0 + 14.0 * self.shut]);
                (lm[i][0], lm[i][1]) = (x, y);
            }
        }
        lm
    }

    /// As a camera sees it, with noise of up to two levels.
    fn frame(&self, number: u64) -> Frame {
        let mut frame = Frame::default();
        frame.reset(WIDTH, HEIGHT, PixelFormat::Gray8);
        (frame.index, frame.captured_ns) = (number, 1 + number * FRAME_NS);
        let mut random = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        for (i, out) in frame.data.iter_mut().enumerate() {
            let (x, y) = (i as u32 % WIDTH, i as u32 / WIDTH);
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let noise = (random % 5) as f32 - 2.0;
            *out = (self.brightness([x as f32 + 0.5, y as f32 + 0.5]) + noise).round() as u8;
        }
        frame
    }

    /// What becomes of a face that was held still one frame before.
    fn after(&self, still: &Held) -> Option<(Moved, Landmarks)> {
        let mut between = Between::new();
        between.remember(&still.frame(0), &still.landmarks(), &[None; 2]);
        between.follow(&self.frame(1))
    }
}

prop_compose! {
    fn holds()(x in -3.0..3.0f32, y in -3.0..3.0f32, grown in -0.012..0.012f32,
               turned in -0.02..0.02f32, brighter in -15.0..15.0f32) -> Held {
        Held { shift: [x, y], grown, turned, brighter, ..Held::default() }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_face_is_found_where_it_was_moved(now in holds()) {
        let (moved, landmarks) = now.after(&Held::default()).unwrap();
        prop_assert!(moved.is_steady(), "{moved:?}");
        for (found, should) in landmarks.iter().zip(now.landmarks()) {
            let off = (found[0] - should[0]).hypot(found[1] - should[1]);
            prop_assert!(off < 0.15, "{off} pixels off");
            prop_assert!((found[2] - should[2] * (1.0 + now.grown)).abs() < 0.02);
        }
    }
}

#[test]
fn eyes_that_move_or_close_and_what_covers_a_face_are_for_the_network() {
    let still = Held::default();
    let steady = |now: Held| {
        now.after(&still)
            .is_some_and(|(moved, _)| moved.is_steady())
    };
    assert!(steady(still));
    let looks = |x: f32, y: f32| Held {
        iris: [x, y],
        ..still
    };
    // A third of a radius is some 10 degrees.
    assert!(!steady(looks(2.0, 0.0)) && !steady(looks(0.0, 2.0)));
    assert!(!steady(Held {
        shut: 0.35,
        ..still
    }));
    // A lid that sets out, by a third of a millimetre where the eye's corners are 30 mm apart.
    let lid = |from: f32, to: f32| {
        let [from, to] = [from, to].map(|shut| Held { shut, ..still });
        to.after(&from).unwrap().0
    };
    for (from, to) in [(0.25, 0.275), (0.3, 0.275), (0.5, 0.475)] {
        let moved = lid(from, to);
        assert!(
            moved.lids.abs() > LIDS_STILL && !moved.is_steady(),
            "{moved:?}"
        );
        assert_eq!(moved.lids > 0.0, to > from, "{moved:?}");
    }
    assert!(lid(0.3, 0.3).is_steady());
    assert!(!steady(Held { bar: true, ..still }));
    let fast = |x: f32| Held {
        shift: [x, 0.0],
        ..still
    };
    assert!(steady(fast(4.0)) && !steady(fast(9.0)));
}

#[test]
fn frames_are_told_of_one_after_the_other_and_each_only_once() {
    let still = Held::default();
    let mut between = Between::new();
    let mut after = |ns: u64, size: u32| {
        between.remember(&still.frame(0), &still.landmarks(), &[None; 2]);
        let mut next = still.frame(1);
        next.captured_ns = 1 + ns;
        if size != WIDTH {
            next.reset(size, HEIGHT, PixelFormat::Gray8);
        }
        let told = between.follow(&next).is_some();
        assert!(between.follow(&next).is_none(), "told twice");
        // What was refused once is forgotten.
        next.captured_ns += FRAME_NS;
        assert!(between.follow(&next).is_none());
        told
    };
    assert!(after(FRAME_NS, WIDTH));
    assert!(!after(0, WIDTH) && !after(2 * FRAME_NS, WIDTH) && !after(FRAME_NS, 640));
}

#[test]
fn nothing_drifts_over_several_frames_and_slow_lids_are_seen() {
    // So many frames after the one that the network saw, each a little further.
    let held = |n: u64| Held {
        shift: [2.2 * n as f32, -0.7 * n as f32],
        turned: 0.012 * n as f32,
        grown: 0.006 * n as f32,
        ..Held::default()
    };
    let mut between = Between::new();
    between.remember(&held(0).frame(0), &held(0).landmarks(), &[None; 2]);
    for n in 1..=3 {
        let (moved, landmarks) = between.follow(&held(n).frame(n)).unwrap();
        assert!(moved.is_steady(), "{n}: {moved:?}");
        for (found, should) in landmarks.iter().zip(held(n).landmarks()) {
            let off = (found[0] - should[0]).hypot(found[1] - should[1]);
            assert!(off < 0.15, "{off} pixels off in frame {n}");
        }
    }
    // Fast is from one frame to the next; a lid's way is from where the network saw it.
    let lowered = |n: u64| Held {
        shut: 0.25 + 0.009 * n as f32,
        ..Held::default()
    };
    between.remember(&lowered(0).frame(0), &lowered(0).landmarks(), &[None; 2]);
    let steady: Vec<bool> = (1..=3)
        .map(|n| {
            let lids = lowered(n);
            between.follow(&lids.frame(n)).unwrap().0.is_steady()
        })
        .collect();
    assert!(steady[0] && !steady[2], "{steady:?}");
}

#[test]
fn what_shows_nothing_is_not_followed() {
    let mut between = Between::new();
    let mut gray = Held::default().frame(0);
    gray.data.fill(100);
    between.remember(&gray, &Held::default().landmarks(), &[None; 2]);
    assert!(between.follow(&Held::default().frame(1)).is_none());
    let mut tiny = Held::default().landmarks();
    tiny.iter_mut()
        .for_each(|p| *p = [150.0 + p[0] / 20.0, 100.0 + p[1] / 20.0, 0.0]);
    between.remember(&Held::default().frame(0), &tiny, &[None; 2]);
    assert!(between.follow(&Held::default().frame(1)).is_none());
}
