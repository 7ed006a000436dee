//! The daemon's threads and how they hang together.
//!
//! ```text
//! capture ──frames──▶ perceive ──measurements──▶ publish (60 Hz)
//!    ▲                   │──▶ faces (the others), and back
//!    ▲──empty frames─────┘──▶ record (while a client asks for it), clips, hooks, assistant, window
//! ```
//!
//! Every arrow is a lock-free queue of fixed length (`ringbuf`); late work is
//! dropped and counted. Settings, calibration and the source's state reach the
//! threads by atomic swaps ([`shared::Shared`]); the mapping has one writer, the
//! thread of [`calibrations`](crate::calibrations). Networks are loaded and freed by a
//! thread of their own ([`networks`]). The supervisor, on the main
//! thread, is the only one that hears signals.

pub mod capture;
pub mod compose;
pub mod contacts;
pub mod faces;
pub mod latency;
pub mod mapping;
pub mod measurement;
pub mod networks;
mod parts;
pub mod perceive;
pub mod priority;
pub mod publish;
pub mod shared;
pub mod ticker;

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel};
use std::sync::{Arc, Once};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ringbuf::HeapRb;
use ringbuf::traits::{Producer, Split};
use vision::Frame;

use crate::calibrations::{Files, Wake};
use crate::engine::Engine;
use crate::exit;
use crate::log::say;
use crate::record::{Recorder, tap};
use crate::settings::{FileSettings, GazeChoice};
use crate::side::outlet;
use crate::side::{assistant, clips, hooks};
use crate::sources::SourceSpec;
use contacts::Contacts;
use networks::{Exchange, Networks};
pub use parts::{Event, Parts, Side};
use priority::Urgency;
use shared::Shared;

/// Frames between capture and perception. One is in the hand of each thread.
const FRAMES: usize = 3;
/// Measurements between perception and the publisher: at 60 Hz out it holds
/// what a 240 fps source gives in two ticks.
const MEASUREMENTS: usize = 8;
/// Pictures between perception and the clips: a quarter of a second at 30 a second.
const CLIP_VIEWS: usize = 8;
/// Pictures between perception and the assistant: one is asked about at a time.
const ASSISTANT_VIEWS: usize = 1;
/// Pictures between perception and the hooks.
const HOOK_VIEWS: usize = 2;

/// Threads that load networks.
const LOADERS: [&str; 2] = ["gaze-networks", "gaze-faces"];
/// How long they are waited for, and how long all others are: launchd kills after 20 s.
const LOADERS_END: Duration = Duration::from_secs(1);
const ALL_END: Duration = Duration::from_secs(15);

/// A daemon whose threads run.
pub struct Daemon {
    /// The state all threads share.
    pub shared: Arc<Shared>,
    /// What happens to it.
    pub events: Receiver<Event>,
    /// For whoever else has news (the signal thread).
    pub tell: Sender<Event>,
    files: Option<SyncSender<Wake>>,
    bell: Option<UnixStream>,
    order_network: Option<Sender<GazeChoice>>,
    order_faces: Sender<faces::Order>,
    order_clips: Sender<Option<clips::Plan>>,
    order_hooks: Sender<Option<hooks::Plan>>,
    order_assistant: Sender<Option<assistant::Plan>>,
    threads: Vec<JoinHandle<()>>,
}

impl Daemon {
    /// Starts the threads.
    pub fn start(parts: Parts) -> std::io::Result<Daemon> {
        let (tell, events) = channel();
        let shared = parts.shared;
        let (mut fill_empty, empty) = HeapRb::<Frame>::new(FRAMES).split();
        let (filled, take_filled) = HeapRb::<Frame>::new(FRAMES).split();
        for _ in 0..FRAMES {
            let _ = fill_empty.try_push(Frame::default());
        }
        let (measure, measured) = HeapRb::new(MEASUREMENTS).split();

        let mut threads = Vec::new();
        let publish = publish::Publish {
            shared: shared.clone(),
            measured,
            writer: parts.writer,
            demo: matches!(parts.spec, SourceSpec::Demo),
            network: parts.network,
        };
        let engine = shared.engine.clone();
        threads.push(spawn("gaze-publish", &shared, &tell, move || {
            raise(Urgency::Publish, &engine);
            publish.run();
        })?);
        let (tap, intake) = tap::pair(&shared.record);
        let mut bell = None;
        if let Some(door) = parts.door {
            let (ringer, heard) = UnixStream::pair()?;
            bell = Some(ringer);
            let recorder = Recorder {
                shared: shared.clone(),
                intake,
                door,
                bell: heard,
            };
            threads.push(spawn("gaze-record", &shared, &tell, move || {
                recorder.run()
            })?);
        }
        let (clips_outlet, inlet) = outlet::pair(CLIP_VIEWS);
        let (order_clips, orders) = channel();
        let _ = order_clips.send(parts.side.clips);
        let clips = clips::Clips {
            shared: shared.clone(),
            inlet,
            orders,
        };
        let (hooks_outlet, inlet) = outlet::pair(HOOK_VIEWS);
        let (order_hooks, orders) = channel();
        let _ = order_hooks.send(parts.side.hooks);
        let hooks = hooks::Hooks {
            shared: shared.clone(),
            inlet,
            orders,
        };
        let (assistant_outlet, inlet) = outlet::pair(ASSISTANT_VIEWS);
        let (order_assistant, orders) = channel();
        let _ = order_assistant.send(parts.side.assistant);
        let assistant = assistant::Assistant {
            shared: shared.clone(),
            inlet,
            orders,
        };
        let mut outlets = vec![clips_outlet, hooks_outlet, assistant_outlet];
        outlets.extend(parts.side.window);
        let tell_files = parts.files.as_ref().map(Files::teller);
        let mut order_network = None;
        let (order_faces, face_orders) = channel();
        if let Some(perceiver) = parts.perceiver {
            let network = parts.network.map(|(tag, _)| tag).unwrap_or_default();
            let exchange = match parts.maker {
                None => Exchange::idle(),
                Some(maker) => {
                    let (networks, exchange, order) =
                        Networks::new(maker, network, tell_files.clone());
                    order_network = Some(order);
                    let known = shared.clone();
                    threads.push(spawn("gaze-networks", &shared, &tell, move || {
                        networks.run(&known);
                    })?);
                    exchange
                }
            };
            // Before the first frame: the filters know who tells.
            let looker = parts.side.looker.as_ref();
            let by_network =
                parts.side.judge.is_some() || looker.is_some_and(|p| p.contact.is_some());
            shared.contact_network.store(by_network, Relaxed);
            let mut sender = None;
            if let Some(plan) = parts.side.looker {
                let (faces, queues) = faces::Faces::new(shared.clone(), plan, face_orders);
                let thread = spawn("gaze-faces", &shared, &tell, move || faces.run())?;
                sender = Some(queues.sender(thread.thread().clone()));
                threads.push(thread);
            }
            let contacts = Contacts::new(shared.faces.load().contact);
            let perceive = perceive::Perceive {
                shared: shared.clone(),
                perceiver,
                network,
                coming: exchange.coming,
                going: exchange.going,
                filled: take_filled,
                empty: fill_empty,
                measured: measure,
                tap,
                outlets,
                faces: sender,
                contacts,
                judge: parts.side.judge,
                lossless: parts.lossless,
                stills: parts.stills,
            };
            let engine = shared.engine.clone();
            let perceive = spawn("gaze-perceive", &shared, &tell, move || {
                raise(Urgency::Perceive, &engine);
                perceive.run();
            })?;
            let capture = capture::Capture {
                shared: shared.clone(),
                spec: parts.spec,
                options: parts.options,
                source: parts.source,
                filled,
                empty,
                perceive: perceive.thread().clone(),
                events: tell.clone(),
                lost: false,
                lossless: parts.lossless,
                next_index: 0,
                stamps: capture::Stamps::default(),
            };
            threads.push(spawn("gaze-clips", &shared, &tell, move || clips.run())?);
            threads.push(spawn("gaze-hooks", &shared, &tell, move || hooks.run())?);
            threads.push(spawn("gaze-assistant", &shared, &tell, move || {
                assistant.run()
            })?);
            threads.push(perceive);
            threads.push(spawn("gaze-capture", &shared, &tell, move || {
                capture.run()
            })?);
        }
        if let Some(files) = parts.files {
            let known = shared.clone();
            threads.push(spawn("gaze-files", &shared, &tell, move || {
                files.run(&known);
            })?);
        }
        Ok(Daemon {
            shared,
            events,
            tell,
            files: tell_files,
            bell,
            order_network,
            order_faces,
            order_clips,
            order_hooks,
            order_assistant,
            threads,
        })
    }

    /// Gives the keeper of the calibration other settings, and lets the network that they
    /// name take over.
    pub fn reload(&self, settings: FileSettings) {
        // Checked when they were read.
        if let Ok(wish) = settings.face_wish() {
            self.shared.faces.store(Arc::new(wish));
        }
        // As below.
        let contact = settings.contact_file().map(Path::to_path_buf);
        let _ = self.order_faces.send(faces::Order::Contact(contact));
        let gaze = faces::Order::Gaze(settings.gaze_choice());
        let _ = self.order_faces.send(gaze);
        // As those; they fail as below.
        let _ = self.order_clips.send(settings.clips_plan().unwrap_or(None));
        let _ = self.order_hooks.send(settings.hooks_plan().unwrap_or(None));
        let assistant = settings.assistant_plan().unwrap_or(None);
        let _ = self.order_assistant.send(assistant);
        if let Some(order) = &self.order_network {
            // As below.
            let _ = order.send(settings.gaze_choice());
        }
        if let Some(files) = &self.files {
            // It fails only when that thread has died, which is an event of its own.
            let _ = files.send(Wake::Settings(Box::new(settings)));
        }
        self.wake();
    }

    /// Wakes the threads that wait until they have something to do.
    fn wake(&self) {
        for thread in &self.threads {
            thread.thread().unpark();
        }
    }

    /// Closes the camera, or opens it again; whether it is closed now.
    pub fn toggle_pause(&self) -> bool {
        let paused = !self.shared.pause.fetch_xor(true, Relaxed);
        if let Some(files) = &self.files {
            // Where no more news fit in it is awake.
            let _ = files.try_send(Wake::Look);
        }
        self.wake();
        paused
    }

    /// Asks every thread to end and waits for it, but not for ever: one that is inside of
    /// ONNX Runtime or CoreML, which compiles for minutes, hears nothing. The header says
    /// "stopped" then. Threads that did not end are named; the process may not take the C
    /// library's farewell, which would take away what they use ([`exit::leave_behind`]).
    pub fn stop(mut self) -> Vec<String> {
        self.shared.stop.store(true, Relaxed);
        if let Some(files) = &self.files {
            let _ = files.try_send(Wake::Look);
        }
        if let Some(mut bell) = self.bell.as_ref() {
            // It fails only when that thread has died.
            let _ = bell.write_all(&[1]);
        }
        self.order_network = None;
        self.wake();
        let begun = Instant::now();
        let mut left = vec![];
        for thread in self.threads {
            let name = thread.thread().name().unwrap_or("a thread").to_owned();
            let patience = match LOADERS.contains(&name.as_str()) {
                true => LOADERS_END,
                false => ALL_END,
            };
            while !thread.is_finished() && begun.elapsed() < patience {
                std::thread::sleep(Duration::from_millis(2));
            }
            if thread.is_finished() {
                // A panic has been reported as an event already.
                let _ = thread.join();
            } else {
                left.push(name);
            }
        }
        if !left.is_empty() {
            exit::leave_behind();
        }
        left
    }
}

/// Makes the calling thread urgent, or says once why not.
fn raise(urgency: Urgency, engine: &Engine) {
    static SAID: Once = Once::new();
    if let Err(denied) = priority::raise(urgency) {
        engine.denied(&denied);
        SAID.call_once(|| say!("{denied}"));
    }
}

/// Starts a thread that cannot die unheard.
fn spawn(
    name: &'static str,
    shared: &Arc<Shared>,
    tell: &Sender<Event>,
    body: impl FnOnce() + Send + 'static,
) -> std::io::Result<JoinHandle<()>> {
    let (shared, tell) = (shared.clone(), tell.clone());
    std::thread::Builder::new()
        .name(name.into())
        .spawn(move || {
            if let Err(panic) = std::panic::catch_unwind(AssertUnwindSafe(body)) {
                let why = panic
                    .downcast_ref::<&str>()
                    .map(|s| (*s).to_owned())
                    .or_else(|| panic.downcast_ref::<String>().cloned())
                    .unwrap_or_else(|| "no reason given".into());
                shared.set_source(
                    ring::layout::State::Fault,
                    ring::layout::Reason::Fault,
                    format!("{name} died: {why}"),
                );
                let _ = tell.send(Event::ThreadDied { thread: name, why });
            }
        })
}
