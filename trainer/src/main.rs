//! `gaze-trainer`: the command line over the library beside it.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use gaze_trainer::commands::{
    baseline, committee, contact_fit, contact_train, devices, export, eyes, personalize, prepare,
    rays, speed, spread, study, synth, train,
};
use gaze_trainer::memory::TellingAllocator;

// Memory that is not enough is a line and an exit code.
#[global_allocator]
static ALLOCATOR: TellingAllocator = TellingAllocator;

fn version() -> &'static str {
    gaze::version::version(env!("CARGO_PKG_VERSION"), option_env!("GAZE_BUILD"))
}

#[derive(Parser)]
#[command(version = version(), about = "Trains gaze networks from your own pictures and exports ONNX", long_about = None)]
#[command(
    after_help = "Examples:\n  gaze-trainer devices --check cpu\n  gaze-trainer synth faces --count 1000 --seed 7 --preview\n  gaze-trainer prepare recordings\n  gaze-trainer baseline recordings\n  gaze-trainer train recordings.cache --out runs/1\n  gaze-trainer export runs/1/best --cache faces.cache --out exported\n  gaze-trainer contact-fit looks\n  gaze-trainer contact-train looks --out contact.onnx"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the compute devices of this build, or check that one computes correctly
    #[command(after_help = devices::AFTER_HELP)]
    Devices(devices::Devices),
    /// Draw pictures of faces with exact labels, in the format of recorded ones
    #[command(after_help = synth::AFTER_HELP)]
    Synth(synth::Synth),
    /// Draw eyes of rendered people, ready to learn from
    #[command(after_help = eyes::AFTER_HELP)]
    Eyes(eyes::EyesCommand),
    /// Make a folder of labelled pictures ready to learn from
    #[command(after_help = prepare::AFTER_HELP)]
    Prepare(prepare::Prepare),
    /// Measure how far off everything is that a trained network has to beat
    #[command(after_help = baseline::AFTER_HELP)]
    Baseline(baseline::Arguments),
    /// Measure how far off lines of sight are as they are, nobody calibrated
    #[command(after_help = rays::AFTER_HELP)]
    Rays(rays::Arguments),
    /// Train a network on prepared pictures
    #[command(after_help = train::AFTER_HELP)]
    Train(train::Train),
    /// Make a trained network a new user's own, from 5 to 20 points
    #[command(after_help = personalize::AFTER_HELP)]
    Personalize(personalize::Personalize),
    /// Measure the error against the number of points, leaving people out
    #[command(after_help = study::AFTER_HELP)]
    Study(study::StudyCommand),
    /// Teach a trained network to tell how far it errs, from people whom it has not learned from
    #[command(after_help = spread::AFTER_HELP)]
    Spread(spread::SpreadCommand),
    /// Make one network of several, which answers with the mean of their answers
    #[command(after_help = committee::AFTER_HELP)]
    Committee(committee::CommitteeCommand),
    /// Write a trained network as ONNX files that are shown to answer alike
    #[command(after_help = export::AFTER_HELP)]
    Export(export::Export),
    /// Measure how well eye contact is told in your own pictures, and find thresholds for gazed
    #[command(after_help = contact_fit::AFTER_HELP)]
    ContactFit(contact_fit::ContactFit),
    /// Train a network of eye contact on your own pictures, for gazed
    #[command(after_help = contact_train::AFTER_HELP)]
    ContactTrain(contact_train::ContactTrain),
    /// Measure how fast a device trains the network
    #[command(after_help = speed::AFTER_HELP)]
    Speed(speed::Speed),
}

fn main() -> ExitCode {
    vision::forbid_reports();
    match Cli::parse().command {
        Command::Devices(devices) => devices.run(),
        Command::Synth(synth) => synth.run(),
        Command::Eyes(eyes) => eyes.run(),
        Command::Prepare(prepare) => prepare.run(),
        Command::Baseline(baseline) => baseline.run(),
        Command::Rays(rays) => rays.run(),
        Command::Train(train) => train.run(),
        Command::Personalize(personalize) => personalize.run(),
        Command::Study(study) => study.run(),
        Command::Spread(spread) => spread.run(),
        Command::Committee(committee) => committee.run(),
        Command::Export(export) => export.run(),
        Command::ContactFit(fit) => fit.run(),
        Command::ContactTrain(train) => train.run(),
        Command::Speed(speed) => speed.run(),
    }
}
