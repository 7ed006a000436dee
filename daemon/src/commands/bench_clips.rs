//! `gazed bench --clips`: does the stream notice that clips are being recorded? The whole
//! daemon runs on the same source, seen through a reader, by turns with clips off and with one
//! being recorded all the time: what else the machine does then meets both alike.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use clips::{Limits, Rules};
use gaze::filter::{FilterConfig, FilterKind};
use gaze::screen::Screen;
use hdrhistogram::Histogram;
use ring::{Next, Reader, clock};

use super::bench::{BenchArgs, Report, config_of, cpu_seconds, looker, perceiver, spec_of, writer};
use crate::exit::{Exit, Failure};
use crate::pipeline::faces;
use crate::pipeline::mapping::Mapping;
use crate::pipeline::shared::Shared;
use crate::pipeline::{Daemon, Parts, Side};
use crate::side::clips::Plan;
use crate::sources::{self, OpenOptions};

/// Buffers, networks and caches are warm after this.
const WARM_UP: Duration = Duration::from_secs(3);

/// Turns of each.
const TURNS: u32 = 3;

/// Both runs, and their ratios.
pub(super) fn bench_clips(args: &BenchArgs, report: &mut Report) -> Result<(), Failure> {
    let seconds = args.minutes.map_or(args.seconds, |m| m * 60.0);
    let folder = std::env::temp_dir().join(format!("gaze-bench-clips-{}", std::process::id()));
    let turns = || -> Result<(Run, Run), Failure> {
        let each = seconds / f64::from(TURNS);
        let mut sums: Option<(Run, Run)> = None;
        for _ in 0..TURNS {
            let without = one_run(args, each, None)?;
            let with = one_run(args, each, Some(plan(&folder, each)))?;
            match &mut sums {
                Some(sums) => {
                    sums.0.add(&without);
                    sums.1.add(&with);
                }
                none => *none = Some((without, with)),
            }
        }
        sums.ok_or_else(|| Failure::new(Exit::Usage, "no turn"))
    };
    let both = turns();
    let removed = std::fs::remove_dir_all(&folder);
    let (without, with) = both?;
    without.tell("without", report);
    with.tell("with clips", report);
    report.put("samples, with / without", with.rate / without.rate, "×");
    let p99 = |r: &Run| r.interval.value_at_quantile(0.99) as f64;
    report.put(
        "p99 of intervals, with / without",
        p99(&with) / p99(&without),
        "×",
    );
    if let Err(e) = removed {
        let line = format!("{}: {e}; remove it", folder.display());
        return Err(Failure::new(Exit::NotGood, line));
    }
    Ok(())
}

/// One clip, from the first face to the end.
fn plan(folder: &std::path::Path, seconds: f64) -> Plan {
    const S: u64 = 1_000_000_000;
    Plan {
        settings: clips::Settings {
            folder: folder.to_owned(),
            rules: Rules {
                hold_ns: 0,
                pre_ns: S,
                post_ns: S,
                longest_ns: (seconds as u64 + 3600) * S,
                debounce_ns: 0,
            },
            limits: Limits {
                clips: 10,
                bytes: 1 << 40,
                keep_ns: u64::MAX,
            },
            fps: 120.0,
            longest_side: 1280,
            preroll_bytes: 40 << 20,
        },
        always: true,
    }
}

/// What a reader saw.
struct Run {
    turns: f64,
    rate: f64,
    /// From one sample's publication to the next one's, µs.
    interval: Histogram<u64>,
    /// From a sample's publication to the reader's waking, µs.
    wake: Histogram<u64>,
    late: u64,
    lost: u64,
    dropped: u64,
    latency_ms: [f64; 2],
    cpu: f64,
    allocations: [u64; 2],
    /// Pictures in clips and those missed; bytes a second.
    recorded: Option<(u64, f64)>,
}

impl Run {
    /// As if both had been one; of the medians and shares the mean.
    fn add(&mut self, other: &Run) {
        let n = self.turns;
        let mean = |a: f64, b: f64| (a * n + b) / (n + 1.0);
        self.turns += 1.0;
        self.rate = mean(self.rate, other.rate);
        self.cpu = mean(self.cpu, other.cpu);
        for (a, b) in self.latency_ms.iter_mut().zip(other.latency_ms) {
            *a = mean(*a, b);
        }
        for (a, b) in self.allocations.iter_mut().zip(other.allocations) {
            *a += b;
        }
        self.late += other.late;
        self.lost += other.lost;
        self.dropped += other.dropped;
        // Same bounds: they cannot fail to fit.
        let _ = self.interval.add(&other.interval);
        let _ = self.wake.add(&other.wake);
        if let (Some(a), Some(b)) = (&mut self.recorded, other.recorded) {
            *a = (a.0 + b.0, mean(a.1, b.1));
        }
    }

    fn tell(&self, what: &str, report: &mut Report) {
        report.put(&format!("{what}: samples a second"), self.rate, "Hz");
        report.spread(&format!("{what}: sample to sample"), &self.interval);
        report.spread(&format!("{what}: sample to reader"), &self.wake);
        report.put(
            &format!("{what}: late or missed ticks"),
            self.late as f64,
            "",
        );
        report.put(&format!("{what}: samples lost"), self.lost as f64, "");
        report.put(&format!("{what}: frames dropped"), self.dropped as f64, "");
        report.put(
            &format!("{what}: capture to sample, median"),
            self.latency_ms[0],
            "ms",
        );
        report.put(
            &format!("{what}: capture to sample, p99"),
            self.latency_ms[1],
            "ms",
        );
        report.put(
            &format!("{what}: allocations, perceive"),
            self.allocations[0] as f64,
            "",
        );
        report.put(
            &format!("{what}: allocations, publish"),
            self.allocations[1] as f64,
            "",
        );
        report.put(&format!("{what}: processor"), self.cpu, "% of one core");
        if let Some((missed, bytes)) = self.recorded {
            report.put(&format!("{what}: pictures missed"), missed as f64, "");
            report.put(&format!("{what}: disk"), bytes / 1000.0, "kB a second");
        }
    }
}

fn one_run(args: &BenchArgs, seconds: f64, clips: Option<Plan>) -> Result<Run, Failure> {
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
    let recording = clips.is_some();
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
            clips,
            looker: Some(faces::Plan::new(looker(&config_of(args))?)),
            ..Side::default()
        },
    })
    .map_err(|e| Failure::new(Exit::Fault, e.to_string()))?;
    let lost_memory = |e: ring::OpenError| Failure::new(Exit::SharedMemory, e.to_string());
    let mut reader = Reader::open(&name).map_err(lost_memory)?;
    std::thread::sleep(WARM_UP);
    let micros = || Histogram::<u64>::new_with_bounds(1, 60_000_000, 3).expect("in order");
    let (mut interval, mut wake) = (micros(), micros());
    let (before, cpu, begun) = (reader.header(), cpu_seconds(), Instant::now());
    while !matches!(reader.next(), Next::Empty) {}
    let (mut last, mut lost_all) = (None, 0);
    while begun.elapsed().as_secs_f64() < seconds {
        let _ = reader.wait(Duration::from_millis(100));
        while let Next::Sample { sample, lost } = reader.next() {
            let now = clock::now_ns();
            lost_all += lost;
            wake.saturating_record((now.saturating_sub(sample.published_ns) / 1000).max(1));
            if let Some(last) = last.replace(sample.published_ns) {
                interval.saturating_record((sample.published_ns - last) / 1000);
            }
        }
    }
    let (elapsed, cpu) = (begun.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let after = reader.header();
    let run = Run {
        turns: 1.0,
        rate: (after.sample_index - before.sample_index) as f64 / elapsed,
        interval,
        wake,
        late: after.stats.late_ticks - before.stats.late_ticks,
        lost: lost_all,
        dropped: after.stats.frames_dropped - before.stats.frames_dropped,
        latency_ms: [after.stats.total_p50_us, after.stats.total_p99_us]
            .map(|us| f64::from(us) / 1000.0),
        cpu: 100.0 * cpu / elapsed,
        allocations: [&shared.perceive_allocations, &shared.publish_allocations]
            .map(|a| a.load(Relaxed)),
        recorded: recording.then(|| {
            let bytes = after.clips.bytes.saturating_sub(before.clips.bytes);
            (
                after.clips.missed - before.clips.missed,
                bytes as f64 / elapsed,
            )
        }),
    };
    daemon.stop();
    let _ = rustix::shm::unlink(name.as_str());
    Ok(run)
}
