//! An animated GIF, composed as a browser would show it.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use gif::{ColorOutput, Decoder, DecodingError, DisposalMethod, MemoryLimit};
use vision::frame::MAX_SIDE;
use vision::jpeg::guarded;
use vision::{Frame, PixelFormat};

use super::error::Flaw;
use super::paced::{Paced, Pictures};
use super::{ErrorKind, FrameSource, OpenOptions, SourceInfo, SourceKind};

/// What browsers use where a GIF gives no delay, or one too short to be meant.
const DEFAULT_DELAY_NS: u64 = 100_000_000;

/// Opens the GIF at `path`.
pub(crate) fn open(
    path: &Path,
    name: String,
    options: &OpenOptions,
) -> Result<Box<dyn FrameSource>, Flaw> {
    let mut gif = Gif::new(path.to_path_buf())?;
    // The rate is the first picture's; the file is read once more from its start.
    gif.next_picture(&mut Frame::default())?;
    let first_delay = gif.at_ns;
    gif.rewind()?;
    let info = SourceInfo {
        kind: SourceKind::Gif,
        name,
        width: gif.width as u32,
        height: gif.height as u32,
        fps: 1e9 / first_delay.max(1) as f64,
        format: PixelFormat::Rgb8,
        live: true,
        frames: None,
    };
    Ok(Box::new(Paced::new(gif, info, options)))
}

struct Gif {
    path: PathBuf,
    decoder: Decoder<BufReader<File>>,
    width: usize,
    height: usize,
    /// What is on screen, RGB.
    canvas: Vec<u8>,
    /// What was there before, while a picture asks to be taken away again.
    before: Vec<u8>,
    /// What happens to the last picture before the next is drawn, and its place.
    disposal: (DisposalMethod, [usize; 4]),
    /// The time of the next picture.
    at_ns: u64,
}

fn start(path: &Path) -> Result<Decoder<BufReader<File>>, Flaw> {
    let file = BufReader::new(File::open(path)?);
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(ColorOutput::RGBA);
    let most = u64::from(MAX_SIDE) * u64::from(MAX_SIDE) * 4;
    if let Some(bytes) = std::num::NonZeroU64::new(most) {
        options.set_memory_limit(MemoryLimit::Bytes(bytes));
    }
    options.read_info(file).map_err(flaw)
}

fn flaw(e: DecodingError) -> Flaw {
    match e {
        DecodingError::Io(e) => e.into(),
        e => Flaw::damaged(format!("it is no sound GIF: {e}")),
    }
}

impl Gif {
    fn new(path: PathBuf) -> Result<Self, Flaw> {
        let decoder = start(&path)?;
        let (width, height) = (usize::from(decoder.width()), usize::from(decoder.height()));
        let sides = 1..=MAX_SIDE as usize;
        if !sides.contains(&width) || !sides.contains(&height) {
            return Err(Flaw::new(
                ErrorKind::BadSize,
                format!("its size is {width}×{height}; 1×1 to {MAX_SIDE}×{MAX_SIDE} are taken"),
                "scale it",
            ));
        }
        Ok(Gif {
            path,
            decoder,
            width,
            height,
            canvas: vec![0; width * height * 3],
            before: Vec::new(),
            disposal: (DisposalMethod::Keep, [0; 4]),
            at_ns: 0,
        })
    }

    /// Takes the last picture away if it asked for it (GIF89a, 23: disposal method).
    fn dispose(&mut self) {
        match self.disposal {
            (DisposalMethod::Background, [left, top, right, bottom]) => {
                for row in self
                    .canvas
                    .chunks_exact_mut(self.width * 3)
                    .take(bottom)
                    .skip(top)
                {
                    row[left * 3..right * 3].fill(0);
                }
            }
            (DisposalMethod::Previous, _) => self.canvas.copy_from_slice(&self.before),
            _ => {}
        }
        self.disposal = (DisposalMethod::Keep, [0; 4]);
    }
}

impl Pictures for Gif {
    fn next_picture(&mut self, frame: &mut Frame) -> Result<Option<u64>, Flaw> {
        self.dispose();
        let Gif {
            decoder,
            canvas,
            before,
            disposal,
            width,
            height,
            ..
        } = self;
        let mut failure = None;
        let drawn = guarded(|| {
            let picture = match decoder.read_next_frame() {
                Ok(Some(p)) => p,
                Ok(None) => return Ok(None),
                Err(e) => {
                    failure = Some(flaw(e));
                    return Ok(None);
                }
            };
            let [left, top, w, h] =
                [picture.left, picture.top, picture.width, picture.height].map(usize::from);
            let (right, bottom) = ((left + w).min(*width), (top + h).min(*height));
            if picture.dispose == DisposalMethod::Previous {
                before.clone_from(canvas);
            }
            *disposal = (
                picture.dispose,
                [left.min(right), top.min(bottom), right, bottom],
            );
            if w > 0 {
                let rows = canvas.chunks_exact_mut(*width * 3).take(bottom).skip(top);
                for (to, from) in rows.zip(picture.buffer.chunks_exact(w * 4)) {
                    let to = to.get_mut(left * 3..right * 3).unwrap_or_default();
                    for (t, f) in to.chunks_exact_mut(3).zip(from.chunks_exact(4)) {
                        if f[3] != 0 {
                            t.copy_from_slice(&f[..3]);
                        }
                    }
                }
            }
            Ok(Some(match picture.delay {
                0 | 1 => DEFAULT_DELAY_NS,
                hundredths => u64::from(hundredths) * 10_000_000,
            }))
        });
        if let Some(flaw) = failure {
            return Err(flaw);
        }
        let Some(delay) = drawn.map_err(Flaw::damaged)? else {
            if self.at_ns == 0 {
                return Err(Flaw::damaged("it holds no picture"));
            }
            return Ok(None);
        };
        frame.reset(self.width as u32, self.height as u32, PixelFormat::Rgb8);
        frame.data.copy_from_slice(&self.canvas);
        let at = self.at_ns;
        self.at_ns += delay;
        Ok(Some(at))
    }

    fn rewind(&mut self) -> Result<(), Flaw> {
        self.decoder = start(&self.path)?;
        // The file may have been exchanged for another since.
        let size = (
            usize::from(self.decoder.width()),
            usize::from(self.decoder.height()),
        );
        if size != (self.width, self.height) {
            return Err(Flaw::damaged("it changed while it was played"));
        }
        self.canvas.fill(0);
        self.disposal = (DisposalMethod::Keep, [0; 4]);
        self.at_ns = 0;
        Ok(())
    }

    fn end_ns(&self) -> u64 {
        self.at_ns
    }
}
