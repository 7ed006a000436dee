//! What the daemon would say of each picture, on as many cores as there are.
//!
//! Faces are found and measured as `gazed run --stills` does it ([`Perceiver::perceive_still`]),
//! evidence is the one that it smooths: of head and eyes, or of the contact network, which it asks
//! of the box around the landmarks.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use gaze::contact::Evidence;
use serde::Serialize;
use sha2::{Digest, Sha256};
use vision::gaze_net::GazeNet;
use vision::{
    BBox, Base, ContactNet, FaceCropper, Frame, GazeKind, MAX_SIDE, ModelStore, Perceiver,
    PerceiverConfig, PixelFormat, Runtime, SessionOptions, jpeg,
};

use super::Error;
use super::folder::Picture;
use crate::data::cache::CropSpec;
use crate::synth::make::Progress;

/// The longest file that is read, bytes.
const LONGEST: u64 = 256 << 20;

/// Why nothing is said of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// No picture, or a damaged one.
    Unreadable,
    /// No face found.
    NoFace,
    /// The face is narrower than `contact.least_face_px`.
    TooSmall,
    /// Both eyes shut: the daemon waits, then says no.
    EyesShut,
    /// The head is turned too far, or neither eye can be told.
    CannotTell,
    /// The same file as another one.
    Duplicate,
}

impl Why {
    /// For a table.
    pub fn words(self) -> &'static str {
        match self {
            Why::Unreadable => "not a picture, or damaged",
            Why::NoFace => "no face found",
            Why::TooSmall => "face too small (see --least-face)",
            Why::EyesShut => "both eyes shut",
            Why::CannotTell => "head turned too far, or no eye to be told",
            Why::Duplicate => "the same picture again",
        }
    }
}

/// What was seen in one picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// The probability of contact, 0..1, or why there is none.
    pub said: Result<f64, Why>,
    /// Box around the landmarks of the face, if one was found.
    pub face: Option<BBox>,
    /// The face's crop with its margin, if one was asked for.
    pub crop: Option<Vec<u8>>,
    /// SHA-256 of the file.
    hash: [u8; 32],
}

impl Seen {
    /// Of a picture of which this is said, and nothing is seen.
    pub fn said(said: Result<f64, Why>) -> Seen {
        Seen {
            said,
            face: None,
            crop: None,
            hash: [0; 32],
        }
    }
}

/// What to look at, and how.
#[derive(Debug, Clone)]
pub struct Order<'a> {
    /// The pictures.
    pub pictures: &'a [Picture],
    /// A contact network's file; head and eyes tell without one.
    pub network: Option<PathBuf>,
    /// Narrower faces are not told, pixels.
    pub least_face_px: f64,
    /// The camera's horizontal field of view, degrees; of rendered pictures, what their JSON says,
    /// and else the daemon's usual one, if left out.
    pub hfov_deg: Option<f64>,
    /// Crops to be cut.
    pub crop: Option<CropSpec>,
    /// How many pictures are looked at at once.
    pub jobs: usize,
}

/// Looks at every picture; the answers in their order, the same for any number of jobs. `None`
/// when `stop` said so before the end.
///
/// # Errors
/// When the networks are missing or do not run.
pub fn look(
    order: &Order,
    stop: &AtomicBool,
    tell: &mut (dyn FnMut(Progress) + Send),
) -> Result<Option<Vec<Seen>>, Error> {
    let (runtime, store) = (Runtime::load(None)?, ModelStore::open(None)?);
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let began = Instant::now();
    let (count, tell) = (order.pictures.len(), Mutex::new(tell));
    let work = || -> Result<Vec<(usize, Seen)>, Error> {
        let mut eyes = None;
        let mut mine = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(picture) = order.pictures.get(at) else {
                break;
            };
            let eyes = match &mut eyes {
                Some(eyes) => eyes,
                None => eyes.insert(Eyes::new(order, &runtime, &store)?),
            };
            let one = catch_unwind(AssertUnwindSafe(|| eyes.see(picture)));
            let fault = |why: String| {
                // The others need not go on.
                next.store(count, Ordering::Relaxed);
                Error::Fault {
                    path: picture.path.clone(),
                    why,
                }
            };
            match one {
                Ok(Ok(seen)) => mine.push((at, seen)),
                Ok(Err(why)) => return Err(fault(why)),
                Err(_) => return Err(fault("it panicked".into())),
            }
            let made = done.fetch_add(1, Ordering::Relaxed) + 1;
            // Held for a line of text; nobody panics in it.
            if let Ok(mut tell) = tell.lock() {
                tell(Progress {
                    made,
                    kept: 0,
                    count,
                    elapsed: began.elapsed(),
                });
            }
        }
        Ok(mine)
    };
    let parts: Vec<Result<Vec<(usize, Seen)>, Error>> = std::thread::scope(|scope| {
        let jobs = order.jobs.clamp(1, count.max(1));
        let threads: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        let joined = threads.into_iter().map(|t| t.join());
        joined
            .map(|part| part.expect("panics are caught"))
            .collect()
    });
    let mut all = Vec::with_capacity(count);
    for part in parts {
        all.extend(part?);
    }
    if stop.load(Ordering::Relaxed) && all.len() < count {
        return Ok(None);
    }
    all.sort_by_key(|(at, _)| *at);
    let mut all: Vec<Seen> = all.into_iter().map(|(_, seen)| seen).collect();
    leave_duplicates(&mut all);
    Ok(Some(all))
}

/// Of the same file twice the first one counts.
fn leave_duplicates(all: &mut [Seen]) {
    let mut known = std::collections::HashSet::new();
    for seen in all.iter_mut().filter(|s| s.said != Err(Why::Unreadable)) {
        if !known.insert(seen.hash) {
            seen.said = Err(Why::Duplicate);
            seen.crop = None;
        }
    }
}

/// What one worker looks with. The answer for a picture does not depend on those before it.
struct Eyes<'a> {
    order: &'a Order<'a>,
    perceiver: Perceiver,
    network: Option<ContactNet>,
    /// What a network sees, and the same with its margin.
    croppers: Option<[FaceCropper; 2]>,
    frame: Frame,
}

impl<'a> Eyes<'a> {
    fn new(order: &'a Order, runtime: &Runtime, store: &ModelStore) -> Result<Eyes<'a>, Error> {
        let open = |file: &PathBuf| ContactNet::open(file, runtime, &SessionOptions::default());
        let croppers = order.crop.map(|spec| {
            [spec.exact(), spec.with_margin()].map(|c| FaceCropper::new(c.size, c.scale))
        });
        let mut perceiver = Perceiver::new(runtime, store, PerceiverConfig::default())?;
        // As the daemon looks unless it is told otherwise.
        if let Some(net) = GazeNet::base(store, Base::Float, runtime, &SessionOptions::default())? {
            perceiver.swap_gaze(GazeKind::Network(Box::new(net)));
        }
        Ok(Eyes {
            order,
            perceiver,
            network: order.network.as_ref().map(open).transpose()?,
            croppers,
            frame: Frame::default(),
        })
    }

    /// What is seen; an error is a fault of a network.
    fn see(&mut self, picture: &Picture) -> Result<Seen, String> {
        let mut seen = Seen::said(Err(Why::Unreadable));
        let Ok(bytes) = read(&picture.file) else {
            return Ok(seen);
        };
        seen.hash = Sha256::digest(&bytes).into();
        if decode(&bytes, &mut self.frame).is_err() {
            return Ok(seen);
        }
        let usual = gaze::camera::DEFAULT_HFOV_DEG;
        let hfov = self.order.hfov_deg.or(picture.hfov_deg).unwrap_or(usual);
        self.perceiver.set_hfov(hfov);
        let found = self.perceiver.perceive_still(&self.frame);
        if let Some(fault) = &found.fault {
            return Err(fault.to_string());
        }
        let Some(face) = found.primary() else {
            seen.said = Err(Why::NoFace);
            return Ok(seen);
        };
        let (bbox, contact) = (face.bbox, face.contact);
        seen.face = Some(bbox);
        let small = f64::from(bbox.width) < self.order.least_face_px;
        seen.said = match (&mut self.network, contact) {
            _ if small => Err(Why::TooSmall),
            (Some(net), _) => {
                let said = net.judge(&self.frame, &[bbox]).map_err(|e| e.to_string())?;
                let said = said.first().copied().filter(|p| p.is_finite());
                said.map(|p| p.clamp(0.0, 1.0)).ok_or(Why::CannotTell)
            }
            (None, Evidence::Probability(p)) => Ok(p),
            (None, Evidence::EyesShut) => Err(Why::EyesShut),
            (None, Evidence::Nothing) => Err(Why::CannotTell),
        };
        if let Some((spec, croppers)) = self.order.crop.zip(self.croppers.as_mut())
            && !small
        {
            let [mut exact, mut wide] = [vec![0; spec.exact_len()], vec![0; spec.wide_len()]];
            let [inner, outer] = croppers;
            let cut = inner.cut_bytes(&self.frame, &bbox, &mut exact)
                && outer.cut_bytes(&self.frame, &bbox, &mut wide);
            // The two grids are one; rounding apart, these bytes are the same already.
            spec.set_middle(&mut wide, &exact);
            seen.crop = cut.then_some(wide);
        }
        Ok(seen)
    }
}

fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    let meta = fs::metadata(file)?;
    if !meta.is_file() || meta.len() > LONGEST {
        return Err(std::io::Error::other("no picture"));
    }
    fs::read(file)
}

/// Reads a picture's file as the daemon does.
///
/// # Errors
/// What is wrong with it.
pub fn open(file: &Path, frame: &mut Frame) -> Result<(), String> {
    let bytes = read(file).map_err(|e| e.to_string())?;
    decode(&bytes, frame)
}

fn decode(bytes: &[u8], frame: &mut Frame) -> Result<(), String> {
    if bytes.starts_with(b"\x89PNG") {
        return jpeg::guarded(|| decode_png(bytes, frame));
    }
    jpeg::decode(bytes, frame)
}

/// To red, green and blue of eight bits; what shines through is taken as it is.
fn decode_png(bytes: &[u8], frame: &mut Frame) -> Result<(), String> {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(|e| e.to_string())?;
    let (width, height) = (reader.info().width, reader.info().height);
    if !(1..=MAX_SIDE).contains(&width) || !(1..=MAX_SIDE).contains(&height) {
        return Err(format!("its size is {width}×{height}"));
    }
    let room = reader.output_buffer_size().ok_or("it is too large")?;
    let mut values = vec![0; room];
    let shape = reader.next_frame(&mut values).map_err(|e| e.to_string())?;
    let values = &values[..shape.buffer_size()];
    frame.reset(width, height, PixelFormat::Rgb8);
    let samples = shape.color_type.samples();
    let pixels = values.chunks_exact(samples);
    for (to, from) in frame.data.chunks_exact_mut(3).zip(pixels) {
        match from {
            [r, g, b, ..] => to.copy_from_slice(&[*r, *g, *b]),
            [grey, ..] => to.fill(*grey),
            [] => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn png_of_every_kind_is_read_and_what_is_cut_off_is_not() {
        let mut frame = Frame::default();
        for (colour, values, wanted) in [
            (
                png::ColorType::Rgb,
                vec![1, 2, 3, 4, 5, 6],
                [1, 2, 3, 4, 5, 6],
            ),
            (
                png::ColorType::Rgba,
                vec![1, 2, 3, 9, 4, 5, 6, 9],
                [1, 2, 3, 4, 5, 6],
            ),
            (png::ColorType::Grayscale, vec![7, 8], [7, 7, 7, 8, 8, 8]),
            (
                png::ColorType::GrayscaleAlpha,
                vec![7, 0, 8, 0],
                [7, 7, 7, 8, 8, 8],
            ),
        ] {
            let mut bytes = Vec::new();
            let mut encoder = png::Encoder::new(&mut bytes, 2, 1);
            encoder.set_color(colour);
            let mut writer = encoder.write_header().unwrap();
            writer.write_image_data(&values).unwrap();
            drop(writer);
            decode(&bytes, &mut frame).unwrap();
            assert_eq!(
                (frame.width, frame.height, &frame.data[..]),
                (2, 1, &wanted[..])
            );
            assert!(decode(&bytes[..bytes.len() / 2], &mut frame).is_err());
        }
        assert!(decode(b"", &mut frame).is_err());
    }
}
