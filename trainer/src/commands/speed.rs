//! `gaze-trainer speed`.

use std::process::ExitCode;

use clap::Args;

use super::how::EncoderName;
use super::train::end;
use crate::device;
use crate::net::{Colour, EncoderKind, NetConfig, speed};

/// What `speed --help` says at its end.
pub const AFTER_HELP: &str = "\
Each step is what training does with a batch: forward, backward, AdamW.
scripts/pytorch/speed.py runs the same network in PyTorch beside it and prints the ratio.

Exit codes:
  0  measured
  2  the command line is wrong, or this build lacks the device
  6  memory was not enough
  70 the device does not compute, or a fault of gaze-trainer

Examples:
  gaze-trainer speed
  gaze-trainer speed --encoder compact --width 1 --size 48
  gaze-trainer speed --device cuda --width 1 --batch 256 --json";

/// Arguments of `speed`.
#[derive(Debug, Args)]
pub struct Speed {
    /// What computes: cpu, cuda, vulkan, wgpu, metal, tch, tch-cuda
    #[arg(long, value_name = "NAME", default_value = "cpu")]
    device: String,
    /// What sees the eyes
    #[arg(long, value_enum, default_value = "mobilenet-v2")]
    encoder: EncoderName,
    /// Multiplies the encoder's channels, 0.25 to 1
    #[arg(long, value_name = "W", default_value_t = 0.5)]
    width: f64,
    /// Pixels on a side of an eye picture
    #[arg(long, value_name = "PX", default_value_t = 64)]
    size: usize,
    /// Pictures of three colours instead of gray ones
    #[arg(long)]
    rgb: bool,
    /// Samples in a step
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(2..=4096))]
    batch: u16,
    /// How many steps are timed, after two that are not
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1000))]
    steps: u16,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Speed {
    /// Measures and prints.
    pub fn run(self) -> ExitCode {
        end(|| {
            self.measure().map_err(|line| (2, line))?;
            Ok(false)
        })
    }

    fn measure(&self) -> Result<(), String> {
        let device = device::open(&self.device).map_err(|e| e.to_string())?;
        let colour = if self.rgb { Colour::Rgb } else { Colour::Gray };
        let encoder = EncoderKind::from(self.encoder);
        let config = match encoder {
            EncoderKind::Compact => NetConfig::compact(self.width, self.size, colour),
            encoder => NetConfig {
                encoder,
                ..NetConfig::new(self.width, self.size, colour)
            },
        };
        let (batch, steps) = (usize::from(self.batch), usize::from(self.steps));
        let speed = speed::training(&config, &device, batch, steps).map_err(|e| e.to_string())?;
        let per_second = speed.samples_per_second();
        if self.json {
            let object = serde_json::json!({
                "device": self.device, "encoder": encoder, "width": self.width, "size": self.size,
                "channels": config.eyes.channels(), "batch": batch,
                "samples_per_second": per_second, "step_ms": speed.step_ms,
            });
            println!("{object}");
        } else {
            println!(
                "{}: {per_second:.1} samples a second ({:.0} ms a step of {batch}; {} × {}, two eyes of {} × {}²)",
                self.device,
                speed.step_ms,
                encoder.name(),
                self.width,
                config.eyes.channels(),
                self.size,
            );
        }
        Ok(())
    }
}
