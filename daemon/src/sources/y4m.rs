//! YUV4MPEG2, the plain video of pipes: `ffmpeg -i IN -f yuv4mpegpipe -` writes it.
//!
//! A line `YUV4MPEG2 W640 H480 F15:1 …`, then for every picture a line `FRAME` and its planes,
//! one after the other without padding. The format is described in yuv4mpeg(5) of mjpegtools;
//! `XCOLORRANGE=` is FFmpeg's. [`Parser`] takes the bytes as they come.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use vision::frame::MAX_SIDE;
use vision::{Frame, PixelFormat, YuvRange};

use super::error::Flaw;
use super::paced::{Paced, Pictures};
use super::{ErrorKind, FrameSource, OpenOptions, SourceInfo, SourceKind};

/// What the stream begins with.
pub(crate) const MAGIC: &[u8] = b"YUV4MPEG2";
/// Longer lines are no header. FFmpeg's are under a hundred bytes.
const LONGEST_LINE: usize = 1024;
/// Where a stream says that its rate is unknown (`F0:0`).
const UNKNOWN_RATE: f64 = 30.0;
const CONVERT: &str = "write it by: ffmpeg -i IN -pix_fmt yuv420p -f yuv4mpegpipe OUT";

/// How the planes are sampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sampling {
    Mono,
    /// Colour at half width and half height.
    Quarter,
    /// Colour at half width.
    Half,
    Whole,
}

/// The stream's first line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Header {
    pub width: u32,
    pub height: u32,
    /// Pictures a second; `None` where the stream does not know.
    pub fps: Option<f64>,
    sampling: Sampling,
    /// Whether it was said that luma is 0–255 (or that it is 16–235).
    full: Option<bool>,
}

impl Header {
    fn parse(line: &[u8]) -> Result<Header, Flaw> {
        let bad = |what: String| Flaw::new(ErrorKind::Unreadable, what, CONVERT);
        let text = std::str::from_utf8(line).map_err(|_| no_stream())?;
        let mut tags = text.split(' ');
        if tags.next().map(str::as_bytes) != Some(MAGIC) {
            return Err(no_stream());
        }
        let (mut width, mut height, mut rate, mut colour) = (None, None, None, None);
        let mut full = None;
        for tag in tags.filter(|t| !t.is_empty()) {
            let mut chars = tag.chars();
            let letter = chars.next();
            let value = chars.as_str();
            let twice = match letter {
                Some('W') => width.replace(value).is_some(),
                Some('H') => height.replace(value).is_some(),
                Some('F') => rate.replace(value).is_some(),
                Some('C') => colour.replace(value).is_some(),
                Some('I') if matches!(value, "p" | "?") => false,
                Some('I') => {
                    return Err(Flaw::new(
                        ErrorKind::UnsupportedFormat,
                        format!("its pictures are interlaced (I{value})"),
                        "deinterlace it: ffmpeg -i IN -vf yadif -f yuv4mpegpipe OUT",
                    ));
                }
                Some('A') => ratio(value).is_none(),
                Some('X') => {
                    match value.strip_prefix("COLORRANGE=") {
                        Some("FULL") => full = Some(true),
                        Some("LIMITED") => full = Some(false),
                        _ => {}
                    }
                    false
                }
                _ => return Err(bad(format!("its header has an unknown tag \"{tag}\""))),
            };
            if twice {
                return Err(bad(format!("its header cannot mean \"{tag}\"")));
            }
        }
        let side = |name: &str, value: Option<&str>| {
            let value = value.ok_or_else(|| bad(format!("its header does not say its {name}")))?;
            match number(value) {
                Some(n @ 1..=MAX_SIDE) => Ok(n),
                _ => Err(Flaw::new(
                    ErrorKind::BadSize,
                    format!("its {name} is \"{value}\"; 1 to {MAX_SIDE} are taken"),
                    "scale it",
                )),
            }
        };
        let (width, height) = (side("width", width)?, side("height", height)?);
        let fps = match rate.map(|r| (r, ratio(r))) {
            None => return Err(bad("its header does not say its rate".into())),
            Some((_, Some((0, 0)))) => None,
            Some((_, Some((n, d)))) if n > 0 && d > 0 && n / d < 100_000 => {
                Some(f64::from(n) / f64::from(d))
            }
            Some((r, _)) => return Err(bad(format!("its rate is \"{r}\""))),
        };
        let sampling = match colour.unwrap_or("420") {
            "420" | "420jpeg" | "420mpeg2" | "420paldv" => Sampling::Quarter,
            "422" => Sampling::Half,
            "444" => Sampling::Whole,
            "mono" => Sampling::Mono,
            other => {
                return Err(Flaw::new(
                    ErrorKind::UnsupportedFormat,
                    format!("its pixels are \"{other}\"; 420, 422, 444 and mono are taken"),
                    CONVERT,
                ));
            }
        };
        Ok(Header {
            width,
            height,
            fps,
            sampling,
            full,
        })
    }

    /// Width and height of a colour plane; zeros where there is none.
    fn chroma(&self) -> (usize, usize) {
        let (w, h) = (self.width as usize, self.height as usize);
        match self.sampling {
            Sampling::Mono => (0, 0),
            Sampling::Quarter => (w.div_ceil(2), h.div_ceil(2)),
            Sampling::Half => (w.div_ceil(2), h),
            Sampling::Whole => (w, h),
        }
    }

    /// Bytes of a picture.
    fn bytes(&self) -> usize {
        let (w, h) = self.chroma();
        self.width as usize * self.height as usize + 2 * w * h
    }

    /// Layout of the frames that come of it. Colour at full resolution is halved: no network
    /// here would see the difference.
    pub fn format(&self) -> PixelFormat {
        match self.sampling {
            Sampling::Mono => PixelFormat::Gray8,
            Sampling::Half => PixelFormat::Yuyv,
            Sampling::Quarter | Sampling::Whole => PixelFormat::I420,
        }
    }
}

fn no_stream() -> Flaw {
    Flaw::new(ErrorKind::Unreadable, "it is no YUV4MPEG2 stream", CONVERT)
}

/// Digits only: no sign, no blank.
fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn ratio(text: &str) -> Option<(u32, u32)> {
    let (a, b) = text.split_once(':')?;
    Some((number(a)?, number(b)?))
}

/// What the next byte belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Header,
    FrameLine,
    Pixels,
    /// A picture is whole and waits to be taken.
    Done,
}

/// Bytes in, pictures out.
#[derive(Debug)]
pub(crate) struct Parser {
    at: At,
    header: Option<Header>,
    line: Vec<u8>,
    pixels: Vec<u8>,
    /// A byte of the present picture, or of the header, has come.
    begun: bool,
}

impl Parser {
    pub fn new() -> Parser {
        Parser {
            at: At::Header,
            header: None,
            line: Vec::new(),
            pixels: Vec::new(),
            begun: false,
        }
    }

    /// The stream's header, once it has come.
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// Whether the stream may end here: before its first byte or after a whole picture.
    pub fn at_rest(&self) -> bool {
        !self.begun && (self.header.is_some() || self.line.is_empty())
    }

    /// Takes bytes off the front until a picture is whole (true) or none are left (false).
    pub fn feed(&mut self, bytes: &mut &[u8]) -> Result<bool, Flaw> {
        loop {
            match self.at {
                At::Done => return Ok(true),
                _ if bytes.is_empty() => return Ok(false),
                At::Header => {
                    if self.line(bytes, MAGIC)? {
                        let header = Header::parse(&self.line)?;
                        self.pixels.clear();
                        self.header = Some(header);
                        self.next_frame();
                    }
                }
                At::FrameLine => {
                    self.begun = true;
                    if self.line(bytes, b"FRAME")? {
                        self.frame_line()?;
                        self.at = At::Pixels;
                    }
                }
                At::Pixels => {
                    let want = self.header.map_or(0, |h| h.bytes());
                    let n = (want - self.pixels.len()).min(bytes.len());
                    self.pixels.extend_from_slice(&bytes[..n]);
                    *bytes = &bytes[n..];
                    if self.pixels.len() == want {
                        self.at = At::Done;
                    }
                }
            }
        }
    }

    /// Collects a line that begins with `word`; whether it is whole.
    fn line(&mut self, bytes: &mut &[u8], word: &[u8]) -> Result<bool, Flaw> {
        let end = bytes.iter().position(|b| *b == b'\n');
        let n = end.unwrap_or(bytes.len());
        self.line
            .extend_from_slice(&bytes[..n.min(LONGEST_LINE + 1)]);
        let common = self.line.len().min(word.len());
        let whole = end.is_some() && self.line.len() < word.len();
        if self.line.len() > LONGEST_LINE || self.line[..common] != word[..common] || whole {
            return Err(match self.header {
                None => no_stream(),
                Some(_) => Flaw::damaged("a picture does not begin where the last one ends"),
            });
        }
        *bytes = &bytes[(n + usize::from(end.is_some())).min(bytes.len())..];
        Ok(end.is_some())
    }

    /// Pictures may carry tags of their own; only the interlaced ones would matter.
    fn frame_line(&mut self) -> Result<(), Flaw> {
        match self.line.get(b"FRAME".len()) {
            None | Some(b' ') => Ok(()),
            Some(_) => Err(Flaw::damaged("a picture begins with an unknown word")),
        }
    }

    fn next_frame(&mut self) {
        self.at = At::FrameLine;
        self.line.clear();
        self.pixels.clear();
        self.begun = false;
    }

    /// Moves the whole picture that waits into `frame`; false when there is none.
    pub fn take(&mut self, frame: &mut Frame) -> bool {
        let (Some(header), At::Done) = (self.header, self.at) else {
            return false;
        };
        unpack(&header, &mut self.pixels, frame);
        self.next_frame();
        true
    }
}

/// Planes → a frame's layout. Where that is the same, the buffers are exchanged.
fn unpack(header: &Header, pixels: &mut Vec<u8>, frame: &mut Frame) {
    let (w, h) = (header.width as usize, header.height as usize);
    let (cw, ch) = header.chroma();
    frame.range = match header.full {
        Some(true) => YuvRange::Full,
        _ => YuvRange::Limited,
    };
    frame.reset(header.width, header.height, header.format());
    let (luma, chroma) = pixels.split_at(w * h);
    let (u, v) = chroma.split_at(cw * ch);
    match header.sampling {
        Sampling::Quarter => std::mem::swap(&mut frame.data, pixels),
        Sampling::Mono => {
            std::mem::swap(&mut frame.data, pixels);
            // Grey has no range of its own in a frame: 16–235 is stretched.
            if header.full == Some(false) {
                for y in &mut frame.data {
                    *y = ((i32::from(*y) - 16) * 255 / 219).clamp(0, 255) as u8;
                }
            }
        }
        Sampling::Half => {
            let rows = frame
                .data
                .chunks_exact_mut(cw * 4)
                .zip(luma.chunks_exact(w));
            let colours = u.chunks_exact(cw).zip(v.chunks_exact(cw));
            for ((to, ys), (us, vs)) in rows.zip(colours) {
                let pairs = ys.chunks(2).zip(us.iter().zip(vs));
                for (four, (two, (u, v))) in to.chunks_exact_mut(4).zip(pairs) {
                    four.copy_from_slice(&[two[0], *u, *two.last().unwrap_or(&two[0]), *v]);
                }
            }
        }
        Sampling::Whole => {
            let (half_w, half_h) = (w.div_ceil(2), h.div_ceil(2));
            let (to_luma, rest) = frame.data.split_at_mut(w * h);
            to_luma.copy_from_slice(luma);
            let (to_u, to_v) = rest.split_at_mut(half_w * half_h);
            for (to, from) in [(to_u, u), (to_v, v)] {
                for (i, to) in to.iter_mut().enumerate() {
                    let (x, y) = (i % half_w * 2, i / half_w * 2);
                    let (x1, y1) = ((x + 1).min(w - 1), (y + 1).min(h - 1));
                    let at = |x: usize, y: usize| u32::from(from[y * w + x]);
                    *to = ((at(x, y) + at(x1, y) + at(x, y1) + at(x1, y1) + 2) / 4) as u8;
                }
            }
        }
    }
}

/// Opens a file as a clip.
pub(crate) fn open_file(
    path: &Path,
    name: String,
    options: &OpenOptions,
) -> Result<Box<dyn FrameSource>, Flaw> {
    open_clip(File::open(path)?, name, options)
}

/// A clip from an open file, from where it stands now.
pub(crate) fn open_clip(
    file: File,
    name: String,
    options: &OpenOptions,
) -> Result<Box<dyn FrameSource>, Flaw> {
    let mut clip = Clip {
        file,
        parser: Parser::new(),
        bytes: vec![0; 1 << 16],
        unread: 0..0,
        count: 0,
        start: 0,
        fps: options.fps.unwrap_or(UNKNOWN_RATE),
    };
    clip.start = clip.file.stream_position()?;
    let header = clip.header()?;
    clip.fps = header.fps.unwrap_or(clip.fps);
    let info = SourceInfo {
        kind: SourceKind::Clip,
        name,
        width: header.width,
        height: header.height,
        fps: clip.fps,
        format: header.format(),
        live: true,
        frames: None,
    };
    Ok(Box::new(Paced::new(clip, info, options)))
}

/// A stream in a file.
struct Clip {
    file: File,
    parser: Parser,
    bytes: Vec<u8>,
    /// Which of `bytes` the parser has not seen yet.
    unread: std::ops::Range<usize>,
    count: u64,
    /// Where in the file the stream begins.
    start: u64,
    fps: f64,
}

impl Clip {
    /// Feeds the parser once; false at the end of the file.
    fn read(&mut self) -> Result<bool, Flaw> {
        if self.unread.is_empty() {
            let n = loop {
                match self.file.read(&mut self.bytes) {
                    Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                    other => break other?,
                }
            };
            self.unread = 0..n;
        }
        let mut bytes = &self.bytes[self.unread.clone()];
        let any = !bytes.is_empty();
        self.parser.feed(&mut bytes)?;
        self.unread.start = self.unread.end - bytes.len();
        Ok(any)
    }

    fn header(&mut self) -> Result<Header, Flaw> {
        loop {
            if let Some(header) = self.parser.header() {
                return Ok(*header);
            }
            if !self.read()? {
                return Err(Flaw::truncated("it ends within its header"));
            }
        }
    }

    fn time_ns(&self, picture: u64) -> u64 {
        (picture as f64 * 1e9 / self.fps) as u64
    }
}

impl Pictures for Clip {
    fn next_picture(&mut self, frame: &mut Frame) -> Result<Option<u64>, Flaw> {
        while !self.parser.take(frame) {
            if !self.read()? {
                return match (self.parser.at_rest(), self.count) {
                    (true, 0) => Err(Flaw::truncated("it holds no picture")),
                    (true, _) => Ok(None),
                    (false, n) => Err(Flaw::truncated(format!("it ends within picture {n}"))),
                };
            }
        }
        self.count += 1;
        Ok(Some(self.time_ns(self.count - 1)))
    }

    fn rewind(&mut self) -> Result<(), Flaw> {
        self.file.seek(SeekFrom::Start(self.start))?;
        self.parser = Parser::new();
        self.unread = 0..0;
        self.count = 0;
        self.header().map(|_| ())
    }

    fn end_ns(&self) -> u64 {
        self.time_ns(self.count)
    }
}
