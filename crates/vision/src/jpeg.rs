//! JPEG pictures, from files and from cameras that send Motion JPEG. The daemon and the
//! trainer decode alike, so that a network sees in use what it saw in training.

mod cosine;
mod header;
mod huffman;
mod implied;
mod planar;

use std::panic::{AssertUnwindSafe, catch_unwind};

use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::frame::{Frame, MAX_SIDE, PixelFormat};
use planar::Scan;

const EARLY: &str = "it ends too early";

/// Runs a decoder of someone else's on bytes from outside: a panic in it is one
/// more way of saying that the bytes are damaged.
pub fn guarded<T>(decode: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(decode))
        .unwrap_or_else(|_| Err("its bytes are damaged (the decoder gave up)".into()))
}

/// Unpacks a stream's pictures: keeps what the next one has too, and allocates nothing after the
/// first one of a common kind.
#[derive(Default)]
pub struct Decoder {
    tables: header::Tables,
    /// A picture with what was implied in it.
    completed: Vec<u8>,
}

impl Decoder {
    /// Decodes a JPEG into `frame`: as [`PixelFormat::I420`] if it is of a common kind with chroma
    /// of half its size, as nearly all cameras' are, else as [`decode_rgb`]. A picture that stops
    /// half-way or holds damaged codes is an error, not a picture with a grey half.
    pub fn decode(&mut self, bytes: &[u8], frame: &mut Frame) -> Result<(), String> {
        check(bytes)?;
        self.common(bytes, false, frame)
            .unwrap_or_else(|| decode_rgb(bytes, frame))
    }

    /// Motion JPEG as cameras send it: the same, but the standard Huffman tables may
    /// be left out (they are implied).
    pub fn decode_motion(&mut self, bytes: &[u8], frame: &mut Frame) -> Result<(), String> {
        if has_huffman_tables(bytes) {
            return self.decode(bytes, frame);
        }
        check(bytes)?;
        if let Some(done) = self.common(bytes, true, frame) {
            return done;
        }
        // An "AVI1" segment is how a decoder is told that the tables are implied.
        const IMPLIED: [u8; 18] = [
            0xFF, 0xE0, 0, 16, b'A', b'V', b'I', b'1', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ];
        let Some((start, rest)) = bytes.split_at_checked(2) else {
            return Err(EARLY.into());
        };
        self.completed.clear();
        self.completed.extend_from_slice(start);
        self.completed.extend_from_slice(&IMPLIED);
        self.completed.extend_from_slice(rest);
        decode_rgb(&self.completed, frame)
    }

    /// Decodes one of a common kind. `None`: it is another one, or damaged.
    fn common(
        &mut self,
        bytes: &[u8],
        implied: bool,
        frame: &mut Frame,
    ) -> Option<Result<(), String>> {
        match planar::decode(bytes, implied, &mut self.tables, frame)? {
            Scan::Whole => Some(Ok(())),
            // The decoder of all kinds would fill up what is missing.
            Scan::EndsEarly => Some(Err(EARLY.into())),
        }
    }
}

/// Decodes a picture that stands alone, as [`Decoder::decode`].
pub fn decode(bytes: &[u8], frame: &mut Frame) -> Result<(), String> {
    Decoder::default().decode(bytes, frame)
}

/// What the decoders do not say.
fn check(bytes: &[u8]) -> Result<(), String> {
    if !bytes.starts_with(&[0xFF, 0xD8]) {
        return Err("it does not begin like a JPEG".into());
    }
    // One fills up what is missing with grey without a word.
    match has_end(bytes) {
        true => Ok(()),
        false => Err(EARLY.into()),
    }
}

/// Decodes a JPEG of any kind into `frame` as [`PixelFormat::Rgb8`], or [`PixelFormat::Gray8`] if
/// it has luma only.
pub fn decode_rgb(bytes: &[u8], frame: &mut Frame) -> Result<(), String> {
    check(bytes)?;
    guarded(|| {
        let options = DecoderOptions::default()
            .set_strict_mode(true)
            .set_max_width(MAX_SIDE as usize)
            .set_max_height(MAX_SIDE as usize)
            .jpeg_set_out_colorspace(ColorSpace::RGB);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
        decoder.decode_headers().map_err(words)?;
        let grey = decoder.input_colorspace() == Some(ColorSpace::Luma);
        if grey {
            decoder.set_options(options.jpeg_set_out_colorspace(ColorSpace::Luma));
        }
        let info = decoder.info().ok_or("it has no header")?;
        let (width, height) = (u32::from(info.width), u32::from(info.height));
        if !(1..=MAX_SIDE).contains(&width) || !(1..=MAX_SIDE).contains(&height) {
            return Err(format!("its size is {width}×{height}"));
        }
        // A block of 8×8 takes a bit at least: nobody's few bytes ask for much memory.
        if (width.div_ceil(8) * height.div_ceil(8)) as usize / 8 > bytes.len() {
            return Err(format!(
                "{} bytes are too few for {width}×{height}",
                bytes.len()
            ));
        }
        frame.reset(
            width,
            height,
            if grey {
                PixelFormat::Gray8
            } else {
                PixelFormat::Rgb8
            },
        );
        if decoder.output_buffer_size() != Some(frame.data.len()) {
            return Err("its colours are of a kind that is not decoded".into());
        }
        decoder.decode_into(&mut frame.data).map_err(words)
    })
}

fn words(e: DecodeErrors) -> String {
    match e {
        DecodeErrors::ExhaustedData | DecodeErrors::IoErrors(_) => EARLY.into(),
        e => format!("{e:?}"),
    }
}

/// The segments before the first scan (ITU-T T.81, B.1.1.4): each one's marker
/// and where it begins. Ends with the scan's own (DA), or where the walk fails.
fn segments(bytes: &[u8]) -> impl Iterator<Item = (u8, usize)> {
    let mut at = 2;
    let mut over = false;
    std::iter::from_fn(move || {
        while let (false, Some(&[0xFF, marker, high, low])) = (over, bytes.get(at..at + 4)) {
            let here = at;
            if marker == 0xFF {
                at += 1; // fill byte
                continue;
            }
            over = marker == 0xDA;
            at += 2 + usize::from(u16::from_be_bytes([high, low]));
            return Some((marker, here));
        }
        None
    })
}

/// Whether it brings Huffman tables of its own, or cannot be walked at all (the
/// decoder will say what is wrong).
fn has_huffman_tables(bytes: &[u8]) -> bool {
    let mut scan = false;
    for (marker, _) in segments(bytes) {
        if marker == 0xC4 {
            return true;
        }
        scan |= marker == 0xDA;
    }
    !scan
}

/// Whether the end marker comes after the first scan. (One before it belongs to
/// a preview; what follows it is a camera's padding.)
fn has_end(bytes: &[u8]) -> bool {
    let Some((_, scan)) = segments(bytes).find(|s| s.0 == 0xDA) else {
        return false;
    };
    // From behind: it is nearly always within the last bytes.
    bytes[scan..].windows(2).rev().any(|w| w == [0xFF, 0xD9])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A 16×16 JPEG: `ffmpeg -f lavfi -i testsrc=s=16x16:d=1 -frames:v 1 -huffman default x.jpg`.
    const TINY: &[u8] = include_bytes!("../../../daemon/tests/assets/tiny.jpg");

    fn without_tables(jpeg: &[u8]) -> Vec<u8> {
        let mut out = jpeg[..2].to_vec();
        let mut at = 2;
        loop {
            let marker = jpeg[at + 1];
            if marker == 0xDA {
                out.extend_from_slice(&jpeg[at..]);
                return out;
            }
            let n = 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
            if marker != 0xC4 {
                out.extend_from_slice(&jpeg[at..at + n]);
            }
            at += n;
        }
    }

    #[test]
    fn implied_huffman_tables_give_the_same_picture() {
        let (mut with, mut without) = (Frame::default(), Frame::default());
        Decoder::default().decode_motion(TINY, &mut with).unwrap();
        assert_eq!(
            (with.width, with.height, with.format),
            (16, 16, PixelFormat::Rgb8)
        );
        let bare = without_tables(TINY);
        assert!(bare.len() < TINY.len() && decode(&bare, &mut Frame::default()).is_err());
        Decoder::default()
            .decode_motion(&bare, &mut without)
            .unwrap();
        assert_eq!(with.data, without.data);
    }

    #[test]
    fn every_cut_is_an_error() {
        for n in 0..TINY.len() {
            assert!(
                Decoder::default()
                    .decode_motion(&TINY[..n], &mut Frame::default())
                    .is_err(),
                "{n} of {} bytes were taken for a picture",
                TINY.len()
            );
        }
        // A preview inside, whole, and padding behind change nothing.
        let mut preview = vec![0xFF, 0xD8, 0xFF, 0xE1, 0, 8, 1, 2, 0xFF, 0xD9, 3, 4];
        preview.extend_from_slice(&TINY[2..]);
        preview.extend_from_slice(&[0; 100]);
        decode(&preview, &mut Frame::default()).unwrap();
        assert!(decode(&preview[..TINY.len() - 50], &mut Frame::default()).is_err());
    }
}
