//! A live stream of pictures (YUV4MPEG2) from a named pipe or standard input.
//!
//! Pictures count as captured when their first byte arrives; of several that wait, the newest
//! wins. Everything happens on the thread that asks, which waits in poll(2).

use std::collections::HashMap;
use std::fs::File;
use std::io::{IsTerminal, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use vision::{Frame, PixelFormat};

use super::clock::{deadline, now_ns};
use super::error::Flaw;
use super::y4m::{self, Parser};
use super::{
    ErrorKind, FrameSource, Losses, Next, OpenOptions, Origin, SourceError, SourceInfo, SourceKind,
};

/// A pipe holds at most so much (Linux, pipe(7)): of pictures within it the newest wins; what
/// comes faster than it is taken beyond that is given none the less.
const PIPE_HOLDS: usize = 1 << 20;
/// While nobody has opened the other end, it is looked for this often.
const GLANCE: Duration = Duration::from_millis(20);

/// What can be read, and how far it has been.
struct Stream {
    file: File,
    /// Nobody has written anything yet, so an end of file is no end.
    untouched: bool,
    parser: Parser,
    bytes: Vec<u8>,
    unread: std::ops::Range<usize>,
    /// When the present picture's first byte came.
    began_ns: Option<u64>,
}

/// Streams whose source was closed while they went on (a pause): they cannot be begun anew.
static PARKED: Mutex<Option<HashMap<PathBuf, Stream>>> = Mutex::new(None);

fn parked<T>(f: impl FnOnce(&mut HashMap<PathBuf, Stream>) -> T) -> T {
    let mut guard = PARKED.lock().unwrap_or_else(PoisonError::into_inner);
    f(guard.get_or_insert_default())
}

/// What standard input is called.
const STDIN: &str = "standard input";

/// Opens standard input; where that is a file, as a clip.
pub(crate) fn open_stdin(options: &OpenOptions) -> Result<Box<dyn FrameSource>, SourceError> {
    let at = |flaw: Flaw| flaw.at(STDIN);
    let key = Path::new(STDIN);
    if let Some(stream) = parked(|p| p.remove(key)) {
        return Ok(Box::new(PipeSource::new(stream, key, None, options)));
    }
    let own = std::io::stdin().as_fd().try_clone_to_owned();
    let file = File::from(own.map_err(|e| at(e.into()))?);
    let kind = file.metadata().map_err(|e| at(e.into()))?.file_type();
    if kind.is_file() {
        return y4m::open_clip(file, STDIN.into(), options).map_err(at);
    }
    if file.is_terminal() {
        return Err(at(Flaw::new(
            ErrorKind::Unreadable,
            "it is a terminal",
            "pipe video into it: ffmpeg -i IN -pix_fmt yuv420p -f yuv4mpegpipe - | gazed run --source -",
        )));
    }
    Ok(Box::new(PipeSource::new(
        Stream::new(file, false),
        key,
        None,
        options,
    )))
}

/// Opens a named pipe. Whether anybody writes into it shows later.
pub(crate) fn open_fifo(
    path: &Path,
    name: String,
    options: &OpenOptions,
) -> Result<Box<dyn FrameSource>, Flaw> {
    let stream = match parked(|p| p.remove(path)) {
        Some(stream) => stream,
        // Without waiting for the other end to be opened.
        None => {
            let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let fd = rustix::fs::open(path, flags, Mode::empty()).map_err(std::io::Error::from)?;
            Stream::new(File::from(fd), true)
        }
    };
    let fifo = Some(name);
    Ok(Box::new(PipeSource::new(stream, path, fifo, options)))
}

impl Stream {
    fn new(file: File, untouched: bool) -> Stream {
        Stream {
            file,
            untouched,
            parser: Parser::new(),
            bytes: vec![0; 1 << 16],
            unread: 0..0,
            began_ns: None,
        }
    }

    /// Whether there is something to read before `until`.
    fn wait(&self, until: u64) -> std::io::Result<bool> {
        let left = until.saturating_sub(now_ns());
        let limit = Timespec {
            tv_sec: (left / 1_000_000_000).min(3600) as i64,
            tv_nsec: (left % 1_000_000_000) as i64,
        };
        let mut fds = [PollFd::new(&self.file, PollFlags::IN)];
        match poll(&mut fds, Some(&limit)) {
            Ok(n) => Ok(n > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(e) => Err(e.into()),
        }
    }

    /// Reads what is there; `None` where there is nothing, 0 at the end.
    fn read(&mut self) -> std::io::Result<Option<usize>> {
        use std::io::ErrorKind::{Interrupted, WouldBlock};
        match self.file.read(&mut self.bytes) {
            Ok(n) => {
                self.unread = 0..n;
                Ok(Some(n))
            }
            Err(e) if matches!(e.kind(), WouldBlock | Interrupted) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Feeds the parser with what was read; whether a picture is whole.
    fn feed(&mut self, now: u64) -> Result<bool, Flaw> {
        let mut bytes = &self.bytes[self.unread.clone()];
        if !bytes.is_empty() {
            self.untouched = false;
            self.began_ns.get_or_insert(now);
        }
        let whole = self.parser.feed(&mut bytes)?;
        self.unread.start = self.unread.end - bytes.len();
        Ok(whole)
    }
}

/// A pipe as a [`FrameSource`].
struct PipeSource {
    /// Taken out when it is at its end.
    stream: Option<Stream>,
    /// What it is parked under.
    key: PathBuf,
    fifo: bool,
    fast: bool,
    info: SourceInfo,
    index: u64,
    dropped: u64,
    failure: Option<SourceError>,
}

impl PipeSource {
    fn new(stream: Stream, key: &Path, fifo: Option<String>, options: &OpenOptions) -> Self {
        PipeSource {
            info: SourceInfo {
                kind: SourceKind::Pipe,
                name: fifo.clone().unwrap_or_else(|| STDIN.into()),
                width: 0,
                height: 0,
                fps: 0.0,
                format: PixelFormat::I420,
                live: !options.fast,
                frames: None,
            },
            stream: Some(stream),
            key: key.into(),
            fifo: fifo.is_some(),
            fast: options.fast,
            index: 0,
            dropped: 0,
            failure: None,
        }
    }

    fn fail(&mut self, error: SourceError) -> Result<Next, SourceError> {
        self.stream = None;
        self.failure = Some(error.clone());
        Err(error)
    }

    /// The other end was closed.
    fn ended(&mut self, whole: bool) -> Result<Next, SourceError> {
        self.stream = None;
        if self.fifo {
            let what = match whole {
                true => "its writer has closed it",
                false => "its writer has closed it within a picture",
            };
            return self.fail(SourceError::new(
                ErrorKind::DeviceLost,
                Origin::Camera,
                self.info.name.clone(),
                what,
                "start the writer again",
            ));
        }
        if !whole {
            return self.fail(Flaw::truncated("it ended within a picture").at(STDIN));
        }
        Ok(Next::End)
    }

    /// Takes the whole picture that the parser holds.
    fn take(&mut self, frame: &mut Frame) {
        let Some(stream) = &mut self.stream else {
            return;
        };
        if let Some(header) = stream.parser.header() {
            self.info.width = header.width;
            self.info.height = header.height;
            self.info.fps = header.fps.unwrap_or(0.0);
            self.info.format = header.format();
        }
        stream.parser.take(frame);
        frame.captured_ns = stream.began_ns.take().unwrap_or_else(now_ns);
        frame.index = self.index;
        self.index += 1;
    }
}

impl FrameSource for PipeSource {
    fn next(&mut self, frame: &mut Frame, timeout: Duration) -> Result<Next, SourceError> {
        if let Some(e) = &self.failure {
            return Err(e.clone());
        }
        let until = deadline(timeout);
        // Whether `frame` holds a picture that only a newer one keeps from being given, and
        // how much was read since.
        let (mut held, mut beyond) = (false, 0);
        loop {
            let Some(stream) = &mut self.stream else {
                return Ok(Next::End);
            };
            match stream.feed(now_ns()) {
                Ok(true) => {
                    self.dropped += u64::from(held);
                    self.take(frame);
                    held = true;
                    if self.fast || beyond >= PIPE_HOLDS {
                        return Ok(Next::Frame);
                    }
                    continue;
                }
                Ok(false) => {}
                // What is wrong behind a whole picture is told by the next call.
                Err(_) if held => return Ok(Next::Frame),
                Err(flaw) => {
                    let e = flaw.at(self.info.name.clone());
                    return self.fail(e);
                }
            }
            let ready = stream.wait(if held { 0 } else { until });
            let read = match ready {
                Ok(true) => stream.read(),
                Ok(false) => Ok(None),
                Err(e) => Err(e),
            };
            match read {
                Ok(Some(n)) if n > 0 => beyond += n * usize::from(held),
                _ if held => return Ok(Next::Frame),
                Ok(Some(_)) if stream.untouched && self.fifo => {
                    let left = Duration::from_nanos(until.saturating_sub(now_ns()));
                    std::thread::sleep(GLANCE.min(left));
                }
                Ok(Some(_)) => {
                    let whole = stream.parser.at_rest();
                    return self.ended(whole);
                }
                Ok(None) => {}
                Err(e) => {
                    let e = Flaw::from(e).at(self.info.name.clone());
                    return self.fail(e);
                }
            }
            if !held && now_ns() >= until {
                // What was read is not lost: the next call feeds it.
                return Ok(Next::Nothing);
            }
        }
    }

    fn describe(&self) -> &SourceInfo {
        &self.info
    }

    fn losses(&self) -> Losses {
        Losses {
            dropped: self.dropped,
            ..Losses::default()
        }
    }
}

impl Drop for PipeSource {
    fn drop(&mut self) {
        if let Some(stream) = self.stream.take() {
            parked(|p| p.insert(self.key.clone(), stream));
        }
    }
}
