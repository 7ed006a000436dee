//! A camera: one thread waits for the driver, the newest frame wins.
//!
//! The driver's calls block, and some never return, so they all happen on a
//! thread of their own. It leaves the newest frame in a slot; whatever nobody
//! fetched in time is dropped and counted. Unpacking happens on the side of the
//! one who fetches, so that dropped frames cost nothing.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::Thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwapOption;
use vision::{Frame, PixelFormat, jpeg};

use super::camera_pick::{Layout, Mode};
use super::camera_pixels::{Picture, unpack};
use super::camera_time::{Stamp, Stamps};
use super::clock::{deadline, now_ns};
use super::{
    ErrorKind, FrameSource, Losses, Next, OpenOptions, Origin, SourceError, SourceInfo, SourceKind,
};

#[cfg(target_os = "macos")]
#[path = "camera_mac/mod.rs"]
mod native;
#[cfg(not(target_os = "macos"))]
#[path = "camera_native.rs"]
mod native;

pub use native::list_cameras;
#[cfg(target_os = "macos")]
pub use native::{hear_of_devices, permission_request, permission_state};

/// A camera that the system lists.
#[derive(Debug, Clone, PartialEq)]
pub struct CameraEntry {
    /// What `--camera` takes.
    pub index: u32,
    /// The name its maker gave it.
    pub name: String,
    /// Why it cannot be opened, as far as can be told without opening it.
    pub problem: Option<SourceError>,
}

/// How long opening may take. Some drivers need seconds; some never answer.
const OPEN_LIMIT: Duration = Duration::from_secs(10);
/// A camera that gives no picture for so long is taken for lost.
const SILENCE_NS: u64 = 5_000_000_000;

/// The error of `kind` for a camera, with what a person can do about it.
pub(crate) fn trouble(kind: ErrorKind, place: &str, detail: &str) -> SourceError {
    let (what, todo) = match kind {
        ErrorKind::PermissionDenied if cfg!(target_os = "macos") => (
            "no permission to use it",
            "allow it in System Settings, Privacy & Security, Camera",
        ),
        ErrorKind::PermissionDenied => (
            "no permission to use it",
            "join the group video (usermod -aG video USER) and log in again",
        ),
        ErrorKind::DeviceBusy => (
            "another program uses it",
            "close that program, or choose another with --camera N",
        ),
        ErrorKind::DeviceLost => ("it is gone", "plug it in again"),
        ErrorKind::UnsupportedFormat => (
            "it offers no format that we take",
            "choose another with --camera N",
        ),
        ErrorKind::BadSize => (
            "it sends pictures of an impossible size",
            "choose another with --camera N",
        ),
        _ => (
            "it cannot be opened",
            "plug one in, or choose another with --camera N",
        ),
    };
    let what = if detail.is_empty() {
        what.to_owned()
    } else {
        format!("{what} ({detail})")
    };
    SourceError::new(kind, Origin::Camera, place, what, todo)
}

/// One frame as the driver gave it.
struct Raw {
    bytes: Box<dyn AsRef<[u8]> + Send + Sync>,
    picture: Picture,
    stamp: Stamp,
}

/// An open camera, as its thread sees it. Calls block.
trait Device {
    fn name(&self) -> String;
    fn mode(&self) -> Mode;
    /// None: nothing came yet. A driver that can be asked to wait only so long returns
    /// at least a few times a second, so that the camera can be closed.
    fn next(&mut self) -> Result<Option<Raw>, SourceError>;
}

/// Of the cameras `known`, number `index`, if it may be opened.
fn usable(known: &[CameraEntry], index: u32, place: &str) -> Result<(), SourceError> {
    let gone = |detail: &str| trouble(ErrorKind::DeviceNotAvailable, place, detail);
    match known.iter().find(|c| c.index == index) {
        Some(entry) => entry.problem.clone().map_or(Ok(()), Err),
        None if known.is_empty() => Err(gone("the system lists no camera")),
        None => {
            let names = known.iter().map(|c| format!("{} {}", c.index, c.name));
            let names = names.collect::<Vec<_>>().join(", ");
            Err(gone(&format!("there is: {names}")))
        }
    }
}

/// A frame in the slot.
struct Arrived {
    raw: Raw,
    captured_ns: u64,
    index: u64,
}

/// What the camera's thread and the fetching thread share. No locks.
#[derive(Default)]
struct Shared {
    newest: ArcSwapOption<Arrived>,
    failure: ArcSwapOption<SourceError>,
    /// Who to wake.
    waiting: ArcSwapOption<Thread>,
    dropped: AtomicU64,
    stop: AtomicBool,
}

impl Shared {
    fn wake(&self) {
        if let Some(thread) = &*self.waiting.load() {
            thread.unpark();
        }
    }
}

/// Opens camera `index`.
pub(crate) fn open(index: u32, options: &OpenOptions) -> Result<Box<dyn FrameSource>, SourceError> {
    let options = options.clone();
    let source = start(format!("camera {index}"), OPEN_LIMIT, move || {
        native::open(index, &options)
    })?;
    Ok(Box::new(source))
}

/// Whether a thread still hangs in opening a camera: no second one joins it.
static OPENING: AtomicBool = AtomicBool::new(false);

/// Opens a device on a thread of its own and waits at most `limit` for it.
fn start<D: Device>(
    place: String,
    limit: Duration,
    open: impl FnOnce() -> Result<D, SourceError> + Send + 'static,
) -> Result<CameraSource, SourceError> {
    let silent = |detail: &str| trouble(ErrorKind::DeviceNotAvailable, &place, detail);
    if OPENING.swap(true, Ordering::AcqRel) {
        return Err(silent(
            "an earlier attempt to open a camera still hangs in its driver",
        ));
    }
    let shared = Arc::new(Shared::default());
    let (opened, answer) = mpsc::sync_channel(1);
    let for_thread = Arc::clone(&shared);
    let spawned = std::thread::Builder::new()
        .name("gazed-camera".into())
        .spawn(move || {
            let device = open();
            OPENING.store(false, Ordering::Release);
            match device {
                Ok(device) => {
                    // Nobody waits any more: the camera is closed again.
                    if opened.send(Ok((device.name(), device.mode()))).is_ok() {
                        run(device, &for_thread);
                    }
                }
                Err(e) => drop(opened.send(Err(e))),
            }
        });
    let thread = spawned.map_err(|e| {
        OPENING.store(false, Ordering::Release);
        silent(&format!("no thread for it: {e}"))
    })?;
    let (name, mode) = match answer.recv_timeout(limit) {
        Ok(result) => result?,
        Err(_) => {
            shared.stop.store(true, Ordering::Release);
            return Err(silent("its driver does not answer"));
        }
    };
    let format = match mode.layout {
        Layout::Nv12 => PixelFormat::Nv12,
        Layout::Yuyv | Layout::Uyvy => PixelFormat::Yuyv,
        Layout::Rgb | Layout::Bgr => PixelFormat::Rgb8,
        // Nearly all; the others are unpacked to red, green and blue.
        Layout::Mjpeg => PixelFormat::I420,
        Layout::Bgra => PixelFormat::Bgra8,
        Layout::Grey => PixelFormat::Gray8,
    };
    let info = SourceInfo {
        kind: SourceKind::Camera,
        // Without its number: calibrations are found by this name, and the same camera
        // may be another one of the list tomorrow.
        name: match name.trim() {
            "" => place.clone(),
            name => name.to_owned(),
        },
        width: mode.width,
        height: mode.height,
        fps: mode.fps,
        format,
        live: true,
        frames: None,
    };
    Ok(CameraSource {
        info,
        place,
        shared,
        thread: Some(thread),
        jpegs: jpeg::Decoder::default(),
        damaged: 0,
        last_damage: None,
        last_picture_ns: now_ns(),
        pass_until_ns: 0,
    })
}

/// The camera thread: fetch, stamp, leave in the slot.
fn run(mut device: impl Device, shared: &Shared) {
    let mut stamps = Stamps::default();
    let mut index = 0;
    while !shared.stop.load(Ordering::Acquire) {
        match device.next() {
            Ok(None) => {}
            Ok(Some(raw)) => {
                let arrived_ns = now_ns();
                let wall = SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default();
                let captured_ns = stamps.monotonic(raw.stamp, wall, arrived_ns);
                let arrived = Arrived {
                    raw,
                    captured_ns,
                    index,
                };
                index += 1;
                if shared.newest.swap(Some(Arc::new(arrived))).is_some() {
                    shared.dropped.fetch_add(1, Ordering::Relaxed);
                }
                shared.wake();
            }
            Err(e) => {
                shared.failure.store(Some(Arc::new(e)));
                shared.wake();
                return;
            }
        }
    }
}

/// An open camera.
struct CameraSource {
    info: SourceInfo,
    place: String,
    shared: Arc<Shared>,
    thread: Option<std::thread::JoinHandle<()>>,
    jpegs: jpeg::Decoder,
    damaged: u64,
    last_damage: Option<String>,
    last_picture_ns: u64,
    pass_until_ns: u64,
}

impl FrameSource for CameraSource {
    fn pass_until(&mut self, moment_ns: u64) {
        self.pass_until_ns = moment_ns;
    }

    fn next(&mut self, frame: &mut Frame, timeout: Duration) -> Result<Next, SourceError> {
        let until = deadline(timeout);
        let me = std::thread::current();
        if self
            .shared
            .waiting
            .load()
            .as_ref()
            .is_none_or(|t| t.id() != me.id())
        {
            self.shared.waiting.store(Some(Arc::new(me)));
        }
        loop {
            if let Some(arrived) = self.shared.newest.swap(None) {
                // Whether it is good is seen in one that is wanted.
                if now_ns() < self.pass_until_ns {
                    return Ok(Next::Passed);
                }
                match unpack(
                    (*arrived.raw.bytes).as_ref(),
                    arrived.raw.picture,
                    &mut self.jpegs,
                    frame,
                ) {
                    Ok(()) => {
                        frame.captured_ns = arrived.captured_ns;
                        frame.index = arrived.index;
                        self.last_picture_ns = now_ns();
                        return Ok(Next::Frame);
                    }
                    Err(why) => {
                        self.damaged += 1;
                        self.last_damage = Some(format!("frame {}: {why}", arrived.index));
                    }
                }
            }
            if let Some(e) = self.shared.failure.load_full() {
                return Err((*e).clone());
            }
            let now = now_ns();
            if now.saturating_sub(self.last_picture_ns) > SILENCE_NS {
                let why = match &self.last_damage {
                    Some(damage) => format!("no good picture for 5 s; {damage}"),
                    None => "no picture for 5 s".into(),
                };
                return Err(trouble(ErrorKind::DeviceLost, &self.place, &why));
            }
            if now >= until {
                return Ok(Next::Nothing);
            }
            std::thread::park_timeout(Duration::from_nanos(until - now));
        }
    }

    fn describe(&self) -> &SourceInfo {
        &self.info
    }

    fn losses(&self) -> Losses {
        Losses {
            dropped: self.shared.dropped.load(Ordering::Relaxed),
            damaged: self.damaged,
            last_damage: self.last_damage.clone(),
        }
    }
}

impl Drop for CameraSource {
    /// Closes the camera: its thread ends with the next frame. One that hangs in
    /// the driver is left behind after a second.
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            let until = deadline(Duration::from_secs(1));
            while !thread.is_finished() && now_ns() < until {
                std::thread::sleep(Duration::from_millis(2));
            }
            if thread.is_finished() {
                drop(thread.join());
            }
        }
    }
}

#[cfg(test)]
#[path = "camera_tests.rs"]
mod tests;
