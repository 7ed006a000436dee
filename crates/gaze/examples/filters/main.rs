//! All filters on generated eye movements, and the best One-Euro as the bar.
//!
//! `cargo run --release -p gaze --example filters`
//!
//! One-Euro and EMA are tuned by search on one half of the movements for each
//! lag; every filter is judged on the other half. The last column compares
//! with the One-Euro that jitters least among those that are no later than the
//! filter, at saccades (and, in the line below, at pursuit as well).

mod movement;
mod report;

use gaze::filter::{EmaConfig, FilterConfig, FilterKind, OneEuroConfig};
use movement::{Measurement, Movement, Random, Sensor};
use report::{Report, judge, publish};

const SECONDS: f64 = 240.0;
/// Lags this near each other are the same (an eighth of a published frame).
const TIE_MS: f64 = 2.0;

struct Half {
    movement: Movement,
    input: Vec<Measurement>,
}

impl Half {
    fn new(seed: u64, sensor: Sensor) -> Self {
        let mut rng = Random::new(seed);
        let movement = Movement::generate(SECONDS, &mut rng);
        let input = sensor.measure(&movement, &mut rng);
        Self { movement, input }
    }

    fn run(&self, config: FilterConfig) -> Report {
        judge(&self.movement, &publish(config, &self.input, SECONDS))
    }
}

fn one_euros() -> Vec<FilterConfig> {
    let mut configs = Vec::new();
    for cutoff in -9..=8 {
        for beta in 0..16 {
            for derivative_cutoff_hz in [1.0, 4.0] {
                let beta = if beta == 0 {
                    0.0
                } else {
                    0.25 * 1.5f64.powi(beta)
                };
                let min_cutoff_hz = 0.8 * 1.4f64.powi(cutoff);
                configs.push(FilterConfig {
                    one_euro: OneEuroConfig {
                        min_cutoff_hz,
                        beta,
                        derivative_cutoff_hz,
                    },
                    ..FilterConfig::of(FilterKind::OneEuro)
                });
            }
        }
    }
    configs
}

fn emas() -> Vec<FilterConfig> {
    (0..24)
        .map(|i| FilterConfig {
            ema: EmaConfig {
                time_constant_s: 0.005 * 1.25f64.powi(i),
            },
            ..FilterConfig::of(FilterKind::Ema)
        })
        .collect()
}

/// The tuned configuration with the least jitter among those the test lets through.
fn best(tried: &[(FilterConfig, Report)], fits: impl Fn(&Report) -> bool) -> Option<FilterConfig> {
    tried
        .iter()
        .filter(|(_, report)| fits(report))
        .min_by(|a, b| a.1.rms_s2s.total_cmp(&b.1.rms_s2s))
        .map(|(config, _)| *config)
}

fn line(name: &str, r: &Report, note: &str) {
    println!(
        "  {name:<24} {:>7.3} {:>6.2} {:>6.2} {:>8.1} {:>6.2} {:>8.1} {:>6.1} {:>7.1}  {note}",
        r.rms_s2s, r.sd, r.error, r.saccade_ms, r.overshoot, r.pursuit_ms, r.blink, r.false_pursuit
    );
}

fn main() {
    println!(
        "  {:<24} {:>7} {:>6} {:>6} {:>8} {:>6} {:>8} {:>6} {:>7}",
        "% of the screen, ms",
        "RMS-S2S",
        "SD",
        "error",
        "saccade",
        "over%",
        "pursuit",
        "blink",
        "moving%"
    );
    for fps in [30.0, 60.0] {
        for (noise, correlation) in [
            (0.01, 0.7),
            (0.02, 0.7),
            (0.03, 0.7),
            (0.02, 0.0),
            (0.02, 0.85),
        ] {
            let sensor = Sensor {
                fps,
                noise,
                correlation,
            };
            let (tune, test) = (Half::new(1, sensor), Half::new(2, sensor));
            let tried = |configs: Vec<FilterConfig>| -> Vec<(FilterConfig, Report)> {
                configs.into_iter().map(|c| (c, tune.run(c))).collect()
            };
            let (one_euros, emas) = (tried(one_euros()), tried(emas()));

            println!(
                "{fps} fps, noise {:.0} %, correlation {correlation}",
                100.0 * noise
            );
            line("none", &test.run(FilterConfig::of(FilterKind::None)), "");
            let ours = FilterConfig::of(FilterKind::Kalman);
            let (tuned, judged) = (tune.run(ours), test.run(ours));
            // In One-Euro's favour: a tie counts as no later.
            let no_later = |r: &Report| r.saccade_ms <= tuned.saccade_ms + TIE_MS;
            if let Some(config) = best(&emas, no_later) {
                let note = format!("τ = {:.0} ms", 1e3 * config.ema.time_constant_s);
                line("ema, no later", &test.run(config), &note);
            }
            let mut gains = String::new();
            for (name, config) in [
                ("one-euro, no later", best(&one_euros, no_later)),
                (
                    "  nor in pursuit",
                    best(&one_euros, |r| {
                        no_later(r) && r.pursuit_ms <= tuned.pursuit_ms
                    }),
                ),
            ] {
                let Some(config) = config else { continue };
                let report = test.run(config);
                let c = config.one_euro;
                let note = format!(
                    "fc {:.2} β {:.2} fd {:.0}",
                    c.min_cutoff_hz, c.beta, c.derivative_cutoff_hz
                );
                line(name, &report, &note);
                gains += &format!("{:+.0} % ", 100.0 * (judged.rms_s2s / report.rms_s2s - 1.0));
            }
            line(
                "one-euro, default",
                &test.run(FilterConfig::of(FilterKind::OneEuro)),
                "",
            );
            line(
                "kalman",
                &judged,
                &format!("jitter against One-Euro: {gains}"),
            );
        }
    }
}
