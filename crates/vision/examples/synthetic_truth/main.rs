//! Holds the networks and the geometry against rendered people, whose truth is known.
//!
//! `cargo run --release -p gaze-vision --example synthetic_truth -- [--json] [--strict]
//! [--pictures N] [--people N] [--speed N] [--seed S] [--worst FOLDER] [--real gaze_landmarks.npz]`
//!
//! Pictures are drawn in memory on every core and shown to the detector and the landmark network
//! of this crate; `--speed N` draws N of the scenario `random` without looking. A part with N = 0 is
//! left out. `--strict` ends with 1 when a goal is missed; `--worst` writes the pictures with
//! the largest errors; `--real` measures the irises' answer on recordings of real people, too.

mod frontal;
#[path = "../../../../calib/src/evaluate/npz.rs"]
mod npz;
mod real;
mod report;
mod shots;
#[allow(dead_code)] // shared with the example network_truth
mod stage;
mod stats;
mod turns;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use frontal::Found;
use render::identity::Identity;
use report::{Goal, Report};
use stats::{Products, median, quantile};
use turns::{Seen, median_of};

struct Options {
    json: bool,
    strict: bool,
    pictures: usize,
    people: usize,
    speed: usize,
    seed: u64,
    worst: Option<PathBuf>,
    real: Option<PathBuf>,
}

fn options() -> Result<Options, String> {
    let mut o = Options {
        json: false,
        strict: false,
        pictures: 1000,
        people: 24,
        speed: 200,
        seed: 1000,
        worst: None,
        real: None,
    };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        let number = |v: String| v.parse().map_err(|_| format!("{arg}: not a number: {v}"));
        match arg.as_str() {
            "--json" => o.json = true,
            "--strict" => o.strict = true,
            "--pictures" => o.pictures = number(value()?)?,
            "--people" => o.people = number(value()?)?,
            "--speed" => o.speed = number(value()?)?,
            "--seed" => o.seed = number(value()?)? as u64,
            "--worst" => o.worst = Some(value()?.into()),
            "--real" => o.real = Some(value()?.into()),
            _ => return Err(format!("{arg}: not known; see the top of this example")),
        }
    }
    Ok(o)
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(why) => {
            eprintln!("synthetic_truth: {why}");
            return ExitCode::from(2);
        }
    };
    let mut report = Report::new(options.json);
    match measure(&options, &mut report) {
        Ok(()) => {}
        Err(why) => {
            eprintln!("synthetic_truth: {why}");
            return ExitCode::FAILURE;
        }
    }
    let met = report.end();
    ExitCode::from(u8::from(options.strict && !met))
}

fn measure(options: &Options, report: &mut Report) -> Result<(), Box<dyn std::error::Error>> {
    if options.pictures > 0 {
        frontal_part(options, report)?;
    }
    if options.speed > 0 {
        let [wall, processor] = shots::speed(options.seed, options.speed);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let name = format!(
            "pictures a second on {cores} cores, {}×{}",
            stage::SIZE.0,
            stage::SIZE.1
        );
        let goal = if cores >= 2 {
            Goal::Least(20.0)
        } else {
            Goal::None
        };
        report.put(&name, wall, "", goal);
        report.put(
            "pictures for a second of processor time",
            processor,
            "",
            Goal::None,
        );
    }
    if options.people > 0 {
        let grid = turns::grid();
        let began = Instant::now();
        let seen = stage::on_every_core(options.people, |stage, job| {
            let who = Identity::random(options.seed + 7001 + job as u64);
            let by = [&turns::YAWS[..], &turns::PITCHES[..]];
            turns::show(stage, who, &grid, &turns::TARGETS, by)
        });
        let pictures: usize = seen.iter().map(|s| s.pictures).sum();
        report.say(&format!(
            "\n{} people, {pictures} pictures in {:.0} s",
            seen.len(),
            began.elapsed().as_secs_f64()
        ));
        still_part(&seen, report);
        turns_part(&seen, report);
    }
    if let Some(path) = &options.real {
        real_part(path, report)?;
    }
    Ok(())
}

/// Faces found, irises where they are.
fn frontal_part(options: &Options, report: &mut Report) -> Result<(), Box<dyn std::error::Error>> {
    let shots = shots::frontal(options.seed, options.pictures);
    let began = Instant::now();
    let found = frontal::look(&shots);
    let seconds = began.elapsed().as_secs_f64();
    report.say(&format!(
        "frontal pictures, {}×{}: {} in {seconds:.0} s",
        stage::SIZE.0,
        stage::SIZE.1,
        found.len()
    ));
    let share = |all: &[&Found]| {
        let seen = all.iter().filter(|f| f.error_px.is_some()).count();
        100.0 * seen as f64 / all.len().max(1) as f64
    };
    let errors = |all: &[&Found]| {
        all.iter()
            .filter_map(|f| f.error_px)
            .flatten()
            .collect::<Vec<_>>()
    };
    let all: Vec<&Found> = found.iter().collect();
    let e = errors(&all);
    report.put("faces found", share(&all), "%", Goal::Least(98.0));
    report.put(
        "iris error, median",
        median(e.clone()),
        "px",
        Goal::Most(2.0),
    );
    report.put("iris error, p95", quantile(e, 0.95), "px", Goal::Most(4.0));
    let thirds = |value: fn(&Found) -> f64| {
        [1.0 / 3.0, 2.0 / 3.0].map(|q| quantile(found.iter().map(value), q))
    };
    let dark = thirds(|f| f.brightness);
    type Belongs<'a> = Box<dyn Fn(&Found) -> bool + 'a>;
    let groups: [(String, Belongs); 8] = [
        ("with glasses".into(), Box::new(|f| f.glasses)),
        ("without glasses".into(), Box::new(|f| !f.glasses)),
        (
            "nearer than 50 cm".into(),
            Box::new(|f| f.distance_mm < 500.0),
        ),
        (
            "50 to 70 cm".into(),
            Box::new(|f| (500.0..700.0).contains(&f.distance_mm)),
        ),
        (
            "farther than 70 cm".into(),
            Box::new(|f| f.distance_mm >= 700.0),
        ),
        (
            format!("darkest third, below {:.0}", dark[0]),
            Box::new(|f| f.brightness < dark[0]),
        ),
        (
            "middle third".into(),
            Box::new(|f| (dark[0]..dark[1]).contains(&f.brightness)),
        ),
        (
            format!("brightest third, from {:.0}", dark[1]),
            Box::new(|f| f.brightness >= dark[1]),
        ),
    ];
    for (name, belongs) in groups {
        let group: Vec<&Found> = all.iter().copied().filter(|f| belongs(f)).collect();
        let e = errors(&group);
        if !group.is_empty() {
            report.say(&format!(
                "  {name:32} {:5} pictures   found {:6.2} %   iris {:5.2} px median {:5.2} p95",
                group.len(),
                share(&group),
                median(e.clone()),
                quantile(e, 0.95)
            ));
        }
    }
    let mut worst = all.clone();
    worst.sort_by(|a, b| b.worst().total_cmp(&a.worst()));
    worst.truncate(12);
    let list: Vec<String> = worst
        .iter()
        .map(|f| format!("{} ({:.1})", f.shot, f.worst()))
        .collect();
    report.say(&format!("  worst shots (px): {}", list.join(", ")));
    if let Some(folder) = &options.worst {
        frontal::write_pictures(&shots, &worst, folder)?;
    }
    Ok(())
}

/// The irises' offset against the true gaze, still head.
fn still_part(seen: &[Seen], report: &mut Report) {
    for (axis, name, goal) in [(0, "x", 0.93), (1, "y", 0.8)] {
        let (mut found, mut truth) = (Products::default(), Products::default());
        for person in seen {
            found.add(&person.offsets(axis, false));
            truth.add(&person.offsets(axis, true));
        }
        let r = |s: &Seen| Products::of(&s.offsets(axis, false)).r().abs();
        let worst = seen.iter().map(r).fold(1.0, f64::min);
        let key = |what: &str| format!("iris offset {name}, {what}");
        report.put(
            &key("r with the true gaze"),
            found.r().abs(),
            "",
            Goal::Least(goal),
        );
        report.put(&key("r of the worst person"), worst, "", Goal::None);
        let slope = 1000.0 * found.slope().abs();
        report.put(&key("slope"), slope, "‰ of the eye's width/°", Goal::None);
        let share = found.slope() / truth.slope();
        report.put(
            &key("slope ÷ that of the true irises"),
            share,
            "",
            Goal::None,
        );
    }
    let mut gap = Products::default();
    for person in seen {
        let pair = |s: &stage::Sight| (s.true_gaze[1], s.gap);
        gap.add(&person.still.iter().map(pair).collect::<Vec<_>>());
    }
    report.put("lid gap, r with the true pitch", gap.r(), "", Goal::None);
    report.put(
        "lid gap, slope",
        1000.0 * gap.slope(),
        "‰ of the eye's width/°",
        Goal::None,
    );
}

/// Pupil, not face.
fn turns_part(seen: &[Seen], report: &mut Report) {
    for (axis, name) in [(0, "yaw"), (1, "pitch")] {
        let key = |what: &str| format!("{name}: {what}");
        let answer = median_of(seen, |s| s.answer(axis));
        report.put(
            &key("gaze for a degree of eye, still head"),
            answer,
            "°",
            Goal::None,
        );
        let bias = median_of(seen, |s| s.bias(axis));
        report.put(&key("measured − true, still head"), bias, "°", Goal::None);
        let goal = [Goal::Most(35.0), Goal::None][axis];
        let percent = |s: &Seen| 100.0 * s.pupil_not_face(axis).spread;
        let worst = seen.iter().map(percent).fold(0.0, f64::max);
        report.put(
            &key("pupil, not face, median"),
            median_of(seen, percent),
            "%",
            goal,
        );
        report.put(
            &key("pupil, not face, worst person"),
            worst,
            "%",
            Goal::None,
        );
        let mut each: Vec<(f64, u64)> = seen.iter().map(|s| (percent(s), s.seed)).collect();
        each.sort_by(|a, b| b.0.total_cmp(&a.0));
        let list: Vec<String> = each
            .iter()
            .take(8)
            .map(|(p, s)| format!("{s} ({p:.0})"))
            .collect();
        report.say(&format!("  worst people's seeds (%): {}", list.join(", ")));
        let slope = median_of(seen, |s| 100.0 * s.pupil_not_face(axis).slope);
        report.put(
            &key("pupil, not face, by slope, median"),
            slope,
            "%",
            Goal::None,
        );
        let deg = median_of(seen, |s| s.pupil_not_face(axis).deg_per_deg);
        report.put(
            &key("gaze for a degree of head, same target"),
            deg,
            "°",
            Goal::None,
        );
        let heads = |s: &Seen| {
            let mut products = Products::default();
            for turn in &s.turns[axis] {
                let pair = |s: &stage::Sight| (s.true_head[axis], s.head[axis]);
                products.add(&turn.iter().map(pair).collect::<Vec<_>>());
            }
            products.slope()
        };
        report.put(
            &key("measured head for a degree of head"),
            median_of(seen, heads),
            "°",
            Goal::None,
        );
    }
    let all: usize = seen.iter().map(|s| s.pictures).sum();
    let lost =
        [0, 1].map(|k| 100.0 * seen.iter().map(|s| s.lost[k]).sum::<usize>() as f64 / all as f64);
    report.put("of these pictures, no face found", lost[0], "%", Goal::None);
    report.put(
        "of these pictures, a face but no gaze",
        lost[1],
        "%",
        Goal::None,
    );
}

/// The irises' answer of real people.
fn real_part(path: &std::path::Path, report: &mut Report) -> Result<(), String> {
    report.say("\nreal people, head held fixed by regression");
    for a in real::answers(path)? {
        for (axis, name) in [(0, "x"), (1, "y")] {
            let (slope, r) = a.axes[axis];
            let key = |what: &str| {
                format!(
                    "real person {} ({} looks), iris {name}: {what}",
                    a.person, a.looks
                )
            };
            report.put(
                &key("slope"),
                1000.0 * slope.abs(),
                "‰ of the eye's width/°",
                Goal::None,
            );
            report.put(&key("r"), r.abs(), "", Goal::None);
        }
        for (axis, name) in [(0, "yaw"), (1, "pitch")] {
            let key = |what: &str| format!("real person {}, {name}: {what}", a.person);
            report.put(
                &key("gaze for a degree of target"),
                a.answer[axis],
                "°",
                Goal::None,
            );
            report.put(&key("measured − true"), a.bias[axis], "°", Goal::None);
        }
        let key = |what: &str| format!("real person {}, lid gap: {what}", a.person);
        report.put(
            &key("slope"),
            1000.0 * a.gap.0,
            "‰ of the eye's width/°",
            Goal::None,
        );
        report.put(&key("r"), a.gap.1, "", Goal::None);
    }
    Ok(())
}
