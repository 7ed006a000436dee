//! `gazed`: the command line over the library beside it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use gazed::alloc::CountingAllocator;
use gazed::commands::{
    bench, demo_truth, doctor, filter_report, permission, render, run, service, status, watch,
};
use gazed::exit::{self, Exit};
use gazed::log;
use gazed::service::template;
use gazed::settings::FileSettings;
use gazed::settings_side::{AssistantSettings, ClipSettings};
use gazed::side::assistant::address;

// Counts, so that `gazed bench` can show that the way from frame to sample
// allocates nothing.
#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn version() -> &'static str {
    gaze::version::version(env!("CARGO_PKG_VERSION"), option_env!("GAZE_BUILD"))
}

#[derive(Parser)]
#[command(
    version = version(),
    about = "Tells every program on this computer where you are looking",
    after_help = "Examples:
  gazed run                       watch the camera until stopped
  gazed run --source demo         no camera: the bundled demo
  gazed run --source clip.mp4 --loop
  gazed run --user ada            with ada's calibration
  gazed run --network gaze.onnx   with a gaze network that the trainer exported
  ffmpeg -i rtsp://… -pix_fmt yuv420p -f yuv4mpegpipe - | gazed run --source -
  gazed run --window              show what it sees: faces, who looks, the line of sight
  gazed run --clips ~/Movies/gaze keep a short clip whenever somebody looks at the camera
  gazed run --assistant           a second opinion from Moondream Station on this machine
  gazed render clip.mp4 --out seen.mp4
  gazed status                    is it running, and how well?
  gazed watch                     live, on a small map of the screen
  gazed watch --json | head -3    one line a sample
  gazed doctor                    what is missing, and what to do
  gazed install                   start it now and at every login, without root
  gazed logs --follow             what the installed one writes

Exit codes: 0 done, 1 not good enough, 2 command line, 3 settings, 4 another
daemon is running, 5 network, 6 ONNX Runtime, 7 clip or picture, 8 camera,
9 shared memory or no daemon, 10 service, 70 a fault of gazed itself."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Name of the shared memory [env: GAZE_SHM] [default: /gaze-<uid>]
    #[arg(long, global = true, value_name = "NAME")]
    shm: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the daemon in the foreground (launchd and systemd start this)
    Run(RunArgs),
    /// Show how the running daemon is, from the shared memory's header alone
    Status {
        /// One JSON object
        #[arg(long)]
        json: bool,
        /// Print nothing; the exit code tells
        #[arg(long)]
        quiet: bool,
    },
    /// Show samples live
    Watch {
        /// One JSON line a sample
        #[arg(long)]
        json: bool,
        /// End after this many seconds
        #[arg(long, value_name = "S", value_parser = seconds)]
        seconds: Option<f64>,
    },
    /// Check what the daemon needs: each a line with what to do
    Doctor {
        /// Settings file to check with
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Draw what the daemon sees into a clip: boxes, landmarks, eyes, line of sight
    Render(render::RenderArgs),
    /// Measure, and print ratios against something in the same run
    Bench(bench::BenchArgs),
    /// Judge every filter: jitter against lag, on generated eye movements or a recording
    FilterReport(filter_report::FilterReportArgs),
    /// Start gazed now and at every login: a launch agent (macOS) or a systemd user unit
    Install(service::InstallArgs),
    /// End the installed gazed and forget it
    Uninstall,
    /// Start the installed gazed
    Start,
    /// Stop the installed gazed until the next login
    Stop,
    /// Stop the installed gazed and start it
    Restart,
    /// Show what the installed gazed wrote
    Logs(service::LogsArgs),
    /// Say whether the camera is allowed: granted, denied, restricted, not asked yet
    Permission(permission::PermissionArgs),
    /// Print where the demo's eyes truly look, as CSV, one line a frame
    DemoTruth,
}

#[derive(Args)]
struct RunArgs {
    /// auto, camera, demo, null, - (YUV4MPEG2 from standard input), or a path to an MP4, a GIF, a
    /// folder of pictures, or a y4m file or named pipe
    #[arg(long, value_name = "SOURCE")]
    source: Option<String>,
    /// Which camera, counted from 0
    #[arg(long, value_name = "N")]
    camera: Option<u32>,
    /// Wished frame width, pixels
    #[arg(long, value_name = "PX")]
    width: Option<u32>,
    /// Wished frame height, pixels
    #[arg(long, value_name = "PX")]
    height: Option<u32>,
    /// Wished frame rate, frames a second
    #[arg(long, value_name = "HZ")]
    fps: Option<f64>,
    /// Begin a clip again when it ends
    #[arg(long = "loop")]
    looped: bool,
    /// Measure every frame of a clip as fast as it goes, not in its own time
    #[arg(long)]
    fast: bool,
    /// Show what it sees in a window; Escape or closing it ends gazed
    #[arg(long)]
    window: bool,
    /// Find faces anew in each picture, as the trainer does, instead of following them: for a
    /// folder of pictures that are no film
    #[arg(long)]
    stills: bool,
    /// none, ema, one-euro or kalman
    #[arg(long, value_name = "NAME")]
    filter: Option<String>,
    /// Horizontal field of view of the camera, degrees
    #[arg(long, value_name = "DEG")]
    hfov: Option<f64>,
    /// Whose calibration to apply [default: whom gaze-calib selected, or who is logged in]
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Which display is looked at, as `gaze-calib list` names it [default: selected, or primary]
    #[arg(long, value_name = "ID")]
    display: Option<String>,
    /// Apply this calibration file, whoever's it is
    #[arg(long, value_name = "FILE")]
    calibration: Option<PathBuf>,
    /// What tells the gaze: base (our own network; base-int8 is the same in 8 bits),
    /// geometric (none), or an ONNX file that says what it is (models/README.md) [default: base]
    #[arg(long, value_name = "NETWORK")]
    network: Option<String>,
    /// Record a clip into this folder when somebody looks at the camera (off otherwise); how
    /// long, how many: "clips" in the settings
    #[arg(long, value_name = "DIR")]
    clips: Option<PathBuf>,
    /// Ask a Moondream on this machine every few seconds which ninth of the screen is looked at
    /// (off otherwise); addresses of other machines are refused; more: "assistant" in the settings
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = address::USUAL)]
    assistant: Option<String>,
    /// Folder of the networks
    #[arg(long, value_name = "DIR")]
    models: Option<PathBuf>,
    /// The ONNX Runtime library
    #[arg(long, value_name = "FILE")]
    runtime: Option<PathBuf>,
    /// Threads inside ONNX Runtime
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// What computes the networks: auto (CoreML on a Mac, else the processor), coreml, or cpu
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// What CoreML may use: all, cpu_and_gpu, cpu_and_neural_engine, or cpu_only
    #[arg(long, value_name = "UNITS")]
    compute_units: Option<String>,
    /// Settings file; flags win over it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// A time that makes sense.
fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(s) if (0.0..=1e9).contains(&s) => Ok(s),
        _ => Err("give seconds, 0 or more".into()),
    }
}

/// What the daemon ends with. launchd starts again whatever fails, and knows no codes that
/// starting again will not mend: as its agent, those end as if all were well. Another daemon is
/// not among them: it will end, and this one take its place.
fn settled(exit: Exit) -> Exit {
    let as_agent = std::env::var_os(template::AGENT_MARK).is_some();
    if as_agent && matches!(exit, Exit::Usage | Exit::Settings) {
        let line = "launchd will not start it again by itself; mend that, then: gazed start";
        log::line(line);
        return Exit::Ok;
    }
    exit
}

/// Whether it is the daemon itself that was asked for. Others may be started by the agent's
/// hooks, and have its variables.
fn is_run() -> bool {
    std::env::args_os().nth(1).is_some_and(|a| a == "run")
}

/// What is wrong with the command line; where the daemon was asked for, for the system's log too.
fn usage(error: &clap::Error) -> Exit {
    let _ = error.print();
    match error.exit_code() {
        0 => Exit::Ok,
        _ if is_run() => {
            log::open();
            let text = error.to_string();
            log::only(text.lines().next().unwrap_or_default());
            settled(Exit::Usage)
        }
        _ => Exit::Usage,
    }
}

fn main() -> ExitCode {
    vision::forbid_reports();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error).into(),
    };
    let shm = cli.shm;
    let running = matches!(cli.command, Command::Run(_));
    let outcome = match cli.command {
        Command::Run(a) => {
            let flags = FileSettings {
                source: a.source,
                camera: a.camera,
                width: a.width,
                height: a.height,
                fps: a.fps,
                filter: a.filter,
                hfov_deg: a.hfov,
                user: a.user,
                display: a.display,
                calibration: a.calibration,
                network: a.network,
                shm,
                models: a.models,
                runtime: a.runtime,
                threads: a.threads,
                provider: a.provider,
                compute_units: a.compute_units,
                clips: a.clips.map(|folder| ClipSettings {
                    on: Some(true),
                    folder: Some(folder),
                    ..ClipSettings::default()
                }),
                assistant: a.assistant.map(|url| AssistantSettings {
                    on: Some(true),
                    url: Some(url),
                    ..AssistantSettings::default()
                }),
                ..FileSettings::default()
            };
            run::run(&run::Plan {
                config: a.config,
                flags,
                looped: a.looped,
                fast: a.fast,
                window: a.window,
                stills: a.stills,
            })
        }
        Command::Status { json, quiet } => status::status(shm.as_deref(), json, quiet),
        Command::Watch { json, seconds } => watch::watch(shm.as_deref(), json, seconds),
        Command::Doctor { config, json } => doctor::doctor(config.as_deref(), shm, json),
        Command::Render(args) => render::render(&args),
        Command::Bench(args) => bench::bench(&args),
        Command::FilterReport(args) => filter_report::filter_report(&args),
        Command::Install(args) => service::install(&args, shm),
        Command::Uninstall => service::service(service::Verb::Uninstall),
        Command::Start => service::service(service::Verb::Start),
        Command::Stop => service::service(service::Verb::Stop),
        Command::Restart => service::service(service::Verb::Restart),
        Command::Logs(args) => service::logs(&args),
        Command::Permission(args) => permission::permission(&args),
        Command::DemoTruth => demo_truth::demo_truth(),
    };
    let exit = outcome.unwrap_or_else(|failure| {
        log::to_standard_error(&format!("gazed: {failure}\n"));
        failure.exit
    });
    exit::end(if running { settled(exit) } else { exit })
}
