//! What must hold for every kind, and what each kind promises by itself.

use super::*;
use proptest::prelude::*;

const KINDS: [FilterKind; 4] = [
    FilterKind::None,
    FilterKind::Ema,
    FilterKind::OneEuro,
    FilterKind::Kalman,
];
const MS: u64 = 1_000_000;
const FRAME: u64 = 33 * MS;

fn filter(kind: FilterKind) -> GazeFilter {
    GazeFilter::new(FilterConfig::of(kind))
}

fn near(a: [f64; 2], b: [f64; 2], tolerance: f64) -> bool {
    (a[0] - b[0]).abs() <= tolerance && (a[1] - b[1]).abs() <= tolerance
}

/// Frames with jitter and points on and around the screen.
fn measurements() -> impl Strategy<Value = Vec<(u64, [f64; 2], f64)>> {
    let one = (1u64..60, -0.4..1.4f64, -0.4..1.4f64, 0.005..0.05f64);
    proptest::collection::vec(one, 1..60).prop_map(|steps| {
        let mut t = 0;
        let each = steps.into_iter().map(|(ms, x, y, noise)| {
            t += ms * MS;
            (t, [x, y], noise)
        });
        each.collect()
    })
}

/// AR(1) noise of unit variance, correlated by `rho` from frame to frame.
fn noise(rho: f64, count: usize) -> Vec<[f64; 2]> {
    let mut state = 1u64;
    let mut uniform = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let mut last = [0.0; 2];
    let mut next = || {
        for n in &mut last {
            // Sum of twelve uniform numbers: near enough to normal.
            let normal: f64 = (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
            *n = rho * *n + (1.0 - rho * rho).sqrt() * normal;
        }
        last
    };
    (0..count).map(|_| next()).collect()
}

proptest! {
    #[test]
    fn constant_in_constant_out(steps in measurements(), x in -0.4..1.4f64, y in -0.4..1.4f64) {
        for kind in KINDS {
            let mut filter = filter(kind);
            for (t, _, noise) in &steps {
                let out = filter.update(*t, [x, y], *noise).unwrap();
                prop_assert!(near(out, [x, y], 1e-12), "{kind:?}: {out:?}");
                prop_assert!(near(filter.predict(t + 16 * MS).unwrap(), [x, y], 1e-12));
                prop_assert_eq!(filter.state(), GazeState::Fixation);
            }
        }
    }

    #[test]
    fn finite_in_finite_out_and_nonsense_changes_nothing(steps in measurements(), bad in 0usize..6) {
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        let (p, sd) = [
            ([nan, 0.5], 0.02), ([0.5, inf], 0.02), ([1e300, 0.5], 0.02),
            ([0.5; 2], nan), ([0.5; 2], 0.0), ([0.5; 2], -1.0),
        ][bad];
        for kind in KINDS {
            let (mut filter, mut clean) = (filter(kind), filter(kind));
            for (t, point, noise) in &steps {
                prop_assert!(filter.update(t - MS / 2, p, sd).is_err());
                let out = filter.update(*t, *point, *noise).unwrap();
                prop_assert_eq!(out, clean.update(*t, *point, *noise).unwrap());
                prop_assert!(out.iter().all(|c| c.is_finite()));
                let later = t + 100 * MS;
                prop_assert!(filter.predict(later).unwrap().iter().all(|c| c.is_finite()));
                let variance = filter.covariance(later).unwrap()[0][0];
                prop_assert!(variance.is_finite() && variance > 0.0, "{}", variance);
            }
        }
    }

    #[test]
    fn the_linear_kinds_commute_with_every_map(steps in measurements(), m in maps()) {
        for kind in [FilterKind::None, FilterKind::Ema] {
            commutes(kind, &steps, &m, steps.len())?;
        }
    }

    #[test]
    fn one_euro_commutes_with_shifts(steps in measurements(), c in -1.0..1.0f64, f in -1.0..1.0f64) {
        commutes(FilterKind::OneEuro, &steps, &Affine { c, f, ..Affine::IDENTITY }, steps.len())?;
    }

    #[test]
    fn one_euro_commutes_with_swapped_axes(steps in measurements(), at in 0usize..60) {
        let swap = Affine { a: 0.0, b: 1.0, c: 0.1, d: 1.0, e: 0.0, f: -0.2 };
        commutes(FilterKind::OneEuro, &steps, &swap, at.min(steps.len()))?;
    }

    /// Within the screen: what lies off it is an outlier, wherever the axes point. The noise of
    /// the axes is not alike, so only turns that keep them on each other.
    #[test]
    fn kalman_commutes_with_quarter_turns_and_shifts(
        steps in measurements(), quarters in 0usize..4, c in -0.1..0.1f64, at in 0usize..60,
    ) {
        let (s, k) = [(0.0, 1.0), (1.0, 0.0), (0.0, -1.0), (-1.0, 0.0)][quarters];
        // About the screen's middle.
        let m = Affine { a: k, b: -s, c: 0.5 - 0.5 * k + 0.5 * s + c, d: s, e: k, f: 0.5 - 0.5 * s - 0.5 * k };
        let inside: Vec<_> = steps.iter().map(|(t, p, n)| {
            (*t, p.map(|x| 0.5 + 0.6 * (x - 0.5)), *n)
        }).collect();
        commutes(FilterKind::Kalman, &inside, &m, at.min(steps.len()))?;
    }

    /// A new calibration in mid-stream: as if it had always been the one.
    #[test]
    fn a_rebased_linear_filter_is_one_that_never_saw_the_old_map(
        steps in measurements(), m in maps(), at in 0usize..60,
    ) {
        for kind in [FilterKind::None, FilterKind::Ema] {
            commutes(kind, &steps, &m, at.min(steps.len()))?;
        }
    }

    #[test]
    fn ema_follows_a_step_as_its_closed_form_says(gaps in proptest::collection::vec(1u64..150, 1..40), tau in 0.01..1.0f64) {
        let config = FilterConfig {
            ema: EmaConfig { time_constant_s: tau }, ..FilterConfig::of(FilterKind::Ema)
        };
        let mut filter = GazeFilter::new(config);
        filter.update(0, [0.0, 1.0], 0.02).unwrap();
        let mut t = 0;
        for gap in gaps {
            t += gap * MS;
            let left = (-(t as f64) * 1e-9 / tau).exp();
            let out = filter.update(t, [1.0, 0.0], 0.02).unwrap();
            prop_assert!(near(out, [1.0 - left, left], 1e-12));
        }
    }
}

fn maps() -> impl Strategy<Value = Affine> {
    let r = || -2.0..2.0f64;
    (r(), r(), r(), r(), r(), r()).prop_map(|(a, b, c, d, e, f)| Affine { a, b, c, d, e, f })
}

/// map(filter(data)) = filter(map(data)), with the filter re-expressed before step `at`.
fn commutes(
    kind: FilterKind,
    steps: &[(u64, [f64; 2], f64)],
    map: &Affine,
    at: usize,
) -> Result<(), TestCaseError> {
    // Begun with equal axes, so that turned ones begin the same.
    let kalman = KalmanConfig {
        noise_aspect: 1.0,
        ..KalmanConfig::default()
    };
    let filter = || {
        GazeFilter::new(FilterConfig {
            kalman,
            ..FilterConfig::of(kind)
        })
    };
    let (mut plain, mut mapped) = (filter(), filter());
    for (i, (t, p, noise)) in steps.iter().enumerate() {
        if i == at {
            plain.rebase(map);
        }
        let here = if i < at { *p } else { map.apply(*p) };
        let out = plain.update(*t, here, *noise).unwrap();
        let expected = mapped.update(*t, map.apply(*p), *noise).unwrap();
        let out = if i < at { map.apply(out) } else { out };
        prop_assert!(
            near(out, expected, 1e-9),
            "{kind:?}: {out:?} is not {expected:?}"
        );
    }
    Ok(())
}

#[test]
fn one_euro_is_the_papers() {
    // Computed by numpy from the paper's algorithm: fc_min 1.2, β 3, fc_d 1.
    let t_ms = [0u64, 37, 66, 96, 126, 156, 193, 231, 265, 293];
    let raw = [
        [0.2957, 0.4596],
        [0.2954, 0.4938],
        [0.3665, 0.5267],
        [0.2929, 0.5277],
        [0.2866, 0.5233],
        [0.6922, 0.5652],
        [0.6952, 0.5858],
        [0.696, 0.5783],
        [0.7309, 0.5998],
        [0.6899, 0.5963],
    ];
    let expected = [
        [0.2957, 0.4596],
        [0.2956343676604875, 0.469381411268581],
        [0.31675265842798905, 0.48560714291151325],
        [0.3117254229488663, 0.4972542206927464],
        [0.3062384381146653, 0.5039293371439517],
        [0.5309786747988632, 0.5229758815286923],
        [0.6283956148180997, 0.5459688443826662],
        [0.6661805357101499, 0.5568398612683463],
        [0.7000090895024929, 0.5709662204613326],
        [0.69590700539824, 0.5777379945216677],
    ];
    let one_euro = OneEuroConfig {
        min_cutoff_hz: 1.2,
        beta: 3.0,
        derivative_cutoff_hz: 1.0,
    };
    let mut filter = GazeFilter::new(FilterConfig {
        one_euro,
        ..FilterConfig::of(FilterKind::OneEuro)
    });
    for ((t, p), e) in t_ms.iter().zip(raw).zip(expected) {
        let out = filter.update(t * MS, p, 0.02).unwrap();
        assert!(near(out, e, 1e-13), "{out:?} is not {e:?}");
    }
}

#[test]
fn time_runs_forwards_and_long_gaps_start_anew() {
    for kind in KINDS {
        let mut filter = filter(kind);
        assert_eq!((filter.predict(0), filter.state()), (None, GazeState::Lost));
        filter.update(1000 * MS, [0.1, 0.1], 0.02).unwrap();
        assert_eq!(
            filter.update(1000 * MS, [0.5; 2], 0.02),
            Err(Refused::NotLater)
        );
        assert_eq!(
            filter.update(900 * MS, [0.5; 2], 0.02),
            Err(Refused::NotLater)
        );
        assert_eq!(filter.predict(1200 * MS), Some([0.1, 0.1]));
        assert_eq!(filter.predict(1201 * MS), None);
        assert_eq!(filter.state_at(1201 * MS), GazeState::Lost);
        // After the gap nothing of the old point is left.
        assert_eq!(filter.update(1201 * MS, [0.9, 0.8], 0.02), Ok([0.9, 0.8]));
        // A stamp from far in the future does not lock the filter up.
        filter.update(u64::MAX, [0.3; 2], 0.02).unwrap();
        assert_eq!(filter.update(1234 * MS, [0.6, 0.7], 0.02), Ok([0.6, 0.7]));
        filter.reset();
        assert_eq!(filter.predict(1234 * MS), None);
    }
}

/// A Kalman filter that has looked at one place for a second, with noise alike on both axes.
fn resting(p: [f64; 2], sd: f64, rho: f64) -> (GazeFilter, u64) {
    let kalman = KalmanConfig {
        noise_aspect: 1.0,
        ..KalmanConfig::default()
    };
    let mut filter = GazeFilter::new(FilterConfig {
        kalman,
        ..FilterConfig::default()
    });
    let mut t = 0;
    for n in noise(rho, 30) {
        t += FRAME;
        filter
            .update(t, [p[0] + sd * n[0], p[1] + sd * n[1]], 0.02)
            .unwrap();
    }
    (filter, t)
}

#[test]
fn a_saccade_is_shown_with_its_first_measurement_and_never_overshoots() {
    for length in [0.2, 0.4, 0.7] {
        let (mut filter, mut t) = resting([0.2, 0.3], 0.0, 0.0);
        for frame in 0..20 {
            t += FRAME;
            let out = filter.update(t, [0.2 + length, 0.3], 0.02).unwrap();
            assert!(
                near(out, [0.2 + length, 0.3], 0.01 * length),
                "frame {frame}: {out:?}"
            );
            for ahead in [0, 16, 33, 100] {
                let shown = filter.predict(t + ahead * MS).unwrap();
                assert!(
                    shown[0] <= 0.2 + length + 1e-9,
                    "frame {frame}, {ahead} ms: {shown:?}"
                );
            }
            assert_eq!(filter.state() == GazeState::Saccade, frame <= 2);
        }
    }
}

#[test]
fn a_step_below_the_gate_is_followed_within_a_fixation() {
    let (mut filter, mut t) = resting([0.5, 0.5], 0.02, 0.7);
    for n in noise(0.7, 10) {
        t += FRAME;
        filter
            .update(t, [0.57 + 0.005 * n[0], 0.5 + 0.005 * n[1]], 0.02)
            .unwrap();
        assert_ne!(filter.state(), GazeState::Saccade);
    }
    let out = filter.predict(t).unwrap();
    assert!(out[0] > 0.555, "{out:?}");
}

#[test]
fn a_frame_caught_in_flight_does_not_hold_the_point_back() {
    let (mut filter, t) = resting([0.2, 0.5], 0.0, 0.0);
    // 40 % seen in 88 % of its way: what is left is less than the gate.
    filter.update(t + FRAME, [0.55, 0.5], 0.02).unwrap();
    let out = filter.update(t + 2 * FRAME, [0.6, 0.5], 0.02).unwrap();
    assert!(out[0] > 0.2 + 0.95 * 0.4 && out[0] < 0.6 + 1e-9, "{out:?}");
}

#[test]
fn one_wild_frame_costs_one_frame() {
    let (mut filter, t) = resting([0.5, 0.5], 0.01, 0.7);
    let before = filter.predict(t).unwrap();
    filter.update(t + FRAME, [0.9, 0.1], 0.02).unwrap();
    let after = filter.update(t + 2 * FRAME, [0.5, 0.5], 0.02).unwrap();
    assert!(near(after, before, 0.01), "{before:?} → {after:?}");
    assert_eq!(filter.state(), GazeState::Fixation);
    // Far off the screen it costs none, unless it stays there.
    let held = filter.update(t + 3 * FRAME, [3.0, 0.5], 0.02).unwrap();
    assert!(near(held, after, 1e-12), "{held:?}");
    let gone = filter.update(t + 4 * FRAME, [3.0, 0.5], 0.02).unwrap();
    assert!(gone[0] > 2.9, "{gone:?}");
}

#[test]
fn a_fixation_holds_between_frames_and_is_steadier_than_the_noise() {
    for rho in [0.0, 0.7] {
        let mut filter = filter(FilterKind::Kalman);
        let (sd, frames) = (0.02, 3000);
        let (mut squares, mut surprise, mut at_rest) = (0.0, 0.0, 0);
        for (i, n) in noise(rho, frames).into_iter().enumerate() {
            let t = (i as u64 + 1) * FRAME;
            let out = filter
                .update(t, [0.5 + sd * n[0], 0.5 + sd * n[1]], sd)
                .unwrap();
            if filter.state() == GazeState::Fixation {
                at_rest += 1;
                assert_eq!(filter.predict(t + 33 * MS).unwrap(), out);
            }
            let error = (out[0] - 0.5).powi(2) + (out[1] - 0.5).powi(2);
            squares += error / 2.0;
            surprise += error / 2.0 / filter.covariance(t).unwrap()[0][0];
        }
        let rms = (squares / frames as f64).sqrt();
        assert!(rms < 0.7 * sd, "correlation {rho}: {rms}");
        assert!(
            at_rest > frames * 97 / 100,
            "correlation {rho}: {at_rest} at rest"
        );
        // The stated variance is the real one, within a factor of two and a half.
        let consistency = surprise / frames as f64;
        assert!(
            (0.4..2.5).contains(&consistency),
            "correlation {rho}: {consistency}"
        );
    }
}

#[test]
fn noise_that_was_stated_far_too_small_is_learnt() {
    let mut filter = filter(FilterKind::Kalman);
    let mut leaps = 0;
    for (i, n) in noise(0.7, 600).into_iter().enumerate() {
        filter
            .update(
                (i as u64 + 1) * FRAME,
                [0.5 + 0.03 * n[0], 0.5 + 0.03 * n[1]],
                0.012,
            )
            .unwrap();
        leaps += usize::from(i > 200 && filter.state() == GazeState::Saccade);
    }
    assert!(leaps < 10, "{leaps}");
}

/// Up and down is told worse than across: it is learnt, and across is not blurred for it.
#[test]
fn noise_of_each_axis_is_learnt() {
    for (begun, aspect) in [(1.0, 4.0), (2.5, 0.5)] {
        let kalman = KalmanConfig {
            noise_aspect: begun,
            ..KalmanConfig::default()
        };
        let mut filter = GazeFilter::new(FilterConfig {
            kalman,
            ..FilterConfig::default()
        });
        let mut seen = 0.0;
        for (i, n) in noise(0.6, 900).into_iter().enumerate() {
            let t = (i as u64 + 1) * FRAME;
            let p = [0.5 + 0.01 * n[0], 0.5 + 0.01 * aspect * n[1]];
            filter.update(t, p, 0.02).unwrap();
            if i >= 300 {
                let [[across, _], [_, down]] = filter.covariance(t).unwrap();
                seen += (down / across).sqrt() / 600.0;
            }
        }
        assert!((seen / aspect - 1.0).abs() < 0.35, "{seen} is not {aspect}");
    }
}

#[test]
fn pursuit_is_followed_and_runs_ahead_by_one_frame_at_most() {
    let (mut filter, mut t) = resting([0.1, 0.5], 0.01, 0.7);
    let speed = 0.5;
    let mut x = 0.1;
    for n in noise(0.7, 45) {
        t += FRAME;
        x += speed * 0.033;
        filter
            .update(t, [x + 0.01 * n[0], 0.5 + 0.01 * n[1]], 0.02)
            .unwrap();
    }
    assert_eq!(filter.state(), GazeState::Pursuit);
    let now = filter.predict(t).unwrap();
    assert!((now[0] - x).abs() < 0.03, "{} is not {x}", now[0]);
    let frame_on = filter.predict(t + 33 * MS).unwrap();
    assert!((frame_on[0] - now[0] - speed * 0.033).abs() < 0.008);
    // No further, however long the next frame takes.
    assert!(near(filter.predict(t + 190 * MS).unwrap(), frame_on, 1e-3));
    // And when the target stops, so does the point.
    for _ in 0..30 {
        t += FRAME;
        filter.update(t, [x, 0.5], 0.02).unwrap();
    }
    assert_eq!(filter.state(), GazeState::Fixation);
    assert!(near(filter.predict(t).unwrap(), [x, 0.5], 0.01));
}

#[test]
fn doubtful_measurements_do_not_drag() {
    let (mut filter, t) = resting([0.5, 0.5], 0.005, 0.7);
    let before = filter.predict(t).unwrap();
    // Closing lids: lower and lower, and stated to be worth less and less.
    filter.update(t + FRAME, [0.5, 0.55], 0.08).unwrap();
    let out = filter.update(t + 2 * FRAME, [0.5, 0.65], 0.14).unwrap();
    assert!((out[1] - before[1]).abs() < 0.02, "{before:?} → {out:?}");
}

#[test]
fn a_new_calibration_moves_the_point_at_once_and_is_no_saccade() {
    for kind in KINDS {
        let mut filter = filter(kind);
        let mut t = 0;
        let map = Affine {
            a: 0.8,
            b: 0.1,
            c: 0.3,
            d: -0.05,
            e: 0.9,
            f: -0.2,
        };
        for i in 0..30 {
            t += FRAME;
            let p = if i < 15 {
                [0.4, 0.7]
            } else {
                map.apply([0.4, 0.7])
            };
            if i == 15 {
                filter.rebase(&map);
                assert!(near(filter.predict(t).unwrap(), p, 1e-12), "{kind:?}");
            }
            let out = filter.update(t, p, 0.02).unwrap();
            assert!(near(out, p, 1e-12), "{kind:?}: {out:?} is not {p:?}");
            assert_eq!(filter.state(), GazeState::Fixation, "{kind:?}");
        }
        // A map that makes no sense leaves nothing behind rather than nonsense.
        filter.rebase(&Affine {
            c: f64::NAN,
            ..Affine::IDENTITY
        });
        assert_eq!(filter.predict(t), None, "{kind:?}");
    }
}
