//! A frame as a small JPEG.

use jpeg_encoder::EncodingError;
use vision::{Frame, PixelFormat};

use crate::overlay::canvas::Canvas;
use crate::overlay::rgb;
use crate::record::encode_jpeg;

/// A sound frame, its longer side at most `longest` pixels. Each pixel is the mean of those
/// that it stands for.
///
/// # Errors
/// The encoder's.
pub fn small(frame: &Frame, longest: usize) -> Result<Vec<u8>, EncodingError> {
    let mut whole = Canvas::default();
    rgb::paint(frame, &mut whole);
    let (w, h) = (whole.width, whole.height);
    let side = w.max(h).max(1);
    let scaled = |n: usize| (n * longest.min(side) / side).max(1);
    let (to_w, to_h) = (scaled(w), scaled(h));
    let mut small = Frame::default();
    small.reset(to_w as u32, to_h as u32, PixelFormat::Rgb8);
    for (y, row) in small.data.chunks_exact_mut(3 * to_w).enumerate() {
        let ys = y * h / to_h..((y + 1) * h).div_ceil(to_h);
        for (x, to) in row.chunks_exact_mut(3).enumerate() {
            let xs = x * w / to_w..((x + 1) * w).div_ceil(to_w);
            let n = (xs.len() * ys.len()) as u32;
            let mut sum = [n / 2; 3];
            for from_y in ys.clone() {
                let at = 3 * w * from_y;
                for p in whole.rgb[at + 3 * xs.start..at + 3 * xs.end].chunks_exact(3) {
                    sum.iter_mut().zip(p).for_each(|(s, c)| *s += u32::from(*c));
                }
            }
            to.iter_mut()
                .zip(sum)
                .for_each(|(to, s)| *to = (s / n) as u8);
        }
    }
    let mut jpeg = Vec::new();
    encode_jpeg(&small, &mut jpeg)?;
    Ok(jpeg)
}

#[cfg(test)]
mod tests {
    use super::*;
    use zune_jpeg::JpegDecoder;

    #[test]
    fn it_is_small_keeps_its_shape_and_shows_the_same() {
        let mut frame = Frame::default();
        frame.reset(1280, 720, PixelFormat::Rgb8);
        for (i, p) in frame.data.chunks_exact_mut(3).enumerate() {
            p.copy_from_slice(if i % 1280 < 640 {
                &[200, 40, 60]
            } else {
                &[20, 90, 210]
            });
        }
        let decoded = |jpeg: &[u8]| {
            let mut decoder = JpegDecoder::new(std::io::Cursor::new(jpeg.to_vec()));
            let pixels = decoder.decode().unwrap();
            (decoder.dimensions().unwrap(), pixels)
        };
        let (size, pixels) = decoded(&small(&frame, 400).unwrap());
        assert_eq!(size, (400, 225));
        let near = |x: usize, y: usize, c: [u8; 3]| {
            let at = 3 * (400 * y + x);
            pixels[at..at + 3]
                .iter()
                .zip(c)
                .all(|(a, b)| a.abs_diff(b) < 12)
        };
        assert!(near(20, 200, [200, 40, 60]) && near(380, 20, [20, 90, 210]));
        // What is small already stays as it is.
        let mut tiny = Frame::default();
        tiny.reset(5, 3, PixelFormat::Gray8);
        assert_eq!(decoded(&small(&tiny, 400).unwrap()).0, (5, 3));
    }
}
