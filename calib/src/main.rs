//! `gaze-calib`: see the library beside this file.

use std::process::ExitCode;

use clap::Parser;
use gaze_calib::Args;

fn main() -> ExitCode {
    gaze_calib::main(Args::parse())
}
