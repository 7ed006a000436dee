//! Puts together what the daemon is made of, but for the shared memory: source, networks,
//! calibration, and what goes on beside.

use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use gaze::calibration;
use gaze::calibration::selection::login_name;
use ring::layout::{Reason, SourceKind, State};
use ring::{Witness, Writer};
use vision::PerceiverConfig;

use super::loading::{Seeing, load_meanwhile};
use super::{Plan, check_named_calibration};
use crate::calibrations::keeper::Fixed;
use crate::calibrations::{Files, Keeper};
use crate::engine::Engine;
use crate::exit::{Exit, Failure};
use crate::log::say;
use crate::pipeline::mapping::Mapping;
use crate::pipeline::shared::Shared;
use crate::pipeline::{Daemon, Parts, Side};
use crate::record::Door;
use crate::settings::{self, FileSettings};
use crate::sources::{self, OpenOptions, SourceSpec};

/// Everything but the shared memory.
pub(super) struct Ready {
    shared: Arc<Shared>,
    seeing: Option<Seeing>,
    spec: SourceSpec,
    options: OpenOptions,
    source: Option<Box<dyn sources::FrameSource>>,
    lossless: bool,
    stills: bool,
    files: Files,
    pub(super) side: Side,
}

impl Ready {
    pub(super) fn into_daemon(self, writer: Writer) -> Result<Daemon, Failure> {
        // Gaze is worth running where pictures cannot be stored.
        let door = Door::open(writer.name())
            .inspect_err(|why| say!("no recording of training data: {why}"))
            .ok();
        let mut side = self.side;
        let (perceiver, network, maker) = match self.seeing {
            None => (None, None, None),
            Some(s) => {
                (side.looker, side.judge) = (s.looker, s.judge);
                (Some(s.perceiver), Some(s.network), Some(s.maker))
            }
        };
        Daemon::start(Parts {
            shared: self.shared,
            perceiver,
            network,
            maker,
            writer,
            spec: self.spec,
            options: self.options,
            source: self.source,
            lossless: self.lossless,
            stills: self.stills,
            files: Some(self.files),
            door,
            side,
        })
        .map_err(|e| Failure::new(Exit::Fault, format!("no thread could be started: {e}")))
    }
}

pub(super) fn assemble(
    plan: &Plan,
    settings: &FileSettings,
    writer: &mut Writer,
    witness: &Witness,
    end: &AtomicBool,
) -> Result<Ready, Failure> {
    let spec = choose_source(settings.source.as_deref().unwrap_or("camera"));
    let options = OpenOptions {
        looped: plan.looped,
        fast: plan.fast,
        camera: settings.camera.unwrap_or(0),
        width: settings.width,
        height: settings.height,
        fps: settings.fps,
    };
    // A file that cannot be read will not get better: fail now. A camera may be
    // plugged in later: the capture thread waits for it.
    let source = match spec {
        SourceSpec::Camera(_) => None,
        _ => match sources::open(&spec, &options) {
            Ok(source) => Some(source),
            Err(e) if e.is_recoverable() => None,
            Err(e) => return Err(Failure::new(e.exit(), e.to_string())),
        },
    };
    let engine = Arc::new(Engine::default());
    let seeing = match spec {
        SourceSpec::Null => None,
        _ => Some(load_meanwhile(
            settings,
            writer,
            witness,
            &engine,
            end,
            plan.fast && source.is_some(),
            buffers_of(&spec),
        )?),
    };
    check_named_calibration(settings)?;
    let network = seeing
        .as_ref()
        .map_or_else(String::new, |s| s.network.0.id());
    let fixed = Fixed {
        folder: calibration::default_folder(),
        network,
        login: login_name(),
    };
    let mut keeper = Keeper::new(fixed, settings.clone());
    let displays = display::list().unwrap_or_default();
    let camera = source.as_ref().map_or("", |s| &s.describe().name);
    keeper.look(Instant::now(), camera, &displays);
    let mut shared = Shared::new(Mapping::clone(keeper.mapping()));
    shared.engine = engine;
    let shared = Arc::new(shared);
    shared.set_source_name(camera);
    if let Ok(wish) = settings.face_wish() {
        shared.faces.store(Arc::new(wish));
    }
    if seeing.is_none() {
        shared.set_source(
            State::Running,
            Reason::NoFrames,
            "the null source gives no frames",
        );
    }
    writer.set_source(kind_of(&spec));
    let refuse = |e: settings::SettingsError| Failure::new(Exit::Settings, e.to_string());
    let side = Side {
        looker: None, // they come with the networks
        judge: None,
        clips: settings.clips_plan().map_err(refuse)?,
        hooks: settings.hooks_plan().map_err(refuse)?,
        assistant: settings.assistant_plan().map_err(refuse)?,
        window: None,
    };
    let lossless = plan.fast && source.is_some();
    say_what_runs(&spec, source.as_deref(), writer.name());
    Ok(Ready {
        shared,
        seeing,
        spec,
        options,
        source,
        lossless,
        stills: plan.stills,
        files: Files::new(keeper, displays),
        side,
    })
}

/// `auto` is the camera if there is one and the demo otherwise.
fn choose_source(name: &str) -> SourceSpec {
    if name != "auto" {
        return name.parse().unwrap_or_else(|never| match never {});
    }
    match sources::list_cameras() {
        Ok(found) if !found.is_empty() => SourceSpec::Camera(None),
        _ => {
            say!("no camera found, showing the bundled demo");
            SourceSpec::Demo
        }
    }
}

fn kind_of(spec: &SourceSpec) -> SourceKind {
    match spec {
        SourceSpec::Camera(_) => SourceKind::Camera,
        SourceSpec::Demo => SourceKind::Demo,
        SourceSpec::Null => SourceKind::Null,
        SourceSpec::Path(path) if path.is_dir() => SourceKind::Pictures,
        // A pipe is a camera that another program has opened.
        SourceSpec::Stdin => SourceKind::Camera,
        SourceSpec::Path(path) if is_pipe(path) => SourceKind::Camera,
        SourceSpec::Path(_) | SourceSpec::Scripted(_) => SourceKind::Clip,
    }
}

/// Among how many pictures before it a picture is looked for, to tell whether it is an old
/// one: a driver's buffers may go round; a file, or what a program sends through a pipe, may be
/// a short one that is shown again.
fn buffers_of(spec: &SourceSpec) -> usize {
    match spec {
        SourceSpec::Camera(_) | SourceSpec::Scripted(_) => {
            PerceiverConfig::default().frozen_buffers
        }
        SourceSpec::Path(_) | SourceSpec::Stdin | SourceSpec::Demo | SourceSpec::Null => 1,
    }
}

fn is_pipe(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|m| m.file_type().is_fifo())
}

fn say_what_runs(spec: &SourceSpec, source: Option<&dyn sources::FrameSource>, shm: &str) {
    match source.map(sources::FrameSource::describe) {
        Some(info) if info.width == 0 => say!(
            "waiting for pictures from {}, samples in {shm}; Ctrl-C ends it",
            info.name
        ),
        Some(info) => say!(
            "{} ({}×{}, {:.0} frames a second), samples in {shm}; Ctrl-C ends it",
            info.name,
            info.width,
            info.height,
            info.fps
        ),
        None => say!("waiting for {spec}, samples in {shm}; Ctrl-C ends it"),
    }
}
