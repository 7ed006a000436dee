//! `gazed bench --seconds S`, `--minutes M`, `--load`: the whole daemon for a while, seen through
//! a reader: deadlines, every stage's latency, what each thread costs, what grows.
//!
//! Ten times a second another calibration is put in force: what is promised of the threads holds
//! meanwhile too.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use gaze::affine::Affine;
use gaze::filter::{FilterConfig, FilterKind};
use gaze::screen::Screen;
use hdrhistogram::Histogram;
use ring::Reader;
use ring::layout::{Sample, flags};
use ring::{HeaderSnapshot, Next};

use super::bench::{
    BenchArgs, Report, config_of, cpu_seconds, looker, perceiver, resident_mb, spec_of, writer,
};
use crate::exit::{Exit, Failure};
use crate::pipeline::faces;
use crate::pipeline::mapping::Mapping;
use crate::pipeline::publish::RATE_HZ;
use crate::pipeline::shared::Shared;
use crate::pipeline::{Daemon, Parts, Side};
use crate::sources::{self, OpenOptions};

/// Threads, networks and caches get as long before anything counts.
const WARM_UP: Duration = Duration::from_secs(2);
/// The ring holds four seconds; another map ten times a second.
const TURN: Duration = Duration::from_millis(100);
/// A thread that used less of a core is left out, per cent.
const IDLE: f64 = 0.05;

/// Runs the daemon alone and, if asked, beside a busy process, and reports.
pub(super) fn bench_daemon(
    args: &BenchArgs,
    seconds: f64,
    report: &mut Report,
) -> Result<(), Failure> {
    run(args, seconds, "", report)?;
    if args.load {
        let _burning = Burner::start()?;
        run(args, seconds, "beside a busy core: ", report)?;
    }
    Ok(())
}

/// A process of its own that keeps one core busy, until it is dropped.
struct Burner(Child);

impl Burner {
    fn start() -> Result<Self, Failure> {
        Command::new("sh")
            .args(["-c", "while :; do :; done"])
            .stdin(Stdio::null())
            .spawn()
            .map(Burner)
            .map_err(|e| Failure::new(Exit::NotGood, format!("--load: sh cannot be run: {e}")))
    }
}

impl Drop for Burner {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the samples tell of times, microseconds.
struct Times {
    /// capture → perceived, perceived → published, capture → published; of measured samples.
    stages: [Histogram<u64>; 3],
    /// From one sample to the next.
    interval: Histogram<u64>,
    /// Samples that came more than half a tick after their time, or not at all.
    missed: u64,
    lost: u64,
    last: Option<(u64, u64)>,
}

impl Times {
    fn new() -> Self {
        let micros = || Histogram::new_with_bounds(1, 60_000_000, 3).expect("in order");
        Times {
            stages: [micros(), micros(), micros()],
            interval: micros(),
            missed: 0,
            lost: 0,
            last: None,
        }
    }

    fn add(&mut self, s: &Sample, lost: u64) {
        self.lost += lost;
        let tick_ns = 1_000_000_000 / RATE_HZ;
        if let Some((index, published)) = self.last.replace((s.index, s.published_ns))
            && s.index == index + 1
        {
            let span = s.published_ns.saturating_sub(published);
            self.interval.saturating_record((span / 1000).max(1));
            // 25 ms after the last one: half a tick late; 42 ms: one and a half, so two missed.
            self.missed += ((span + tick_ns / 2) / tick_ns).saturating_sub(1);
        }
        if s.has(flags::MEASURED) && s.captured_ns > 0 {
            let spans = [
                s.perceived_ns.saturating_sub(s.captured_ns),
                s.published_ns.saturating_sub(s.perceived_ns),
                s.published_ns.saturating_sub(s.captured_ns),
            ];
            for (stage, ns) in self.stages.iter_mut().zip(spans) {
                stage.saturating_record((ns / 1000).max(1));
            }
        }
    }
}

fn run(args: &BenchArgs, seconds: f64, load: &str, report: &mut Report) -> Result<(), Failure> {
    let spec = spec_of(args);
    let options = OpenOptions {
        looped: true,
        ..OpenOptions::default()
    };
    let source =
        sources::open(&spec, &options).map_err(|e| Failure::new(e.exit(), e.to_string()))?;
    let name = format!("/gaze-bench-{}", std::process::id());
    let mapping = Mapping::uncalibrated(Screen::default(), FilterConfig::of(FilterKind::Kalman));
    let shared = Arc::new(Shared::new(mapping));
    let daemon = Daemon::start(Parts {
        shared: shared.clone(),
        perceiver: Some(perceiver(config_of(args), args.network.as_deref())?),
        network: None,
        maker: None,
        writer: writer(&name)?,
        spec,
        options,
        source: Some(source),
        lossless: false,
        stills: false,
        files: None,
        door: None,
        side: Side {
            looker: Some(faces::Plan::new(looker(&config_of(args))?)),
            ..Side::default()
        },
    })
    .map_err(|e| Failure::new(Exit::Fault, e.to_string()))?;
    let lost_memory = |e: ring::OpenError| Failure::new(Exit::SharedMemory, e.to_string());
    let mut reader = Reader::open(&name).map_err(lost_memory)?;
    std::thread::sleep(WARM_UP);
    while !matches!(reader.next(), Next::Empty) {}
    let before = Use::now(&reader);
    let mut times = Times::new();
    let half = watch(&mut reader, &shared, seconds, &mut times);
    let after = Use::now(&reader);
    report.say(&format!(
        "{load}the whole daemon for {:.0} s",
        (after.at - before.at).as_secs_f64()
    ));
    tell(report, load, &before, &after, half, &times);
    for (thread, made) in [
        ("perceive", &shared.perceive_allocations),
        ("publish", &shared.publish_allocations),
    ] {
        let made = made.load(Relaxed) as f64;
        report.put(
            &format!("{load}allocations after warm-up, {thread}"),
            made,
            "",
        );
    }
    daemon.stop();
    let _ = rustix::shm::unlink(name.as_str());
    Ok(())
}

/// Reads every sample and swaps maps; tells the memory half-way.
fn watch(reader: &mut Reader, shared: &Shared, seconds: f64, times: &mut Times) -> f64 {
    let begun = Instant::now();
    let mut half_mb = None;
    // Kept: it is not for the publisher to free them. They weigh against the daemon's memory,
    // so few are made and used in turns.
    let maps = maps(shared);
    for turn in 0.. {
        let passed = begun.elapsed().as_secs_f64();
        if passed >= seconds {
            break;
        }
        if passed >= seconds / 2.0 {
            half_mb.get_or_insert_with(resident_mb);
        }
        shared.mapping.store(maps[turn % maps.len()].clone());
        std::thread::sleep(TURN);
        while let Next::Sample { sample, lost } = reader.next() {
            times.add(&sample, lost);
        }
    }
    half_mb.unwrap_or(f64::NAN)
}

/// Calibrations to put in force by turns.
fn maps(shared: &Shared) -> Vec<Arc<Mapping>> {
    let now = shared.mapping.load_full();
    let others = (1..8).map(|k: u32| {
        let c = 0.1 * f64::from(k % 2);
        let mut next = Mapping {
            calibration: Some(Affine {
                c,
                ..Affine::IDENTITY
            }),
            calibration_generation: now.calibration_generation + k,
            note_version: now.note_version + k,
            ..Mapping::clone(&now)
        };
        next.note.generation = next.calibration_generation;
        next.screen.width_mm = 310.0 + 40.0 * c;
        Arc::new(next)
    });
    others.collect()
}

/// What has been used up to a moment.
struct Use {
    at: Instant,
    header: HeaderSnapshot,
    cpu_s: f64,
    resident_mb: f64,
    threads: Vec<(String, f64)>,
}

impl Use {
    fn now(reader: &Reader) -> Self {
        Use {
            at: Instant::now(),
            header: reader.header(),
            cpu_s: cpu_seconds(),
            resident_mb: resident_mb(),
            threads: threads(),
        }
    }
}

fn tell(report: &mut Report, load: &str, before: &Use, after: &Use, half_mb: f64, times: &Times) {
    let elapsed = (after.at - before.at).as_secs_f64();
    let mut put = |name: &str, value: f64, unit: &str| {
        report.put(&format!("{load}{name}"), value, unit);
    };
    // Counted by index: the statistics come four times a second only.
    let samples = (after.header.sample_index - before.header.sample_index) as f64;
    put("samples a second", samples / elapsed, "Hz");
    let stats = [&before.header.stats, &after.header.stats];
    let counted = |of: fn(&ring::layout::Stats) -> u64| (of(stats[1]) - of(stats[0])) as f64;
    put("late or missed ticks", counted(|s| s.late_ticks), "");
    put("deadlines missed, as readers see", times.missed as f64, "");
    put("frames dropped", counted(|s| s.frames_dropped), "");
    put("samples the reader lost", times.lost as f64, "");
    let cpu = 100.0 * (after.cpu_s - before.cpu_s) / elapsed;
    put("processor", cpu, "% of one core");
    for (name, percent) in shares(&before.threads, &after.threads, elapsed) {
        put(&format!("of it {name}"), percent, "%");
    }
    if after.threads.is_empty() {
        report.say("  by threads: this system does not say");
    }
    let mut put = |name: &str, value: f64, unit: &str| {
        report.put(&format!("{load}{name}"), value, unit);
    };
    put("resident memory, whole daemon", after.resident_mb, "MB");
    put(
        "memory growth",
        after.resident_mb - before.resident_mb,
        "MB",
    );
    put(
        "memory growth, second half",
        after.resident_mb - half_mb,
        "MB",
    );
    let names = [
        "capture to perceived",
        "perceived to published",
        "capture to published",
    ];
    for (name, stage) in names.iter().zip(&times.stages) {
        report.tail(&format!("{load}{name}"), stage);
    }
    report.tail(&format!("{load}sample to sample"), &times.interval);
}

/// Per cent of a core by the name of a thread, the busiest first; threads of one name together.
fn shares(before: &[(String, f64)], after: &[(String, f64)], elapsed: f64) -> Vec<(String, f64)> {
    let mut all: Vec<(String, f64)> = Vec::new();
    for (sign, threads) in [(-1.0, before), (1.0, after)] {
        for (name, seconds) in threads {
            let percent = sign * 100.0 * seconds / elapsed;
            match all.iter_mut().find(|(known, _)| known == name) {
                Some((_, sum)) => *sum += percent,
                None => all.push((name.clone(), percent)),
            }
        }
    }
    all.retain(|(_, percent)| *percent >= IDLE);
    all.sort_by(|a, b| b.1.total_cmp(&a.1));
    all
}

/// Processor time of each thread of this process so far, seconds. Empty where the system does
/// not say.
fn threads() -> Vec<(String, f64)> {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else {
        return Vec::new();
    };
    let ticks = rustix::param::clock_ticks_per_second() as f64;
    tasks
        .flatten()
        .filter_map(|task| std::fs::read_to_string(task.path().join("stat")).ok())
        .filter_map(|stat| thread_time(&stat, ticks))
        .collect()
}

/// Name and seconds from a thread's `stat` (proc_pid_stat(5)): the name stands in brackets and
/// may hold any character, user and system time are the 14th and 15th fields.
fn thread_time(stat: &str, ticks: f64) -> Option<(String, f64)> {
    let (head, rest) = stat.rsplit_once(')')?;
    let (_, name) = head.split_once('(')?;
    let mut fields = rest.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<f64>().ok();
    Some((name.to_owned(), (next()? + next()?) / ticks))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threads_time_is_read_whatever_its_name() {
        let stat = "12 (a) (b c) S 1 12 12 0 -1 4194304 90 0 0 0 250 50 0 0 20 0 6 0 100";
        assert_eq!(thread_time(stat, 100.0), Some(("a) (b c".into(), 3.0)));
        assert_eq!(thread_time("nonsense", 100.0), None);
        let before = [("a".to_owned(), 1.0), ("gone".to_owned(), 0.0)];
        let after = [
            ("a".to_owned(), 1.5),
            ("b".to_owned(), 4.0),
            ("a".to_owned(), 0.5),
        ];
        let shares = shares(&before, &after, 10.0);
        assert_eq!(shares, [("b".to_owned(), 40.0), ("a".to_owned(), 10.0)]);
    }

    #[test]
    fn late_and_missing_samples_are_counted() {
        let mut times = Times::new();
        let tick = 1_000_000_000 / RATE_HZ;
        // In time, a third late, three quarters late, two and a bit, lost by the reader.
        let mut at = 1_000_000_000;
        for (index, ticks) in [(1, 1.0), (2, 1.0), (3, 1.34), (4, 1.75), (5, 3.1), (7, 2.0)] {
            at += (ticks * tick as f64) as u64;
            let sample = Sample {
                index,
                published_ns: at,
                captured_ns: at - 20_000_000,
                perceived_ns: at - 5_000_000,
                flags: flags::MEASURED,
                ..Sample::default()
            };
            times.add(&sample, u64::from(index == 7));
        }
        assert_eq!((times.missed, times.lost), (3, 1));
        let near = |h: &Histogram<u64>, us: u64| h.value_at_quantile(0.5).abs_diff(us) < 30;
        assert!(near(&times.stages[0], 15_000) && near(&times.stages[2], 20_000));
    }
}
