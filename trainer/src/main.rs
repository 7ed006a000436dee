//! `gaze-trainer`: the command line over the library beside it.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use gaze_trainer::commands::{baseline, devices::Devices, prepare, synth};

#[derive(Parser)]
#[command(version, about = "Trains gaze networks from your own pictures and exports ONNX", long_about = None)]
#[command(
    after_help = "Examples:\n  gaze-trainer devices --check cpu\n  gaze-trainer synth faces --count 1000 --seed 7 --preview\n  gaze-trainer prepare recordings\n  gaze-trainer baseline recordings"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the compute devices of this build, or check that one computes correctly
    Devices(Devices),
    /// Draw pictures of faces with exact labels, in the format of recorded ones
    #[command(after_help = synth::AFTER_HELP)]
    Synth(synth::Synth),
    /// Make a folder of labelled pictures ready to learn from
    #[command(after_help = prepare::AFTER_HELP)]
    Prepare(prepare::Prepare),
    /// Measure how far off everything is that a trained network has to beat
    #[command(after_help = baseline::AFTER_HELP)]
    Baseline(baseline::Arguments),
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Devices(devices) => devices.run(),
        Command::Synth(synth) => synth.run(),
        Command::Prepare(prepare) => prepare.run(),
        Command::Baseline(baseline) => baseline.run(),
    }
}
