//! `gaze-trainer`: the command line over the library beside it.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use gaze_trainer::device;

#[derive(Parser)]
#[command(version, about = "Trains gaze networks from your own pictures and exports ONNX", long_about = None)]
#[command(after_help = "Examples:\n  gaze-trainer devices\n  gaze-trainer devices --check cpu")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the compute devices of this build, or check that one computes correctly
    Devices {
        /// Multiply and differentiate on this device and compare with plain arithmetic
        #[arg(long, value_name = "NAME")]
        check: Option<String>,
        /// Print one JSON object instead of lines
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    let Command::Devices { check, json } = Cli::parse().command;
    match check {
        None => {
            let built: Vec<_> = device::NAMES
                .iter()
                .map(|(n, _)| (*n, device::is_built(n)))
                .collect();
            if json {
                let fields: Vec<_> = built.iter().map(|(n, b)| format!("\"{n}\":{b}")).collect();
                println!("{{{}}}", fields.join(","));
            } else {
                for (name, built) in built {
                    println!(
                        "{name:8} {}",
                        if built {
                            "in this build"
                        } else {
                            "not in this build"
                        }
                    );
                }
            }
            ExitCode::SUCCESS
        }
        Some(name) => match device::open(&name) {
            Ok(opened) => {
                let result = device::self_check(&opened);
                if json {
                    println!(
                        "{{\"device\":\"{name}\",\"product_error\":{:e},\"gradient_error\":{:e},\"passed\":{}}}",
                        result.product,
                        result.gradient,
                        result.passed()
                    );
                } else {
                    println!(
                        "{name}: largest error {:.1e} in a product, {:.1e} in a gradient: {}",
                        result.product,
                        result.gradient,
                        if result.passed() {
                            "good"
                        } else {
                            "NOT GOOD, do not train on it"
                        }
                    );
                }
                if result.passed() {
                    ExitCode::SUCCESS
                } else {
                    ExitCode::from(1)
                }
            }
            Err(error) => {
                eprintln!("gaze-trainer: {error}");
                ExitCode::from(2)
            }
        },
    }
}
