//! Which pictures of the scenario `random` are drawn, and how fast.

use std::time::Instant;

use render::scenario::{Kind, Plan, Shot};

use super::stage::{SIZE, on_every_core};

/// Heads are frontal up to this yaw and pitch, degrees.
const FRONTAL_DEG: f64 = 15.0;

fn plan(seed: u64) -> Plan {
    Plan {
        size: Some(SIZE),
        ..Plan::new(Kind::Random, seed)
    }
}

/// The first `count` shots with frontal heads and no blink; 35 to 90 cm away as all of them.
pub fn frontal(seed: u64, count: usize) -> Vec<Shot> {
    let plan = plan(seed);
    let frontal = |shot: &Shot| {
        let pose = &shot.moment.poses[shot.followed];
        pose.shut == 0.0 && pose.head[..2].iter().all(|a| a.abs() <= FRONTAL_DEG)
    };
    let all = (0..).map(|n| plan.shot(n));
    all.filter(frontal).take(count).collect()
}

/// Draws `count` shots of the scenario, whatever the head does, and throws them away: pictures a
/// second of wall time, and for each second of processor time (NaN where the system does not tell).
pub fn speed(seed: u64, count: usize) -> [f64; 2] {
    let plan = plan(seed);
    let (length, _) = plan.lengths();
    // Before the clock starts: assets are unpacked.
    render::person::Person::new(render::identity::Identity::demo());
    let (began, processor) = (Instant::now(), processor_seconds());
    let sittings = count.div_ceil(length);
    on_every_core(sittings, |stage, sitting| {
        for n in sitting * length..(sitting + 1) * length {
            stage.paint(&plan.shot(n));
        }
    });
    let drawn = (sittings * length) as f64;
    [
        drawn / began.elapsed().as_secs_f64(),
        drawn / (processor_seconds() - processor),
    ]
}

/// Processor time of this process so far, seconds.
fn processor_seconds() -> f64 {
    // Fields 14 and 15, counted after the name in parentheses; hundredths of a second on Linux.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks: Vec<f64> = (after.split_whitespace().skip(11).take(2))
        .filter_map(|t| t.parse().ok())
        .collect();
    match ticks[..] {
        [user, system] => (user + system) / 100.0,
        _ => f64::NAN,
    }
}
