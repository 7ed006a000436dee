//! `gaze-trainer`: the command line over the library beside it.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use gaze_trainer::commands::{devices::Devices, synth};

#[derive(Parser)]
#[command(version, about = "Trains gaze networks from your own pictures and exports ONNX", long_about = None)]
#[command(
    after_help = "Examples:\n  gaze-trainer devices --check cpu\n  gaze-trainer synth faces --count 1000 --seed 7 --preview"
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
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Devices(devices) => devices.run(),
        Command::Synth(synth) => synth.run(),
    }
}
