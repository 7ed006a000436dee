//! A folder of pictures, played in the order of their names; or one picture.

use std::cmp::Ordering;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use image::ImageDecoder;
use image::codecs::png::PngDecoder;
use vision::frame::MAX_SIDE;
use vision::jpeg::{self, guarded};
use vision::{Frame, PixelFormat};

use super::error::Flaw;
use super::paced::{Paced, Pictures};
use super::{ErrorKind, FrameSource, Losses, OpenOptions, SourceInfo, SourceKind};

/// Pictures a second where nobody says otherwise.
const DEFAULT_FPS: f64 = 30.0;
/// The longest picture file read, bytes.
const MAX_FILE: u64 = 256 << 20;

/// Opens the folder at `path`: the JPEG and PNG files directly in it.
pub(crate) fn open(
    path: &Path,
    name: String,
    options: &OpenOptions,
) -> Result<Box<dyn FrameSource>, Flaw> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let file = entry?.path();
        let extension = file
            .extension()
            .and_then(|e| e.to_str())
            .map(str::to_ascii_lowercase);
        if matches!(extension.as_deref(), Some("jpg" | "jpeg" | "png")) {
            files.push(file);
        }
    }
    if files.is_empty() {
        return Err(Flaw::new(
            ErrorKind::Unreadable,
            "the folder holds no .jpg or .png",
            "name a folder with pictures directly in it",
        ));
    }
    files.sort_by(|a, b| by_name(&a.to_string_lossy(), &b.to_string_lossy()));
    play(files, name, options)
}

/// Opens one picture: a folder of one.
pub(crate) fn open_one(
    path: &Path,
    name: String,
    options: &OpenOptions,
) -> Result<Box<dyn FrameSource>, Flaw> {
    play(vec![path.to_path_buf()], name, options)
}

fn play(
    files: Vec<PathBuf>,
    name: String,
    options: &OpenOptions,
) -> Result<Box<dyn FrameSource>, Flaw> {
    let fps = options
        .fps
        .filter(|f| f.is_finite() && *f > 0.0)
        .unwrap_or(DEFAULT_FPS);
    let n = files.len() as u64;
    let mut folder = Folder {
        files,
        fps,
        next: 0,
        bytes: Vec::new(),
        jpegs: jpeg::Decoder::default(),
        losses: Losses::default(),
    };
    let mut first = Frame::default();
    if folder.next_picture(&mut first)?.is_none() {
        let why = folder.losses.last_damage.unwrap_or_default();
        return Err(Flaw::damaged(if n == 1 {
            why
        } else {
            format!("none of its {n} pictures can be read; the last: {why}")
        }));
    }
    folder.rewind()?;
    folder.losses = Losses::default();
    let info = SourceInfo {
        kind: SourceKind::Folder,
        name,
        width: first.width,
        height: first.height,
        fps,
        format: first.format,
        live: true,
        frames: Some(n),
    };
    Ok(Box::new(Paced::new(folder, info, options)))
}

/// Names as people count: `img_2` before `img_10`.
fn by_name(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    let number = |s: &[u8]| s.iter().take_while(|c| c.is_ascii_digit()).count();
    loop {
        let (Some(&x), Some(&y)) = (a.first(), b.first()) else {
            return a.len().cmp(&b.len());
        };
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let (n, m) = (a.split_at(number(a)), b.split_at(number(b)));
            let strip = |s: &'_ [u8]| s.iter().position(|&c| c != b'0').unwrap_or(s.len());
            let (p, q) = (&n.0[strip(n.0)..], &m.0[strip(m.0)..]);
            let order = p
                .len()
                .cmp(&q.len())
                .then(p.cmp(q))
                .then(n.0.len().cmp(&m.0.len()));
            if order != Ordering::Equal {
                return order;
            }
            (a, b) = (n.1, m.1);
        } else {
            if x != y {
                return x.cmp(&y);
            }
            (a, b) = (&a[1..], &b[1..]);
        }
    }
}

struct Folder {
    files: Vec<PathBuf>,
    fps: f64,
    next: usize,
    bytes: Vec<u8>,
    jpegs: jpeg::Decoder,
    losses: Losses,
}

impl Folder {
    /// When picture number `i` is shown.
    fn time_of(&self, i: usize) -> u64 {
        (i as f64 * 1e9 / self.fps) as u64
    }

    fn read(&mut self, i: usize, decode: Decode, frame: &mut Frame) -> Result<(), String> {
        let path = &self.files[i];
        // Follows links; a link that leads nowhere or in a circle is an error here.
        let meta = std::fs::metadata(path).map_err(|e| e.to_string())?;
        if !meta.is_file() {
            return Err("it is not a file".into());
        }
        if meta.len() > MAX_FILE {
            return Err(format!("it has {} bytes", meta.len()));
        }
        // At once: piece by piece it is five calls of the system.
        self.bytes.resize(meta.len() as usize, 0);
        let mut file = File::open(path).map_err(|e| e.to_string())?;
        file.read_exact(&mut self.bytes)
            .map_err(|e| match e.kind() {
                io::ErrorKind::UnexpectedEof => "it became shorter while it was read".into(),
                _ => e.to_string(),
            })?;
        match self.bytes.as_slice() {
            [] => Err("it is empty".into()),
            [0xFF, 0xD8, ..] => decode(&mut self.jpegs, &self.bytes, frame),
            b if b.starts_with(b"\x89PNG") => guarded(|| decode_png(b, frame)),
            _ => Err("it is neither JPEG nor PNG".into()),
        }
    }
}

/// What unpacks a JPEG.
type Decode = fn(&mut jpeg::Decoder, &[u8], &mut Frame) -> Result<(), String>;

/// Reads one picture: red, green and blue, or grey.
pub(crate) fn read_one(path: &Path) -> Result<Frame, Flaw> {
    let mut folder = Folder {
        files: vec![path.to_path_buf()],
        fps: DEFAULT_FPS,
        next: 0,
        bytes: Vec::new(),
        jpegs: jpeg::Decoder::default(),
        losses: Losses::default(),
    };
    let mut frame = Frame::default();
    folder
        .read(
            0,
            |_, bytes, frame| jpeg::decode_rgb(bytes, frame),
            &mut frame,
        )
        .map_err(|why| Flaw::damaged(format!("{}: {why}", path.display())))?;
    Ok(frame)
}

fn decode_png(bytes: &[u8], frame: &mut Frame) -> Result<(), String> {
    let say = |e: image::ImageError| match e {
        image::ImageError::IoError(_) => "it ends too early".to_owned(),
        e => e.to_string(),
    };
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    let mut decoder =
        PngDecoder::with_limits(std::io::Cursor::new(bytes), limits.clone()).map_err(say)?;
    decoder.set_limits(limits).map_err(say)?;
    let picture = image::DynamicImage::from_decoder(decoder).map_err(say)?;
    frame.reset(picture.width(), picture.height(), PixelFormat::Rgb8);
    match picture.as_rgb8() {
        Some(rgb) => frame.data.copy_from_slice(rgb),
        None => frame.data.copy_from_slice(&picture.to_rgb8()),
    }
    Ok(())
}

impl Pictures for Folder {
    /// A picture that cannot be read is skipped and counted; its time passes.
    fn next_picture(&mut self, frame: &mut Frame) -> Result<Option<u64>, Flaw> {
        while self.next < self.files.len() {
            let i = self.next;
            self.next += 1;
            match self.read(i, jpeg::Decoder::decode, frame) {
                Ok(()) => return Ok(Some(self.time_of(i))),
                Err(why) => {
                    self.losses.damaged += 1;
                    let name = self.files[i].file_name().unwrap_or_default();
                    self.losses.last_damage = Some(format!("{}: {why}", name.to_string_lossy()));
                }
            }
        }
        Ok(None)
    }

    fn next_at(&self) -> Option<u64> {
        (self.next < self.files.len()).then(|| self.time_of(self.next))
    }

    fn pass(&mut self) {
        self.next += 1;
    }

    fn rewind(&mut self) -> Result<(), Flaw> {
        self.next = 0;
        Ok(())
    }

    fn end_ns(&self) -> u64 {
        (self.files.len() as f64 * 1e9 / self.fps) as u64
    }

    fn losses(&self) -> Losses {
        self.losses.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_counted_as_people_do() {
        let mut names = [
            "img_10.jpg",
            "img_2.jpg",
            "a.png",
            "img_02.jpg",
            "img_1b.jpg",
            "img_1.jpg",
            "img_",
        ];
        names.sort_by(|a, b| by_name(a, b));
        assert_eq!(
            names,
            [
                "a.png",
                "img_",
                "img_1.jpg",
                "img_1b.jpg",
                "img_2.jpg",
                "img_02.jpg",
                "img_10.jpg"
            ]
        );
    }
}
