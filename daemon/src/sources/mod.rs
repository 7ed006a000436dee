//! Where frames come from: a camera, a clip, a GIF, pictures, a pipe, the demo, nothing.
//!
//! All stand behind [`FrameSource`]. A source runs on the thread that calls it
//! (the camera has one more, which only waits for the driver), fills a buffer
//! that the caller lends, and never blocks longer than it is told to.

mod boxes;
pub mod camera;
#[cfg_attr(not(target_os = "macos"), allow(dead_code))] // of use on a Mac only, tested everywhere
mod camera_health;
mod camera_pick;
mod camera_pixels;
mod camera_time;
mod clip;
pub mod clock;
mod decoder;
pub mod demo;
mod error;
mod folder;
mod fragments;
mod gif;
mod h264;
mod mp4;
mod mp4_tables;
mod null;
mod paced;
pub mod permission;
mod pipe;
mod scripted;
mod y4m;

use std::fmt;
use std::io::Read;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use vision::{Frame, PixelFormat};

pub use camera::{CameraEntry, list_cameras};
pub use error::{ErrorKind, Origin, SourceError};
pub use scripted::{Fault, Script, ScriptedSource, Step, Victim, dies};

use error::Flaw;

/// What a call to [`FrameSource::next`] brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The frame is filled.
    Frame,
    /// A frame came that nobody wants ([`FrameSource::pass_until`]): it was not unpacked.
    Passed,
    /// Nothing came within the time limit; ask again.
    Nothing,
    /// The source is at its end and brings nothing any more.
    End,
}

/// Which kind of source it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SourceKind {
    /// A camera.
    Camera,
    /// A clip: H.264 in an MP4 file, or YUV4MPEG2.
    Clip,
    /// A live stream (YUV4MPEG2) from a named pipe or standard input.
    Pipe,
    /// An animated GIF.
    Gif,
    /// A folder of pictures, or one picture.
    Folder,
    /// The bundled clip.
    Demo,
    /// No frames at all.
    Null,
    /// A script of faults.
    Scripted,
}

/// What a source says of itself once it is open.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceInfo {
    /// Which kind of source.
    pub kind: SourceKind,
    /// The camera's or the file's name.
    pub name: String,
    /// Width of its (first) frame, pixels; 0 for a source without frames, and for a pipe until
    /// its first frame.
    pub width: u32,
    /// Height of its (first) frame, pixels; 0 for a source without frames.
    pub height: u32,
    /// Frames a second, nominal; 0 where it has no rate.
    pub fps: f64,
    /// Layout of the frames it gives.
    pub format: PixelFormat,
    /// Whether frames come in real time whether or not they are fetched. A
    /// source that is not live (`fast`) waits for its reader and loses nothing.
    pub live: bool,
    /// How many frames one pass holds, where that is known.
    pub frames: Option<u64>,
}

/// What a source could not give, counted since it was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Losses {
    /// Frames overtaken by newer ones before anyone fetched them.
    pub dropped: u64,
    /// Frames whose bytes could not be made a picture.
    pub damaged: u64,
    /// Why the last one was damaged, and which.
    pub last_damage: Option<String>,
}

/// Anything that gives frames.
pub trait FrameSource: Send {
    /// Frames that come before this moment of our clock are not wanted: one that costs something
    /// to unpack may be answered with [`Next::Passed`] instead. 0, as at the beginning: all are.
    fn pass_until(&mut self, _moment_ns: u64) {}

    /// Waits at most `timeout` for the next frame and fills `frame` with it: its
    /// buffer is reused (and may be exchanged for another), its `captured_ns` and
    /// `index` are set. After [`Next::Nothing`], [`Next::End`] or an error the
    /// frame's contents are unspecified.
    ///
    /// # Errors
    /// A recoverable error ([`SourceError::is_recoverable`]): drop the source and
    /// open it again after a pause. Any other stays: later calls repeat it.
    fn next(&mut self, frame: &mut Frame, timeout: Duration) -> Result<Next, SourceError>;

    /// What the source is.
    fn describe(&self) -> &SourceInfo;

    /// What it lost so far.
    fn losses(&self) -> Losses {
        Losses::default()
    }
}

/// Which source a person asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceSpec {
    /// A camera, by number if given.
    Camera(Option<u32>),
    /// The bundled clip.
    Demo,
    /// No frames at all.
    Null,
    /// `-`: standard input.
    Stdin,
    /// A clip, GIF, picture, folder of pictures or named pipe.
    Path(PathBuf),
    /// `scripted:FILE`: a script of faults, for tests.
    Scripted(PathBuf),
}

impl std::str::FromStr for SourceSpec {
    type Err = std::convert::Infallible;

    /// `camera`, `demo`, `null`, `-`, `scripted:FILE`; anything else is a path.
    /// (`./demo` names a file that is called demo.)
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "camera" => SourceSpec::Camera(None),
            "demo" => SourceSpec::Demo,
            "null" => SourceSpec::Null,
            "-" => SourceSpec::Stdin,
            _ => match text.strip_prefix("scripted:") {
                Some(path) => SourceSpec::Scripted(path.into()),
                None => SourceSpec::Path(text.into()),
            },
        })
    }
}

impl fmt::Display for SourceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SourceSpec::Camera(None) => f.write_str("camera"),
            SourceSpec::Camera(Some(n)) => write!(f, "camera {n}"),
            SourceSpec::Demo => f.write_str("demo"),
            SourceSpec::Null => f.write_str("null"),
            SourceSpec::Stdin => f.write_str("standard input"),
            SourceSpec::Path(p) => write!(f, "{}", p.display()),
            SourceSpec::Scripted(p) => write!(f, "scripted:{}", p.display()),
        }
    }
}

/// How to open a source.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OpenOptions {
    /// Begin again at the end (files).
    pub looped: bool,
    /// Give frames as fast as they are asked for; their times still advance by
    /// the file's own (files).
    pub fast: bool,
    /// Which camera, where [`SourceSpec::Camera`] does not say.
    pub camera: u32,
    /// Wished width, pixels (camera; nearest pair wins).
    pub width: Option<u32>,
    /// Wished height, pixels (camera).
    pub height: Option<u32>,
    /// Wished rate, frames a second (camera; the rate of a folder of pictures).
    pub fps: Option<f64>,
}

/// Opens a source.
///
/// # Errors
/// Says in one line where, what and what to do; see [`ErrorKind`].
pub fn open(spec: &SourceSpec, options: &OpenOptions) -> Result<Box<dyn FrameSource>, SourceError> {
    match spec {
        SourceSpec::Camera(index) => camera::open(index.unwrap_or(options.camera), options),
        SourceSpec::Demo => demo::open(options),
        SourceSpec::Null => Ok(Box::new(null::NullSource::new())),
        SourceSpec::Stdin => pipe::open_stdin(options),
        SourceSpec::Scripted(path) => Ok(Box::new(ScriptedSource::open(path, options)?)),
        SourceSpec::Path(path) => {
            open_path(path, options).map_err(|f| f.at(path.display().to_string()))
        }
    }
}

/// Chooses by what the file is, not by what it is called.
fn open_path(path: &Path, options: &OpenOptions) -> Result<Box<dyn FrameSource>, Flaw> {
    let name = path.display().to_string();
    let meta = std::fs::metadata(path)?;
    if meta.is_dir() {
        return folder::open(path, name, options);
    }
    if meta.file_type().is_fifo() {
        return pipe::open_fifo(path, name, options);
    }
    // A device would block for ever or never end.
    if !meta.is_file() {
        return Err(Flaw::new(
            ErrorKind::Unreadable,
            "it is neither a file, a folder nor a pipe",
            "give an MP4, GIF or y4m file, a picture or a folder of pictures",
        ));
    }
    let mut head = Vec::with_capacity(16);
    std::fs::File::open(path)?.take(16).read_to_end(&mut head)?;
    if head.is_empty() {
        return Err(Flaw::new(
            ErrorKind::Truncated,
            "the file is empty",
            "copy the file again",
        ));
    }
    if head.starts_with(b"GIF8") {
        return gif::open(path, name, options);
    }
    if head.starts_with(&[0xFF, 0xD8]) || head.starts_with(b"\x89PNG") {
        return folder::open_one(path, name, options);
    }
    if mp4::looks_like(&head) {
        return clip::open_file(path, name, options);
    }
    if head.starts_with(y4m::MAGIC) {
        return y4m::open_file(path, name, options);
    }
    Err(Flaw::new(
        ErrorKind::Unreadable,
        "it is no MP4, GIF, y4m, JPEG or PNG",
        "give an MP4 (H.264), GIF or y4m file, a picture or a folder of pictures",
    ))
}
