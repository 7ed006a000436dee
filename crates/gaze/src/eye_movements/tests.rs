use super::*;

fn movement(seed: u64) -> Movement {
    Movement::generate(120.0, &mut Random::new(seed))
}

#[test]
fn saccades_keep_to_the_main_sequence() {
    let movement = movement(1);
    let mut fast = 0;
    for s in movement.segments.iter().filter(|s| s.kind == Kind::Saccade) {
        let (ms, degrees) = (1e3 * (s.end_s - s.start_s), s.degrees());
        assert!(
            (ms - (21.0 + 2.2 * degrees)).abs() < 1.5,
            "{degrees}°: {ms} ms"
        );
        let from = (s.start_s * 1000.0) as usize;
        let to = (from + ms as usize).min(movement.points.len() - 1);
        let peak = (from..to)
            .map(|i| 1000.0 * degrees_between(movement.points[i], movement.points[i + 1]))
            .fold(0.0, f64::max);
        if degrees > 3.0 {
            let over = peak / (1000.0 * degrees / ms);
            assert!((1.55..1.75).contains(&over), "{degrees}°: {over}");
        }
        // Bahill, Clark, Stark: some 400 to 500° a second at 12°.
        if (11.0..13.0).contains(&degrees) {
            fast += 1;
            assert!((390.0..500.0).contains(&peak), "{degrees}°: {peak}");
        }
    }
    assert!(fast > 3);
}

#[test]
fn fixations_drift_a_little_and_blinks_shut_the_lids() {
    let movement = movement(2);
    let (mut drift, mut shut) = (Vec::new(), 0);
    for s in &movement.segments {
        match s.kind {
            Kind::Fixation => drift.push(s.degrees()),
            Kind::Blink => {
                let ms = 1e3 * (s.end_s - s.start_s);
                assert!((240.0..470.0).contains(&ms), "{ms}");
                shut += usize::from(movement.shut(s.start_s + 0.1) >= 0.99);
            }
            _ => {}
        }
    }
    drift.sort_by(f64::total_cmp);
    let median = drift[drift.len() / 2];
    assert!((0.03..0.3).contains(&median), "{median}");
    assert!(shut > 10, "{shut}");
}

#[test]
fn the_fit_finds_the_noise_that_was_put_in() {
    let truth = Residuals {
        axes: [
            Colour {
                sd: 0.01,
                correlation_s: 0.06,
                white_share: 0.2,
            },
            Colour {
                sd: 0.03,
                correlation_s: 0.1,
                white_share: 0.0,
            },
        ],
        ..Residuals::ours()
    };
    let mut rng = Random::new(5);
    let mut coloured = [0.0; 2];
    let pictures: Vec<Picture> = (0..12_000)
        .map(|i| {
            let target = [0.3 + 0.01 * f64::from(i / 30 % 40), 0.5];
            let noise = [0, 1].map(|a| {
                let c: Colour = truth.axes[a];
                let rho = libm::exp(-1.0 / 30.0 / c.correlation_s);
                coloured[a] = rho * coloured[a] + libm::sqrt(1.0 - rho * rho) * rng.normal();
                let whole = libm::sqrt(1.0 - c.white_share) * coloured[a]
                    + libm::sqrt(c.white_share) * rng.normal();
                c.sd * whole
            });
            // Half a millimetre to four; from three on it drags no further.
            let fall = match i % 300 {
                299 => 0.5 * f64::from(1 + i / 300 % 8),
                _ => 0.0,
            };
            Picture {
                truth: target,
                measured: Some([
                    target[0] + noise[0],
                    target[1] + noise[1] + 0.3 * f64::min(fall, 3.0),
                ]),
                gap_mm: 9.0 - fall + truth.gap_sd_mm * rng.normal(),
                resting: true,
                blinking: fall > 0.0,
            }
        })
        .collect();
    let found = Residuals::fit(&pictures, 30.0, "a test").unwrap();
    for (found, truth) in found.axes.iter().zip(truth.axes) {
        assert!((found.sd / truth.sd - 1.0).abs() < 0.1, "{found:?}");
        assert!(
            (found.correlation_s / truth.correlation_s - 1.0).abs() < 0.3,
            "{found:?}"
        );
        assert!(
            (found.white_share - truth.white_share).abs() < 0.12,
            "{found:?}"
        );
    }
    assert!((found.gap_sd_mm / truth.gap_sd_mm - 1.0).abs() < 0.1);
    assert!(
        (found.drag_down - 0.3).abs() < 0.06 && (found.drag_most - 0.9).abs() < 0.1,
        "{found:?}"
    );
}
