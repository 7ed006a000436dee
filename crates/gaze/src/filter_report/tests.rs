use super::recording::Recording;
use super::*;
use crate::eye_movements::{Colour, Kind, Movement, Random, Residuals, Webcam};
use crate::filter::{FilterConfig, FilterKind};

const SMALL: Effort = Effort {
    people: 2,
    seconds: 60.0,
    stride: 2,
};

/// The default against One-Euro, on few people. Broken filters fail here: measurements taken
/// for white noise, saccades that are not seen, lids that are believed.
#[test]
fn the_default_beats_one_euro_and_lids_do_not_drag_it() {
    let setting = Setting {
        fps: 30.0,
        noise: 1.0,
    };
    let default = FilterConfig::default();
    let found = compare(setting, SMALL, default, &Residuals::ours());
    assert!(found.less_jitter >= tuning::GOAL, "{:#?}", found.rows);
    assert!(found.less_lag >= tuning::GOAL, "{:#?}", found.rows);
    let ours = found.rows.last().unwrap();
    assert!(ours.measures.blink_deg < 2.0, "{ours:#?}");
    assert!(ours.blink_without_lids_deg > 8.0, "{ours:#?}");
    assert!(ours.measures.overshoot_percent < 2.0, "{ours:#?}");
    assert!(ours.measures.pursuit_ms < 60.0, "{ours:#?}");
}

#[test]
fn a_filter_that_does_nothing_has_the_cameras_own_lag() {
    let residuals = Residuals {
        axes: Residuals::ours()
            .axes
            .map(|a| crate::eye_movements::Colour { sd: 1e-6, ..a }),
        ..Residuals::ours()
    };
    let half = Half::new(
        1..3,
        Setting {
            fps: 60.0,
            noise: 1.0,
        },
        SMALL,
        &residuals,
    );
    let none = half.judge(Candidate::Ours(FilterConfig::of(FilterKind::None)), false);
    // A saccade of some 40 ms, half a frame, the chain's 25 ms, half a tick.
    assert!((55.0..85.0).contains(&none.saccade_ms), "{none:?}");
    // The same without the saccade, and half the time that a point is shown.
    assert!((30.0..50.0).contains(&none.pursuit_ms), "{none:?}");
    assert!(
        none.jitter_deg < 0.05 && none.overshoot_percent < 0.5,
        "{none:?}"
    );
    // All of what the lids do, and the eye shut for a while.
    assert!(none.blink_deg > 10.0 && none.blind_ms > 50.0, "{none:?}");
}

/// Noise that does not change with the networks that ship.
fn noise() -> Residuals {
    let colour = |sd, correlation_s, white_share| Colour {
        sd,
        correlation_s,
        white_share,
    };
    Residuals {
        about: "a test".into(),
        axes: [colour(0.0087, 0.137, 0.15), colour(0.0283, 0.0739, 0.0)],
        gap_sd_mm: 0.051,
        drag_down: 0.287,
        drag_most: 1.258,
        drag_aside: 0.011,
    }
}

#[test]
fn rests_and_leaps_are_found_without_the_truth() {
    let mut rng = Random::new(7);
    let movement = Movement::generate(60.0, &mut rng);
    let webcam = Webcam {
        fps: 30.0,
        noise: 1.0,
        latency_s: 0.025,
    };
    let measured = webcam.look(&movement, &noise(), &mut rng);
    let recording = Recording {
        measured: measured
            .into_iter()
            .filter(|m| movement.shut(m.captured_s) == 0.0)
            .collect(),
        published_s: (1..3600).map(|i| f64::from(i) / 60.0).collect(),
    };
    let found = recording.find();
    let true_leaps: Vec<_> = movement
        .segments
        .iter()
        .filter(|s| s.kind == Kind::Saccade && s.degrees() > 5.0)
        .collect();
    let hits = found.saccades.iter().filter(|leap| {
        let near = |s: &&&crate::eye_movements::Segment| (s.start_s - leap.t_s).abs() < 0.12;
        movement
            .segments
            .iter()
            .any(|s| s.kind != Kind::Fixation && near(&&s))
    });
    let hits = hits.count();
    assert!(
        2 * hits > true_leaps.len() && 10 * hits >= 8 * found.saccades.len(),
        "{hits} of {}",
        found.saccades.len()
    );
    assert!(found.fixations.len() > 20);
    let none = Candidate::Ours(FilterConfig::of(FilterKind::None));
    let heard = |kind| recording.judge(Candidate::Ours(FilterConfig::of(kind)), none, &found);
    let (none, ema, ours) = (
        heard(FilterKind::None),
        heard(FilterKind::Ema),
        heard(FilterKind::Kalman),
    );
    assert!(
        none.later_ms.abs() < 1e-9 && none.jitter_deg > 2.0 * ours.jitter_deg,
        "{none:?} {ours:?}"
    );
    assert!(
        ema.later_ms > 60.0 && ours.later_ms < 0.5 * ema.later_ms,
        "{ema:?} {ours:?}"
    );
}

#[test]
fn the_plot_is_svg_and_shows_ours() {
    let setting = Setting {
        fps: 30.0,
        noise: 1.0,
    };
    let few = Effort {
        people: 1,
        seconds: 20.0,
        stride: 6,
    };
    let found = compare(setting, few, FilterConfig::default(), &Residuals::ours());
    let svg = plot::svg(&[found.clone(), found]);
    assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n") && !svg.contains("NaN"));
    assert_eq!(svg.matches("ours, the default").count(), 1);
    assert_eq!(svg.matches("30 frames a second").count(), 2);
}
