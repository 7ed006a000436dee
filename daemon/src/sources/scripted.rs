//! A source that does what a script says: the faults that cameras have, at will.
//!
//! ```json
//! { "fps": 30, "width": 640, "height": 480, "picture": "face.jpg",
//!   "steps": [ { "frames": 30 }, { "stall_ms": 500 }, { "frozen": 20 },
//!              { "black": 10 }, { "corrupt": 3 }, { "drop": 5 },
//!              { "size": [0, 480] }, { "frames": 2 }, { "size": [7680, 4320] },
//!              { "cycle": 90, "of": 4 }, { "jump_ms": -5000 }, { "frames": 30 },
//!              { "lose": "device_lost", "refused": 2 }, { "frames": 30 },
//!              { "die": "gaze-perceive" } ] }
//! ```
//!
//! For tests only (`--source scripted:FILE.json`). A source that was lost goes on
//! with the next step when it is opened again in the same process, after it has
//! refused to open `refused` times.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::time::Duration;

use serde::Deserialize;
use vision::{Frame, PixelFormat};

use super::clock::{deadline, now_ns, wait_until};
use super::error::Flaw;
use super::{
    ErrorKind, FrameSource, Losses, Next, OpenOptions, SourceError, SourceInfo, SourceKind,
};

/// Which camera error a step raises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// [`ErrorKind::PermissionDenied`]
    PermissionDenied,
    /// [`ErrorKind::DeviceBusy`]
    DeviceBusy,
    /// [`ErrorKind::DeviceNotAvailable`]
    DeviceNotAvailable,
    /// [`ErrorKind::DeviceLost`]
    DeviceLost,
    /// [`ErrorKind::UnsupportedFormat`]
    UnsupportedFormat,
    /// [`ErrorKind::BadSize`]
    BadSize,
}

impl Fault {
    fn error(self) -> SourceError {
        use super::camera::trouble;
        let kind = match self {
            Fault::PermissionDenied => ErrorKind::PermissionDenied,
            Fault::DeviceBusy => ErrorKind::DeviceBusy,
            Fault::DeviceNotAvailable => ErrorKind::DeviceNotAvailable,
            Fault::DeviceLost => ErrorKind::DeviceLost,
            Fault::UnsupportedFormat => ErrorKind::UnsupportedFormat,
            Fault::BadSize => ErrorKind::BadSize,
        };
        trouble(kind, "scripted camera", "as its script says")
    }
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Step {
    /// So many good frames, each a little different, as a sensor's noise makes them.
    Frames {
        /// How many.
        frames: u64,
    },
    /// The same pixels so many times, with fresh times.
    Frozen {
        /// How many.
        frozen: u64,
    },
    /// Black frames.
    Black {
        /// How many.
        black: u64,
    },
    /// Frames whose bytes are no picture: counted as damaged, none given.
    Corrupt {
        /// How many.
        corrupt: u64,
    },
    /// Frames that are lost on the way: their numbers are missing.
    Drop {
        /// How many.
        drop: u64,
    },
    /// Nothing for so long.
    Stall {
        /// Milliseconds.
        stall_ms: u64,
    },
    /// Old pictures again, one after the other and round again, with fresh times: a driver
    /// whose buffers are no longer filled.
    Cycle {
        /// How many.
        cycle: u64,
        /// Of how many pictures, the last good ones; at most 16.
        of: u32,
    },
    /// The clock of the camera is set: frames are said to be taken that much later from here on.
    Jump {
        /// Milliseconds; negative: earlier.
        jump_ms: i64,
    },
    /// A thread of the daemon dies ([`dies`]).
    Die {
        /// Its name.
        die: Victim,
    },
    /// Frames have this size from here on, sound or not (0, or over 8192).
    Size {
        /// Width and height, pixels.
        size: [u32; 2],
    },
    /// The device fails.
    Lose {
        /// How.
        lose: Fault,
        /// How often opening it again fails the same way.
        #[serde(default)]
        refused: u32,
    },
}

/// Which thread a script lets die.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[repr(u8)]
pub enum Victim {
    /// The thread that measures.
    #[serde(rename = "gaze-perceive")]
    Perceive = 1,
    /// The thread that writes the shared memory.
    #[serde(rename = "gaze-publish")]
    Publish = 2,
    /// The thread that owns the source.
    #[serde(rename = "gaze-capture")]
    Capture = 3,
}

/// A [`Victim`], or 0.
static VICTIM: AtomicU8 = AtomicU8::new(0);

/// Panics if a script says that this thread dies: one load, where no script runs.
///
/// # Panics
/// That is what it is for.
pub fn dies(thread: Victim) {
    if VICTIM.load(Relaxed) == thread as u8 {
        panic!("as its script says");
    }
}

/// A whole script.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Frames a second.
    #[serde(default = "thirty")]
    pub fps: f64,
    /// Width until a step changes it, pixels.
    pub width: u32,
    /// Height until a step changes it, pixels.
    pub height: u32,
    /// A JPEG or PNG to show instead of a test pattern, relative to the script;
    /// cut or padded with black to the size.
    #[serde(default)]
    pub picture: Option<PathBuf>,
    /// Begin again after the last step.
    #[serde(default)]
    pub repeat: bool,
    /// What to do, in order.
    pub steps: Vec<Step>,
}

/// Good pictures that can be shown again.
const MOST_CYCLED: usize = 16;

fn thirty() -> f64 {
    30.0
}

type Lost = HashMap<PathBuf, (usize, u32, Fault)>;

/// Where scripts that lost their device go on, by path: next step, refusals left.
static LOST: Mutex<Option<Lost>> = Mutex::new(None);

fn lost<T>(f: impl FnOnce(&mut Lost) -> T) -> T {
    let mut guard = LOST
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    f(guard.get_or_insert_default())
}

/// Plays a [`Script`].
pub struct ScriptedSource {
    script: Script,
    info: SourceInfo,
    /// Set when the script came from a file: the key of [`LOST`].
    path: Option<PathBuf>,
    fast: bool,
    picture: Option<Frame>,
    step: usize,
    /// How much of the step is done.
    done: u64,
    size: [u32; 2],
    due_ns: u64,
    /// By how much the camera's clock was set.
    ahead_ns: i64,
    index: u64,
    noise: u32,
    /// What the noise of the last good frames began with, the newest last.
    seeds: VecDeque<u32>,
    losses: Losses,
    failed: Option<SourceError>,
}

impl ScriptedSource {
    /// Reads a script and goes on where it was lost, if it was.
    pub(crate) fn open(path: &Path, options: &OpenOptions) -> Result<Self, SourceError> {
        let mut from = 0;
        let refused = lost(|map| {
            let (step, refusals, fault) = *map.get(path)?;
            from = step;
            if refusals == 0 {
                map.remove(path);
                return None;
            }
            map.insert(path.into(), (step, refusals - 1, fault));
            Some(fault.error())
        });
        if let Some(e) = refused {
            return Err(e);
        }
        let at = |flaw: Flaw| flaw.at(path.display().to_string());
        let text = std::fs::read_to_string(path).map_err(|e| at(e.into()))?;
        let script = serde_json::from_str(&text).map_err(|e| {
            at(Flaw::new(
                ErrorKind::Unreadable,
                format!("it is no script: {e}"),
                "correct it",
            ))
        })?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut source = Self::new(script, folder, options).map_err(at)?;
        source.path = Some(path.into());
        source.step = from;
        Ok(source)
    }

    /// A source for `script`, whose picture is looked for in `folder`.
    ///
    /// # Errors
    /// The picture cannot be read, or the rate is none.
    pub(crate) fn new(script: Script, folder: &Path, options: &OpenOptions) -> Result<Self, Flaw> {
        if !(script.fps.is_finite() && script.fps > 0.0) {
            return Err(Flaw::new(
                ErrorKind::Unreadable,
                "its rate is no rate",
                "correct fps",
            ));
        }
        let picture = match &script.picture {
            Some(file) => Some(super::folder::read_one(&folder.join(file))?),
            None => None,
        };
        let info = SourceInfo {
            kind: SourceKind::Scripted,
            name: "scripted".into(),
            width: script.width,
            height: script.height,
            fps: script.fps,
            format: PixelFormat::Rgb8,
            live: !options.fast,
            frames: None,
        };
        Ok(ScriptedSource {
            size: [script.width, script.height],
            script,
            info,
            path: None,
            fast: options.fast,
            picture,
            step: 0,
            done: 0,
            due_ns: 0,
            ahead_ns: 0,
            index: 0,
            noise: 0x2545_F491,
            seeds: VecDeque::with_capacity(MOST_CYCLED),
            losses: Losses::default(),
            failed: None,
        })
    }

    fn interval_ns(&self) -> u64 {
        (1e9 / self.script.fps) as u64
    }

    /// Whether the moment of the next frame came before `until`.
    fn wait(&mut self, until: u64) -> bool {
        if self.due_ns == 0 {
            self.due_ns = now_ns();
        }
        self.fast || wait_until(self.due_ns, until)
    }

    /// Counts one frame of this step of `n` and moves the clock on.
    fn tick(&mut self, n: u64) {
        self.index += 1;
        self.due_ns += self.interval_ns();
        self.done += 1;
        if self.done >= n {
            self.advance();
        }
    }

    fn advance(&mut self) {
        self.step += 1;
        self.done = 0;
    }

    /// One of the last `of` good pictures, as it was.
    fn draw_old(&mut self, frame: &mut Frame, of: u32) {
        let kept = self.seeds.len();
        let of = (of as usize).clamp(1, kept.max(1));
        let now = self.noise;
        if let Some(seed) = self.seeds.get(kept - of + self.done as usize % of) {
            self.noise = *seed;
        }
        let seeds = std::mem::take(&mut self.seeds);
        self.draw(frame, false, true);
        (self.noise, self.seeds) = (now, seeds);
    }

    /// Pixels of the picture, or of a pattern, at the present size.
    fn draw(&mut self, frame: &mut Frame, black: bool, noisy: bool) {
        let [w, h] = self.size;
        frame.reset(w, h, PixelFormat::Rgb8);
        if black {
            frame.data.fill(0);
            return;
        }
        let row = w as usize * 3;
        for (y, to) in frame.data.chunks_exact_mut(row.max(1)).enumerate() {
            match &self.picture {
                Some(p) => {
                    let channels = if p.format == PixelFormat::Gray8 { 1 } else { 3 };
                    let from = p.data.chunks_exact(p.stride).nth(y).unwrap_or_default();
                    for (x, pixel) in to.chunks_exact_mut(3).enumerate() {
                        match from.get(x * channels..(x + 1) * channels) {
                            Some([grey]) => pixel.fill(*grey),
                            Some(rgb) => pixel.copy_from_slice(rgb),
                            None => pixel.fill(0),
                        }
                    }
                }
                None => {
                    for (x, pixel) in to.chunks_exact_mut(3).enumerate() {
                        let v = ((x / 8 + y / 8) * 16 % 200 + 28) as u8;
                        pixel.copy_from_slice(&[v, v / 2 + 40, 255 - v]);
                    }
                }
            }
        }
        if noisy {
            if self.seeds.len() == MOST_CYCLED {
                self.seeds.pop_front();
            }
            self.seeds.push_back(self.noise);
            // One grey level, here and there, as a sensor does (xorshift).
            for byte in frame.data.iter_mut().step_by(7) {
                self.noise ^= self.noise << 13;
                self.noise ^= self.noise >> 17;
                self.noise ^= self.noise << 5;
                *byte = (*byte & !1) | (self.noise & 1) as u8;
            }
        }
    }
}

impl FrameSource for ScriptedSource {
    fn next(&mut self, frame: &mut Frame, timeout: Duration) -> Result<Next, SourceError> {
        if let Some(e) = &self.failed {
            return Err(e.clone());
        }
        let until = deadline(timeout);
        loop {
            let Some(step) = self.script.steps.get(self.step).cloned() else {
                if !self.script.repeat || self.script.steps.is_empty() {
                    return Ok(Next::End);
                }
                self.step = 0;
                // A script without frames must not spin.
                if !wait_until(now_ns() + 1_000_000, until) {
                    return Ok(Next::Nothing);
                }
                continue;
            };
            match step {
                Step::Frames { frames: 0 }
                | Step::Frozen { frozen: 0 }
                | Step::Black { black: 0 }
                | Step::Cycle { cycle: 0, .. }
                | Step::Corrupt { corrupt: 0 }
                | Step::Drop { drop: 0 } => self.advance(),
                Step::Frames { frames: n }
                | Step::Frozen { frozen: n }
                | Step::Black { black: n }
                | Step::Cycle { cycle: n, .. } => {
                    if !self.wait(until) {
                        return Ok(Next::Nothing);
                    }
                    match step {
                        Step::Cycle { of, .. } => self.draw_old(frame, of),
                        Step::Black { .. } => self.draw(frame, true, false),
                        _ => self.draw(frame, false, matches!(step, Step::Frames { .. })),
                    }
                    frame.captured_ns = self.due_ns.saturating_add_signed(self.ahead_ns);
                    frame.index = self.index;
                    self.tick(n);
                    return Ok(Next::Frame);
                }
                Step::Corrupt { corrupt: n } => {
                    if !self.wait(until) {
                        return Ok(Next::Nothing);
                    }
                    self.losses.damaged += 1;
                    self.losses.last_damage =
                        Some(format!("frame {}: as its script says", self.index));
                    self.tick(n);
                }
                Step::Drop { drop: n } => {
                    if !self.wait(until) {
                        return Ok(Next::Nothing);
                    }
                    self.losses.dropped += 1;
                    self.tick(n);
                }
                Step::Stall { stall_ms } => {
                    if self.due_ns == 0 {
                        self.due_ns = now_ns();
                    }
                    if self.done == 0 {
                        self.due_ns += stall_ms * 1_000_000;
                        self.done = 1;
                    }
                    if !self.wait(until) {
                        return Ok(Next::Nothing);
                    }
                    self.advance();
                }
                Step::Size { size } => {
                    self.size = size;
                    self.advance();
                }
                Step::Jump { jump_ms } => {
                    self.ahead_ns += jump_ms * 1_000_000;
                    self.advance();
                }
                Step::Die { die } => {
                    VICTIM.store(die as u8, Relaxed);
                    self.advance();
                }
                Step::Lose { lose, refused } => {
                    self.advance();
                    if let Some(path) = self.path.clone() {
                        lost(|map| map.insert(path, (self.step, refused, lose)));
                    }
                    self.failed = Some(lose.error());
                    return Err(lose.error());
                }
            }
        }
    }

    fn describe(&self) -> &SourceInfo {
        &self.info
    }

    fn losses(&self) -> Losses {
        self.losses.clone()
    }
}
