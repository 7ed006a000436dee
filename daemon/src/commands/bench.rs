//! `gazed bench`: measures on this machine and prints medians and ratios.
//!
//! Nothing here is asserted: what a machine reaches depends on the machine.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use clap::Args;
use gaze::filter::{FilterConfig, FilterKind};
use gaze::screen::Screen;
use hdrhistogram::Histogram;
use ring::layout::{Reason, State};
use ring::{Writer, WriterConfig, clock};
use vision::coreml::{ComputeUnits, Tell};
use vision::{Frame, Looker, ModelStore, Perceiver, PerceiverConfig, Runtime, SessionOptions};

use super::bench_demo::bench_demo;
use super::run::LANDMARKS_EVERY;
use crate::alloc::allocations_of_this_thread;
use crate::engine::ProviderWish;
use crate::exit::{Exit, Failure, Outcome};
use crate::pipeline::compose::Composer;
use crate::pipeline::mapping::Mapping;
use crate::pipeline::measurement::{Measurement, NetworkTag};
use crate::pipeline::networks::Maker;
use crate::settings::GazeChoice;
use crate::sources::{self, Next, OpenOptions, SourceSpec};

/// A line on standard output; who reads it may have left.
macro_rules! say {
    ($($words:tt)*) => {{
        let _ = writeln!(std::io::stdout(), $($words)*);
    }};
}

/// What to measure.
#[derive(Args)]
pub struct BenchArgs {
    /// A clip, GIF or folder to measure frame → sample on; the demo if left out
    #[arg(long, value_name = "PATH")]
    pub clip: Option<PathBuf>,
    /// Frames to measure after 30 to warm up; 0 leaves this part out
    #[arg(long, value_name = "N", default_value_t = 300)]
    pub frames: usize,
    /// Hold this process to one core (Linux)
    #[arg(long)]
    pub one_core: bool,
    /// Then run the whole daemon on the source for this long
    #[arg(long, value_name = "S", default_value_t = 10.0)]
    pub seconds: f64,
    /// The same in minutes
    #[arg(long, value_name = "M", conflicts_with = "seconds")]
    pub minutes: Option<f64>,
    /// And once more for as long beside a process that burns one core
    #[arg(long)]
    pub load: bool,
    /// A program that measures the same clip and prints `median_ms=…`; its ratio is printed
    #[arg(long, value_name = "COMMAND")]
    pub peer: Option<String>,
    /// Instead: how far off the points of the bundled demo are, against its truth
    #[arg(long, conflicts_with_all = ["clip", "peer", "seconds", "minutes", "frames"])]
    pub demo: bool,
    /// With --demo: fit the noise that `gazed filter-report` uses, and write it here
    #[arg(long, value_name = "FILE.json", requires = "demo")]
    pub residuals: Option<PathBuf>,
    /// Instead: the whole daemon without and with a clip being recorded all the time
    #[arg(long, conflicts_with_all = ["demo", "peer", "frames"])]
    pub clips: bool,
    /// Instead: each network by each of these, coreml or cpu: how long it takes, and how far their
    /// answers are apart
    #[arg(long, value_name = "coreml,cpu", value_delimiter = ',', conflicts_with_all = ["demo", "clips", "clip", "peer", "seconds", "minutes"])]
    pub provider: Vec<String>,
    /// What CoreML may use: all, cpu_and_gpu, cpu_and_neural_engine, or cpu_only [default: all]
    #[arg(long, value_name = "UNITS", requires = "provider")]
    pub compute_units: Option<String>,
    /// What tells the gaze: base, base-int8, geometric, or a network's file [default: base]
    #[arg(long, value_name = "NETWORK")]
    pub network: Option<String>,
    /// Threads inside ONNX Runtime
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub threads: usize,
    /// In which frames the landmark network sees a steady face: in each (1), or in one of so many
    #[arg(long, value_name = "N", default_value_t = LANDMARKS_EVERY, value_parser = clap::value_parser!(u32).range(1..=4))]
    pub landmarks_every: u32,
    /// One JSON object instead of lines
    #[arg(long)]
    pub json: bool,
}

/// Frames before anything is counted.
const WARM_UP: usize = 30;

/// Runs every part that was asked for.
pub fn bench(args: &BenchArgs) -> Outcome {
    if args.one_core {
        hold_to_one_core()?;
    }
    let mut report = Report::new(args.json);
    if args.demo {
        bench_demo(args, &mut report)?;
        report.end();
        return Ok(Exit::Ok);
    }
    if args.clips {
        super::bench_clips::bench_clips(args, &mut report)?;
        report.end();
        return Ok(Exit::Ok);
    }
    if !args.provider.is_empty() {
        let exit = super::bench_provider::bench_provider(args, &mut report)?;
        report.end();
        return Ok(exit);
    }
    if args.frames > 0 {
        frame_to_sample(args, &mut report)?;
    }
    if let Some(peer) = &args.peer {
        against_peer(args, peer, &mut report)?;
    }
    let seconds = args.minutes.map_or(args.seconds, |m| m * 60.0);
    if seconds > 0.0 {
        super::bench_daemon::bench_daemon(args, seconds, &mut report)?;
    }
    report.end();
    Ok(Exit::Ok)
}

/// Names and numbers, as aligned lines or as one JSON object.
pub(super) struct Report {
    json: bool,
    fields: serde_json::Map<String, serde_json::Value>,
}

impl Report {
    fn new(json: bool) -> Self {
        Report {
            json,
            fields: serde_json::Map::new(),
        }
    }

    /// A line for people only.
    pub(super) fn say(&self, line: &str) {
        if !self.json {
            say!("{line}");
        }
    }

    /// For programs only.
    pub(super) fn insert(&mut self, name: &str, value: serde_json::Value) {
        let name = name.replace([' ', '→'], "_").replace(',', "");
        self.fields.insert(name, value);
    }

    pub(super) fn put(&mut self, name: &str, value: f64, unit: &str) {
        if !self.json {
            say!("{name:34} {value:>10.3} {unit}");
        }
        self.insert(name, value.into());
    }

    pub(super) fn spread(&mut self, name: &str, micros: &Histogram<u64>) {
        let ms = |q: f64| micros.value_at_quantile(q) as f64 / 1000.0;
        if !self.json {
            say!(
                "{name:34} {:>10.3} ms   p90 {:.3}   p99 {:.3}   worst {:.3}",
                ms(0.5),
                ms(0.9),
                ms(0.99),
                micros.max() as f64 / 1000.0
            );
        }
        let numbers = [0.5, 0.9, 0.99, 1.0].map(ms);
        self.fields.insert(
            format!("{}_ms_p50_p90_p99_max", name.replace(' ', "_")),
            numbers.to_vec().into(),
        );
    }

    /// As [`spread`](Self::spread), further out.
    pub(super) fn tail(&mut self, name: &str, micros: &Histogram<u64>) {
        let ms = |q: f64| micros.value_at_quantile(q) as f64 / 1000.0;
        let numbers = [0.5, 0.99, 0.999, 1.0].map(ms);
        let [half, p99, p999, worst] = numbers;
        self.say(&format!(
            "{name:34} {half:>10.3} ms   p99 {p99:.3}   p99.9 {p999:.3}   worst {worst:.3}"
        ));
        self.insert(
            &format!("{name} ms p50 p99 p99.9 max"),
            numbers.to_vec().into(),
        );
    }

    fn end(self) {
        if self.json {
            say!("{}", serde_json::Value::Object(self.fields));
        }
    }
}

pub(super) fn spec_of(args: &BenchArgs) -> SourceSpec {
    args.clip.clone().map_or(SourceSpec::Demo, SourceSpec::Path)
}

pub(super) fn config_of(args: &BenchArgs) -> PerceiverConfig {
    PerceiverConfig {
        threads: args.threads,
        // As the daemon without settings.
        provider: ProviderWish::Auto.provider(ComputeUnits::All, Tell::default()),
        // As in the daemon: another thread has them.
        others_per_frame: 0,
        landmarks_every: args.landmarks_every,
        ..PerceiverConfig::default()
    }
}

/// The networks, the gaze told as the setting `network` would have it.
pub(super) fn perceiver(
    config: PerceiverConfig,
    network: Option<&str>,
) -> Result<Perceiver, Failure> {
    let runtime = Runtime::load(None).map_err(|e| Failure::new(Exit::Runtime, e.to_string()))?;
    let unusable = |e: vision::ModelError| Failure::new(Exit::Network, e.to_string());
    let store = ModelStore::open(None).map_err(unusable)?;
    let options = SessionOptions {
        threads: config.threads,
        provider: config.provider.clone(),
    };
    let mut perceiver = Perceiver::new(&runtime, &store, config).map_err(unusable)?;
    let maker = Maker {
        runtime,
        options,
        landmarks: *perceiver.network_hash(),
        store,
    };
    let coming = maker
        .make(&GazeChoice::named(network), 0)
        .map_err(|e| Failure::new(Exit::Network, e.to_string()))?;
    perceiver.swap_gaze(coming.gaze);
    Ok(perceiver)
}

/// What measures the faces beside the primary one.
pub(super) fn looker(config: &PerceiverConfig) -> Result<Looker, Failure> {
    let runtime = Runtime::load(None).map_err(|e| Failure::new(Exit::Runtime, e.to_string()))?;
    let network = |e: vision::ModelError| Failure::new(Exit::Network, e.to_string());
    let store = ModelStore::open(None).map_err(network)?;
    Looker::new(&runtime, &store, config).map_err(network)
}

pub(super) fn writer(name: &str) -> Result<Writer, Failure> {
    Writer::create(name, &WriterConfig::default())
        .map_err(|e| Failure::new(Exit::SharedMemory, e.to_string()))
}

/// One thread, every frame: decode, perceive, compose and publish, each timed.
fn frame_to_sample(args: &BenchArgs, report: &mut Report) -> Result<(), Failure> {
    let refuse = |e: sources::SourceError| Failure::new(e.exit(), e.to_string());
    let options = OpenOptions {
        looped: true,
        fast: true,
        ..OpenOptions::default()
    };
    let mut source = sources::open(&spec_of(args), &options).map_err(refuse)?;
    let mut perceiver = perceiver(config_of(args), args.network.as_deref())?;
    let mut writer = writer(&format!("/gaze-bench-{}", std::process::id()))?;
    let mapping = Mapping::uncalibrated(Screen::default(), FilterConfig::of(FilterKind::Kalman));
    let mut composer = Composer::new(false);
    let mut frame = Frame::default();
    let micros = || Histogram::<u64>::new_with_bounds(1, 60_000_000, 3).expect("in order");
    let (mut decode, mut perceive, mut publish, mut whole) =
        (micros(), micros(), micros(), micros());
    let mut network = micros();
    // The landmark network sees one of so many frames: as many in a row are one measurement.
    let (mut several, mut in_a_row) = (micros(), Vec::new());
    let mut seen = 0u64;
    let (mut faces, mut valid, mut counted, mut allocations) = (0u64, 0u64, 0u64, 0u64);
    let mut size = (0, 0);
    while (counted as usize) < args.frames + WARM_UP {
        let t0 = Instant::now();
        match source
            .next(&mut frame, Duration::from_secs(5))
            .map_err(refuse)?
        {
            Next::Frame => {}
            Next::Nothing | Next::Passed | Next::End => break,
        }
        size = (frame.width, frame.height);
        frame.captured_ns = clock::now_ns();
        let before = allocations_of_this_thread();
        let t1 = Instant::now();
        let found = perceiver.perceive(&frame);
        let t2 = Instant::now();
        let network_ns = found.times.network_ns;
        let looked = found.times.landmark_ns > 0;
        let m = Measurement::of(found, &frame, &NetworkTag::default(), clock::now_ns());
        composer.absorb(&m, &mapping);
        let mut sample = composer.compose(clock::now_ns(), State::Running, Reason::None, &mapping);
        writer.publish(&mut sample);
        writer.publish_faces(&m.table);
        let t3 = Instant::now();
        counted += 1;
        if counted as usize <= WARM_UP {
            continue;
        }
        allocations += allocations_of_this_thread() - before;
        faces += u64::from(m.face.is_some());
        valid += u64::from(sample.is_valid());
        seen += u64::from(looked);
        in_a_row.push(t3 - t1);
        if in_a_row.len() == args.landmarks_every as usize {
            let mean = in_a_row.drain(..).sum::<Duration>() / args.landmarks_every;
            several.saturating_record(mean.as_micros().max(1) as u64);
        }
        if network_ns > 0 {
            network.saturating_record((network_ns / 1000).max(1));
        }
        for (histogram, span) in [
            (&mut decode, t1 - t0),
            (&mut perceive, t2 - t1),
            (&mut publish, t3 - t2),
            (&mut whole, t3 - t1),
        ] {
            histogram.saturating_record(span.as_micros().max(1) as u64);
        }
    }
    let n = whole.len().max(1) as f64;
    if !report.json {
        say!(
            "{} frames of {}×{}, one face a frame, {} core{}",
            whole.len(),
            size.0,
            size.1,
            if args.one_core { "one" } else { "every" },
            if args.one_core { "" } else { " free to use" },
        );
    }
    report.spread("decode", &decode);
    report.spread("perceive", &perceive);
    if !network.is_empty() {
        report.spread("of it the gaze network", &network);
    }
    report.spread("compose and publish", &publish);
    report.spread("frame to sample", &whole);
    report.spread(
        &format!("the mean of {} frames in a row", args.landmarks_every),
        &several,
    );
    report.put("seen by the landmark network", 100.0 * seen as f64 / n, "%");
    report.put("frames with a face", 100.0 * faces as f64 / n, "%");
    report.put("valid samples", 100.0 * valid as f64 / n, "%");
    report.put("allocations a frame", allocations as f64 / n, "");
    report.put("resident memory", resident_mb(), "MB");
    report.fields.insert(
        "frame_to_sample_ms".into(),
        (several.value_at_quantile(0.5) as f64 / 1000.0).into(),
    );
    writer.unlink();
    Ok(())
}

/// Runs the peer's program on the same clip, right after ours.
fn against_peer(args: &BenchArgs, peer: &str, report: &mut Report) -> Result<(), Failure> {
    let clip = args
        .clip
        .as_deref()
        .unwrap_or_else(|| std::path::Path::new("demo"));
    let run = Command::new("sh")
        .arg("-c")
        .arg(format!("{peer} \"$0\""))
        .arg(clip)
        .output()
        .map_err(|e| Failure::new(Exit::NotGood, format!("the peer cannot be run: {e}")))?;
    let text = String::from_utf8_lossy(&run.stdout);
    let theirs = text
        .split_whitespace()
        .find_map(|word| word.strip_prefix("median_ms=")?.parse::<f64>().ok())
        .ok_or_else(|| {
            Failure::new(
                Exit::NotGood,
                format!("the peer printed no median_ms=: {}", text.trim()),
            )
        })?;
    let ours = report.fields["frame_to_sample_ms"]
        .as_f64()
        .unwrap_or(f64::NAN);
    report.put("peer, a frame", theirs, "ms");
    report.put("ours / peer", ours / theirs, "×");
    Ok(())
}

#[cfg(target_os = "linux")]
fn hold_to_one_core() -> Result<(), Failure> {
    let mut set = rustix::thread::CpuSet::new();
    set.set(0);
    rustix::thread::sched_setaffinity(None, &set)
        .map_err(|e| Failure::new(Exit::NotGood, format!("cannot hold to one core: {e}")))
}

#[cfg(not(target_os = "linux"))]
fn hold_to_one_core() -> Result<(), Failure> {
    Err(Failure::new(Exit::Usage, "--one-core works on Linux only"))
}

/// Resident memory of this process, megabytes; NaN where the system does not say.
pub(super) fn resident_mb() -> f64 {
    std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|s| s.split_whitespace().nth(1)?.parse::<f64>().ok())
        .map_or(f64::NAN, |pages| {
            pages * rustix::param::page_size() as f64 / 1e6
        })
}

/// Processor time of this process so far, seconds.
pub(super) fn cpu_seconds() -> f64 {
    let t = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    t.tv_sec as f64 + t.tv_nsec as f64 * 1e-9
}
