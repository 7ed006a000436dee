//! `gazed bench --provider`: each network by each provider, how long it takes, and how far
//! their answers are apart.

use std::path::Path;
use std::time::Instant;

use serde_json::json;
use sha2::{Digest, Sha256};
use vision::coreml::{self, ComputeUnits, Tell};
use vision::{BoundSession, Computes, ModelStore, Network, Provider, Runtime, SessionOptions};

use super::bench::{BenchArgs, Report};
use crate::engine::ProviderWish;
use crate::exit::{Exit, Failure, Outcome};
use crate::settings::GazeChoice;

/// Runs before any is timed.
const WARM_UP: usize = 10;

/// Measures every network by every provider that was named.
pub(super) fn bench_provider(args: &BenchArgs, report: &mut Report) -> Outcome {
    let units = args.compute_units.as_deref().unwrap_or("all");
    let usage = |line: String| Failure::new(Exit::Usage, line);
    let units = ComputeUnits::named(units).ok_or_else(|| {
        usage(format!(
            "--compute-units {units}: give all, cpu_and_gpu, cpu_and_neural_engine or cpu_only"
        ))
    })?;
    let mut providers: Vec<(&str, Provider)> = vec![];
    for name in &args.provider {
        let wish = ProviderWish::named(name);
        let wish = wish.ok_or_else(|| {
            usage(format!(
                "--provider {name}: give coreml, cpu, or coreml,cpu"
            ))
        })?;
        providers.push((name, wish.provider(units, said())));
    }
    let runtime = Runtime::load(None).map_err(|e| Failure::new(Exit::Runtime, e.to_string()))?;
    let (mut measured, mut all) = (0, vec![]);
    for network in networks(args.network.as_deref())? {
        let (times, entry) = one(&network, &runtime, &providers, args, report)?;
        measured += times;
        all.push(entry);
    }
    report.insert("networks", all.into());
    Ok(if measured > 0 {
        Exit::Ok
    } else {
        Exit::NotGood
    })
}

/// What takes long is said while it does.
fn said() -> Tell {
    Tell::whom(|news| {
        if news.turn == coreml::Turn::Compiling {
            eprintln!(
                "gazed: compiling {} for CoreML, once…",
                news.standing.network()
            );
        }
    })
}

/// Those that a frame goes through.
fn networks(gaze: Option<&str>) -> Result<Vec<Network>, Failure> {
    let refuse = |line: String| Failure::new(Exit::Network, line);
    let store = ModelStore::open(None).map_err(|e| refuse(e.to_string()))?;
    let load = |kind: &str| store.load(kind).map_err(|e| refuse(e.to_string()));
    let mut found = vec![load("face-detector")?, load("face-landmarks")?];
    match GazeChoice::named(gaze) {
        GazeChoice::Geometric => {}
        GazeChoice::Base(which) => found.push(load(which.kind())?),
        GazeChoice::File(path) => found.push(read(&path)?),
    }
    Ok(found)
}

fn read(path: &Path) -> Result<Network, Failure> {
    let bytes = gaze::trust::read(path).map_err(|e| {
        let line = format!("the network {} cannot be read: {e}", path.display());
        Failure::new(Exit::Network, line)
    })?;
    Ok(Network {
        name: path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        kind: "gaze".into(),
        sha256: Sha256::digest(&bytes).into(),
        bytes,
    })
}

/// One network: how many providers were timed, and its part of the JSON.
fn one(
    network: &Network,
    runtime: &Runtime,
    providers: &[(&str, Provider)],
    args: &BenchArgs,
    report: &Report,
) -> Result<(usize, serde_json::Value), Failure> {
    let unusable = |e: vision::ModelError| Failure::new(Exit::Network, e.to_string());
    let name = network.name.trim_end_matches(".onnx");
    let open = |network: &Network, provider: Provider| {
        let options = SessionOptions {
            threads: args.threads,
            provider,
        };
        BoundSession::alone(runtime, network, &options).map_err(unusable)
    };
    let mut reference = open(network, Provider::Cpu)?;
    let (mut timed, mut entry) = (0, json!({ "network": name }));
    for (provider, made) in providers {
        let mut session = open(network, made.clone())?;
        if let Computes::CpuInstead(why) = session.computes() {
            // What it would be given is there all the same. The processor keeps what lies between
            // the layers in single precision: this is what rounding the weights does.
            let half = Network {
                bytes: coreml::prepared(&network.bytes),
                ..network.clone()
            };
            let mut half = open(&half, Provider::Cpu)?;
            let apart = coreml::largest_difference(&mut reference, &mut half).map_err(unusable)?;
            report.say(&format!(
                "{name:16} {provider:8} not here: {why}; weights in half precision, as it would \
                 have them, change answers by {} at most",
                short(apart.absolute)
            ));
            entry[*provider] = json!({ "why_not": why, "half_weights_difference": apart.absolute });
            continue;
        }
        let apart = coreml::largest_difference(&mut reference, &mut session).map_err(unusable)?;
        let median_ms = median_ms(&mut session, args.frames.max(1)).map_err(unusable)?;
        timed += 1;
        let difference = match session.computes() {
            Computes::CoreMl => format!(
                "   differs from cpu by {} at most, {:.2} % of the largest answer",
                short(apart.absolute),
                100.0 * apart.relative
            ),
            _ => String::new(),
        };
        report.say(&format!(
            "{name:16} {provider:8} {median_ms:>8.3} ms{difference}"
        ));
        entry[*provider] = json!({
            "median_ms": median_ms,
            "difference": apart.absolute,
            "relative_difference": apart.relative,
        });
    }
    Ok((timed, entry))
}

/// Three digits that count.
fn short(value: f32) -> String {
    let digits = (2 - value.abs().max(1e-6).log10().floor() as i32).max(0) as usize;
    format!("{value:.digits$}")
}

fn median_ms(session: &mut BoundSession, runs: usize) -> Result<f64, vision::ModelError> {
    for _ in 0..WARM_UP.min(runs) {
        session.run()?;
    }
    let mut times = Vec::with_capacity(runs);
    for _ in 0..runs {
        let begun = Instant::now();
        session.run()?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[runs / 2])
}
