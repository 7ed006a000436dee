//! `gazed run`: resolves what it was told, starts the threads, hears signals.

use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use gaze::calibration;
use gaze::calibration::selection::login_name;
use gaze::camera::DEFAULT_HFOV_DEG;
use ring::layout::{EngineNote, Reason, Sample, SourceKind, State, text_of};
use ring::{Witness, Writer, WriterConfig};
use rustix::process::Signal;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;
use vision::{
    ContactNet, ERRAND_FACES, Looker, ModelStore, Perceiver, PerceiverConfig, Provider, Runtime,
    SessionOptions,
};

use super::window::{Close, Desktop};
use crate::calibrations::keeper::Fixed;
use crate::calibrations::{Files, Keeper};
use crate::engine::Engine;
use crate::exit::{self, Exit, Failure, Outcome};
use crate::log::{self, say};
use crate::pipeline::faces;
use crate::pipeline::mapping::Mapping;
use crate::pipeline::measurement::NetworkTag;
use crate::pipeline::networks::Maker;
use crate::pipeline::shared::Shared;
use crate::pipeline::{Daemon, Event, Parts, Side};
use crate::record::Door;
use crate::settings::{self, FileSettings};
use crate::side::outlet;
use crate::sources::{self, OpenOptions, SourceSpec};

/// Pictures between perception and the window: one is drawn, one comes.
const WINDOW_VIEWS: usize = 3;

/// How often the supervisor looks what nobody tells it.
const GLANCE: Duration = Duration::from_millis(250);
/// While a face is steady, the landmark network sees every fourth frame.
pub(crate) const LANDMARKS_EVERY: u32 = 4;
/// Before an empty chair every third picture of a camera with 30 a second is searched: who comes is
/// found a tenth of a second later, and waiting takes a third. The others are not even unpacked
/// where nobody wants them (`pipeline/capture.rs`).
pub(crate) const SEARCH_EVERY_NS: u64 = 70_000_000;

/// What the command line asked for.
pub struct Plan {
    /// The settings file, if one was named.
    pub config: Option<PathBuf>,
    /// What the flags say.
    pub flags: FileSettings,
    /// Begin clips again.
    pub looped: bool,
    /// Measure every frame, as fast as it goes.
    pub fast: bool,
    /// Show what it sees in a window.
    pub window: bool,
    /// Every picture stands alone.
    pub stills: bool,
}

/// Runs the daemon until a signal or the end of its clip.
pub fn run(plan: &Plan) -> Outcome {
    log::open();
    std::panic::set_hook(Box::new(|panic| {
        // The usual hook waits where nobody empties the pipe, and the death would never be told.
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("a thread").to_owned();
        let said = panic.to_string().replace('\n', " ");
        // A pipe that is ready takes 512 bytes at once.
        let said: String = said.chars().take(120).collect();
        log::to_standard_error(&format!("gazed: {name} {said}\n"));
    }));
    start(plan).inspect_err(|failure| log::only(&failure.line))
}

fn start(plan: &Plan) -> Outcome {
    let settings = resolve(plan)?;
    // Before anything else is there to clean up: a signal must never find us deaf.
    let signals = Signals::new([SIGTERM, SIGINT, SIGHUP, SIGUSR1])
        .map_err(|e| Failure::new(Exit::Fault, format!("signals cannot be heard: {e}")))?;
    // Whoever is told to end while networks load does so then, and not when they are there.
    let end = Arc::<AtomicBool>::default();
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register(signal, end.clone())
            .map_err(|e| Failure::new(Exit::Fault, format!("signals cannot be heard: {e}")))?;
    }
    // A picture larger than a limit on files is not stored; the default would end us.
    let _ = signal_hook::flag::register(Signal::XFSZ.as_raw(), Arc::default());
    // The shared memory first: a second daemon must refuse at once, and readers
    // see "starting" while the networks load.
    let name = settings.shm.clone().unwrap_or_else(ring::default_name);
    // Six missed ticks: readers learn within 100 ms that the daemon died.
    let config = WriterConfig {
        stall_after: Duration::from_millis(100),
        ..WriterConfig::default()
    };
    let mut writer = Writer::create(&name, &config)
        .map_err(|error| Failure::new(writer_exit(&error), error.to_string()))?;
    let witness = writer
        .witness()
        .map_err(|error| Failure::new(Exit::SharedMemory, error.to_string()))?;
    // Whoever reads the newest sample must not take the last run's for it.
    writer.publish(&mut Sample {
        state: State::Starting.raw(),
        reason: Reason::Starting.raw(),
        ..Sample::default()
    });
    match assemble(plan, &settings, &mut writer, &witness, &end) {
        Ok(ready) if plan.window => with_window(plan, ready, writer, &witness, signals),
        Ok(ready) => supervise(plan, ready.into_daemon(writer)?, &witness, signals),
        Err(failure) if failure.exit == Exit::Ok => {
            // As a daemon that ran ends: nobody takes the sample before for the present.
            writer.publish(&mut Sample {
                state: State::Stopped.raw(),
                reason: Reason::Stopped.raw(),
                ..Sample::default()
            });
            writer.set_state(State::Stopped, Reason::Stopped, "gazed was told to end");
            writer.close();
            exit::leave_behind(); // a network is still being loaded
            Ok(Exit::Ok)
        }
        Err(failure) if failure.exit == Exit::SharedMemory => {
            writer.close(); // what has the name now may be another's
            exit::leave_behind(); // as above
            Err(failure)
        }
        Err(failure) => {
            writer.set_state(State::Fault, Reason::Fault, &failure.line);
            writer.unlink(); // nothing is left behind by a start that failed
            Err(failure)
        }
    }
}

/// Settings file and flags, merged and checked.
fn resolve(plan: &Plan) -> Result<FileSettings, Failure> {
    let refuse = |e: settings::SettingsError| Failure::new(Exit::Settings, e.to_string());
    let merged = settings::load(plan.config.as_deref())
        .map_err(refuse)?
        .overridden_by(plan.flags.clone());
    merged.check().map_err(refuse)?;
    Ok(merged)
}

fn writer_exit(error: &ring::WriterError) -> Exit {
    match error {
        ring::WriterError::Busy { .. } => Exit::Busy,
        _ => Exit::SharedMemory,
    }
}

/// Everything but the shared memory.
struct Ready {
    shared: Arc<Shared>,
    seeing: Option<Seeing>,
    spec: SourceSpec,
    options: OpenOptions,
    source: Option<Box<dyn sources::FrameSource>>,
    lossless: bool,
    stills: bool,
    files: Files,
    side: Side,
}

impl Ready {
    fn into_daemon(self, writer: Writer) -> Result<Daemon, Failure> {
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

fn assemble(
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

/// The networks, and what makes others of them.
struct Seeing {
    perceiver: Perceiver,
    network: (NetworkTag, u32),
    maker: Maker,
    looker: Option<faces::Plan>,
    judge: Option<ContactNet>,
}

/// Loads the networks on a thread of its own, because it may take minutes where they are
/// compiled: the header says so meanwhile, and a signal to end is followed. Loading is left
/// behind also where the shared memory is taken away.
fn load_meanwhile(
    settings: &FileSettings,
    writer: &mut Writer,
    witness: &Witness,
    engine: &Arc<Engine>,
    end: &AtomicBool,
    lossless: bool,
    buffers: usize,
) -> Result<Seeing, Failure> {
    let fault = |why: String| Failure::new(Exit::Fault, why);
    let (settings, its) = (settings.clone(), engine.clone());
    let loading = std::thread::Builder::new()
        .name("gaze-loading".into())
        .spawn(move || load_networks(&settings, &its, lossless, buffers))
        .map_err(|e| fault(format!("no thread could be started: {e}")))?;
    let mut said = EngineNote::default();
    let mut look_at = Instant::now();
    while !loading.is_finished() {
        if end.load(Relaxed) {
            return Err(Failure::new(Exit::Ok, "told to end"));
        }
        look_after(witness, &mut look_at)?;
        let note = **engine.note();
        if note != said {
            said = note;
            writer.set_engine(&note);
            writer.set_state(State::Starting, Reason::Starting, &text_of(&note.text));
        }
        writer.heartbeat();
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut seeing = loading.join().unwrap_or_else(|_| {
        Err(fault(
            "loading the networks died; please report this".into(),
        ))
    })?;
    let (tag, generation) = &mut seeing.network;
    *generation = writer.set_network(&tag.sha256, tag.name());
    Ok(seeing)
}

fn load_networks(
    settings: &FileSettings,
    engine: &Arc<Engine>,
    lossless: bool,
    buffers: usize,
) -> Result<Seeing, Failure> {
    let refuse = |e: settings::SettingsError| Failure::new(Exit::Settings, e.to_string());
    let (wish, units) = settings.provider_wish().map_err(refuse)?;
    let provider = wish.provider(units, engine.hears());
    if provider == Provider::Cpu {
        engine.computes_plainly();
    }
    let runtime = Runtime::load(settings.runtime.as_deref())
        .map_err(|e| Failure::new(Exit::Runtime, e.to_string()))?;
    let network = |e: vision::ModelError| Failure::new(Exit::Network, e.to_string());
    let store = ModelStore::open(settings.models.as_deref()).map_err(network)?;
    let usual = PerceiverConfig::default();
    let config = PerceiverConfig {
        hfov_deg: settings.hfov_deg.unwrap_or(DEFAULT_HFOV_DEG),
        threads: settings.threads.unwrap_or(1),
        provider,
        // A file that is measured as fast as it goes waits for every face in every frame.
        others_per_frame: if lossless { ERRAND_FACES } else { 0 },
        measure_every_ns: if lossless { 0 } else { usual.measure_every_ns },
        frozen_buffers: buffers,
        search_every_ns: if lossless { 0 } else { SEARCH_EVERY_NS },
        landmarks_every: match settings.landmarks_every {
            Some(every) => every,
            None if lossless => 1,
            None => LANDMARKS_EVERY,
        },
        ..usual
    };
    let options = SessionOptions {
        threads: config.threads,
        provider: config.provider.clone(),
    };
    let contact = settings
        .contact_file()
        .map(|file| ContactNet::open(file, &runtime, &options))
        .transpose()
        .map_err(|e| Failure::new(Exit::Network, e.to_string()))?;
    let mut perceiver = Perceiver::new(&runtime, &store, config.clone()).map_err(network)?;
    let maker = Maker {
        runtime,
        options,
        landmarks: *perceiver.network_hash(),
        store,
    };
    let choice = settings.gaze_choice();
    let made = || {
        let made = maker.make(&choice, 0);
        made.map_err(|e| Failure::new(Exit::Network, e.to_string()))
    };
    let first = made()?;
    perceiver.swap_gaze(first.gaze);
    let (looker, judge) = match lossless {
        true => (None, contact),
        false => {
            let looker = Looker::new(&maker.runtime, &maker.store, &config);
            let mut looker = looker.map_err(network)?;
            looker.swap_gaze(made()?.gaze);
            let plan = faces::Plan {
                looker,
                contact,
                maker: Some(maker.clone()),
            };
            (Some(plan), None)
        }
    };
    Ok(Seeing {
        perceiver,
        network: (first.tag, 0), // the header gives it its number
        maker,
        looker,
        judge,
    })
}

/// Whoever names a calibration file is told at once when it cannot be had.
fn check_named_calibration(settings: &FileSettings) -> Result<(), Failure> {
    match &settings.calibration {
        Some(file) => calibration::load(file)
            .map(drop)
            .map_err(|e| Failure::new(Exit::Settings, e.to_string())),
        None => Ok(()),
    }
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

/// The window has the main thread, where a Mac wants it; the supervisor has another.
fn with_window(
    plan: &Plan,
    mut ready: Ready,
    writer: Writer,
    witness: &Witness,
    signals: Signals,
) -> Outcome {
    let desktop = match Desktop::connect() {
        Ok(desktop) => desktop,
        Err(failure) => {
            writer.unlink();
            return Err(failure);
        }
    };
    let (outlet, inlet) = outlet::pair(WINDOW_VIEWS);
    ready.side.window = Some(outlet);
    let daemon = ready.into_daemon(writer)?;
    let (shared, tell, closer) = (daemon.shared.clone(), daemon.tell.clone(), desktop.closer());
    std::thread::scope(|scope| {
        let supervisor = scope.spawn(move || {
            let outcome = supervise(plan, daemon, witness, signals);
            // The window may have gone first.
            let _ = closer.send_event(Close);
            outcome
        });
        let shown = desktop.show(inlet, shared, tell.clone());
        let _ = tell.send(Event::Stop);
        let outcome = supervisor.join().unwrap_or_else(|_| {
            Err(Failure::new(
                Exit::Fault,
                "the supervisor died; please report this",
            ))
        });
        shown.and(outcome)
    })
}

/// Hears signals and news of the threads until it is time to end.
fn supervise(plan: &Plan, daemon: Daemon, witness: &Witness, signals: Signals) -> Outcome {
    if let Err(e) = hear_signals(signals, daemon.tell.clone()) {
        daemon.stop();
        return Err(Failure::new(
            Exit::Fault,
            format!("signals cannot be heard: {e}"),
        ));
    }
    let mut waiting = None;
    let mut look_at = Instant::now();
    let outcome = loop {
        if let Err(lost) = look_after(witness, &mut look_at) {
            break Err(lost);
        }
        match waiting
            .take()
            .map_or_else(|| next_event(&daemon, look_at), Ok)
        {
            Err(RecvTimeoutError::Timeout) => {} // nothing happened until the next look
            Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => break Ok(Exit::Ok),
            Ok(Event::SourceEnded) => {
                // What is on its way is still measured and published.
                std::thread::sleep(Duration::from_millis(200));
                let frames = daemon.shared.frames_in.load(Relaxed);
                say!("the clip ended after {frames} frames; add --loop to repeat it");
                break Ok(Exit::Ok);
            }
            Ok(Event::SourceFailed(error)) => {
                break Err(Failure::new(error.exit(), error.to_string()));
            }
            Ok(Event::ThreadDied { thread, why }) => {
                break Err(Failure::new(
                    Exit::Fault,
                    format!("{thread} died: {why}; please report this, the service restarts gazed"),
                ));
            }
            Ok(Event::Reload) => {
                // Of a storm of them the last one is enough.
                waiting = std::iter::from_fn(|| daemon.events.try_recv().ok())
                    .find(|event| !matches!(event, Event::Reload));
                reload(plan, &daemon);
            }
            Ok(Event::TogglePause) => {
                let paused = daemon.toggle_pause();
                say!(
                    "{}",
                    if paused {
                        "paused, camera closed"
                    } else {
                        "resumed"
                    }
                );
            }
        }
    };
    let left = daemon.stop();
    if !left.is_empty() {
        say!("ended while {} was still busy", left.join(" and "));
    }
    outcome
}

/// How often the shared memory is looked after, whatever else happens.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks whether readers still find what is written, when it is time to: if not, nobody new can
/// read, and whoever starts services starts another.
fn look_after(witness: &Witness, at: &mut Instant) -> Result<(), Failure> {
    if Instant::now() < *at {
        return Ok(());
    }
    *at = Instant::now() + LOOK_EVERY;
    witness
        .look()
        .map_err(|lost| Failure::new(Exit::SharedMemory, lost.to_string()))
}

/// The next event, or none until then. Meanwhile it looks what becomes of networks, which their threads do not say
/// themselves; and a Mac tells which cameras came and went through the main thread's run loop,
/// which nobody else runs (with a window, its own loop does).
fn next_event(daemon: &Daemon, until: Instant) -> Result<Event, RecvTimeoutError> {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        // With the camera closed there is nothing to see, but for a Mac's cameras.
        let rests = daemon.shared.paused() && !cfg!(target_os = "macos");
        let glance = if rests { left } else { GLANCE.min(left) };
        match daemon.events.recv_timeout(glance) {
            Err(RecvTimeoutError::Timeout) if Instant::now() < until => {
                daemon.shared.engine.look();
                #[cfg(target_os = "macos")]
                sources::camera::hear_of_devices();
            }
            other => return other,
        }
    }
}

/// Takes up changed settings that can change while running; on any trouble what
/// is in force stays in force.
fn reload(plan: &Plan, daemon: &Daemon) {
    let next = resolve(plan).and_then(|s| check_named_calibration(&s).map(|()| s));
    match next {
        Ok(settings) => {
            daemon.reload(settings);
            say!(
                "settings read again; user, display, filter, calibration, network, \
                 clips, hooks and assistant follow at once, all else needs a restart"
            );
        }
        Err(failure) => say!("nothing changed: {failure}"),
    }
}

/// A small thread of its own that turns signals into events.
fn hear_signals(mut signals: Signals, tell: Sender<Event>) -> std::io::Result<()> {
    std::thread::Builder::new()
        .name("gaze-signals".into())
        .spawn(move || {
            for signal in signals.forever() {
                let event = match signal {
                    SIGHUP => Event::Reload,
                    SIGUSR1 => Event::TogglePause,
                    _ => Event::Stop,
                };
                if tell.send(event).is_err() {
                    return;
                }
            }
        })?;
    Ok(())
}
