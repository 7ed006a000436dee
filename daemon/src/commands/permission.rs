//! `gazed permission`: whether this program may use the camera.
//!
//! On a Mac the system keeps permissions by application, and charges a question from a
//! terminal to the terminal. So `gazed install` has LaunchServices start Gaze.app with
//! this command: the application asks as itself, and leaves the answer in a file.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use clap::Args;

use crate::exit::{Exit, Failure, Outcome};
use crate::sources::permission::{self, CameraPermission};

/// Whether to ask, and where to.
#[derive(Args)]
pub struct PermissionArgs {
    /// Ask the person, if nobody has yet (macOS; from within Gaze.app)
    #[arg(long)]
    request: bool,
    /// Write the answer into this file too
    #[arg(long, value_name = "FILE")]
    answer: Option<PathBuf>,
}

/// Says it; exit code 0 only if the camera is allowed.
pub fn permission(args: &PermissionArgs) -> Outcome {
    let mut state = permission::state();
    if args.request && state == CameraPermission::NotAsked {
        state = permission::request();
    }
    if let Some(file) = &args.answer {
        // A new file: nothing is written through a link, nor into what is there.
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let answer = format!("{}\n", state.word());
        let written = options
            .open(file)
            .and_then(|mut f| f.write_all(answer.as_bytes()));
        written.map_err(|e| {
            let line = format!("{} cannot be written: {e}", file.display());
            Failure::new(Exit::Fault, line)
        })?;
    }
    println!("{}", state.word());
    Ok(match state {
        CameraPermission::Granted => Exit::Ok,
        _ => Exit::Camera,
    })
}
