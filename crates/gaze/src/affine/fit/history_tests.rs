use proptest::prelude::*;

use super::*;

const ASPECT: f64 = 16.0 / 9.0;

fn options(form: Form) -> FitOptions {
    FitOptions {
        form: FormChoice::Only(form),
        aspect: ASPECT,
        usual: [1.0, 0.75],
    }
}

const PERSON: Affine = Affine {
    a: 1.15,
    b: 0.06,
    c: -0.1,
    d: -0.03,
    e: 0.7,
    f: 0.2,
};

/// Normal numbers (sum of twelve), the same ones every time.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        let mut one = || {
            self.0 = (self.0)
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 11) as f64 / (1u64 << 53) as f64
        };
        (0..12).map(|_| one()).sum::<f64>() - 6.0
    }
}

/// Nine targets through the map, the whole sitting shifted, each look a little off.
fn sitting(map: &Affine, shift: [f64; 2], noise: f64, seed: u64) -> Vec<Sample> {
    let back = map.inverse().unwrap();
    let mut random = Noise(seed);
    (0..9)
        .map(|i| {
            let t = [0.1 + 0.4 * f64::from(i % 3), 0.1 + 0.4 * f64::from(i / 3)];
            let [x, y] = back.apply([t[0] + shift[0], t[1] + shift[1]]);
            ([x + noise * random.next(), y + noise * random.next()], t)
        })
        .collect()
}

fn past(samples: &[Sample]) -> Sitting {
    Sitting {
        created_unix_s: 0,
        targets: looks_at(samples, ASPECT).unwrap(),
    }
}

fn slopes(m: &Affine) -> [f64; 4] {
    [m.a, m.b, m.d, m.e]
}

fn far(a: &[f64], b: &[f64]) -> f64 {
    (a.iter().zip(b))
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max)
}

#[test]
fn what_is_not_fit_for_use_has_no_part() {
    let ours = sitting(&PERSON, [0.0; 2], 0.02, 1);
    let alone = fit_with(&ours, options(Form::Held)).unwrap();
    assert!(!alone.history_used);
    let broken: [fn(&mut Sitting); 5] = [
        |s| s.targets.truncate(4),
        |s| s.targets[3].raw_x = f64::NAN,
        |s| s.targets.iter_mut().for_each(|t| t.raw_x = 0.5),
        |s| s.targets.iter_mut().for_each(|t| t.y = t.x),
        // More than a quarter of it is wild: it contradicts itself.
        |s| {
            s.targets[0].raw_x += 0.5;
            s.targets[4].raw_y -= 0.6;
            s.targets[8].raw_x -= 0.7;
        },
    ];
    for change in broken {
        let mut sitting = past(&sitting(&PERSON, [0.0; 2], 0.005, 2));
        change(&mut sitting);
        let history = [sitting];
        assert!(judged::past(&history, Form::Held, &options(Form::Held)).is_empty());
        let with = fit_with_history(&ours, &history, options(Form::Held)).unwrap();
        assert_eq!(with, alone);
    }
}

proptest! {
    #[test]
    fn a_sitting_shifted_as_a_whole_moves_only_the_offset_and_that_by_its_weight(
        dx in -0.1..0.1f64, dy in -0.1..0.1f64, ago in 0usize..4, seed in 0u64..50,
    ) {
        let ours = sitting(&PERSON, [0.0; 2], 0.02, seed);
        let mut history: Vec<Sitting> = (1..5)
            .map(|k| past(&sitting(&PERSON, [0.0; 2], 0.02, seed + 100 * k)))
            .collect();
        for form in [Form::Affine, Form::ScaleOffset, Form::Held] {
            let splits = |history: &[Sitting]| {
                let options = options(form);
                pooled::pooled(
                    &gather(&ours, ASPECT).unwrap(),
                    &judged::past(history, form, &options),
                    form,
                    &options,
                ).unwrap()
            };
            let used = judged::past(&history, form, &options(form));
            // Wild ones are set aside in either sitting; then weights are of what is left.
            let Some(k) = used.iter().position(|p| p.ago == ago as i32 + 1) else { continue };
            let total: f64 = 9.0 + used.iter().map(|p| 0.3f64.powi(p.ago) * p.looks.len() as f64).sum::<f64>();
            let share = 0.3f64.powi(ago as i32 + 1) * used[k].looks.len() as f64 / total;
            let before = splits(&history);
            for t in &mut history[ago].targets {
                t.raw_x += dx;
                t.raw_y += dy;
            }
            let after = splits(&history);
            prop_assert!(far(&slopes(&before), &slopes(&after)) < 1e-9);
            let [sx, sy] = before.apply_linear([dx, dy]);
            prop_assert!((before.c - after.c - share * sx).abs() < 1e-9, "{form:?}");
            prop_assert!((before.f - after.f - share * sy).abs() < 1e-9, "{form:?}");
        }
    }

    #[test]
    fn a_wild_target_of_an_earlier_sitting_hardly_moves_the_map(
        which in 0usize..9, angle in 0.0..6.3f64, error in 0.3..3.0f64, seed in 0u64..20,
    ) {
        let ours = sitting(&PERSON, [0.0; 2], 0.01, seed);
        let mut earlier = past(&sitting(&PERSON, [0.0; 2], 0.01, seed + 100));
        // Past the judgement whether history is worth it.
        let pooled = |earlier: &Sitting| {
            let options = options(Form::Held);
            let past = judged::past(std::slice::from_ref(earlier), Form::Held, &options);
            pooled::pooled(&gather(&ours, ASPECT).unwrap(), &past, Form::Held, &options).unwrap()
        };
        let before = pooled(&earlier);
        earlier.targets[which].raw_x += error * angle.cos();
        earlier.targets[which].raw_y += error * angle.sin();
        let after = pooled(&earlier);
        for (raw, _) in &ours {
            let (p, q) = (before.apply(*raw), after.apply(*raw));
            let moved = diagonal_fraction([p[0] - q[0], p[1] - q[1]], ASPECT);
            prop_assert!(moved < 0.02, "{moved} by an error of {error}");
        }
    }
}

#[test]
fn who_was_somebody_else_has_no_say() {
    // Another person's slopes: left-out targets speak against them.
    let other = Affine {
        a: 0.5,
        b: -0.3,
        d: 0.3,
        e: 1.6,
        ..PERSON
    };
    let ours = sitting(&PERSON, [0.0; 2], 0.01, 3);
    let theirs: Vec<Sitting> = (4..7)
        .map(|seed| past(&sitting(&other, [0.1, 0.2], 0.01, seed)))
        .collect();
    let alone = fit_with(&ours, options(Form::Held)).unwrap();
    let with = fit_with_history(&ours, &theirs, options(Form::Held)).unwrap();
    assert_eq!(with, alone);
    // The choice between forms is no way round.
    let free = FitOptions {
        form: FormChoice::Better,
        ..options(Form::Held)
    };
    assert!(!fit_with_history(&ours, &theirs, free).unwrap().history_used);
}

#[test]
fn history_predicts_the_next_sitting_better_and_the_more_the_more_of_it() {
    // Sixty people of different slopes, five sittings each that lie differently, noise as
    // webcams have it: the fifth is predicted from the fourth with 0, 1, 3 earlier ones.
    let mut random = Noise(11);
    let mut squares = [0.0; 3];
    for person in 0..60 {
        let mut vary = |mean: f64, sd: f64| mean + sd * random.next();
        let map = Affine {
            a: vary(1.0, 0.25),
            b: vary(0.0, 0.15),
            c: 0.0,
            d: vary(0.0, 0.15),
            e: vary(0.75, 0.2).max(0.3),
            f: 0.1,
        };
        let sittings: Vec<Vec<Sample>> = (0..5)
            .map(|s| {
                let shift = [vary(0.0, 0.06), vary(0.0, 0.06)];
                sitting(&map, shift, 0.09, 1000 + 10 * person + s)
            })
            .collect();
        let earlier: Vec<Sitting> = (0..3).rev().map(|s| past(&sittings[s])).collect();
        for (i, count) in [0, 1, 3].into_iter().enumerate() {
            let free = FitOptions {
                form: FormChoice::Better,
                ..options(Form::Held)
            };
            let Ok(fit) = fit_with_history(&sittings[3], &earlier[..count], free) else {
                continue;
            };
            for (raw, t) in &sittings[4] {
                let [x, y] = fit.map.apply(*raw);
                squares[i] += diagonal_fraction([x - t[0], y - t[1]], ASPECT).powi(2);
            }
        }
    }
    let [none, one, three] = squares.map(|s| (s / 540.0).sqrt());
    println!("rms at the next sitting: {none:.4} {one:.4} {three:.4}");
    assert!(one < 0.98 * none && three < one, "{none} {one} {three}");
}
