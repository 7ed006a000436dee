//! `gazed install | uninstall | start | stop | restart | logs`, in words.

use std::path::{Path, PathBuf};

use clap::Args;
use sha2::{Digest, Sha256};
use vision::ModelStore;

use crate::exit::{Exit, Failure, Outcome};
use crate::service::{Job, Manager, ServiceError, bundle_of, launchd};
use crate::settings::{self, FileSettings, GazeChoice};

/// What a service is not told by its manager and may need: where networks, runtime and
/// settings are. Taken over from the shell that installs.
const HANDED_ON: [&str; 7] = [
    "GAZE_CACHE",
    "GAZE_MODELS",
    "GAZE_ORT_LIB",
    "GAZE_SHM",
    "ORT_DYLIB_PATH",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
];

/// How to install.
#[derive(Args)]
pub struct InstallArgs {
    /// Settings file that the service reads [default: the user's]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Do not ask for the camera (macOS); without permission the daemon waits for it
    #[arg(long)]
    no_camera_question: bool,
}

/// What to show.
#[derive(Args)]
pub struct LogsArgs {
    /// How many lines
    #[arg(long, short = 'n', value_name = "N", default_value_t = 100)]
    lines: u32,
    /// Go on showing what is written
    #[arg(long, short)]
    follow: bool,
}

/// What is to be done with the service.
#[derive(Clone, Copy)]
pub enum Verb {
    /// End and forget it.
    Uninstall,
    /// Start it.
    Start,
    /// End it.
    Stop,
    /// End and start it.
    Restart,
}

fn failed(e: ServiceError) -> Failure {
    Failure::new(Exit::Service, e.to_string())
}

/// Has `gazed run` started now and at every login.
pub fn install(args: &InstallArgs, shm: Option<String>) -> Outcome {
    let manager = Manager::of_this_system().map_err(failed)?;
    let fault = |e: std::io::Error| {
        Failure::new(Exit::Fault, format!("gazed cannot tell where it is: {e}"))
    };
    let program = std::env::current_exe()
        .and_then(|p| p.canonicalize())
        .map_err(fault)?;
    let mut arguments = vec!["run".to_owned()];
    // What the service would refuse at every start is refused now.
    let refuse = |e: settings::SettingsError| Failure::new(Exit::Settings, e.to_string());
    let settings = settings::load(args.config.as_deref()).map_err(refuse)?;
    settings.check().map_err(refuse)?;
    let build = build_of(&program, &settings).map_err(fault)?;
    if let Some(config) = &args.config {
        let whole = std::path::absolute(config).map_err(fault)?;
        arguments.extend(["--config".into(), whole.display().to_string()]);
    }
    if let Some(shm) = shm {
        arguments.extend(["--shm".into(), shm]);
    }
    let environment = HANDED_ON
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    if let Manager::Launchd(_) = manager
        && !args.no_camera_question
    {
        println!("gazed: {}", camera_question(&program)?);
    }
    let done = manager.install(&Job {
        program,
        arguments,
        environment,
        build,
    });
    println!("gazed: {}", done.map_err(failed)?);
    Ok(Exit::Ok)
}

/// What tells a build of the program from others: the beginning of a SHA-256 of it, of the list
/// of its networks, which has their own, and of the gaze network that the settings name.
fn build_of(program: &Path, settings: &FileSettings) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    std::io::copy(&mut std::fs::File::open(program)?, &mut hash)?;
    // Without networks it is the daemon that says so.
    if let Ok(store) = ModelStore::open(settings.models.as_deref()) {
        for network in store.networks() {
            hash.update(format!("{} {}\n", network.file, network.sha256));
        }
    }
    if let GazeChoice::File(network) = settings.gaze_choice()
        && let Ok(mut file) = std::fs::File::open(network)
    {
        std::io::copy(&mut file, &mut hash)?;
    }
    let bytes = hash.finalize();
    Ok(bytes[..6].iter().map(|b| format!("{b:02x}")).collect())
}

/// Asks for the camera while the person is there, and says what came of it.
fn camera_question(program: &Path) -> Result<String, Failure> {
    const LATER: &str = "System Settings, Privacy & Security, Camera";
    let Some(bundle) = bundle_of(program) else {
        return Ok(
            "the camera was not asked for: this gazed is not inside of Gaze.app, which alone \
             keeps a permission (make dist makes it)"
                .into(),
        );
    };
    Ok(match launchd::ask_for_camera(bundle).map_err(failed)? {
        Some(said) if said == "granted" => "the camera is allowed".into(),
        Some(said) => format!("the camera is not allowed ({said}); allow Gaze in {LATER}"),
        None => format!("nobody answered about the camera; allow Gaze in {LATER}"),
    })
}

/// Does one of the simple ones.
pub fn service(verb: Verb) -> Outcome {
    let manager = Manager::of_this_system().map_err(failed)?;
    let done = match verb {
        Verb::Uninstall => manager.uninstall(),
        Verb::Start => manager.start(),
        Verb::Stop => manager.stop(),
        Verb::Restart => manager.restart(),
    };
    println!("gazed: {}", done.map_err(failed)?);
    Ok(Exit::Ok)
}

/// Shows what the service wrote; ends only if that cannot be had.
pub fn logs(args: &LogsArgs) -> Outcome {
    let manager = Manager::of_this_system().map_err(failed)?;
    Err(failed(manager.show_logs(args.lines, args.follow)))
}
