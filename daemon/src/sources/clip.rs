//! A clip: H.264 in an MP4 file, every picture in display order at its own time.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use vision::{Frame, PixelFormat};

use super::decoder::{H264, MOST_HELD, Picture};
use super::error::Flaw;
use super::h264::{AvcConfig, to_annex_b};
use super::mp4::{Movie, read_movie};
use super::paced::{Paced, Pictures};
use super::{FrameSource, OpenOptions, SourceInfo, SourceKind};

/// Opens the clip at `path`.
pub(crate) fn open_file(
    path: &Path,
    name: String,
    options: &OpenOptions,
) -> Result<Box<dyn FrameSource>, Flaw> {
    open(
        BufReader::new(File::open(path)?),
        SourceKind::Clip,
        name,
        options,
    )
}

/// Opens a clip from anything that can be read and sought in.
pub(crate) fn open(
    input: impl Read + Seek + Send + 'static,
    kind: SourceKind,
    name: String,
    options: &OpenOptions,
) -> Result<Box<dyn FrameSource>, Flaw> {
    let clip = Clip::new(input)?;
    let n = clip.movie.display.len();
    let info = SourceInfo {
        kind,
        name,
        width: clip.config.stream.width,
        height: clip.config.stream.height,
        fps: n as f64 * 1e9 / clip.movie.end_ns.max(1) as f64,
        format: PixelFormat::I420,
        live: true,
        frames: Some(n as u64),
    };
    Ok(Box::new(Paced::new(clip, info, options)))
}

/// Decodes a clip. Pictures come in display order because we put them there:
/// each decoded picture carries the number of its sample, and the samples' own
/// composition times say which is next.
struct Clip<R> {
    input: R,
    movie: Movie,
    config: AvcConfig,
    decoder: H264,
    /// The next sample to decode.
    next_sample: usize,
    /// The next place in `movie.display` to show.
    next_shown: usize,
    /// Decoded, not shown yet: sample number and pixels.
    ready: VecDeque<(u32, Frame)>,
    /// Buffers of pictures that were shown.
    spare: Vec<Frame>,
    /// The whole stream has gone through the decoder, or as much as can be had.
    drained: bool,
    /// Why decoding stopped early. Said once the pictures before it are shown.
    failure: Option<Flaw>,
    sample: Vec<u8>,
    annex_b: Vec<u8>,
}

impl<R: Read + Seek> Clip<R> {
    fn new(mut input: R) -> Result<Self, Flaw> {
        let movie = read_movie(&mut input)?;
        let config = AvcConfig::parse(&movie.avcc)?;
        Ok(Clip {
            input,
            movie,
            config,
            decoder: new_decoder()?,
            next_sample: 0,
            next_shown: 0,
            ready: VecDeque::with_capacity(2 * MOST_HELD),
            spare: Vec::with_capacity(2 * MOST_HELD),
            drained: false,
            failure: None,
            sample: Vec::new(),
            annex_b: Vec::new(),
        })
    }

    /// Decodes one sample more, or ends the stream.
    fn decode_more(&mut self) -> Result<(), Flaw> {
        let Some(&sample) = self.movie.samples.get(self.next_sample) else {
            return self.drain();
        };
        let number = self.next_sample;
        if number >= self.movie.available {
            return Err(Flaw::truncated(format!(
                "it ends after {number} of {} pictures",
                self.movie.samples.len()
            )));
        }
        self.next_sample += 1;
        if sample.size == 0 {
            return Ok(());
        }
        let at = |mut flaw: Flaw| {
            let seconds = sample.at_ns as f64 / 1e9;
            flaw.what = format!("picture {number} at {seconds:.3} s: {}", flaw.what);
            flaw
        };
        self.sample.resize(sample.size as usize, 0);
        self.input.seek(SeekFrom::Start(sample.offset))?;
        self.input.read_exact(&mut self.sample)?;
        to_annex_b(&self.config, &self.sample, number == 0, &mut self.annex_b).map_err(at)?;
        self.decode(number as u64 + 1).map_err(at)
    }

    /// Feeds `annex_b` to the decoder; tag 0 means the end of the stream.
    fn decode(&mut self, tag: u64) -> Result<(), Flaw> {
        let Clip {
            decoder,
            annex_b,
            ready,
            spare,
            config,
            movie,
            next_sample,
            ..
        } = self;
        let mut wrong_size = None;
        let mut keep = |p: Picture| {
            let (w, h) = (config.stream.width, config.stream.height);
            if (p.width, p.height) != (w as usize, h as usize) {
                wrong_size = Some((p.width, p.height));
                return;
            }
            // Tags come from us; an unknown one cannot be put in order.
            let Some(number) = p.tag.checked_sub(1).filter(|&n| n < *next_sample as u64) else {
                return;
            };
            let mut frame = spare.pop().unwrap_or_default();
            frame.reset(w, h, PixelFormat::I420);
            frame.range = config.stream.range;
            copy_tight(&p, &mut frame.data);
            ready.push_back((number as u32, frame));
        };
        let result = if tag == 0 {
            decoder.flush(&mut keep)
        } else {
            decoder.feed(annex_b, tag, &mut keep)
        };
        debug_assert!(ready.len() <= movie.samples.len());
        if let Some((w, h)) = wrong_size {
            return Err(Flaw::unsupported(format!(
                "its pictures change size midway, to {w}×{h}"
            )));
        }
        result.map_err(Flaw::damaged)
    }

    fn drain(&mut self) -> Result<(), Flaw> {
        if self.drained {
            return Ok(());
        }
        self.drained = true;
        self.decode(0)
    }
}

/// Rows without padding, planes one after the other.
fn copy_tight(p: &Picture, mut to: &mut [u8]) {
    let half = (p.width.div_ceil(2), p.height.div_ceil(2));
    for (plane, stride, (w, h)) in [
        (p.planes[0], p.strides[0], (p.width, p.height)),
        (p.planes[1], p.strides[1], half),
        (p.planes[2], p.strides[1], half),
    ] {
        let (here, rest) = to.split_at_mut(w * h);
        for (row, from) in here.chunks_exact_mut(w).zip(plane.chunks(stride)) {
            row.copy_from_slice(&from[..w]);
        }
        to = rest;
    }
}

fn new_decoder() -> Result<H264, Flaw> {
    H264::new().map_err(|e| {
        Flaw::new(
            super::ErrorKind::Unreadable,
            format!("no decoder: {e}"),
            "free some memory",
        )
    })
}

impl<R: Read + Seek + Send> Pictures for Clip<R> {
    fn next_picture(&mut self, frame: &mut Frame) -> Result<Option<u64>, Flaw> {
        let Some(&wanted) = self.movie.display.get(self.next_shown) else {
            return Ok(None);
        };
        loop {
            if let Some(i) = self.ready.iter().position(|(n, _)| *n == wanted)
                && let Some((_, mut picture)) = self.ready.remove(i)
            {
                std::mem::swap(frame, &mut picture);
                self.spare.push(picture);
                self.next_shown += 1;
                return Ok(Some(self.movie.samples[wanted as usize].at_ns));
            }
            // Pictures that are decoded but never shown make room.
            let (movie, shown) = (&self.movie, self.next_shown);
            let spare = &mut self.spare;
            self.ready.retain_mut(|(n, f)| {
                let place = |n: u32| (movie.samples[n as usize].at_ns, n);
                let keep = movie.samples[*n as usize].size > 0
                    && movie.display[shown..]
                        .binary_search_by_key(&place(*n), |&d| place(d))
                        .is_ok();
                if !keep {
                    spare.push(std::mem::take(f));
                }
                keep
            });
            if self.drained || self.ready.len() > MOST_HELD {
                return Err(self.failure.clone().unwrap_or_else(|| {
                    let seconds = self.movie.samples[wanted as usize].at_ns as f64 / 1e9;
                    Flaw::damaged(format!(
                        "picture {wanted} at {seconds:.3} s: the decoder made nothing of it"
                    ))
                }));
            }
            if let Err(flaw) = self.decode_more() {
                // What came before the damage is still shown.
                self.failure = Some(flaw);
                let _ = self.drain();
            }
        }
    }

    fn rewind(&mut self) -> Result<(), Flaw> {
        self.decoder = new_decoder()?;
        self.next_sample = 0;
        self.next_shown = 0;
        self.drained = false;
        self.spare.extend(self.ready.drain(..).map(|(_, f)| f));
        Ok(())
    }

    fn end_ns(&self) -> u64 {
        self.movie.end_ns
    }
}
