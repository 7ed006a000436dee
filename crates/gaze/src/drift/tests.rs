use proptest::prelude::*;

use super::*;

const TICK_NS: u64 = 16_666_667;
const SECOND: u64 = 60;

fn range() -> HeadRange {
    HeadRange {
        centre_mm: [10.0, 40.0, 600.0],
        spread_mm: [4.0, 2.0, 6.0],
        yaw_pitch_deg: [2.0, -6.0],
        yaw_pitch_spread_deg: [1.5, 1.0],
        openness: 0.9,
        spread_deg: None,
    }
}

/// Looks at the camera's rate for so many ticks, from there on.
struct Sitter {
    watch: DriftWatch,
    now_ns: u64,
}

impl Sitter {
    fn new() -> Self {
        Self {
            watch: DriftWatch::new(Some(range())),
            now_ns: 1_000_000_000,
        }
    }

    fn look(&mut self, ticks: u64, moved_mm: [f64; 3], turned_deg: [f64; 2]) -> Drift {
        let r = range();
        let eye = std::array::from_fn(|i| r.centre_mm[i] + moved_mm[i]);
        let turn = std::array::from_fn(|i| r.yaw_pitch_deg[i] + turned_deg[i]);
        for _ in 0..ticks {
            self.now_ns += TICK_NS;
            self.watch.look(self.now_ns, eye, turn);
        }
        self.watch.drift(60)
    }
}

#[test]
fn only_who_stays_outside_for_two_seconds_has_left_and_who_is_back_for_two_is_back() {
    let mut s = Sitter::new();
    let calm = Drift {
        widening: 1.0,
        recalibrate: false,
        left_range: false,
        another_sitting: false,
    };
    assert_eq!(s.look(10 * SECOND, [0.0; 3], [0.0; 2]), calm);
    let out = [250.0, 0.0, 0.0];
    assert_eq!(s.look(SECOND * 19 / 10, out, [0.0; 2]), calm);
    let left = s.look(SECOND / 5, out, [0.0; 2]);
    assert!(left.left_range && left.recalibrate && left.another_sitting);
    let reach = 250.0 / (SIDEWAYS_MM + 12.0);
    let widening = s.look(5 * SECOND, out, [0.0; 2]).widening;
    assert!(
        (widening - ANOTHER_SITTING * reach).abs() < 1e-3,
        "{widening}"
    );
    // A place that is not known is not back inside, and not outside either.
    assert!(s.look(10 * SECOND, [f64::NAN; 3], [0.0; 2]).left_range);
    assert_eq!(Sitter::new().look(10 * SECOND, out, [f64::NAN; 2]), calm);
    // Between the two limits nothing changes, either way.
    let between = [0.9 * (SIDEWAYS_MM + 12.0), 0.0, 0.0];
    assert!(s.look(10 * SECOND, between, [0.0; 2]).left_range);
    assert!(s.look(SECOND * 19 / 10, [0.0; 3], [0.0; 2]).left_range);
    assert_eq!(s.look(SECOND / 5, [0.0; 3], [0.0; 2]), calm);
    assert_eq!(s.look(10 * SECOND, between, [0.0; 2]), calm);
}

#[test]
fn every_way_out_counts() {
    for (moved, turned) in [
        ([-170.0, 0.0, 0.0], [0.0; 2]),
        ([0.0, 165.0, 0.0], [0.0; 2]),
        ([0.0, 0.0, 320.0], [0.0; 2]),
        ([0.0, 0.0, -215.0], [0.0; 2]),
        ([0.0; 3], [-20.0, 0.0]),
        ([0.0; 3], [0.0, 19.0]),
    ] {
        assert!(
            Sitter::new().look(180, moved, turned).recalibrate,
            "{moved:?} {turned:?}"
        );
        let half = moved.map(|m| m / 2.0);
        let calm = Sitter::new().look(180, half, turned.map(|t| t / 2.0));
        assert_eq!(calm.widening, 1.0, "{moved:?} {turned:?}");
    }
}

#[test]
fn who_comes_back_sits_anew_and_old_maps_should_be_made_again() {
    let mut s = Sitter::new();
    s.look(SECOND, [0.0; 3], [0.0; 2]);
    s.now_ns += 59_000_000_000;
    assert!(!s.look(SECOND, [0.0; 3], [0.0; 2]).another_sitting);
    s.now_ns += 61_000_000_000;
    let back = s.look(SECOND, [0.0; 3], [0.0; 2]);
    assert_eq!((back.widening, back.recalibrate), (ANOTHER_SITTING, false));

    let fresh = Sitter::new().watch;
    assert_eq!(fresh.drift(SITTING_LASTS_S).widening, 1.0);
    assert_eq!(fresh.drift(SITTING_LASTS_S + 1).widening, ANOTHER_SITTING);
    assert!(!fresh.drift(OLD_S).recalibrate && fresh.drift(OLD_S + 1).recalibrate);
    // Without a range the place says nothing.
    let mut blind = DriftWatch::new(None);
    (0..600).for_each(|t| blind.look(t * TICK_NS, [900.0; 3], [80.0; 2]));
    assert_eq!(blind.drift(0).widening, 1.0);
}

proptest! {
    #[test]
    fn no_stream_of_looks_narrows_the_radius_or_breaks_it(
        steps in proptest::collection::vec(
            (0u64..100_000_000_000, prop_oneof![-2000.0..2000.0f64, Just(f64::NAN)], -90.0..90.0f64), 1..60),
        age in 0u64..10_000_000_000,
    ) {
        let mut watch = DriftWatch::new(Some(range()));
        let mut now = 0u64;
        for (step, place, turn) in steps {
            now = now.wrapping_add(step);
            watch.look(now, [place, 0.0, 600.0], [turn, -turn]);
            let drift = watch.drift(age);
            prop_assert!((1.0..=ANOTHER_SITTING * FURTHEST).contains(&drift.widening), "{drift:?}");
            prop_assert!(drift.widening > 1.0 || !drift.left_range);
            prop_assert_eq!(drift.recalibrate, drift.left_range || age > OLD_S);
        }
    }

    /// A stray look now and then neither raises the flag nor keeps it from being raised.
    #[test]
    fn one_stray_look_in_five_changes_nothing(phase in 0u64..5, out in 200.0..1000.0f64) {
        let mut s = Sitter::new();
        for tick in 0..600u64 {
            let stray = tick % 5 == phase;
            s.look(1, [if stray { out } else { 0.0 }, 0.0, 0.0], [0.0; 2]);
            prop_assert!(!s.watch.drift(0).left_range);
        }
        for tick in 0..600u64 {
            let stray = tick % 5 == phase;
            s.look(1, [if stray { 0.0 } else { out }, 0.0, 0.0], [0.0; 2]);
        }
        prop_assert!(s.watch.drift(0).left_range);
    }

    /// Where the head came from does not matter once it has stayed.
    #[test]
    fn the_verdict_is_of_where_the_head_stays(
        before in -600.0..600.0f64, seconds in 0u64..10, stays in prop_oneof![0.0..120.0f64, 170.0..600.0f64],
    ) {
        let mut s = Sitter::new();
        s.look(seconds * SECOND, [before, 0.0, 0.0], [0.0; 2]);
        let drift = s.look(3 * SECOND, [stays, 0.0, 0.0], [0.0; 2]);
        prop_assert_eq!(drift.left_range, stays > 162.0);
    }
}
