//! Rivals, the search for their best settings, and what comes out of it.

use serde::Serialize;

use super::chain::{Candidate, Textbook, publish};
use super::measures::{Measures, Tally};
use crate::eye_movements::{Measured, Movement, Random, Residuals, Webcam};
use crate::filter::{EmaConfig, FilterConfig, FilterKind, OneEuroConfig};

/// From capture to the filter, seconds: the demo's median on two cores.
const LATENCY_S: f64 = 0.025;
/// Lags this near each other are the same, ms: an eighth of a published frame.
const TIE_MS: f64 = 2.0;

/// A camera and how noisy it makes the networks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Setting {
    /// Frames a second.
    pub fps: f64,
    /// Noise as a multiple of the measured one.
    pub noise: f64,
}

impl Setting {
    /// Those of the report.
    pub const ALL: [Setting; 4] = [
        Setting {
            fps: 30.0,
            noise: 1.0,
        },
        Setting {
            fps: 30.0,
            noise: 2.0,
        },
        Setting {
            fps: 60.0,
            noise: 1.0,
        },
        Setting {
            fps: 60.0,
            noise: 2.0,
        },
    ];
}

/// How much work a comparison may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effort {
    /// People in each half.
    pub people: u64,
    /// How long each is watched, seconds.
    pub seconds: f64,
    /// Every how many-th setting of a rival is tried on each axis of the search.
    pub stride: usize,
}

impl Effort {
    /// The report's.
    pub const FULL: Effort = Effort {
        people: 6,
        seconds: 60.0,
        stride: 1,
    };
}

/// Half of the people: what their eyes do and what is measured of them.
#[derive(Debug)]
pub struct Half(Vec<(Movement, Vec<Measured>)>);

impl Half {
    /// People whose random numbers begin at these seeds.
    pub fn new(
        seeds: std::ops::Range<u64>,
        setting: Setting,
        effort: Effort,
        residuals: &Residuals,
    ) -> Self {
        let webcam = Webcam {
            fps: setting.fps,
            noise: setting.noise,
            latency_s: LATENCY_S,
        };
        let person = |seed| {
            let mut rng = Random::new(seed);
            let movement = Movement::generate(effort.seconds, &mut rng);
            let measured = webcam.look(&movement, residuals, &mut rng);
            (movement, measured)
        };
        Half(seeds.map(person).collect())
    }

    /// Judges one filter.
    pub fn judge(&self, candidate: Candidate, lids: bool) -> Measures {
        let mut tally = Tally::default();
        for (movement, measured) in &self.0 {
            let output = publish(candidate, lids, measured, movement.seconds());
            tally.add(movement, &output);
        }
        tally.measures()
    }
}

/// One filter's line of the table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Which filter, and what it was tuned for.
    pub name: String,
    /// Its settings in a few words.
    pub settings: String,
    /// On the half that nothing was tuned on.
    pub measures: Measures,
    /// Furthest off in blinks if moving lids were not held back, degrees.
    pub blink_without_lids_deg: f64,
}

/// Points of a rival's best settings: lag in ms and jitter in degrees, by growing lag.
pub type Front = Vec<[f64; 2]>;

/// Everything about one setting.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Of what camera.
    pub setting: Setting,
    /// The table.
    pub rows: Vec<Row>,
    /// Best settings of EMA, One-Euro and the textbook's Kalman filter, as judged.
    pub fronts: Vec<(String, Front)>,
    /// 1 − our jitter ÷ One-Euro's that is no later at saccades.
    pub less_jitter: f64,
    /// The same where it is no later in pursuit either. None where no One-Euro is.
    pub less_jitter_in_pursuit: Option<f64>,
    /// 1 − our lag at saccades ÷ One-Euro's that jitters no more.
    pub less_lag: f64,
}

/// What is asked of the default: this much less jitter at equal lag, or lag at equal jitter.
pub const GOAL: f64 = 0.3;

/// Whether the default reaches [`GOAL`].
pub fn goal(comparison: &Comparison) -> bool {
    comparison.less_jitter >= GOAL || comparison.less_lag >= GOAL
}

type Tried = Vec<(Candidate, Measures)>;

/// Tunes the rivals on one half of the people and judges all on the other. Tells what it does.
pub fn compare(
    setting: Setting,
    effort: Effort,
    ours: FilterConfig,
    residuals: &Residuals,
) -> Comparison {
    let tune = Half::new(1..1 + effort.people, setting, effort, residuals);
    let test = Half::new(1001..1001 + effort.people, setting, effort, residuals);
    let tried = |all: Vec<Candidate>| -> Tried {
        let judge = |c| (c, tune.judge(c, true));
        all.into_iter().map(judge).collect()
    };
    let families = [
        ("EMA", tried(emas(effort.stride))),
        ("One-Euro", tried(one_euros(effort.stride))),
        ("Kalman", tried(textbooks(effort.stride))),
    ];
    let ours = Candidate::Ours(ours);
    let tuned = tune.judge(ours, true);
    let row = |name: String, candidate: Candidate| Row {
        name,
        settings: settings(&candidate),
        measures: test.judge(candidate, true),
        blink_without_lids_deg: test.judge(candidate, false).blink_deg,
    };
    let none = Candidate::Ours(FilterConfig::of(FilterKind::None));
    let mut rows = vec![row("none".into(), none)];
    let ours_row = row("ours, the default".into(), ours);
    let judged = ours_row.measures;
    let (mut less_jitter, mut less_jitter_in_pursuit, mut less_lag) = (1.0, None, 1.0);
    // In the rivals' favour: a tie counts as no later, and as no less steady.
    let no_later = |m: &Measures| m.saccade_ms <= tuned.saccade_ms + TIE_MS;
    let as_steady = |m: &Measures| m.jitter_deg <= tuned.jitter_deg * 1.02;
    for (name, all) in &families {
        let steadiest = |fits: &dyn Fn(&Measures) -> bool| best(all, |m| m.jitter_deg, fits);
        let mut found = Vec::new();
        if let Some(c) = steadiest(&no_later) {
            found.push((row(format!("{name}, no later"), c), 0));
        }
        let in_pursuit = |m: &Measures| no_later(m) && m.pursuit_ms <= tuned.pursuit_ms + TIE_MS;
        if let Some(c) = steadiest(&in_pursuit).filter(|_| *name == "One-Euro") {
            found.push((row(format!("{name}, nor in pursuit"), c), 1));
        }
        if let Some(c) = best(all, |m| m.saccade_ms, &as_steady) {
            found.push((row(format!("{name}, as steady"), c), 2));
        }
        for (row, question) in found {
            if *name == "One-Euro" {
                let theirs = row.measures;
                match question {
                    0 => less_jitter = 1.0 - judged.jitter_deg / theirs.jitter_deg,
                    1 => less_jitter_in_pursuit = Some(1.0 - judged.jitter_deg / theirs.jitter_deg),
                    _ => less_lag = 1.0 - judged.saccade_ms / theirs.saccade_ms,
                }
            }
            rows.push(row);
        }
    }
    rows.push(ours_row);
    let fronts = families
        .iter()
        .map(|(name, all)| ((*name).to_owned(), front(all, &test)))
        .collect();
    Comparison {
        setting,
        rows,
        fronts,
        less_jitter,
        less_jitter_in_pursuit,
        less_lag,
    }
}

/// The candidate with the least of something among those that fit.
fn best(
    tried: &Tried,
    of: impl Fn(&Measures) -> f64,
    fits: &dyn Fn(&Measures) -> bool,
) -> Option<Candidate> {
    tried
        .iter()
        .filter(|(_, m)| fits(m))
        .min_by(|a, b| of(&a.1).total_cmp(&of(&b.1)))
        .map(|(candidate, _)| *candidate)
}

/// Those that nobody beats in both lag and jitter where they were tuned, as judged.
fn front(tried: &Tried, test: &Half) -> Front {
    let mut sorted: Vec<&(Candidate, Measures)> = tried.iter().collect();
    sorted.sort_by(|a, b| a.1.saccade_ms.total_cmp(&b.1.saccade_ms));
    let mut least = f64::INFINITY;
    let mut front: Front = Vec::new();
    for (candidate, tuned) in sorted {
        if tuned.jitter_deg < 0.97 * least {
            least = tuned.jitter_deg;
            let m = test.judge(*candidate, true);
            front.push([m.saccade_ms, m.jitter_deg]);
        }
    }
    front
}

fn settings(candidate: &Candidate) -> String {
    match candidate {
        Candidate::Textbook(t) => format!("agility {:.2}", t.agility),
        Candidate::Ours(config) => match config.kind {
            FilterKind::Ema => format!("τ {:.0} ms", 1e3 * config.ema.time_constant_s),
            FilterKind::OneEuro => {
                let c = config.one_euro;
                format!(
                    "fc {:.2} Hz, β {:.1}, fd {:.0} Hz",
                    c.min_cutoff_hz, c.beta, c.derivative_cutoff_hz
                )
            }
            FilterKind::None | FilterKind::Kalman => String::new(),
        },
    }
}

fn emas(stride: usize) -> Vec<Candidate> {
    (0..24)
        .step_by(stride)
        .map(|i| {
            let time_constant_s = 0.005 * libm::pow(1.25, f64::from(i));
            Candidate::Ours(FilterConfig {
                ema: EmaConfig { time_constant_s },
                ..FilterConfig::of(FilterKind::Ema)
            })
        })
        .collect()
}

fn one_euros(stride: usize) -> Vec<Candidate> {
    let mut all = Vec::new();
    for cutoff in (-9..=8).step_by(stride) {
        for beta in (0..16).step_by(stride) {
            for derivative_cutoff_hz in [1.0, 4.0].into_iter().step_by(stride) {
                let beta = match beta {
                    0 => 0.0,
                    _ => 0.25 * libm::pow(1.5, f64::from(beta)),
                };
                let one_euro = OneEuroConfig {
                    min_cutoff_hz: 0.8 * libm::pow(1.4, f64::from(cutoff)),
                    beta,
                    derivative_cutoff_hz,
                };
                all.push(Candidate::Ours(FilterConfig {
                    one_euro,
                    ..FilterConfig::of(FilterKind::OneEuro)
                }));
            }
        }
    }
    all
}

fn textbooks(stride: usize) -> Vec<Candidate> {
    (0..24)
        .step_by(stride)
        .flat_map(|i| {
            [true, false].map(|extrapolates| {
                Candidate::Textbook(Textbook {
                    agility: 0.05 * libm::pow(1.4, f64::from(i)),
                    extrapolates,
                })
            })
        })
        .collect()
}
