//! The fits against numbers of numpy and scikit-learn: `scripts/maths/reference.py`.

use std::collections::BTreeMap;

use gaze::affine::{
    Affine, Fit, FitOptions, Form, FormChoice, Sample, Sitting, SittingTarget, diagonal_fraction,
    fit_with, fit_with_history,
};
use serde::Deserialize;

/// Raw x, raw y, target x, target y.
type Row = [f64; 4];

#[derive(Deserialize)]
struct Reference {
    aspect: f64,
    cases: Vec<Case>,
    robust: Robust,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Case {
    noise: f64,
    samples: Vec<Row>,
    history: Vec<Vec<Row>>,
    affine: Numbers,
    scale_offset: Numbers,
    held: Numbers,
    held_with_history: Numbers,
}

#[derive(Deserialize)]
struct Numbers {
    map: [f64; 6],
    residual: f64,
    held_out: Vec<f64>,
    cross_validated: f64,
}

#[derive(Deserialize)]
struct Robust {
    clean: Vec<Row>,
    wild: Vec<Row>,
    moved: BTreeMap<String, f64>,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("data/fit_reference.json")).unwrap()
}

fn samples(rows: &[Row]) -> Vec<Sample> {
    rows.iter()
        .map(|[x, y, u, v]| ([*x, *y], [*u, *v]))
        .collect()
}

fn options(form: Form) -> FitOptions {
    FitOptions {
        form: FormChoice::Only(form),
        aspect: reference().aspect,
        ..FitOptions::default()
    }
}

#[track_caller]
fn same(ours: &Fit, theirs: &Numbers) {
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} is not {b}");
    // Nothing was set aside: they do not either.
    assert!(ours.targets.iter().all(|t| t.used));
    let Affine { a, b, c, d, e, f } = ours.map;
    (([a, b, c, d, e, f].into_iter()).zip(theirs.map)).for_each(|(a, b)| close(a, b));
    close(ours.residual, theirs.residual);
    close(ours.cross_validated, theirs.cross_validated);
    assert_eq!(ours.targets.len(), theirs.held_out.len());
    for (ours, theirs) in ours.targets.iter().zip(&theirs.held_out) {
        close(ours.held_out, *theirs);
    }
}

#[test]
fn every_form_and_its_left_out_errors_are_numpys_and_scikits() {
    let reference = reference();
    assert_eq!(reference.cases.len(), 5);
    let mut with_history = 0;
    for case in &reference.cases {
        let samples = samples(&case.samples);
        for (form, numbers) in [
            (Form::Affine, &case.affine),
            (Form::ScaleOffset, &case.scale_offset),
            (Form::Held, &case.held),
        ] {
            same(&fit_with(&samples, options(form)).unwrap(), numbers);
        }
        let history: Vec<Sitting> = (case.history.iter())
            .map(|rows| Sitting {
                created_unix_s: 0,
                targets: (rows.iter())
                    .map(|[raw_x, raw_y, x, y]| SittingTarget {
                        x: *x,
                        y: *y,
                        raw_x: *raw_x,
                        raw_y: *raw_y,
                        samples: 1,
                        scatter: 0.0,
                    })
                    .collect(),
            })
            .collect();
        let ours = fit_with_history(&samples, &history, options(Form::Held)).unwrap();
        // Where history would cost more than it may, theirs is worse too.
        let theirs = if ours.history_used {
            with_history += 1;
            &case.held_with_history
        } else {
            let [with, without] = [&case.held_with_history, &case.held].map(|n| n.cross_validated);
            assert!(with > without, "noise {}: {with} {without}", case.noise);
            &case.held
        };
        same(&ours, theirs);
    }
    assert_eq!(with_history, 4);
}

#[test]
fn a_wild_target_of_nine_is_left_out_as_by_scikits_ransac() {
    let Robust { clean, wild, moved } = reference().robust;
    let [before, after] = [&clean, &wild].map(|rows| {
        let fit = fit_with(&samples(rows), options(Form::Affine)).unwrap();
        fit.map
    });
    let ours = (samples(&clean).iter())
        .map(|(raw, _)| {
            let (p, q) = (before.apply(*raw), after.apply(*raw));
            diagonal_fraction([p[0] - q[0], p[1] - q[1]], reference().aspect)
        })
        .fold(0.0, f64::max);
    println!("moved: ours {ours:.4}, {moved:?}");
    assert!((ours - moved["ransac"]).abs() < 1e-9, "{ours} {moved:?}");
    assert!(ours < 0.2 * moved["least-squares"], "{ours} {moved:?}");
}
