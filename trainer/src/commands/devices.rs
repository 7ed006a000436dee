//! `gaze-trainer devices`.

use std::process::ExitCode;

use clap::Args;

use crate::device;
use crate::train::guard;

/// What `devices --help` says at its end.
pub const AFTER_HELP: &str = "\
Exit codes:
  0    listed, or the device computes correctly
  1    it computes wrongly, or not at all here
  2    the command line is wrong, or the device is not in this build

Examples:
  gaze-trainer devices
  gaze-trainer devices --check cuda --json";

/// Arguments of `devices`.
#[derive(Debug, Args)]
pub struct Devices {
    /// Multiply and differentiate on this device and compare with plain arithmetic
    #[arg(long, value_name = "NAME")]
    check: Option<String>,
    /// Print one JSON object instead of lines
    #[arg(long)]
    json: bool,
}

impl Devices {
    /// Lists the devices of this build, or checks one.
    pub fn run(self) -> ExitCode {
        match self.check {
            None => self.list(),
            Some(ref name) => self.check(name),
        }
    }

    fn list(&self) -> ExitCode {
        let built: Vec<_> = device::NAMES
            .iter()
            .map(|(n, _)| (*n, device::is_built(n)))
            .collect();
        if self.json {
            let fields: Vec<_> = built.iter().map(|(n, b)| format!("\"{n}\":{b}")).collect();
            println!("{{{}}}", fields.join(","));
            return ExitCode::SUCCESS;
        }
        for (name, built) in built {
            let words = if built {
                "in this build"
            } else {
                "not in this build"
            };
            println!("{name:9} {words}");
        }
        ExitCode::SUCCESS
    }

    fn check(&self, name: &str) -> ExitCode {
        // A back end without its driver says so by panicking.
        let tried = guard::whole(|| device::open(name).map(|opened| device::self_check(&opened)));
        let result = match tried {
            Ok(Ok(result)) => result,
            Ok(Err(error)) => {
                eprintln!("gaze-trainer: {error}");
                return ExitCode::from(2);
            }
            Err((_, said)) => {
                let said = said.trim_start_matches("a fault of gaze-trainer: ");
                eprintln!(
                    "gaze-trainer: {name} does not compute here ({said}); see to its driver, or use another device"
                );
                return ExitCode::from(1);
            }
        };
        let (product, gradient, passed) = (result.product, result.gradient, result.passed());
        if self.json {
            println!(
                "{{\"device\":\"{name}\",\"product_error\":{product:e},\"gradient_error\":{gradient:e},\"passed\":{passed}}}"
            );
        } else {
            let words = if passed {
                "good"
            } else {
                "NOT GOOD, do not train on it"
            };
            println!(
                "{name}: largest error {product:.1e} in a product, {gradient:.1e} in a gradient: {words}"
            );
        }
        ExitCode::from(u8::from(!passed))
    }
}
