use super::*;
use proptest::prelude::*;

const ASPECT: f64 = 16.0 / 9.0;
const GRID: [f64; 3] = [0.1, 0.5, 0.9];

fn only(form: Form) -> FitOptions {
    FitOptions {
        form: FormChoice::Only(form),
        aspect: ASPECT,
        // Of no network: what the numbers below were reckoned with.
        usual: [0.8, 0.6],
    }
}

/// Nine targets seen through a turned, scaled map with noise of 1 % of the screen.
fn nine() -> Vec<Sample> {
    let raw = [
        [0.0089, -0.1889],
        [0.5716, -0.1645],
        [1.1072, -0.1217],
        [-0.0545, 0.4166],
        [0.498, 0.4417],
        [1.057, 0.5023],
        [-0.1223, 1.0354],
        [0.4179, 1.0845],
        [0.9807, 1.1208],
    ];
    raw.into_iter()
        .enumerate()
        .map(|(i, p)| (p, [GRID[i % 3], GRID[i / 3]]))
        .collect()
}

/// Nine targets, scaled and shifted but not turned, with a little noise.
fn level() -> Vec<Sample> {
    let wobble = [
        0.011, -0.007, 0.004, -0.012, 0.009, 0.003, -0.005, 0.008, -0.01,
    ];
    (0..9)
        .map(|i| {
            let t = [GRID[i % 3], GRID[i / 3]];
            (
                [
                    0.8 * t[0] + 0.2 + wobble[i],
                    1.1 * t[1] - 0.1 + wobble[(i + 4) % 9],
                ],
                t,
            )
        })
        .collect()
}

/// A cross of five in the same map, without noise.
fn five() -> Vec<Sample> {
    let back = Affine {
        a: 0.72,
        b: 0.08,
        c: 0.11,
        d: -0.05,
        e: 0.64,
        f: 0.23,
    }
    .inverse()
    .unwrap();
    [[0.1, 0.1], [0.9, 0.1], [0.5, 0.5], [0.1, 0.9], [0.9, 0.9]]
        .map(|t| (back.apply(t), t))
        .to_vec()
}

fn coefficients(m: &Affine) -> [f64; 6] {
    [m.a, m.b, m.c, m.d, m.e, m.f]
}

fn same(a: &[f64], b: &[f64], tolerance: f64) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() < tolerance)
}

#[test]
fn coefficients_and_errors_are_numpys() {
    // numpy.linalg.lstsq and numpy.polyfit on the same nine points, once with
    // all of them and once without each.
    let full = fit_with(&nine(), only(Form::Affine)).unwrap();
    let expected = [
        0.7186153248191082,
        0.0795918549368882,
        0.1070366633893892,
        -0.046050588614407056,
        0.6406439777831148,
        0.2291297413044813,
    ];
    assert!(
        same(&coefficients(&full.map), &expected, 1e-12),
        "{:?}",
        full.map
    );
    let held_out = [
        0.007182844368141226,
        0.005959206683025202,
        0.010866649936563324,
        0.0015914981123538576,
        0.005974914833415981,
        0.008163517822065142,
        0.0029586847812202357,
        0.008322387819835728,
        0.0023622196443511497,
    ];
    let found: Vec<f64> = full.targets.iter().map(|t| t.held_out).collect();
    assert!(same(&found, &held_out, 1e-12), "{found:?}");
    assert!((full.residual - 0.004419051990427976).abs() < 1e-12);
    assert!((full.cross_validated - 0.006613630801422084).abs() < 1e-12);
    assert!(!full.suspicious);

    let simple = fit_with(&nine(), only(Form::ScaleOffset)).unwrap();
    let expected = [
        0.7133309669836801,
        0.0,
        0.14614821087792876,
        0.0,
        0.643101458289411,
        0.20515941808958146,
    ];
    assert!(
        same(&coefficients(&simple.map), &expected, 1e-12),
        "{:?}",
        simple.map
    );
    assert!((simple.cross_validated - 0.046937567207666925).abs() < 1e-12);
}

#[test]
fn the_held_form_is_ridge_regression_with_the_noise_s_own_strength() {
    // numpy.linalg.lstsq with the prior as further rows, eight rounds.
    let clean = fit_with(&nine(), only(Form::Held)).unwrap();
    let expected = [
        0.7186566195833602,
        0.07947178609898257,
        0.10707122645205186,
        -0.04604034279581202,
        0.6406176443141313,
        0.22913673182699273,
    ];
    let found = coefficients(&clean.map);
    assert!(same(&found, &expected, 1e-9), "{found:?}");

    // Where the looks are noise the map is drawn to the usual stretch: least squares
    // finds 0.513, 0.172, -0.068, 0.481 for its linear part.
    let wrong = [
        [0.21, -0.35],
        [-0.28, 0.31],
        [0.33, 0.12],
        [-0.17, -0.26],
        [0.05, 0.38],
        [0.29, -0.22],
        [-0.36, 0.16],
        [0.14, -0.31],
        [-0.11, 0.27],
    ];
    let noisy: Vec<Sample> = (nine().into_iter().zip(wrong))
        .map(|((p, t), w)| ([p[0] + w[0], p[1] + w[1]], t))
        .collect();
    let expected = [
        0.5411165619702418,
        0.12106880303248001,
        0.1687124975012183,
        -0.055780214062249554,
        0.5211789177332755,
        0.2835558272180854,
    ];
    let found = coefficients(&fit_with(&noisy, only(Form::Held)).unwrap().map);
    assert!(same(&found, &expected, 1e-9), "{found:?}");
}

#[test]
fn another_form_is_chosen_only_where_it_is_far_better() {
    // A turned and a level map, with usual noise: the held one does for both.
    assert_eq!(fit(&nine()).unwrap().form, Form::Held);
    assert_eq!(fit(&level()).unwrap().form, Form::Held);
    // Nearly exact looks through a map that stretches eight times as usual: what holds it
    // to the usual only harms.
    let odd = Affine {
        a: 6.4,
        e: 4.8,
        ..Affine::IDENTITY
    };
    let back = odd.inverse().unwrap();
    let wide: Vec<Sample> = (level().into_iter().zip(nine()))
        .map(|((p, t), (q, _))| {
            let noise = [p[0] - 0.8 * t[0] - 0.2, q[1] - 1.2 * t[1] + 0.3];
            let [x, y] = back.apply(t);
            ([x + 0.08 * noise[0], y + 0.08 * noise[1]], t)
        })
        .collect();
    assert_ne!(fit(&wide).unwrap().form, Form::Held);
}

proptest! {
    /// Looking somewhere else at one target of nine.
    #[test]
    fn one_wild_target_of_nine_moves_the_map_by_a_fifth_of_its_error_at_most(
        which in 0usize..9, angle in 0.0..6.3f64, error in 0.15..3.0f64,
    ) {
        for (form, clean) in [
            (Form::Affine, nine()), (Form::Held, nine()), (Form::ScaleOffset, level()),
        ] {
            let mut wild = clean.clone();
            wild[which].0[0] += error * angle.cos();
            wild[which].0[1] += error * angle.sin();
            let (before, after) = match (fit_with(&clean, only(form)), fit_with(&wild, only(form))) {
                (Ok(a), Ok(b)) => (a.map, b.map),
                other => return Err(TestCaseError::fail(format!("{other:?}"))),
            };
            let own = before.apply_linear([error * angle.cos(), error * angle.sin()]);
            let own = diagonal_fraction(own, ASPECT);
            for (raw, _) in &clean {
                let (p, q) = (before.apply(*raw), after.apply(*raw));
                let moved = diagonal_fraction([p[0] - q[0], p[1] - q[1]], ASPECT);
                prop_assert!(moved <= 0.2 * own, "{form:?}: moved {moved} by an error of {own}");
            }
        }
    }

    /// Of five it cannot be told which is wrong, only that one is (from a fifth of the
    /// diagonal on).
    #[test]
    fn one_wild_target_of_five_is_flagged_and_none_set_aside(
        which in 0usize..5, angle in 0.0..6.3f64, error in 0.8..3.0f64,
    ) {
        for form in [Form::Affine, Form::Held] {
            let mut wild = five();
            wild[which].0[0] += error * angle.cos();
            wild[which].0[1] += error * angle.sin();
            match fit_with(&wild, only(form)) {
                Ok(found) => {
                    prop_assert!(found.suspicious, "{form:?}");
                    prop_assert!(found.targets.iter().all(|t| t.used));
                }
                Err(why) => {
                    let refused = matches!(why, FitError::Singular | FitError::Unusable { .. });
                    prop_assert!(refused, "{why}");
                }
            }
        }
    }

    #[test]
    fn an_exact_map_is_found_whatever_it_is(
        a in 0.3..2.0f64, b in -0.2..0.2f64, c in -1.0..1.0f64,
        d in -0.2..0.2f64, e in 0.3..2.0f64, f in -1.0..1.0f64,
        targets in proptest::collection::btree_set((0u8..8, 0u8..8), 7..20),
    ) {
        let map = Affine { a, b, c, d, e, f };
        let back = map.inverse().unwrap();
        let samples: Vec<Sample> = targets.iter().map(|(x, y)| {
            let t = [f64::from(*x) / 7.0, f64::from(*y) / 7.0];
            (back.apply(t), t)
        }).collect();
        match fit_with(&samples, only(Form::Affine)) {
            Ok(found) => prop_assert!(same(&coefficients(&found.map), &coefficients(&map), 1e-8)),
            Err(why) => prop_assert_eq!(why, FitError::Collinear),
        }
    }
}

#[test]
fn a_wild_target_among_nine_is_named_and_among_five_only_suspected() {
    let mut wild = nine();
    wild[2].0 = [0.2, 0.6];
    let found = fit(&wild).unwrap();
    let set_aside: Vec<usize> = (0..9).filter(|i| !found.targets[*i].used).collect();
    assert_eq!(set_aside, [2]);
    // It may have been right: it counts as much as the worst of the others.
    let held_out = |i: usize| found.targets[i].held_out;
    let worst = (0..9).filter(|i| *i != 2).map(held_out).fold(0.0, f64::max);
    assert!(held_out(2) > 2.0 * worst);
    let squares: f64 = (0..9).map(|i| held_out(i).min(worst).powi(2)).sum();
    assert!((found.cross_validated - (squares / 9.0).sqrt()).abs() < 1e-12);
    assert!(!found.suspicious);

    assert!(!fit(&five()).unwrap().suspicious);
    for which in [0, 1, 3, 4] {
        let mut wild = five();
        wild[which].0[0] += 0.35;
        let found = fit_with(&wild, only(Form::Affine)).unwrap();
        assert!(
            found.suspicious && found.targets.iter().all(|t| t.used),
            "{which}"
        );
    }
}

#[test]
fn more_wild_targets_than_a_quarter_are_no_majoritys_business() {
    let mut wild = nine();
    wild[0].0[0] += 0.5;
    wild[4].0[1] -= 0.6;
    assert!(!fit_with(&wild, only(Form::Affine)).unwrap().suspicious);
    wild[8].0[0] -= 0.7;
    let found = fit_with(&wild, only(Form::Affine)).unwrap();
    assert!(found.suspicious && found.targets.iter().all(|t| t.used));
}

#[test]
fn noise_alone_seldom_costs_a_target_and_never_flatters_the_error() {
    let mut state = 9u64;
    let mut normal = || -> f64 {
        (0..12)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (state >> 11) as f64 / (1u64 << 53) as f64
            })
            .sum::<f64>()
            - 6.0
    };
    let (runs, sd) = (150, 0.04);
    let (mut cost, mut stated) = (0, 0.0);
    for _ in 0..runs {
        let samples: Vec<Sample> = (0..9)
            .map(|i| [GRID[i % 3], GRID[i / 3]])
            .map(|t| ([t[0] + sd * normal(), t[1] + sd * normal()], t))
            .collect();
        let found = fit_with(&samples, only(Form::Affine)).unwrap();
        cost += usize::from(found.targets.iter().any(|t| !t.used));
        stated += found.cross_validated / f64::from(runs);
    }
    assert!(cost < 30, "{cost} of {runs} lost a target to noise");
    // Noise of 4 % on each axis is 4 % of the diagonal; the fit adds its own.
    assert!((0.04..0.055).contains(&stated), "{stated}");
}

#[test]
fn samples_of_a_target_count_as_one_and_stray_ones_not_at_all() {
    let clean = fit_with(&nine(), only(Form::Affine)).unwrap();
    let mut many = Vec::new();
    for (i, (p, t)) in nine().into_iter().enumerate() {
        // Balanced about the point; the first target has ten times as many.
        for k in 0..(if i == 0 { 40 } else { 4 }) {
            let [dx, dy] = [[0.01, 0.0], [-0.01, 0.0], [0.0, 0.01], [0.0, -0.01]][k % 4];
            many.push(([p[0] + dx, p[1] + dy], t));
        }
    }
    // A blink.
    many.push(([0.3, 2.5], [0.1, 0.1]));
    let found = fit_with(&many, only(Form::Affine)).unwrap();
    assert!(same(
        &coefficients(&found.map),
        &coefficients(&clean.map),
        1e-9
    ));
    assert_eq!(
        (found.targets[0].samples, found.targets[1].samples),
        (41, 4)
    );
    assert!(found.targets[1].scatter > 0.004 && found.targets[1].scatter < 0.01);
}

#[test]
fn what_cannot_be_fitted_is_refused_with_the_reason() {
    let refused = |samples: &[Sample]| fit(samples).unwrap_err();
    let nine = nine();
    assert_eq!(refused(&[]), FitError::TooFewTargets { found: 0 });
    assert_eq!(refused(&nine[..4]), FitError::TooFewTargets { found: 4 });
    // Forty samples of four targets are four targets.
    assert_eq!(
        refused(&nine[..4].repeat(10)),
        FitError::TooFewTargets { found: 4 }
    );

    let many: Vec<Sample> = (0..21)
        .map(|i| [f64::from(i % 5) / 5.0, f64::from(i / 5) / 5.0])
        .map(|t| (t, t))
        .collect();
    assert_eq!(refused(&many), FitError::TooManyTargets { found: 21 });
    assert!(fit(&many[..20]).is_ok());

    let mut bad = nine.clone();
    bad[3].0[1] = f64::NAN;
    assert_eq!(refused(&bad), FitError::NotFinite { index: 3 });

    let mut twice = nine.clone();
    twice[7].1 = [0.505, 0.51];
    assert_eq!(
        refused(&twice),
        FitError::Duplicate {
            first: 4,
            second: 7
        }
    );

    let line: Vec<Sample> = (0..6)
        .map(|i| f64::from(i) / 6.0)
        .map(|t| ([t, t * t], [t, 0.5 * t]))
        .collect();
    assert_eq!(refused(&line), FitError::Collinear);
    // One target off the line: nothing is left to check it by.
    let mut propped = line;
    propped[5].1 = [0.2, 0.9];
    assert_eq!(refused(&propped), FitError::Collinear);

    let still: Vec<Sample> = nine.iter().map(|(_, t)| ([0.5, 0.5], *t)).collect();
    assert_eq!(refused(&still), FitError::Singular);
    let sideways: Vec<Sample> = nine
        .iter()
        .map(|(p, t)| ([p[0], 0.4 + 0.3 * p[0]], *t))
        .collect();
    assert_eq!(
        fit_with(&sideways, only(Form::Affine)),
        Err(FitError::Singular)
    );

    // Looks that have nothing to do with the targets: the best map is nearly none.
    let ignored: Vec<Sample> = (0..9)
        .map(|i| {
            (
                [100.0 * GRID[(i + 1) % 3], 100.0 * GRID[(i * 2 / 3) % 3]],
                nine[i].1,
            )
        })
        .collect();
    assert!(
        matches!(refused(&ignored), FitError::Unusable { .. }),
        "{:?}",
        fit(&ignored)
    );
    let aspect = FitOptions {
        aspect: f64::NAN,
        ..FitOptions::default()
    };
    assert_eq!(fit_with(&nine, aspect), Err(FitError::Aspect));
}

#[test]
fn maps_are_drawn_to_the_stretch_of_the_network_they_are_for() {
    use crate::calibration::network_id;
    let of = |name: &str| usual_stretch(&network_id(name, 7));
    assert_eq!(of(crate::geometric::NAME), GEOMETRIC_STRETCH);
    assert_eq!(of("gaze_base"), NETWORK_STRETCH);
    assert_eq!(FitOptions::default().usual, GEOMETRIC_STRETCH);
}
